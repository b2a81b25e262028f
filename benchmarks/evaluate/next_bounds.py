"""python -m benchmarks.evaluate.next_bounds --builds var/evaluate: how far weights can get with next orders.

Of the questions' own month, which nothing else learns from: what the shipped weights reach, what weights that were
fitted on that month's answers reach, and with what the month's other shoppers bought as further columns. These figures
know what is asked: they are bounds, never results. The loss is a softmax's, so that recall may fall by a fit."""

import argparse
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluate.report import as_table
from benchmarks.evaluate.shops import ROOT
from benchmarks.evaluate.taste import SHOP, TOP, Case, cases, fit, open_past, recalls
from setwise import taste
from setwise.names import ProductId, UserId

ASKED = datetime(2011, 10, 9, tzinfo=UTC)
"""What was bought from here on is asked."""
DOUBT = 0.5
"""Buyers that every share counts beside those who were seen."""

Floats = NDArray[np.float64]


def read_answers(path: Path) -> Iterator[tuple[UserId, set[ProductId]]]:
    """The shoppers of the questions for a next order, and what was in it."""
    for line in path.read_text().splitlines():
        query = json.loads(line)
        if "p1" in query["subsets"]:
            yield UserId(query["user_id"]), {ProductId(product) for product in query["gold"]}


def sold_to_others(asked: list[Case], count: int) -> list[Floats]:
    """Two columns for each case: log of 1 + the others who bought the product in the month, and for what is own the log
    share of the other owners who did. `count` = rows of the catalogue."""
    sold, again, owners = np.zeros((3, count))
    for case in asked:
        own = ~case.is_new
        sold[case.rows] += case.is_bought
        again[case.rows] += case.is_bought & own
        owners[case.rows] += own
    found = []
    for case in asked:
        own, mine = ~case.is_new, case.is_bought
        share = (again[case.rows] - (mine & own) + DOUBT) / (owners[case.rows] - own + 2 * DOUBT)
        found.append(np.column_stack([np.log1p(sold[case.rows] - mine), own * np.log(share)]))
    return found


def line(name: str, asked: list[Case], weights: Floats) -> list[str]:
    """Mean recall of next orders and of what is new in them."""
    every, new = recalls(asked, weights)
    return [name, f"{every.mean():.4f}", f"{np.nanmean(new):.4f}"]


def ordered_best(name: str, asked: list[Case], *, own: bool) -> list[str]:
    """The same where the order of the candidates were known; `own` = of what the shopper bought before alone."""
    hits = [int((case.is_bought & ~case.is_new if own else case.is_bought).sum()) for case in asked]
    every = np.mean([min(hit, TOP) / case.bought for hit, case in zip(hits, asked, strict=True)])
    new = [min(int((case.is_bought & case.is_new).sum()), TOP) / case.new for case in asked if case.new]
    return [name, f"{every:.4f}", "" if own else f"{np.mean(new):.4f}"]


def main() -> None:
    """Prints the bounds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluate.next_bounds", description=__doc__)
    parser.add_argument("--builds", type=Path, default=ROOT / "var/evaluate", help="work folder of the evaluation")
    shared = Path(os.environ.get("SETWISE_SHARED") or ROOT / "../shared")
    parser.add_argument("--shared", type=Path, default=shared, help="folder with data/ (%(default)s)")
    chosen = parser.parse_args()
    orders, snapshot, index = open_past(chosen.builds)
    bought = dict(read_answers(chosen.shared / "data" / SHOP / "queries.jsonl"))
    asked = list(cases(orders, snapshot, index, ASKED, bought))
    shipped = np.asarray([taste.NEXT_WEIGHTS[name] for name in taste.NEXT_FEATURES])
    told = [line("shipped weights", asked, shipped), line("weights fitted on the answers", asked, fit(asked))]
    for known, count in (("what others buy that month", 1), ("what others buy, and buy again", 2)):
        wider = [
            msgspec.structs.replace(case, columns=np.column_stack([case.columns, more[:, :count]]))
            for case, more in zip(asked, sold_to_others(asked, len(snapshot)), strict=True)
        ]
        told.append(line(f"the same, knowing {known}", wider, fit(wider)))
    told.append(ordered_best("own products in the best order", asked, own=True))
    told.append(ordered_best("all that is scored in the best order", asked, own=False))
    print(f"{len(asked)} shoppers\n\n{as_table(('recall@10', 'next order', 'new in it'), told)}")


if __name__ == "__main__":
    main()
