"""Retrieved rows to scored candidates, slot by slot."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from online.live import LiveRelease
from online.merchandising import suits_slot
from setwise.bundle import Candidate
from setwise.catalogue import leaf_category, product_text
from setwise.index import Hits, as_shares
from setwise.ranking import FEATURES, best_first, feature_rows, weighted_parts
from setwise.rules import ActiveRules
from setwise.vocabulary import words_of

MAX_OPEN_SLOTS = 5
FULL_POPULARITY = 50.0
"""Decayed orders from which popularity counts as 1."""

Features = Mapping[int, Mapping[str, Any]]


class Ranked(msgspec.Struct, frozen=True):
    """Rows with their feature shares, best first; `parts` has shape (n, features)."""

    rows: NDArray[np.int64]
    parts: NDArray[np.float64]

    @property
    def scores(self) -> NDArray[np.float64]:
        """A score is the sum of its parts."""
        total: NDArray[np.float64] = self.parts.sum(axis=1)
        return total


def rank(
    live: LiveRelease,
    rows: NDArray[np.int64],
    hits: Hits,
    slot_name: str,
    vector: NDArray[np.float32] | None,
    wishes: list[set[str]],
    stats: Features,
    profile: Mapping[str, Any] | None,
    active: ActiveRules,
    best: NDArray[np.int64],
) -> Ranked:
    """Scores these rows; what is not known counts nothing. `slot_name` is '' where the text is a whole sentence.

    `best` = the rows that retrieval found for the slot, best first: a pinned product must be like them."""
    if not len(rows):
        return Ranked(rows, np.zeros((0, len(FEATURES))))
    lexical = dict(zip(hits.rows.tolist(), hits.lexical.tolist(), strict=True))
    products = [live.snapshot[row] for row in rows.tolist()]
    terms = set(live.analyzer.query_terms(slot_name)) if slot_name else set()
    columns: dict[str, NDArray[np.float64]] = {
        "lexical": np.asarray([lexical.get(row, 0.0) for row in rows.tolist()]),
        "popularity": np.asarray([_popularity(stats.get(row)) for row in rows.tolist()]),
        "rules": active.score_adjustment(products, suits_slot(live, rows, best))[0],
    }
    if vector is not None:
        columns["semantic"] = as_shares(live.index.similarity(vector, rows))
    if terms:
        columns["slot_match"] = np.asarray(
            [
                len(terms.intersection(live.analyzer.terms(f"{p.title} {leaf_category(p)}"))) / len(terms)
                for p in products
            ]
        )
    if wishes:
        texts = [set(words_of(product_text(p))) for p in products]
        columns["wish_match"] = np.asarray([sum(w <= t for w in wishes) / len(wishes) for t in texts])
    if profile:
        columns["affinity"] = np.asarray([_affinity(p.brand, leaf_category(p), p.color, profile) for p in products])
    parts = weighted_parts(feature_rows(columns, len(rows)))
    order = best_first(parts.sum(axis=1), [product.id for product in products])
    return Ranked(rows[order], parts[order])


def _popularity(stats: Mapping[str, Any] | None) -> float:
    orders = float((stats or {}).get("popularity") or 0.0)
    return min(1.0, float(np.log1p(orders) / np.log1p(FULL_POPULARITY)))


def _affinity(brand: str, category: str, color: str, profile: Mapping[str, Any]) -> float:
    liked = (
        brand in (profile.get("top_brands") or ()),
        category in (profile.get("top_categories") or ()),
        color in (profile.get("top_colors") or ()),
    )
    return sum(liked) / len(liked)


def as_candidates(live: LiveRelease, ranked: Ranked, now: datetime) -> list[Candidate]:
    """What assembly chooses from."""
    prices = live.snapshot.prices_now(ranked.rows, now).tolist()
    groups = live.snapshot.group[ranked.rows].tolist()
    brands, names = live.snapshot.brand[ranked.rows].tolist(), live.snapshot.meta.brands
    return [
        Candidate(live.snapshot[row].id, row, price, score, str(group), names[brand])
        for row, price, score, group, brand in zip(
            ranked.rows.tolist(), prices, ranked.scores.tolist(), groups, brands, strict=True
        )
    ]


def open_slots(live: LiveRelease, hits: Hits, taken: set[int]) -> list[tuple[str, NDArray[np.int64]]]:
    """Slots that the best hits suggest: their categories by summed score, else the hits cut into like ones.

    `taken` are category codes that a locked or basket product fills already."""
    codes = live.snapshot.category[hits.rows]
    names = live.snapshot.meta.categories
    weights: Counter[int] = Counter()
    seen: Counter[int] = Counter()
    for code, score in zip(codes.tolist(), hits.scores.tolist(), strict=True):
        if names[code] and code not in taken and seen[code] < 8:
            seen[code] += 1
            weights[code] += score
    best = sorted(weights, key=lambda code: (-weights[code], names[code]))[:MAX_OPEN_SLOTS]
    if best:
        return [(names[code].lower()[:64], hits.rows[codes == code]) for code in best]
    return _like_ones(live, hits)


def _like_ones(live: LiveRelease, hits: Hits, groups: int = 3) -> list[tuple[str, NDArray[np.int64]]]:
    # Without categories: seeds far from each other among the best hits, every hit goes to its nearest seed.
    if not len(hits.rows):
        return []
    vectors = live.index.vectors[hits.rows[:100]].astype(np.float32)
    seeds = [0]
    while len(seeds) < min(groups, len(vectors)):
        nearest = (vectors @ vectors[seeds].T).max(axis=1)
        seeds.append(int(nearest[:30].argmin()))
    of = (vectors @ vectors[seeds].T).argmax(axis=1)
    found = []
    for number, seed in enumerate(dict.fromkeys(seeds)):
        rows = hits.rows[:100][of == number]
        if len(rows):
            found.append((" ".join(live.snapshot[int(hits.rows[seed])].title.split()[:3]).lower()[:64], rows))
    return found
