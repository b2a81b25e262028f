"""python -m benchmarks.experiments: how often results of experiments raise false alarms, find what is there, and hold
the truth, with a look every day; and how even buckets are.

Made shoppers arrive day by day, come back, and buy by tastes of their own; what the marts would say of them each day
goes through the service's own comparison."""

import argparse
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import combinations
from pathlib import Path
from timeit import timeit

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2_contingency, chisquare

from orchestration.experiments.metrics import Columns, compared
from orchestration.experiments.power import plan
from orchestration.experiments.words import LEAST_P
from setwise.experiment import Person
from setwise.flags import Flags, read_flags
from setwise.sequential import confidence_sequence, share_mismatch

DAYS = 28
RATE, FRAILTY, SPREAD = 0.15, 0.5, 0.8
"""Purchases of a unit in 28 days, how unlike units are in it (shape of a gamma), and baskets (sigma of a lognormal)."""
UNITS, LIFT, LOST = 4_000, 0.4, (0.05, 0.1)
Z = 1.96
BEGIN, END = "<!-- figures: python -m benchmarks.experiments -->", "<!-- end of figures -->"
METRICS = ("revenue per unit", "conversion", "attach rate", "milliseconds per answer")


class Shop(msgspec.Struct, frozen=True):
    """Units that arrive evenly over the days. `lost` = share of treatment's units that no record is of."""

    units: int
    lift: float = 0.0
    lost: float = 0.0


class Tally(msgspec.Struct):
    """Of one simulation, by metric: whether any look said better or worse, whether a plain interval would have, and
    whether every interval held the truth."""

    alarmed: dict[str, bool] = {}
    plain: dict[str, bool] = {}
    better: dict[str, bool] = {}
    held: dict[str, bool] = {}
    day: int = 0
    """Of the first look that said better."""
    mismatch: bool = False


def looks(
    shop: Shop, seed: int, metrics: tuple[str, ...] = METRICS
) -> Iterator[tuple[list[int], dict[str, tuple[Columns, Columns]]]]:
    """What is known at the end of each day: units of control and treatment, and columns of each metric for both."""
    rng, n = np.random.default_rng(seed), shop.units
    arrives = np.sort(rng.integers(0, DAYS, n))
    treated = rng.random(n) < 0.5
    rate = rng.gamma(FRAILTY, RATE / FRAILTY, n)
    scale = rng.lognormal(8.0, SPREAD / 2, n)
    before = rng.poisson(rate) * scale * rng.lognormal(0.0, SPREAD, n)
    here = np.arange(DAYS) >= arrives[:, None]
    wanted = (rate * np.where(treated, 1 + shop.lift, 1.0))[:, None] / DAYS * here
    counts = rng.poisson(wanted)
    money = counts * scale[:, None]
    money[counts > 0] *= rng.lognormal(0.0, SPREAD, int((counts > 0).sum()))
    answers = rng.poisson(0.3, (n, DAYS)) * here
    answers[np.arange(n), arrives] += 1
    slow = rng.lognormal(2.3, 0.3, n)  # a prompt that takes long does so again
    revenue, bought, asked = (np.cumsum(one, axis=1) for one in (money, counts, answers))
    kept = ~treated | (rng.random(n) >= shop.lost)
    for day in range(DAYS):
        known = (arrives <= day) & kept
        arms = [known & ~treated, known & treated]
        columns: dict[str, tuple[Columns, Columns]] = {}
        for name in metrics:
            pair = [_columns(name, arm, day, revenue, bought, asked, slow, before) for arm in arms]
            columns[name] = (pair[0], pair[1])
        yield [int(arm.sum()) for arm in arms], columns


def _columns(
    name: str, arm: NDArray[np.bool_], day: int, revenue: NDArray[np.float64], bought: NDArray[np.int64],
    asked: NDArray[np.int64], slow: NDArray[np.float64], before: NDArray[np.float64],
) -> Columns:  # fmt: skip
    if name == "revenue per unit":
        return {"numerator": revenue[arm, day], "before": before[arm]}
    if name == "conversion":
        return {"numerator": (bought[arm, day] > 0).astype(float), "before": (before[arm] > 0).astype(float)}
    many = asked[arm, day].astype(float)
    if name == "attach rate":
        return {"numerator": np.minimum(bought[arm, day], 9 * many), "denominator": 9 * many}
    return {"numerator": many * slow[arm], "denominator": many}


def simulated(shop: Shop, seed: int, planned: int, metrics: tuple[str, ...] = METRICS, every: int = 1) -> Tally:
    """One experiment from its first to its last look."""
    no = dict.fromkeys(metrics, False)
    tally = Tally(dict(no), dict(no), dict(no), dict.fromkeys(metrics, True))
    for day, (sizes, columns) in enumerate(looks(shop, seed, metrics), 1):
        tally.mismatch |= share_mismatch(sizes, [0.5, 0.5]) < LEAST_P
        if day % every:
            continue
        for name in metrics:
            one = compared(name, "treatment", *columns[name], planned)
            if one.relative is None or one.low is None or one.high is None:
                continue
            tally.alarmed[name] |= one.verdict != "open"
            tally.better[name] |= one.verdict == "better"
            tally.held[name] &= one.low <= shop.lift <= one.high
            error = _error(one.low, one.high, sum(sizes), planned)
            tally.plain[name] |= bool(abs(np.log1p(one.relative)) > Z * error)
            tally.day = tally.day or (day if one.verdict == "better" else 0)
    return tally


def _error(low: float, high: float, units: int, planned: int) -> float:
    """The standard error that an interval was made with."""
    return float((np.log1p(high) - np.log1p(low)) / 2 / confidence_sequence(0.0, 1.0, units, planned).high)


def needed(lift: float, seed: int = 1, pilot: int = 40_000) -> int:
    """Units that the plan asks for, by the past of shoppers like these."""
    *_, (_, columns) = looks(Shop(pilot), seed, METRICS[:1])
    control, treatment = columns[METRICS[0]]
    both = {name: np.concatenate([control[name], treatment[name]]) for name in control}
    found = plan("revenue per unit", both["numerator"], both["before"], lift, 1.0)
    assert found is not None
    return found.units


def flags(count: int) -> Flags:
    """So many flags that are on, of two variants each, that set nothing."""
    one = {
        "state": "ENABLED",
        "variants": {"control": {}, "treatment": {}},
        "targeting": {"fractional": [["control", 50], ["treatment", 50]]},
    }
    return read_flags(json.dumps({"flags": {f"flag-{at}": one for at in range(count)}}).encode())


def buckets(units: int, count: int) -> tuple[list[float], list[float], float]:
    """p of evenness by flag and of independence by pair, and microseconds for one flag of a unit."""
    found = flags(count)
    drawn = np.asarray(
        [[v == "treatment" for v in found.assign(Person(f"u-{n}", None, "")).variants.values()] for n in range(units)]
    )
    even = [float(chisquare([drawn[:, at].sum(), units - drawn[:, at].sum()]).pvalue) for at in range(count)]
    apart = []
    for a, b in combinations(range(count), 2):
        table = [[np.sum((drawn[:, a] == x) & (drawn[:, b] == y)) for y in (0, 1)] for x in (0, 1)]
        apart.append(float(chi2_contingency(np.asarray(table)).pvalue))
    alone = flags(1)
    return even, apart, timeit(lambda: alone.assign(Person("u-1", None, "")), number=2_000) / 2_000 * 1e6


def _share(values: list[bool]) -> str:
    return f"{100 * sum(values) / len(values):.1f} %"


class Part(msgspec.Struct, frozen=True):
    """Simulations of one kind; what was simulated is kept in `file`, and not again."""

    name: str
    shop: Shop
    metrics: tuple[str, ...]
    simulations: int

    def tallies(self, work: Path, pool: ProcessPoolExecutor) -> list[Tally]:
        """By seed; those that are missing are simulated now."""
        work.mkdir(parents=True, exist_ok=True)
        file = work / f"{self.name}-{self.shop.units}.jsonl"
        known = (
            [msgspec.json.decode(line, type=Tally) for line in file.read_bytes().splitlines()] if file.exists() else []
        )
        todo = [(self.shop, seed, self.shop.units, self.metrics) for seed in range(len(known), self.simulations)]
        with file.open("ab") as kept:
            for tally in pool.map(_one, todo, chunksize=4):
                known.append(tally)
                kept.write(msgspec.json.encode(tally) + b"\n")
                kept.flush()
        return known[: self.simulations]


def _one(asked: tuple[Shop, int, int, tuple[str, ...]]) -> Tally:
    return simulated(*asked)


def parts(simulations: int) -> dict[str, Part]:
    """Without a difference, with a lift, and with records that are lost."""
    some, total = max(3 * simulations // 10, 50), needed(LIFT)
    found = [
        Part("none", Shop(UNITS), METRICS, simulations),
        Part("lift", Shop(total, LIFT), METRICS[:1], some),
        *(Part(f"lost-{share:g}", Shop(total, 0.0, share), (), 2 * some // 3) for share in LOST),
    ]
    return {part.name: part for part in found}


def report(asked: dict[str, Part], units: int, work: Path, pool: ProcessPoolExecutor) -> str:
    """The figures as Markdown."""
    of = {name: part.tallies(work, pool) for name, part in asked.items()}
    none, planted, money = of["none"], of["lift"], METRICS[0]
    days = sorted(tally.day for tally in planted if tally.day)
    wrong = [tally.alarmed[money] and not tally.better[money] for tally in planted]
    even, apart, micros = buckets(units, 4)
    return "\n".join([
        f"{len(none):,} experiments without any difference, {UNITS:,} units arriving over {DAYS} days, a look every "
        "day. Share of them in which any look said better or worse; promised are at most 5 %:\n",
        "| metric | confidence sequence | a plain 95 % interval, looked at as often |",
        "| --- | --- | --- |",
        *(f"| {m} | {_share([t.alarmed[m] for t in none])} | {_share([t.plain[m] for t in none])} |" for m in METRICS),
        "",
        f"{len(planted):,} experiments with a planted lift of {100 * LIFT:.0f} % in purchases, with the "
        f"{asked['lift'].shop.units:,} units that the plan asks for to find it 80 of 100 times by revenue per unit:\n",
        "| | |",
        "| --- | --- |",
        f"| found at some look | {_share([tally.better[money] for tally in planted])} |",
        f"| day on which half of these were found | {days[len(days) // 2] if days else '-'} of {DAYS} |",
        f"| said to be worse | {_share(wrong)} |",
        f"| every interval of all {DAYS} looks held the truth | {_share([tally.held[money] for tally in planted])} |",
        "",
        f"Check of shares, a look every day, alarm below p = {LEAST_P}:\n",
        "| records of treatment that are lost | units | alarms |",
        "| --- | --- | --- |",
        *(f"| {100 * asked[name].shop.lost:.0f} % | {asked[name].shop.units:,} | "
          f"{_share([tally.mismatch for tally in of[name]])} |" for name in asked),
        "",
        f"Buckets of {units:,} units by {len(even)} flags of two variants: p of evenness (chi-square) by flag "
        f"{', '.join(f'{p:.2f}' for p in even)}; p of independence by pair {', '.join(f'{p:.2f}' for p in apart)}. "
        f"Assigning one flag took {micros:.0f} microseconds.",
    ])  # fmt: skip


def write_into(document: Path, figures: str) -> None:
    """In the place of those that the document has between its marks."""
    before, begin, rest = document.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise RuntimeError(f"{document} has no marks for the figures")
    document.write_text(f"{before}{BEGIN}\n{figures}\n{END}{after}")


def main() -> int:
    """Prints the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.experiments",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--simulations", type=int, default=1_000)
    parser.add_argument("--units", type=int, default=100_000, help="units that are bucketed (%(default)s)")
    parser.add_argument("--document", type=Path, help="puts the figures into this document too, between its marks")
    parser.add_argument("--work", type=Path, default=Path("var/experiments"), help="what was simulated (%(default)s)")
    parser.add_argument(
        "--only", default="", help="simulate one part and print nothing: none, lift, lost-0.05, lost-0.1"
    )
    parser.add_argument("--workers", type=int, help="processes")
    chosen = parser.parse_args()
    asked = parts(chosen.simulations)
    with ProcessPoolExecutor(chosen.workers) as pool:
        if chosen.only:
            asked[chosen.only].tallies(chosen.work, pool)
            return 0
        figures = report(asked, chosen.units, chosen.work, pool)
    print(figures)
    if chosen.document is not None:
        write_into(chosen.document, figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
