"""How far do two variants differ in a metric? Means and ratios by tea-tasting, intervals that hold at any look."""

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import NormalDist
from typing import Literal

import msgspec
import numpy as np
import tea_tasting as tt
from numpy.typing import NDArray
from tea_tasting.aggr import Aggregates

from orchestration.experiments.units import Unit
from setwise.sequential import ALPHA, confidence_sequence

LEAST_UNITS = 100
"""An asymptotic interval needs so many units in each variant ..."""
LEAST_EVENTS = 20
"""... and so many of them with anything else than nothing."""
Verdict = Literal["better", "worse", "open", "withheld"]
Read = Callable[[Unit], float]


class Metric(msgspec.Struct, frozen=True):
    """The mean of `numerator` over units, or its ratio to `denominator`; `before` = what is known of a unit from before
    the start. `is_bad` where more of it is worse."""

    name: str
    numerator: Read
    denominator: Read | None = None
    before: Read | None = None
    is_bad: bool = False


class Difference(msgspec.Struct, frozen=True):
    """Values of both variants; `relative` difference with `low` and `high`, as shares; None where too little is
    known."""

    metric: str
    variant: str
    control: float
    treatment: float
    relative: float | None = None
    low: float | None = None
    high: float | None = None
    p: float = 1.0
    """Good at any look."""
    verdict: Verdict = "open"


def metrics_of(currencies: Sequence[str], knows_costs: bool) -> list[Metric]:
    """Conversion, money by currency, attach rate, and the guardrail of latency."""

    def of(field: str, currency: str) -> Read:
        return lambda unit: getattr(unit, field).get(currency, 0.0)

    money = [Metric(f"revenue per unit ({c})", of("revenue", c), before=of("before", c)) for c in currencies]
    if knows_costs:
        money += [Metric(f"margin per unit ({c})", of("margin", c), before=of("before", c)) for c in currencies]
    return [
        Metric("conversion", lambda unit: float(unit.has_bought), before=lambda unit: float(any(unit.before.values()))),
        *money,
        Metric("attach rate", lambda unit: unit.attached, lambda unit: unit.items),
        Metric("milliseconds per answer", lambda unit: unit.total_ms, lambda unit: unit.answers, is_bad=True),
    ]


def difference(
    metric: Metric, variant: str, control: Sequence[Unit], treatment: Sequence[Unit], planned: int, alpha: float = ALPHA
) -> Difference:
    """Between two groups of units; `planned` = units of both when the experiment is to end."""
    columns = ({"numerator": metric.numerator} | ({"denominator": metric.denominator} if metric.denominator else {})
               | ({"before": metric.before} if metric.before else {}))  # fmt: skip
    both = [{name: np.asarray([read(unit) for unit in units], float) for name, read in columns.items()}
            for units in (control, treatment)]  # fmt: skip
    return compared(metric.name, variant, both[0], both[1], planned, alpha, is_bad=metric.is_bad)


Columns = Mapping[str, NDArray[np.float64]]


def compared(
    name: str,
    variant: str,
    control: Columns,
    treatment: Columns,
    planned: int,
    alpha: float = ALPHA,
    *,
    is_bad: bool = False,
) -> Difference:
    """The same of columns: `numerator`, and `denominator` or `before` where there are such."""
    sizes = [len(columns["numerator"]) for columns in (control, treatment)]
    is_ratio = "denominator" in control
    means = [
        float(columns["numerator"].sum() / max(columns["denominator"].sum() if is_ratio else size, 1e-12))
        for columns, size in zip((control, treatment), sizes, strict=True)
    ]
    nothing = Difference(name, variant, *means)
    seen = [np.count_nonzero(columns["numerator"]) for columns in (control, treatment)]
    if min(sizes) < LEAST_UNITS or min(seen) < LEAST_EVENTS or min(means) <= 0:
        return nothing
    if is_ratio:
        tested: tt.RatioOfMeans = tt.RatioOfMeans("numerator", "denominator", use_t=False)
    else:
        has_past = "before" in control and any(columns["before"].any() for columns in (control, treatment))
        tested = tt.Mean("numerator", "before" if has_past else None, use_t=False)
    found = tested.analyze_aggregates(*(_aggregates(columns) for columns in (control, treatment)))
    if not (found.control > 0 and found.treatment > 0):
        return nothing
    estimate = math.log(found.treatment / found.control)
    spread = math.log1p(found.rel_effect_size_ci_upper) - math.log1p(found.rel_effect_size_ci_lower)
    error = spread / 2 / NormalDist().inv_cdf((1 + tested.confidence_level) / 2)
    if not error > 0:
        return nothing
    interval = confidence_sequence(estimate, error, sum(sizes), planned, alpha)
    is_more, is_less = interval.low > 0, interval.high < 0
    verdict: Verdict = "open" if not (is_more or is_less) else "better" if is_more is not is_bad else "worse"
    return Difference(
        name, variant, float(found.control), float(found.treatment), math.expm1(estimate), math.expm1(interval.low),
        math.expm1(interval.high), interval.p, verdict,
    )  # fmt: skip


def _aggregates(columns: Columns) -> Aggregates:
    names = list(columns)
    table = np.stack([columns[name] for name in names])
    spread = np.atleast_2d(np.cov(table))
    return Aggregates(
        table.shape[1],
        {name: float(mean) for name, mean in zip(names, table.mean(axis=1), strict=True)},
        {name: float(spread[at, at]) for at, name in enumerate(names)},
        {(a, b): float(spread[i, j]) for i, a in enumerate(names) for j, b in enumerate(names) if i < j},
    )
