"""Retrieved rows to scored candidates, slot by slot."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from online.live import LiveRelease
from online.merchandising import suits_slot
from online.wishes import Wish, met
from setwise import completion, taste
from setwise.bundle import Candidate
from setwise.index import Hits, as_shares
from setwise.names import ProductId
from setwise.ranking import FEATURES, WEIGHTS, best_first, feature_rows, weighted_parts
from setwise.rules import ActiveRules
from setwise.sessions import ShopperSession
from setwise.snapshot import Snapshot
from setwise.statistics import tier_third
from setwise.taste import Taste
from setwise.terms import codes_of

LEAST_LIKENESS = 0.36
"""The cosine from which a product may be what was named, where no word and no category says so. On the sample shop a
kayak's best is .30, a hammock's .355 and an aquarium's .354; a carpet's is .445, a chandelier's .447, a duvet's .52."""
FULL_POPULARITY = 50.0
"""Decayed orders from which popularity counts as 1."""

Rows = NDArray[np.int64]


class Asked(msgspec.Struct, frozen=True):
    """What one pool of rows was retrieved for. `name` is '' where the text is a whole sentence."""

    hits: Hits
    vector: NDArray[np.float32] | None
    name: str = ""
    categories: Sequence[str] = ()
    wishes: Sequence[Wish] = ()
    given: completion.Asked | None = None
    """What is to be completed: it decides in place of words and meaning, which it holds."""


class Known(msgspec.Struct, frozen=True):
    """What is known beside the words: the shopper, the shop's rules, locked and basket rows, what was done lately."""

    profile: Mapping[str, Any] | None
    active: ActiveRules
    anchors: Sequence[int] = ()
    session: ShopperSession | None = None
    taste: Taste | None = None
    nothing_said: bool = False
    """True where neither words nor given products decide: taste and what all buy do."""


class Ranked(msgspec.Struct, frozen=True):
    """Rows with their feature shares, best first; `parts` has shape (n, features), `met` (n, wishes)."""

    rows: Rows
    parts: NDArray[np.float64]
    met: NDArray[np.float64]

    @property
    def scores(self) -> NDArray[np.float64]:
        """A score is the sum of its parts."""
        total: NDArray[np.float64] = self.parts.sum(axis=1)
        return total

    def of_kind(self) -> "Ranked":
        """The rows that are what the slot names: of its category and with all of its words, else with the words, else
        of the category; all where none is. Parmesan comes before other cheese, and a couch may be called a sofa."""
        category, words = (self.parts[:, FEATURES.index(name)] for name in ("category_match", "slot_match"))
        is_named = words >= WEIGHTS["slot_match"]
        for mask in (is_named & (category > 0), is_named, category > 0):
            if mask.any():
                return self.only(mask)
        return self

    def only(self, which: NDArray[np.bool_] | slice) -> "Ranked":
        """These rows, in the same order."""
        return Ranked(self.rows[which], self.parts[which], self.met[which])


def of_what_is_named(live: LiveRelease, ranked: Ranked, asked: Asked) -> Ranked:
    """The rows of the kind that was named; none where the shop has no word for it and nothing means the like."""
    kind = ranked.of_kind()
    if kind is not ranked or asked.categories or asked.vector is None or not len(ranked.rows):
        return kind
    near = float(live.index.similarity(asked.vector, kind.rows).max())
    return kind if near >= LEAST_LIKENESS else ranked.only(np.zeros(len(ranked.rows), dtype=bool))


def rank(live: LiveRelease, rows: Rows, asked: Asked, known: Known) -> Ranked:
    """Scores these rows; what is not known counts nothing."""
    degrees = met(live, rows, asked.wishes)
    if not len(rows):
        return Ranked(rows, np.zeros((0, len(FEATURES))), degrees)
    snapshot = live.snapshot
    columns = _known_of_rows(live, rows, known)
    if asked.given is not None:
        columns["completes"] = as_shares(
            completion.score(rows, asked.given, live.index, live.complementarity).sum(axis=1)
        )
    else:
        columns["lexical"], shares = asked.hits.of(rows)
        if asked.vector is not None:
            # Shares of shares are shares: cosines are computed again only where a row was not found by retrieval.
            known_cosines = live.index.similarity(asked.vector, rows) if shares is None else shares
            columns["semantic"] = as_shares(known_cosines)
    if asked.name and (terms := live.analyzer.query_terms(asked.name)):
        columns["slot_match"] = snapshot.facts.has(rows, codes_of(terms)).sum(axis=1) / len(terms)
    if asked.categories:
        codes = snapshot.codes_of("category", filter(None, asked.categories))
        columns["category_match"] = snapshot.among(snapshot.category[rows], codes).astype(np.float64)
    if asked.wishes:
        columns["wish_match"] = degrees.sum(axis=1) / len(asked.wishes)
    if known.session and known.session.clicked_products:
        columns["session"] = _like_clicked(snapshot, rows, known.session.clicked_products)
    if known.anchors and asked.given is None:
        anchors = np.asarray(known.anchors, dtype=np.int64)
        columns["together"] = np.mean(live.complementarity.fit(anchors, rows), axis=0)
    if known.active.weighs_products:
        products = [snapshot[row] for row in rows.tolist()]
        columns["rules"] = known.active.score_adjustment(products, suits_slot(live, rows, asked.hits.rows))[0]
    weighted = weighted_parts(feature_rows(columns, len(rows)))
    order = best_first(weighted.sum(axis=1), lambda at: snapshot.ids[int(rows[at])])
    return Ranked(rows[order], weighted[order], degrees[order])


def _known_of_rows(live: LiveRelease, rows: Rows, known: Known) -> dict[str, NDArray[np.float64]]:
    """What orders say of the rows, and the shopper's past. Where nothing was said, one score holds all of it."""
    if known.nothing_said:
        score = _next(live, rows, known.taste)
        return {"next": as_shares(score - score.min())}
    found: dict[str, NDArray[np.float64]] = {}
    if live.popularity is not None:
        bought = np.log1p(live.popularity[rows].astype(np.float64))
        found["popularity"] = np.minimum(bought / np.log1p(FULL_POPULARITY), 1.0)
    if known.profile:
        found["affinity"] = _affinity(live.snapshot, rows, known.profile)
    if known.taste:
        found |= taste.past_columns(rows, known.taste)
        if known.taste.tier_weights:
            thirds = tier_third(live.complementarity.price_places(rows))
            found["price_tier"] = np.asarray(known.taste.tier_weights)[thirds]
    return found


def _next(live: LiveRelease, rows: Rows, of: Taste | None) -> NDArray[np.float64]:
    """How likely each row is bought next; by a stranger, what all buy lately."""
    if of is None:
        lately = live.popularity if live.trend is None else live.trend
        return np.zeros(len(rows)) if lately is None else np.log1p(lately[rows].astype(np.float64))
    return taste.next_score(
        taste.next_columns(rows, of, live.index, live.complementarity, live.popularity, live.trend)
    )  # fmt: skip


def _affinity(snapshot: Snapshot, rows: Rows, profile: Mapping[str, Any]) -> NDArray[np.float64]:
    """How much is bought of its brand, category and colour, each as a share of the most bought one. By codes: a product
    decoded for each row took 2 ms an answer."""
    liked = [
        _liked(column[rows], snapshot, name, profile.get(field) or (), profile.get(weights) or ())
        for name, column, field, weights in (
            ("brand", snapshot.brand, "top_brands", "brand_weights"),
            ("category", snapshot.category, "top_categories", "category_weights"),
            ("color", snapshot.color, "top_colors", "color_weights"),
        )
    ]
    found: NDArray[np.float64] = np.asarray(liked).mean(axis=0)
    return found


def _liked(
    codes: Rows, snapshot: Snapshot, name: str, words: Sequence[str], weights: Sequence[float]
) -> NDArray[np.float64]:  # fmt: skip
    """Profiles of an older build have no weights: all of their words count 1."""
    shares = weights if len(weights) == len(words) else [1.0] * len(words)
    most = max(shares, default=0.0)
    table = np.zeros(snapshot.count_of(name))
    for word, share in zip(words, shares, strict=True):
        table[snapshot.codes_of(name, [word])] = share / most if most > 0 else 0.0
    return table[codes]


def _like_clicked(snapshot: Snapshot, rows: Rows, products: Sequence[ProductId]) -> NDArray[np.float64]:
    """A third each for what was clicked itself, for its brand and for its category."""
    clicked = np.asarray(snapshot.rows_of(products), dtype=np.int64)
    alike = [np.isin(rows, clicked)]
    for column, words in ((snapshot.brand, snapshot.meta.brands), (snapshot.category, snapshot.meta.categories)):
        # Products without a brand have nothing in common.
        codes = {code for code in column[clicked].tolist() if words[code]}
        alike.append(snapshot.among(column[rows], codes))
    found: NDArray[np.float64] = np.asarray(alike).mean(axis=0)
    return found


def as_candidates(live: LiveRelease, ranked: Ranked, now: datetime) -> list[Candidate]:
    """What assembly chooses from."""
    snapshot = live.snapshot
    prices = snapshot.prices_now(ranked.rows, now).tolist()
    groups, brands = snapshot.group[ranked.rows].tolist(), snapshot.brand[ranked.rows].tolist()
    return [
        Candidate(snapshot.ids[row], row, price, score, str(group), snapshot.meta.brands[brand])
        for row, price, group, brand, score in zip(
            ranked.rows.tolist(), prices, groups, brands, ranked.scores.tolist(), strict=True
        )
    ]
