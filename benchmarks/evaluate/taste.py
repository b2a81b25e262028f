"""python -m benchmarks.evaluate.taste --builds var/evaluate: fits the weights of setwise.taste on a shop's past.

For each cut-off, what was known before it: profiles, statistics and complementarity by the build's own functions. The
targets are the shoppers' next orders within the month that follows; every target is older than the questions of the
evaluation. Two losses of equal weight, all next products and the new ones among them; the last month is kept for
checking and then for the fit as well."""

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.evaluate.shops import ROOT
from setwise import profiles, statistics, taste
from setwise.complementarity import Complementarity, build_complementarity
from setwise.feeds import read_orders
from setwise.index import LocalIndex
from setwise.names import ProductId, UserId
from setwise.orders import Order
from setwise.release import Releases
from setwise.snapshot import Snapshot

SHOP = "uci"
MONTH = timedelta(days=31)
CUT_OFFS = [datetime(2011, month, 8, tzinfo=UTC) for month in (7, 8, 9)]
"""The last month ends where the questions of the evaluation begin."""
RIDGE = 1e-4
TOP = 10

Floats = NDArray[np.float64]


class Case(msgspec.Struct, frozen=True):
    """One shopper at one cut-off: candidates and their columns, which of them were bought next, and how many in all."""

    rows: NDArray[np.int64]
    columns: Floats
    is_bought: NDArray[np.bool_]
    is_new: NDArray[np.bool_]
    bought: int
    new: int


def next_orders(orders: list[Order], cut_off: datetime) -> dict[UserId, set[ProductId]]:
    """Products of each shopper's first order in the month after the cut-off."""
    found: dict[UserId, set[ProductId]] = {}
    for order in sorted(orders, key=lambda one: one.ordered_at):
        if order.user_id is not None and cut_off <= order.ordered_at < cut_off + MONTH:
            bought = {line.product_id for line in order.lines if line.quantity > 0 and line.unit_cents > 0}
            if bought:
                found.setdefault(order.user_id, bought)
    return found


def cases(
    orders: list[Order], snapshot: Snapshot, index: LocalIndex, cut_off: datetime,
    bought_next: Mapping[UserId, set[ProductId]] | None = None,
) -> Iterator[Case]:  # fmt: skip
    """The shoppers who came back in the month after the cut-off, as an answer would have known them; `bought_next` =
    what they bought then, where the orders do not reach so far."""
    past = [order for order in orders if order.ordered_at < cut_off]
    products = {product.id: product for product in snapshot}
    rows_of = profiles.shopper_profiles(past, products, cut_off)
    stats = statistics.product_stats(past, cut_off)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        statistics.write_popularity(stats, snapshot.ids, folder)
        popularity = statistics.read_popularity(folder)
        trend = statistics.read_popularity(folder, statistics.TREND_FILE)
        build_complementarity(snapshot, index.vectors().astype(np.float16), past, [], cut_off, folder)
        together = Complementarity.open(folder)
    assert trend is not None
    rising = np.argsort(-trend, kind="stable").astype(np.int64)
    for user, bought in (bought_next or next_orders(orders, cut_off)).items():
        profile = msgspec.structs.asdict(rows_of[user]) if user in rows_of else None
        known = taste.read_taste(profile, None, snapshot, together)
        if known is None or profile is None:
            continue
        rows = taste.next_rows(known, rising, index, 0)
        columns = taste.next_columns(rows, known, index, together, popularity, trend)
        is_bought = np.isin(rows, snapshot.rows_of(bought))
        new = len(bought.difference(profile["bought_products"]))
        yield Case(rows, columns, is_bought, columns[:, 0] == 0, len(bought), new)


class Stacked(msgspec.Struct, frozen=True):
    """All shoppers' candidates below each other; `starts` = the first one of each; `target` adds up to 1 for each."""

    columns: Floats
    target: Floats
    starts: NDArray[np.int64]
    sizes: NDArray[np.int64]


def stacked(train: list[Case]) -> Stacked:
    """Each shopper twice, with all candidates and with the new ones, where something of them was bought."""
    found = [(case.columns, case.is_bought) for case in train]
    found += [(case.columns[case.is_new], case.is_bought[case.is_new]) for case in train]
    found = [(columns, bought) for columns, bought in found if bought.any()]
    sizes = np.asarray([len(bought) for _, bought in found])
    target = np.concatenate([bought / bought.sum() for _, bought in found])
    return Stacked(np.concatenate([columns for columns, _ in found]), target, np.cumsum(sizes) - sizes, sizes)


def loss(weights: Floats, all_of: Stacked) -> tuple[float, Floats]:
    """Mean cross entropy of a softmax over each shopper's candidates, and its gradient."""
    scores = all_of.columns @ weights
    scores -= np.repeat(np.maximum.reduceat(scores, all_of.starts), all_of.sizes)
    likely = np.exp(scores)
    sums = np.add.reduceat(likely, all_of.starts)
    total = float(np.log(sums).sum() - all_of.target @ scores)
    gradient = all_of.columns.T @ (likely / np.repeat(sums, all_of.sizes) - all_of.target)
    count = len(all_of.sizes)
    return total / count + RIDGE * float(weights @ weights), gradient / count + 2 * RIDGE * weights


def fit(train: list[Case]) -> Floats:
    """Weights in the order of the columns."""
    all_of = stacked(train)
    start = np.zeros(all_of.columns.shape[1])
    done = minimize(loss, start, (all_of,), "L-BFGS-B", jac=True, options={"maxiter": 100})
    solved: Floats = done.x
    return solved


def recalls(tested: list[Case], weights: Floats) -> tuple[Floats, Floats]:
    """Recall among the first ten of each case: of the next order, and of what is new in it with the past left out; NaN
    where nothing is."""
    every, new = np.full((2, len(tested)), np.nan)
    for at, case in enumerate(tested):
        scores = case.columns @ weights
        every[at] = case.is_bought[np.argsort(-scores, kind="stable")[:TOP]].sum() / case.bought
        if case.new:
            fresh = np.flatnonzero(case.is_new)
            best = fresh[np.argsort(-scores[fresh], kind="stable")[:TOP]]
            new[at] = case.is_bought[best].sum() / case.new
    return every, new


def recall(tested: list[Case], weights: Floats) -> tuple[float, float]:
    """The means of both."""
    every, new = recalls(tested, weights)
    return float(every.mean()), float(np.nanmean(new))


def open_past(builds: Path) -> tuple[list[Order], Snapshot, LocalIndex]:
    """The orders of the shop, and its catalogue and index, from the work folder of the evaluation."""
    data = builds / "builds" / SHOP
    releases = Releases(str(data / "releases"), data / "release-cache")
    current = releases.current_id()
    if current is None:
        raise RuntimeError(f"there is no live release in {data}: run python -m benchmarks.evaluate --sets {SHOP} first")
    folder = releases.fetch(current)[1]
    snapshot, index = Snapshot(folder / "snapshot"), LocalIndex(folder / "index")
    read = read_orders(builds / "shops" / SHOP / "orders.jsonl", snapshot.meta.currency)
    return [one for one in read if isinstance(one, Order)], snapshot, index


def main() -> None:
    """Prints recall on the month that was kept, with each feature left out, and the weights of all months."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluate.taste", description=__doc__)
    parser.add_argument("--builds", type=Path, default=ROOT / "var/evaluate", help="work folder of the evaluation")
    chosen = parser.parse_args()
    orders, snapshot, index = open_past(chosen.builds)
    *earlier, last = [list(cases(orders, snapshot, index, cut_off)) for cut_off in CUT_OFFS]
    train = [case for month in earlier for case in month]
    weights = fit(train)
    print(
        f"{len(train)} shoppers to fit, {len(last)} to check; recall@10 all, new: {recall(last, weights)}", flush=True
    )
    print("own weight alone:", recall(last, np.eye(len(weights))[taste.NEXT_FEATURES.index("own_weight")])[0])
    for at, name in enumerate(taste.NEXT_FEATURES):
        left = [msgspec.structs.replace(case, columns=_without(case.columns, at)) for case in train]
        print(f"without {name}: {recall(last, fit(left))}", flush=True)
    final = fit([*train, *last])
    print({name: round(weight, 2) for name, weight in zip(taste.NEXT_FEATURES, final.tolist(), strict=True)})


def _without(columns: Floats, at: int) -> Floats:
    changed = columns.copy()
    changed[:, at] = 0.0
    return changed


if __name__ == "__main__":
    main()
