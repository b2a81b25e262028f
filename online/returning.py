"""Whoever is known brings candidates along: what they bought and what goes with it, where it is what was asked for."""

from collections.abc import Sequence

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


def rows_that_fit(live: LiveRelease, known: Rows, asked: Sequence[Asked], text: str) -> list[Rows]:
    """For each slot the known rows that have every word of it, or are of a category that it names."""
    if not len(known):
        return [known] * len(asked)
    terms = [live.analyzer.query_terms(one.name or text) for one in asked]
    has_all = live.snapshot.facts.has_all(known, [codes_of(words) for words in terms])
    found = []
    for one, words, fits in zip(asked, terms, has_all.T, strict=True):
        if one.categories and words:
            named = live.snapshot.codes_of("category", filter(None, one.categories))
            fits |= live.snapshot.among(live.snapshot.category[known], named)  # noqa: PLW2901
        found.append(known[fits])
    return found
