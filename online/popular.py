"""The last rung: what is bought most, by category and word, from one small table of the release."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from online.live import LiveRelease
from setwise.index import Hits
from setwise.prompt import Understanding
from setwise.terms import codes_of

IN_CATEGORY = 1.0
"""What being of a category that the slot names counts, beside the share of its words that a product has."""


FAR = 0.32
"""The cosine below which no product is like words that mean nothing by themselves. On the sample shop keys that were
hit at random reach .20 to .31."""


def is_far(live: LiveRelease, read: Understanding, vector: NDArray[np.float32] | None) -> bool:
    """True for a sentence of which nothing was read, no product has a word and none is like it in meaning."""
    if not read.text or read.says_anything or vector is None:
        return False
    if len(live.index.matching(live.analyzer.query_terms(read.text), 1)[0]):
        return False
    nearest, _ = live.index.nearest(vector, 1)
    return not len(nearest) or float(live.index.similarity(vector, nearest)[0]) < FAR


def popular_hits(live: LiveRelease, terms: Sequence[str], categories: Sequence[str], limit: int) -> Hits:
    """The rows that answer most of the words, those bought most first; where none does, the most bought of all."""
    rows = live.popular
    codes = codes_of(terms)
    share = live.snapshot.facts.has(rows, codes).sum(axis=1) / max(len(codes), 1)
    named = live.snapshot.codes_of("category", filter(None, categories))
    score = share + IN_CATEGORY * np.isin(live.snapshot.category[rows], named)
    if score.any():
        order = np.lexsort((np.arange(len(rows)), -score))[: min(limit, int((score > 0).sum()))]
    else:
        order = np.arange(min(limit, len(rows)))
    best = float(score.max(initial=0.0)) or 1.0
    found: NDArray[np.int64] = rows[order]
    return Hits(found, score[order] / best, np.zeros(len(order)))
