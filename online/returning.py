"""Whoever is known brings candidates along: what they bought and what goes with it, where it is what was asked for."""

import numpy as np
from numpy.typing import NDArray

from online.candidates import Asked
from online.live import LiveRelease
from setwise.taste import Taste, next_rows, strongest
from setwise.terms import codes_of

PARTNERS_ASKED = 100
"""Of what goes with the past, so many rows are looked at for each slot."""
MOST_BOUGHT = 1_000
"""Rows that a stranger's answer is chosen from, and more for filters and budgets, which few of a past may pass."""

Rows = NDArray[np.int64]


def rows_next(live: LiveRelease, taste: Taste | None, limit: int) -> Rows:
    """Rows worth ranking where nothing was said; `limit` = how many may be asked for or excluded. For a stranger what
    is bought most lately."""
    if taste is None:
        return live.rising[: max(MOST_BOUGHT, limit)]
    return next_rows(taste, live.rising, live.index, limit)


def rows_that_fit(live: LiveRelease, taste: Taste | None, asked: Asked, text: str) -> Rows:
    """Of a shopper's own products and of those that go with them, the ones that have every word of the slot, or are of
    a category that it names."""
    terms = live.analyzer.query_terms(asked.name or text)
    if taste is None or not terms:
        return np.empty(0, np.int64)
    rows = np.union1d(taste.past.rows, strongest(taste.partners, PARTNERS_ASKED))
    fits = live.snapshot.facts.has(rows, codes_of(terms)).all(axis=1)
    if asked.categories:
        named = live.snapshot.codes_of("category", filter(None, asked.categories))
        fits |= live.snapshot.among(live.snapshot.category[rows], named)
    return rows[fits]
