"""How good a product is for a slot: the feature row, laid out once, and the weighted score."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FEATURES = (
    "lexical", "semantic", "slot_match", "category_match", "wish_match", "popularity", "affinity", "together",
    "completes", "rules", "session", "next", "own", "due", "goes_with_past", "price_tier", "resale",
)  # fmt: skip
"""All 0..1, but for rules and resale. lexical, semantic: BM25 and cosine as shares of the best hit's. slot_match: share
of a slot's terms that title, category and attributes have. category_match: 1 in a category that the slot's words name.
wish_match: how far the wished colours, materials, styles, sizes and brands are met. popularity: log-scaled decayed
orders. affinity: how much the shopper buys of its brand, category and colour, against the most bought one. together:
how well it goes with what is locked or in the basket. completes: the score of setwise.completion, as a share of the
best one's. rules: what the shop's pin, boost and bury add or take. session: a third each for a product that was clicked
lately, for its brand and for its category. next: where nothing was said and nothing is to be completed, the score of
setwise.taste between the least and the best row's: it decides in place of popularity and affinity, which it holds.
own, due, goes_with_past: how often and lately the shopper bought it, whether it is time again, how well it goes with
what they bought. price_tier: the share of its third of the prices in what they bought. resale: how much sooner than the
shop's least a product of so many sales is bought, as far as the past showed that this tells."""

WEIGHTS = {
    "lexical": 1.0,
    "semantic": 1.0,
    "slot_match": 0.8,
    "category_match": 0.6,
    "wish_match": 0.5,
    "popularity": 0.15,
    "affinity": 0.35,
    "together": 0.8,
    "completes": 3.0,
    "rules": 1.0,
    "session": 0.3,
    "next": 3.0,
    "own": 0.3,
    "due": 0.1,
    "goes_with_past": 0.1,
    "price_tier": 0.1,
    "resale": 1.0,
}
"""Chosen by hand, so that words that were said outweigh what is only known about the shopper."""


def feature_rows(columns: dict[str, NDArray[np.float64]], count: int) -> NDArray[np.float64]:
    """Shape (count, features), in the order of FEATURES; a column that is not known is 0."""
    rows = np.zeros((count, len(FEATURES)))
    for position, name in enumerate(FEATURES):
        if name in columns:
            rows[:, position] = columns[name]
    return rows


def weighted_parts(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each feature's share of the score, shape (n, features); a score is the sum of its row."""
    parts: NDArray[np.float64] = rows * np.asarray([WEIGHTS[name] for name in FEATURES])
    return parts


def best_first(scores: NDArray[np.float64], id_of: Callable[[int], str]) -> NDArray[np.int64]:
    """Positions by falling score, ties by id, so that the same question has the same answer."""
    order = np.argsort(-scores, kind="stable")
    in_order = scores[order]
    if (in_order[1:] == in_order[:-1]).any():
        keys = zip((-scores).tolist(), map(id_of, range(len(scores))), strict=True)
        order = np.asarray([at for _, at in sorted(zip(keys, range(len(scores)), strict=True))], dtype=np.int64)
    return order
