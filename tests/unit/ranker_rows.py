"""Questions with something to learn in them."""

import numpy as np

from orchestration.ranker_training import Questions, ideal_of
from setwise.ranking import FEATURES

ROWS = 30
OF_SHOPPERS = [FEATURES.index(name) for name in ("next", "own", "due", "goes_with_past", "tier_liked", "resale")]


def questions(count: int, seed: int) -> Questions:
    """What is meant has a high cosine; the words say nothing, and nobody is known."""
    rng = np.random.default_rng(seed)
    features = rng.random((count * ROWS, len(FEATURES))).astype(np.float32)
    features[:, OF_SHOPPERS] = 0.0
    gains = np.zeros(len(features), dtype=np.int64)
    for start in range(0, len(features), ROWS):
        best = np.argsort(-features[start : start + ROWS, FEATURES.index("cosine")])[:4]
        gains[start + best] = 3
    return Questions(features, gains, np.full(count, ROWS), np.full(count, ideal_of([3.0] * 4)), np.arange(count))
