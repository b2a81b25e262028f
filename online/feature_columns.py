"""The feature rows' columns for the pools of one request: each is one look at arrays of the release for all pools, none
looks at one row."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from online.live import LiveRelease
from online.merchandising import suits_slot
from online.pools import Pools
from online.wishes import match
from setwise import completion, taste
from setwise.index import found_by
from setwise.names import ProductId
from setwise.profiles import tier_third
from setwise.rows import among, distinct
from setwise.snapshot import Snapshot
from setwise.taste import Taste
from setwise.terms import Codes, code_of, codes_of, side_by_side

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
NO_CODES: Codes = np.empty(0, np.uint32)
_OF_WORDS = frozenset(
    ("words", "title_match", "title_whole", "title_share", "phrase", "head_match", "number_match", "kind_said")
)
_OF_PRICES = frozenset(("price_in_pool", "price_of_share", "price_tier", "tier_gap"))
_SAID = _OF_WORDS | {"bm25"}
"""What needs to know how rare the words are."""


def columns_of(
    live: LiveRelease, pools: Pools, asked: Sequence["Asked"], known: "Known", degrees: Sequence[Floats],
    read: Collection[str],
) -> Columns:  # fmt: skip
    """What is known of the rows of these pools, one array or one number for each feature. The pools are of one kind and
    all or none have terms; `degrees` = how far each pool's wishes are met.

    Of the features without a weight at least those that are `read`: to fill them all took half of the ranking."""
    snapshot, rows = live.snapshot, pools.rows
    columns: Columns = {"has_user": float(known.profile is not None)}
    if "text_length" in read:
        columns["text_length"] = np.log1p(snapshot.texts.counts(rows))
    columns |= _of_past(live, pools, known)
    rarity = _rarity(live, asked) if _SAID.intersection(read) else [np.zeros(len(one.terms)) for one in asked]
    if asked[0].given is not None:
        columns |= _of_completion(live, pools, asked)
    else:
        columns |= _of_hits(live, pools, asked, rarity, read)
        if live.learned.resale:
            columns["resale"] = live.learned.resale * live.complementarity.resale(rows)
        if known.anchors:
            anchors = np.asarray(known.anchors, dtype=np.int64)
            columns["together"] = np.mean(live.complementarity.fit(anchors, rows), axis=0)
    if asked[0].terms and _OF_WORDS.intersection(read):
        columns |= _of_words(live, pools, asked, rarity, read)
    columns |= _of_slots(live, pools, asked, degrees)
    if known.session and known.session.clicked_products:
        columns["session"] = _like_clicked(snapshot, rows, known.session.clicked_products)
    if known.active.weighs_products:
        products = [snapshot[row] for row in rows.tolist()]
        suits = [suits_slot(live, rows[own], one.hits.rows) for own, one in zip(pools.slices, asked, strict=True)]
        columns["rules"] = known.active.score_adjustment(products, np.concatenate(suits))[0]
    return columns | _of_prices(live, pools, known) if _OF_PRICES.intersection(read) else columns


def _rarity(live: LiveRelease, asked: Sequence["Asked"]) -> list[Floats]:
    """How rare each pool's words are."""
    rarity = live.index.rarity([term for one in asked for term in one.terms])
    return np.split(rarity, np.cumsum([len(one.terms) for one in asked])[:-1])


def _of_past(live: LiveRelease, pools: Pools, known: "Known") -> Columns:
    """What orders say of the rows, and the shopper's past. Where nothing was said, one score holds all of it."""
    rows = pools.rows
    if known.nothing_said:
        score = _next(live, rows, known.taste)
        return {"next": pools.shares(score - pools.spread(np.minimum.reduceat(score, pools.starts[:-1])))}
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


def _of_completion(live: LiveRelease, pools: Pools, asked: Sequence["Asked"]) -> Columns:
    """How well the rows complete what is given, and the parts of that."""
    found = []
    for own, one in zip(pools.slices, asked, strict=True):
        assert one.given is not None
        weights = (live.learned.said if one.given.is_said else live.learned.unsaid) or completion.WEIGHTS
        found.append(completion.score(pools.rows[own], one.given, live.index, live.complementarity, weights))
    parts = np.concatenate(found)
    columns: Columns = {"completes": pools.shares(parts.sum(axis=1))}
    return columns | {f"completes_{part}": parts[:, at] for at, part in enumerate(completion.FEATURES)}


def _of_hits(
    live: LiveRelease, pools: Pools, asked: Sequence["Asked"], rarity: Sequence[Floats], read: Collection[str]
) -> Columns:  # fmt: skip
    """What both legs of retrieval say, and how like the best hits a row is."""
    hits, rows, category = [one.hits for one in asked], pools.rows, live.snapshot.category
    lexical, shares, missing = found_by(hits, rows, pools.of)
    columns: Columns = {"lexical": lexical}
    if "lexical_rank" in read:
        columns["lexical_rank"] = np.where(lexical > 0, pools.places(lexical), 1e3)
    if asked[0].terms and "bm25" in read:
        best, most = pools.spread([hit.best_bm25 for hit in hits]), [BM25_MOST * float(rare.sum()) for rare in rarity]
        columns["bm25"] = np.minimum(lexical * best / pools.spread(np.maximum(most, 1e-9)), 1.0)
    # Shares of shares are shares: cosines are computed again only where a row was not found by retrieval.
    has_vector = [one.vector is not None for one in asked]
    cosines = shares * pools.spread([hit.best_cosine * known for hit, known in zip(hits, has_vector, strict=True)])
    for at, one in enumerate(asked):
        if one.vector is not None and len(own := missing[pools.of[missing] == at]):
            cosines[own] = live.index.similarity(one.vector, rows[own])
    columns |= {"cosine": cosines, "semantic": pools.shares(cosines)}
    if "semantic_rank" in read:
        columns["semantic_rank"] = np.where(pools.spread(has_vector), pools.places(cosines), 1e3)
    if asked[0].terms and "kind_share" in read:
        kinds, leading = len(live.snapshot.meta.categories), [hit.rows[:BEST_KINDS] for hit in hits]
        sizes = np.asarray([len(one) for one in leading])
        of_leading = np.arange(len(hits)).repeat(sizes) * kinds + category[np.concatenate(leading)]
        counts = np.bincount(of_leading, minlength=kinds * len(hits))
        columns["kind_share"] = counts[pools.of * kinds + category[rows]] / pools.spread(np.maximum(sizes, 1))
    if asked[0].terms and "near_best" in read:
        columns["near_best"] = near = np.zeros(len(rows))
        for own, hit in zip(pools.slices, hits, strict=True):
            if len(hit.rows):
                mean = live.index.vectors(hit.rows[:BEST_MEANT]).mean(axis=0)
                near[own] = live.index.similarity(mean / max(float(np.linalg.norm(mean)), 1e-9), rows[own])
    return columns


def _of_words(
    live: LiveRelease, pools: Pools, asked: Sequence["Asked"], rarity: Sequence[Floats], read: Collection[str]
) -> Columns:  # fmt: skip
    """How title and category answer the words that were said; rare words count more."""
    snapshot, terms = live.snapshot, [one.terms for one in asked]
    weights = [rare / max(float(rare.sum()), 1e-9) for rare in rarity]
    pairs = [side_by_side(said) if "phrase" in read else [] for said in terms]
    numbers = [[at for at, term in enumerate(said) if any(map(str.isdigit, term))] for said in terms]
    each = [[code_of(term) for term in (*said, *two)] for said, two in zip(terms, pairs, strict=True)]
    codes = np.asarray(sorted({code for of_pool in each for code in of_pool}), dtype=np.uint32)
    # What is counted of each pool's terms: rare ones more, all of them, the last, pairs, numbers. One product of
    # matrices answers for all pools.
    counted = np.zeros((len(codes), len(asked), 5))
    for at, (said, own) in enumerate(zip(terms, each, strict=True)):
        places = codes.searchsorted(own)
        counted[places[: len(said)], at, 0] = weights[at]
        counted[places[: len(said)], at, 1] = 1.0
        counted[places[len(said) - 1], at, 2] = 1.0
        counted[places[len(said) :], at, 3] = 1.0
        counted[places[numbers[at]], at, 4] = 1.0
    has = snapshot.titles.has(pools.rows, codes).astype(np.float64)
    found = (has @ counted.reshape(len(codes), -1)).reshape(len(has), len(asked), 5)[np.arange(len(has)), pools.of]
    count, in_numbers = found[:, 1], pools.spread([len(own) for own in numbers])
    columns: Columns = {
        "words": pools.spread([float(len(said)) for said in terms]),
        "title_match": found[:, 0],
        "title_whole": (count == pools.spread([len(said) for said in terms])).astype(np.float64),
        # A title of n terms has n - 1 neighbours in the table.
        "title_share": count / np.maximum((snapshot.titles.counts(pools.rows) + 1) / 2, 1.0),
        "head_match": found[:, 2],
        "phrase": found[:, 3] / pools.spread([len(two) or 1 for two in pairs]),
        "number_match": np.where(in_numbers > 0, found[:, 4] / np.maximum(in_numbers, 1), -1.0),
    }
    if "kind_said" in read:
        said_of = np.zeros((len(asked), len(snapshot.meta.categories)))
        for at, said in enumerate(terms):
            for term, weight in zip(said, weights[at].tolist(), strict=True):
                if (kinds := live.categories_with.get(term)) is not None:
                    said_of[at, kinds] += weight
        columns["kind_said"] = said_of[pools.of, snapshot.category[pools.rows]]
    return columns


def _of_slots(live: LiveRelease, pools: Pools, asked: Sequence["Asked"], degrees: Sequence[Floats]) -> Columns:
    """How far each slot's name, kind and wishes are met."""
    snapshot, rows = live.snapshot, pools.rows
    names: list[Codes] = [codes_of(live.analyzer.query_terms(one.name)) if one.name else NO_CODES for one in asked]
    columns = {name: np.zeros(len(rows)) for name in ("slot_match", "category_match", "wish_match")}
    codes = distinct(NO_CODES, *names)
    has = snapshot.facts.has(rows, codes) if len(codes) else None
    for own, one, name, degree in zip(pools.slices, asked, names, degrees, strict=True):
        if has is not None and len(name):
            columns["slot_match"][own] = has[own][:, codes.searchsorted(name)].sum(axis=1) / len(name)
        if one.categories:
            kinds = snapshot.codes_of("category", filter(None, one.categories))
            columns["category_match"][own] = snapshot.among(snapshot.category[rows[own]], kinds)
        if one.wishes:
            columns["wish_match"][own] = match(live, degree, one.wishes)
    return dict(columns)


def _of_prices(live: LiveRelease, pools: Pools, known: "Known") -> Columns:
    if known.now is None:
        return {}
    prices = np.maximum(live.snapshot.prices_now(pools.rows, known.now), 1).astype(np.float64)
    columns: Columns = {"price_in_pool": np.log(prices / pools.spread(pools.medians(prices)))}
    if known.share_cents:
        columns["price_of_share"] = np.clip(np.log(prices / known.share_cents), -3.0, 3.0)
    tiers = live.complementarity.price_places(pools.rows)
    columns["price_tier"] = tiers
    if known.profile and (own := known.profile.get("mean_price_tier")) is not None:
        columns["tier_gap"] = np.abs(tiers - own)
    return columns


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
