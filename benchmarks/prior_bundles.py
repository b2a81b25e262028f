"""python -m benchmarks.prior_bundles --builds var/evaluate: what shops without a past take for granted of bundles.

Reads the sets of the past of the public bundle sets, by whether their title names one kind or leaves the kinds open,
and prints likeness and sizes of each shop and of both together: the numbers of setwise/complementarity/prior.py."""

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluate.asking import open_shop
from benchmarks.evaluate.report import as_table
from benchmarks.evaluate.shops import ROOT, Shop
from benchmarks.evaluate.tasks import BUNDLEREC
from online.merchandising import NO_RULES
from online.messages import BundleRequest
from online.plan import plan_bundles
from setwise.complementarity.affinity import likeness_of, pair_matrix
from setwise.complementarity.copurchase import Basket, count_pairs
from setwise.complementarity.prior import LARGEST_SET

BUNDLES = (1, 3, 5)
KINDS = {True: "one kind", False: "left open"}


class Past(msgspec.Struct, frozen=True):
    """Of the sets of one shop with one sort of title: how many, how alike, shares of the sizes, shape (8,)."""

    sets: int
    likeness: float
    shares: NDArray[np.float64]

    def row(self, *names: str) -> list[str]:
        """A line of the table."""
        shares = " ".join(f"{share:.2f}" for share in self.shares[2:])
        sizes = [np.searchsorted(self.shares.cumsum(), (np.arange(n) + 0.5) / n).tolist() for n in BUNDLES]
        return [*names, str(self.sets), f"{self.likeness:.2f}", shares, *(", ".join(map(str, one)) for one in sizes)]


def read_past(shop: Shop) -> dict[bool, Past]:
    """Sets whose title names one kind (True) or none (False); those that name several products say nothing here."""
    live = open_shop(shop).live
    baskets: dict[bool, list[list[int]]] = {True: [], False: []}
    for line in (shop.folder / "sets.jsonl").read_text().splitlines():
        one = json.loads(line)
        request = BundleRequest(prompt=one["title"])
        plan = plan_bundles(request, live, datetime.now(UTC), NO_RULES, False)
        rows = sorted(set(live.snapshot.rows_of(one["product_ids"])))
        if len(rows) > 1 and not plan.slots:
            baskets[plan.open_kind is not None].append(rows)
    codes, count = live.complementarity.groups, len(live.complementarity.meta.groups)
    return {sort: _past(found, codes, count) for sort, found in baskets.items()}


def _past(found: list[list[int]], codes: NDArray[np.int32], groups: int) -> Past:
    counts = count_pairs((Basket(rows, 1.0) for rows in found), len(codes))
    sizes = np.bincount([min(len(rows), LARGEST_SET) for rows in found], minlength=LARGEST_SET + 1)
    return Past(len(found), likeness_of(pair_matrix(counts, codes, groups)).value, sizes / max(sizes.sum(), 1))


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prior_bundles", description=__doc__)
    parser.add_argument("--builds", type=Path, default=ROOT / "var/evaluate", help="work folder of the evaluation")
    work = parser.parse_args().builds
    pasts = {name: read_past(Shop(name, work / "shops" / name, work / "builds" / name)) for name in BUNDLEREC}
    rows = []
    for sort, title in KINDS.items():
        each = [past[sort] for past in pasts.values()]
        rows += [past[sort].row(name, title) for name, past in pasts.items()]
        # Each shop counts once, however many sets it has.
        both = Past(
            sum(past.sets for past in each),
            float(np.mean([past.likeness for past in each])),
            np.mean([past.shares for past in each], axis=0),
        )
        rows.append(both.row("both", title))
    head = ("set", "titles", "sets", "likeness", f"shares of 2 .. {LARGEST_SET}", *(f"{n} bundles" for n in BUNDLES))
    print(as_table(head, rows))


if __name__ == "__main__":
    main()
