"""The feature row's columns for one pool of rows: each is one look at arrays of the release, none looks at one row."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from online.live import LiveRelease
from online.merchandising import suits_slot
from online.wishes import match
from setwise import completion, taste
from setwise.index import as_shares
from setwise.names import ProductId
from setwise.profiles import tier_third
from setwise.rows import among
from setwise.snapshot import Snapshot
from setwise.taste import Taste
from setwise.terms import code_of, codes_of, side_by_side

if TYPE_CHECKING:
    from online.candidates import Asked, Known

FULL_POPULARITY = 50.0
"""Decayed orders from which popularity counts as 1."""
BM25_MOST = 2.2
"""What BM25 with k1 = 1.2 gives a word at most, as a multiple of its rarity."""
BEST_KINDS, BEST_MEANT = 20, 5
"""Of how many best hits the categories, and the mean direction, are looked at."""

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]
Columns = dict[str, Floats | float]
_OF_WORDS = frozenset(
    ("words", "title_match", "title_whole", "title_share", "phrase", "head_match", "number_match", "kind_said")
)
_OF_PRICES = frozenset(("price_in_pool", "price_of_share", "price_tier", "tier_gap"))
_SAID = _OF_WORDS | {"bm25"}
"""What needs to know how rare the words are."""


def columns_of(
    live: LiveRelease, rows: Rows, asked: "Asked", known: "Known", degrees: Floats, read: Collection[str]
) -> Columns:
    """What is known of these rows, one array or one number for each feature; `degrees` = how far wishes are met. Of the
    features without a weight at least those that are `read`: to fill them all took half of the ranking."""
    snapshot = live.snapshot
    columns: Columns = {"has_user": float(known.profile is not None)}
    if "text_length" in read:
        columns["text_length"] = np.log1p(snapshot.texts.counts(rows))
    columns |= _of_past(live, rows, known)
    rarity = live.index.rarity(asked.terms) if _SAID.intersection(read) else np.zeros(len(asked.terms))
    if asked.given is not None:
        weights = (live.learned.said if asked.given.is_said else live.learned.unsaid) or completion.WEIGHTS
        parts = completion.score(rows, asked.given, live.index, live.complementarity, weights)
        columns["completes"] = as_shares(parts.sum(axis=1))
        columns |= {f"completes_{part}": parts[:, at] for at, part in enumerate(completion.FEATURES)}
    else:
        columns |= _of_hits(live, rows, asked, rarity, read)
        if live.learned.resale:
            columns["resale"] = live.learned.resale * live.complementarity.resale(rows)
    if asked.terms and _OF_WORDS.intersection(read):
        columns |= _of_words(live, rows, asked.terms, rarity, read)
    if asked.name and (terms := live.analyzer.query_terms(asked.name)):
        columns["slot_match"] = snapshot.facts.has(rows, codes_of(terms)).sum(axis=1) / len(terms)
    if asked.categories:
        codes = snapshot.codes_of("category", filter(None, asked.categories))
        columns["category_match"] = snapshot.among(snapshot.category[rows], codes).astype(np.float64)
    if asked.wishes:
        columns["wish_match"] = match(live, degrees, asked.wishes)
    if known.session and known.session.clicked_products:
        columns["session"] = _like_clicked(snapshot, rows, known.session.clicked_products)
    if known.anchors and asked.given is None:
        anchors = np.asarray(known.anchors, dtype=np.int64)
        columns["together"] = np.mean(live.complementarity.fit(anchors, rows), axis=0)
    if known.active.weighs_products:
        products = [snapshot[row] for row in rows.tolist()]
        columns["rules"] = known.active.score_adjustment(products, suits_slot(live, rows, asked.hits.rows))[0]
    return columns | _of_prices(live, rows, known) if _OF_PRICES.intersection(read) else columns


def _of_past(live: LiveRelease, rows: Rows, known: "Known") -> Columns:
    """What orders say of the rows, and the shopper's past. Where nothing was said, one score holds all of it."""
    if known.nothing_said:
        score = _next(live, rows, known.taste)
        return {"next": as_shares(score - score.min())}
    columns: Columns = {}
    if live.popularity is not None:
        bought = np.log1p(live.popularity[rows].astype(np.float64))
        columns["popularity"] = np.minimum(bought / np.log1p(FULL_POPULARITY), 1.0)
    if known.profile:
        columns["affinity"] = _affinity(live.snapshot, rows, known.profile)
    if known.taste:
        columns |= taste.past_columns(rows, known.taste)
        if known.taste.tier_weights:
            thirds = tier_third(live.complementarity.price_places(rows))
            columns["tier_liked"] = np.asarray(known.taste.tier_weights)[thirds]
    return columns


def _next(live: LiveRelease, rows: Rows, of: Taste | None) -> Floats:
    """How likely each row is bought next; by a stranger, what all buy lately."""
    if of is None:
        lately = live.popularity if live.trend is None else live.trend
        return np.zeros(len(rows)) if lately is None else np.log1p(lately[rows].astype(np.float64))
    return taste.next_score(
        taste.next_columns(rows, of, live.index, live.complementarity, live.popularity, live.trend)
    )  # fmt: skip


def _of_hits(live: LiveRelease, rows: Rows, asked: "Asked", rarity: Floats, read: Collection[str]) -> Columns:
    """What both legs of retrieval say, and how like the best hits a row is."""
    hits, snapshot = asked.hits, live.snapshot
    lexical, shares, missing = hits.of(rows)
    columns: Columns = {"lexical": lexical}
    if "lexical_rank" in read:
        columns["lexical_rank"] = np.where(lexical > 0, _places(lexical), 1e3)
    if asked.terms and "bm25" in read:
        most = BM25_MOST * float(rarity.sum())
        columns["bm25"] = np.minimum(lexical * hits.best_bm25 / max(most, 1e-9), 1.0)
    if asked.vector is not None:
        # Shares of shares are shares: cosines are computed again only where a row was not found by retrieval.
        cosines = shares * hits.best_cosine
        if len(missing):
            cosines[missing] = live.index.similarity(asked.vector, rows[missing])
        columns |= {"cosine": cosines, "semantic": as_shares(cosines)}
        if "semantic_rank" in read:
            columns["semantic_rank"] = _places(cosines)
    if len(hits.rows) and asked.terms and "kind_share" in read:
        best = hits.rows[:BEST_KINDS]
        counts = np.bincount(snapshot.category[best], minlength=len(snapshot.meta.categories))
        columns["kind_share"] = counts[snapshot.category[rows]] / len(best)
    if len(hits.rows) and asked.terms and "near_best" in read:
        mean = live.index.vectors(hits.rows[:BEST_MEANT]).mean(axis=0)
        columns["near_best"] = live.index.similarity(mean / max(float(np.linalg.norm(mean)), 1e-9), rows)
    return columns


def _of_words(live: LiveRelease, rows: Rows, terms: Sequence[str], rarity: Floats, read: Collection[str]) -> Columns:
    """How title and category answer the words that were said; rare words count more."""
    snapshot = live.snapshot
    weights = rarity / max(float(rarity.sum()), 1e-9)
    pairs = side_by_side(terms) if "phrase" in read else []
    each = [code_of(term) for term in (*terms, *pairs)]
    codes = np.asarray(sorted(set(each)), dtype=np.uint32)
    has = snapshot.titles.has(rows, codes)[:, codes.searchsorted(each)]
    found = has[:, : len(terms)]
    columns: Columns = {
        "words": float(len(terms)),
        "title_match": found @ weights,
        "title_whole": found.all(axis=1).astype(np.float64),
        # A title of n terms has n - 1 neighbours in the table.
        "title_share": found.sum(axis=1) / np.maximum((snapshot.titles.counts(rows) + 1) / 2, 1.0),
        "head_match": found[:, -1].astype(np.float64),
    }
    if pairs:
        columns["phrase"] = has[:, len(terms) :].mean(axis=1)
    numbers = [position for position, term in enumerate(terms) if any(map(str.isdigit, term))]
    if numbers:
        columns["number_match"] = found[:, numbers].mean(axis=1)
    if "kind_said" in read:
        said = np.zeros(len(snapshot.meta.categories))
        for term, weight in zip(terms, weights.tolist(), strict=True):
            if (kinds := live.categories_with.get(term)) is not None:
                said[kinds] += weight
        columns["kind_said"] = said[snapshot.category[rows]]
    return columns


def _of_prices(live: LiveRelease, rows: Rows, known: "Known") -> Columns:
    prices = np.maximum(live.snapshot.prices_now(rows, known.now), 1).astype(np.float64) if known.now else None
    if prices is None:
        return {}
    rising = np.sort(prices)
    median = (rising[(len(rising) - 1) // 2] + rising[len(rising) // 2]) / 2  # np.median takes five times as long
    columns: Columns = {"price_in_pool": np.log(prices / median)}
    if known.share_cents:
        columns["price_of_share"] = np.clip(np.log(prices / known.share_cents), -3.0, 3.0)
    tiers = live.complementarity.price_places(rows)
    columns["price_tier"] = tiers
    if known.profile and (own := known.profile.get("mean_price_tier")) is not None:
        columns["tier_gap"] = np.abs(tiers - own)
    return columns


def _places(values: Floats) -> Floats:
    """The place of each value by falling size, equal ones in the order given."""
    places = np.empty(len(values))
    places[np.argsort(-values, kind="stable")] = np.arange(len(values))
    return places


def _affinity(snapshot: Snapshot, rows: Rows, profile: Mapping[str, Any]) -> Floats:
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
    found: Floats = np.asarray(liked).mean(axis=0)
    return found


def _liked(codes: Rows, snapshot: Snapshot, name: str, words: Sequence[str], weights: Sequence[float]) -> Floats:
    """Profiles of an older build have no weights: all of their words count 1."""
    shares = weights if len(weights) == len(words) else [1.0] * len(words)
    most = max(shares, default=0.0)
    table = np.zeros(snapshot.count_of(name))
    for word, share in zip(words, shares, strict=True):
        table[snapshot.codes_of(name, [word])] = share / most if most > 0 else 0.0
    return table[codes]


def _like_clicked(snapshot: Snapshot, rows: Rows, products: Sequence[ProductId]) -> Floats:
    """A third each for what was clicked itself, for its brand and for its category."""
    clicked = np.asarray(snapshot.rows_of(products), dtype=np.int64)
    alike = [among(rows, clicked)]
    for column, words in ((snapshot.brand, snapshot.meta.brands), (snapshot.category, snapshot.meta.categories)):
        # Products without a brand have nothing in common.
        codes = {code for code in column[clicked].tolist() if words[code]}
        alike.append(snapshot.among(column[rows], codes))
    found: Floats = np.asarray(alike).mean(axis=0)
    return found
