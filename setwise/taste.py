"""What a shopper's past says about products: one person's taste, and how well the rows of a release meet it."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from setwise.complementarity import Complementarity
from setwise.index import LocalIndex
from setwise.rows import distinct
from setwise.sessions import ShopperSession
from setwise.snapshot import Snapshot

NEXT_FEATURES = (
    "is_own", "own_weight", "own_rate", "own_repeats", "neighbours", "popularity", "rise", "nearest", "kind",
    "own_neighbours",
)  # fmt: skip
"""Where nothing was said. is_own: 1 = bought before; own_weight: log of 1 + its weight (orders, each worth half as much
for every 120 days); own_rate: share of the shopper's orders that had it; own_repeats: is_own times the share of what
the shopper buys that was bought before. neighbours: log of 1 + 20 times the summed strength as a partner of what was
bought. popularity: log of 1 + decayed orders; rise: log of trend against what popularity lets expect. nearest: the
largest cosine to one of the 30 products that weigh most, for products that are not own. kind: root of the kind's share
of what was bought. own_neighbours: neighbours of what is own: what was bought in one order says little of the next."""

NEXT_WEIGHTS = {
    "is_own": 1.99,
    "own_weight": 1.18,
    "own_rate": 0.55,
    "own_repeats": 2.42,
    "neighbours": 0.99,
    "popularity": 0.31,
    "rise": 1.47,
    "nearest": 1.3,
    "kind": 1.0,
    "own_neighbours": -0.86,
}
"""Fitted by python -m benchmarks.evaluate.taste on the past of UCI: next orders of three months, each from what was
known before it began."""
PARTNERS, NEAR, RISING = 300, 50, 300
"""Rows that each leg brings along where nothing was said."""
NEAREST_OF = 30
CLICK_WEIGHT, MOST_CLICKED = 0.5, 5
"""What the newest clicks count as, beside an order of today that counts 1."""
TREND_OF_POPULARITY = 7 / 30
"""The half-lives of both: what trend is where a product sells evenly."""

HALF_STRENGTH = 0.05
WEEK = 7.0
"""Days by which a rhythm is blurred."""

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]
_NONE: Rows = np.empty(0, np.int64)


class Past(msgspec.Struct, frozen=True):
    """Rows that are known of a shopper, rising; all arrays are parallel."""

    rows: Rows
    weights: Floats
    rates: Floats
    days_ago: Floats
    rhythm_days: Floats
    is_own: NDArray[np.bool_]
    """False for what was only clicked or put into the cart."""


class Taste(msgspec.Struct, frozen=True):
    """One person's taste by the rows of one release; made once for a request."""

    past: Past
    partners: tuple[Rows, Floats]
    """What goes with the past, rows rising, and the summed weighted strength."""
    repeat_share: float
    tier_weights: Sequence[float]


def read_taste(
    profile: Mapping[str, Any] | None, session: ShopperSession | None, snapshot: Snapshot,
    complementarity: Complementarity | None,
) -> Taste | None:  # fmt: skip
    """None for whom nothing is known that the catalogue has. `profile` = a row of shopper_profiles; one of an older
    build has no weights, and its products count 1."""
    past = _past(profile or {}, session, snapshot)
    if not len(past.rows):
        return None
    nothing = (_NONE, np.empty(0))
    near = complementarity.summed(past.rows, past.weights) if complementarity else nothing
    known = profile or {}
    return Taste(past, near, known.get("repeat_share") or 0.0, known.get("tier_weights") or ())


def _past(profile: Mapping[str, Any], session: ShopperSession | None, snapshot: Snapshot) -> Past:
    names = profile.get("bought_products") or profile.get("recent_products") or ()
    orders, since = max(profile.get("orders_365d") or 1, 1), profile.get("days_since_order") or 0.0
    # Also what was removed since tells a taste; it is not answered.
    rows = [snapshot.row_in_feed(name) for name in names]
    at = np.asarray([-1 if row is None else row for row in rows], dtype=np.int64)

    def listed(name: str, default: float) -> Floats:
        values = profile.get(name) or ()
        return np.asarray(values, np.float64) if len(values) == len(at) else np.full(len(at), default)

    values = np.column_stack([
        listed("bought_weights", 1.0), listed("bought_orders", 1.0) / orders, listed("bought_days_ago", since),
        listed("rhythm_days", 0.0), np.ones(len(at)),
    ])  # fmt: skip
    order = np.argsort(at, kind="stable")
    order = order[at[order] >= 0]
    at, values = at[order], values[order]
    if session is not None:
        at, values = _with_session(at, values, session, snapshot, 1 / orders)
    return Past(at, values[:, 0], values[:, 1], values[:, 2], values[:, 3], values[:, 4] > 0)


def _with_session(
    at: Rows, values: Floats, session: ShopperSession, snapshot: Snapshot, rate: float
) -> tuple[Rows, Floats]:  # fmt: skip
    """What was done today on top of the past: weight, rate, days ago, rhythm, is own."""
    found = dict(zip(at.tolist(), values, strict=True))
    done = (
        (session.bought_products, 1.0, True), (session.cart_products, 1.0, False),
        (session.clicked_products[:MOST_CLICKED], CLICK_WEIGHT, False),
    )  # fmt: skip
    for products, weight, is_own in done:
        for row in snapshot.rows_of(products):
            known = found.get(row, np.zeros(5))
            today = (known[1] + rate, 0.0, known[3], 1.0) if is_own else known[1:]
            found[row] = np.asarray([known[0] + weight, *today])
    rows = sorted(found)
    return np.asarray(rows, dtype=np.int64), np.asarray([found[row] for row in rows]).reshape(-1, 5)


def next_rows(taste: Taste, rising: Rows, index: LocalIndex, limit: int) -> Rows:
    """Rows worth scoring where nothing was said: the past, what goes with it, what is like it though nobody may have
    bought it yet, and `rising`, as many as are wanted."""
    partners = strongest(taste.partners, max(PARTNERS, limit))
    direction = taste.past.weights.astype(np.float32) @ index.vectors(taste.past.rows)
    near = index.nearest(direction / max(float(np.linalg.norm(direction)), 1e-9), NEAR)[0]
    return distinct(taste.past.rows, partners, near, rising[: max(RISING, limit)])


def strongest(found: tuple[Rows, Floats], limit: int) -> Rows:
    """The rows of the largest values, in no order; `found` = rows and values."""
    rows, strengths = found
    return rows if len(rows) <= limit else rows[np.argpartition(-strengths, limit - 1)[:limit]]


def next_columns(
    rows: Rows, taste: Taste, index: LocalIndex, complementarity: Complementarity,
    popularity: NDArray[np.float32] | None, trend: NDArray[np.float32] | None,
) -> Floats:  # fmt: skip
    """Shape (rows, NEXT_FEATURES), for next_score."""
    found = np.zeros((len(rows), len(NEXT_FEATURES)))
    bought = np.zeros(len(rows)) if popularity is None else popularity[rows].astype(np.float64)
    found[:, 5] = np.log1p(bought)
    if trend is not None:
        found[:, 6] = np.log1p(trend[rows].astype(np.float64)) - np.log1p(bought * TREND_OF_POPULARITY)
    past = taste.past
    at, is_own = _own(rows, past)
    heaviest = past.rows[np.argsort(-past.weights, kind="stable")[:NEAREST_OF]]
    kinds = np.bincount(complementarity.groups[past.rows], past.weights, len(complementarity.meta.groups))
    found[:, 0] = is_own
    found[:, 1] = np.log1p(np.where(is_own, past.weights[at], 0.0))
    found[:, 2] = np.where(is_own, past.rates[at], 0.0)
    found[:, 3] = is_own * taste.repeat_share
    found[:, 4] = np.log1p(20 * looked_up(taste.partners, rows))
    new = np.flatnonzero(~is_own)
    found[new, 7] = (index.vectors(rows[new]) @ index.vectors(heaviest).T).max(axis=1, initial=0.0)
    found[:, 8] = np.sqrt(kinds / kinds.sum())[complementarity.groups[rows]]
    found[:, 9] = is_own * found[:, 4]
    return found


def next_score(columns: Floats) -> Floats:
    """One number for each row of next_columns; larger = sooner. Only the order and differences mean something."""
    score: Floats = columns @ np.asarray([NEXT_WEIGHTS[name] for name in NEXT_FEATURES])
    return score


def past_columns(rows: Rows, taste: Taste) -> dict[str, Floats]:
    """0..1 each, those that are not 0 for all rows. own: how often and how lately it was bought, weight / (1 + weight).
    due: 1 where the time since the last purchase is the shopper's rhythm for it, 0 without a rhythm. goes_with_past:
    summed strength as a partner of what was bought, s / (s + HALF_STRENGTH)."""
    found: dict[str, Floats] = {}
    strengths = looked_up(taste.partners, rows)
    if strengths.any():
        found["goes_with_past"] = strengths / (strengths + HALF_STRENGTH)
    at, is_own = _own(rows, taste.past)
    mine = np.flatnonzero(is_own)
    if not len(mine):
        return found
    own, at = np.zeros((2, len(rows))), at[mine]
    weights, rhythm = taste.past.weights[at], taste.past.rhythm_days[at]
    own[0, mine] = weights / (1.0 + weights)
    late = np.log((taste.past.days_ago[at] + WEEK) / (rhythm + WEEK))
    own[1, mine] = np.where(rhythm > 0, np.exp(-np.abs(late)), 0.0)
    return found | {"own": own[0], "due": own[1]}


def looked_up(found: tuple[Rows, Floats], rows: Rows) -> Floats:
    """The values of these rows, 0 for those that are not there; `found` = rows rising, and values."""
    known, values = found
    if not len(known):
        return np.zeros(len(rows))
    at = np.minimum(np.searchsorted(known, rows), len(known) - 1)
    return np.where(known[at] == rows, values[at], 0.0)


def _own(rows: Rows, past: Past) -> tuple[Rows, NDArray[np.bool_]]:
    at = np.minimum(np.searchsorted(past.rows, rows), len(past.rows) - 1)
    return at, (past.rows[at] == rows) & past.is_own[at]
