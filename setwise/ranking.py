"""How good a product is for a slot: the feature row, laid out once, and the score that is its parts' sum."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec
import numpy as np
from numpy.typing import NDArray

from setwise import completion

Floats = NDArray[np.float64]


class Feature(msgspec.Struct, frozen=True):
    """One column of the row. With a weight it is a part of the score; without, only the learned part reads it."""

    name: str
    meaning: str
    weight: float | None = None
    default: float = 0.0
    """What stands where nothing is known."""


LAYOUT = (
    Feature("lexical", "0..1: BM25 as a share of the best hit's", 1.0),
    Feature("semantic", "0..1: cosine as a share of the best hit's", 1.0),
    Feature("slot_match", "0..1: share of a slot's terms that title, category and attributes have", 0.8),
    Feature("category_match", "1 in a category that the slot's words name", 0.6),
    Feature(
        "wish_match",
        "0..1: how far wished colours, materials, styles, sizes and brands are met; ..2 by learned weights",
        0.5,
    ),
    Feature("popularity", "0..1: log-scaled decayed orders", 0.15),
    Feature(
        "affinity", "0..1: how much the shopper buys of its brand, category and colour, against the most bought", 0.35
    ),
    Feature("together", "0..1: how well it goes with what is locked or in the basket", 0.8),
    Feature("completes", "0..1: the score of setwise.completion, as a share of the best one's", 3.0),
    Feature("rules", "what the shop's pin, boost and bury add or take", 1.0),
    Feature("session", "0..1: a third each for a product clicked lately, for its brand and for its category", 0.3),
    Feature("next", "0..1: where nothing was said and nothing is to be completed, the score of setwise.taste", 3.0),
    Feature("own", "0..1: how often and lately the shopper bought it", 0.3),
    Feature("due", "0..1: whether it is time to buy it again", 0.1),
    Feature("goes_with_past", "0..1: how well it goes with what the shopper bought", 0.1),
    Feature("tier_liked", "0..1: the share of its third of the prices in what the shopper bought", 0.1),
    Feature("resale", "how much sooner than the shop's least a product of so many sales is bought", 1.0),
    Feature("cosine", "-1..1: cosine itself, so that a pool of poor hits is known as one"),
    Feature("bm25", "0..1: BM25 as a share of what a text with all of the words could have"),
    Feature("lexical_rank", "place among the rows by BM25, 0 = best; 1,000 where the words did not find it", None, 1e3),
    Feature("semantic_rank", "place among the rows by cosine, 0 = best", None, 1e3),
    Feature("title_match", "0..1: share of the words that the title has, rare words counting more"),
    Feature("title_whole", "1 where the title has all of the words"),
    Feature("title_share", "0..1: share of the title's words that were said"),
    Feature("phrase", "0..1: share of the neighbouring words that stand side by side in the title too"),
    Feature("head_match", "1 where the title has the last word, which in English names the thing"),
    Feature("number_match", "0..1: share of the words with digits (models, sizes) that the title has", None, -1.0),
    Feature("kind_said", "0..1: share of the words that the leaf category's name has, rare words counting more"),
    Feature("kind_share", "0..1: share of the best 20 hits that are of its category"),
    Feature("near_best", "-1..1: cosine to the mean direction of the best 5 hits"),
    Feature("text_length", "log of 1 + distinct terms of all its text"),
    Feature("price_in_pool", "log of its price as a multiple of the rows' median"),
    Feature("price_of_share", "log of its price as a multiple of the budget per product, -3..3; 0 without a budget"),
    Feature("price_tier", "0..1: place of its price within its category", None, 0.5),
    Feature("tier_gap", "0..1: distance of that from the shopper's own mean tier"),
    Feature("words", "number of distinct words that were said"),
    Feature("has_user", "1 where the shopper's past is known"),
    *(Feature(f"completes_{part}", "its part of the score of setwise.completion") for part in completion.FEATURES),
)
"""New features are appended, never moved: a ranker names the columns that it was trained on."""

FEATURES = tuple(feature.name for feature in LAYOUT)
WEIGHTS = {feature.name: feature.weight for feature in LAYOUT if feature.weight is not None}
"""Chosen by hand, so that words that were said outweigh what is only known about the shopper."""
LEARNED = "learned"
"""The part that a release's ranker adds: what trees have learned on top of the weighted sum, 0 without a ranker."""
PARTS = (*WEIGHTS, LEARNED)
SEARCH, LIST, BASKET, SHOPPER = KINDS = ("search", "list", "basket", "shopper")
"""What a request asks for, each with trees of its own: words that a search answers, words that order a given list (any
search has chosen it, so the words say less), what completes a basket, what a shopper wants who said nothing."""
_WEIGHTED = [FEATURES.index(name) for name in WEIGHTS]
WEIGHT_OF = np.asarray(list(WEIGHTS.values()))
NO_CHANGES: Mapping[str, float] = MappingProxyType({})
_DEFAULTS = np.asarray([[feature.default] for feature in LAYOUT])
_PLACE_OF = {name: at for at, name in enumerate(FEATURES)}


def feature_rows(columns: Mapping[str, Floats | float], count: int) -> Floats:
    """Shape (count, features), in the order of FEATURES; a column that is not known has its default."""
    # Column by column in memory: they are filled, weighed and picked as columns.
    rows = _DEFAULTS.repeat(count, axis=1)
    for name, column in columns.items():
        rows[_PLACE_OF[name]] = column
    return rows.T


def weighted_parts(
    rows: Floats, learned: NDArray[np.float32] | None = None, changed: Mapping[str, float] = NO_CHANGES
) -> Floats:
    """Each part of the scores in the order of PARTS, shape (n, parts); a score is the sum of its row.

    `changed` = weights that are others than those of WEIGHTS."""
    parts = np.zeros((len(rows), len(PARTS)))
    weights = WEIGHT_OF
    if changed:
        weights = np.asarray([changed.get(name, weight) for name, weight in zip(WEIGHTS, WEIGHT_OF, strict=True)])
    parts[:, :-1] = rows[:, _WEIGHTED] * weights
    if learned is not None:
        parts[:, -1] = learned
    return parts


def best_first(scores: Floats, id_of: Callable[[int], str]) -> NDArray[np.int64]:
    """Positions by falling score, ties by id, so that the same question has the same answer."""
    order = np.argsort(-scores, kind="stable")
    in_order = scores[order]
    is_tied = in_order[1:] == in_order[:-1]
    if is_tied.any():
        # Each run of equals by itself: few rows are in one, and looking up every id took a quarter of the ranking.
        edges = np.flatnonzero(np.diff(np.concatenate([[False], is_tied, [False]])))
        for start, last in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            order[start : last + 1] = sorted(order[start : last + 1].tolist(), key=id_of)
    return order
