"""The shop's rules on the rows of one answer."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from online.live import LiveRelease
from setwise.rules import ActiveRules, RuleBook, RuleSet
from setwise.rules.selection import category_keys

NO_RULES = RuleBook(RuleSet())
BEST = 10
"""The best hits of a slot say what it is about."""


def active_rules(
    live: LiveRelease, book: RuleBook, prompt: str | None, pools: Sequence[NDArray[np.int64]], now: datetime
) -> ActiveRules:
    """The rules that hold for this prompt and for what its slots found, best hits first."""
    asked: set[str] = set()
    if book.asks_for_categories:
        for rows in pools:
            best = rows[:BEST].tolist()
            counts = Counter(key for row in best for key in category_keys(live.snapshot[row]))
            asked |= {key for key, count in counts.items() if 2 * count > len(best)}
    return book.active(now, prompt or "", asked)


def suits_slot(live: LiveRelease, rows: NDArray[np.int64], best: NDArray[np.int64]) -> NDArray[np.bool_]:
    """True for rows of the category of most of the slot's best hits; without categories, for those hits alone."""
    best = best[:BEST]
    codes, counts = np.unique(live.snapshot.category[best], return_counts=True)
    code = int(codes[counts.argmax()]) if len(codes) else 0
    if not len(codes) or not live.snapshot.meta.categories[code]:
        return np.isin(rows, best)
    return np.asarray(live.snapshot.category[rows] == code)


def with_pinned(live: LiveRelease, rows: NDArray[np.int64], active: ActiveRules) -> NDArray[np.int64]:
    """The slot's hits, best first, and behind them the pinned products that suit it and were not found."""
    pinned = np.asarray(live.snapshot.rows_of(active.pinned), dtype=np.int64)
    return np.concatenate([rows, np.setdiff1d(pinned[suits_slot(live, pinned, rows)], rows)]) if len(pinned) else rows


def answerable(
    live: LiveRelease, rows: NDArray[np.int64], active: ActiveRules, now: datetime
) -> NDArray[np.int64]:  # fmt: skip
    """The rows that are neither hidden nor below a margin floor, in the order given."""
    if not active.restricts_products:
        return rows
    prices = live.snapshot.prices_now(rows, now).tolist()
    kept = (active.may_be_answered(live.snapshot[row], p) for row, p in zip(rows.tolist(), prices, strict=True))
    found: NDArray[np.int64] = rows[np.fromiter(kept, dtype=bool, count=len(rows))]
    return found
