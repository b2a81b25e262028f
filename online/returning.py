"""Whoever is known brings candidates along: what they bought and what goes with it, where it is what was asked for."""

import numpy as np
from numpy.typing import NDArray

from online.candidates import Asked
from online.live import LiveRelease
from setwise.rows import distinct
from setwise.taste import Taste, next_rows, strongest
from setwise.terms import codes_of

PARTNERS_ASKED = 100
"""Of what goes with the past, so many rows may become candidates of a slot."""
MOST_BOUGHT = 1_000
"""Rows that a stranger's answer is chosen from, and more for filters and budgets, which few of a past may pass."""

Rows = NDArray[np.int64]


def rows_next(live: LiveRelease, taste: Taste | None, limit: int) -> Rows:
    """Rows worth ranking where nothing was said; `limit` = how many may be asked for or excluded. For a stranger what
    is bought most lately."""
    if taste is None:
        return live.rising[: max(MOST_BOUGHT, limit)]
    return next_rows(taste, live.rising, live.index, limit)


def rows_known(taste: Taste | None) -> Rows:
    """A shopper's own products and what goes best with them; looked up once for all slots."""
    if taste is None:
        return np.empty(0, np.int64)
    return distinct(taste.past.rows, strongest(taste.partners, PARTNERS_ASKED))


def rows_that_fit(live: LiveRelease, known: Rows, asked: Asked, text: str) -> Rows:
    """The known rows that have every word of the slot, or are of a category that it names."""
    if not len(known) or not (terms := live.analyzer.query_terms(asked.name or text)):
        return np.empty(0, np.int64)
    fits = live.snapshot.facts.has(known, codes_of(terms)).all(axis=1)
    if asked.categories:
        named = live.snapshot.codes_of("category", filter(None, asked.categories))
        fits |= live.snapshot.among(live.snapshot.category[known], named)
    return known[fits]
