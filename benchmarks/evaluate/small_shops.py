"""python -m benchmarks.evaluate.small_shops --builds var/evaluate: which weights of setwise.taste suit a small shop.

Makes small shops of a large one: a few shoppers each with all their orders, or all shoppers in the first weeks. Their
next orders are ranked by weights of the large shop, of other small shops, of their own, and by what they bought alone.
Weights are fitted on what is a month older than what they are tried on, or on other shoppers."""

import argparse
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluate.report import as_table
from benchmarks.evaluate.shops import ROOT
from benchmarks.evaluate.taste import CUT_OFFS, Case, cases, fit, open_past, recalls
from orchestration.ranker_training import bootstrap
from setwise import taste
from setwise.orders import Order

SHOPPERS, SHOPS = 200, 10
FIRST_WEEKS = timedelta(weeks=8)
OPENED = datetime(2010, 12, 1, tzinfo=UTC)
"""The first day of the large shop."""

Floats = NDArray[np.float64]
Row = list[str]


def shop_of(order: Order, count: int) -> int:
    """Which of `count` shops an order is dealt to: one shopper's to one shop, those of nobody known one by one."""
    return zlib.crc32((order.user_id or order.order_id).encode()) % count


def dealt(orders: Sequence[Order], count: int, at: int) -> list[Order]:
    """The orders of one of `count` shops."""
    return [order for order in orders if shop_of(order, count) == at]


def rows(name: str, tested: Sequence[tuple[list[Case], Mapping[str, Floats]]]) -> list[Row]:
    """A line for each kind of weights; `tested` = the cases of each shop, and the weights that are tried on them. The
    first kind is what the others are compared with."""
    found: list[Row] = []
    first: tuple[Floats, Floats] | None = None
    for kind in tested[0][1]:
        parts = [recalls(held, weights[kind]) for held, weights in tested]
        every, new = (np.concatenate(side) for side in zip(*parts, strict=True))
        line = [name, kind, str(len(every))]
        for at, values in enumerate((every, new)):
            known = ~np.isnan(values)
            line.append(f"{values[known].mean():.4f}")
            if first is None:
                line.append("")
                continue
            mean, low, high = bootstrap((values - first[at])[known])
            line.append(f"{mean:+.4f} [{low:+.4f}, {high:+.4f}]")
        first = first or (every, new)
        found.append(line)
    return found


def main() -> None:
    """Prints recall@10 of next orders, and of what is new in them, by shop and by weights."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluate.small_shops", description=__doc__)
    parser.add_argument("--builds", type=Path, default=ROOT / "var/evaluate", help="work folder of the evaluation")
    orders, snapshot, index = open_past(parser.parse_args().builds)
    *_, earlier, later = CUT_OFFS
    large = fit(list(cases(orders, snapshot, index, earlier)))
    own = np.eye(len(large))[taste.NEXT_FEATURES.index("own_weight")]
    count = len({order.user_id for order in orders if order.user_id and order.ordered_at < earlier}) // SHOPPERS
    past, held = (
        [list(cases(dealt(orders, count, at), snapshot, index, cut_off)) for at in range(min(SHOPS, count))]
        for cut_off in (earlier, later)
    )
    tested = []
    for at, shop in enumerate(held):
        others = fit([case for other, found in enumerate(past) if other != at for case in found])
        tested.append((shop, {"large shop": large, "other small shops": others, "own": fit(past[at]), "none": own}))
    told = rows(f"{SHOPPERS} shoppers", tested)
    young = list(cases(orders, snapshot, index, OPENED + FIRST_WEEKS))
    halves = [young[::2], young[1::2]]
    told += rows(
        f"first {FIRST_WEEKS.days // 7} weeks",
        [(half, {"large shop": large, "own": fit(other), "none": own}) for half, other in (halves, halves[::-1])],
    )
    titles = ("shop", "weights of", "n", "next order", "to the first [95 %]", "new in it", "to the first [95 %]")
    print(as_table(titles, told))


if __name__ == "__main__":
    main()
