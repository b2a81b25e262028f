"""The results of all experiments: differences, the check of shares, segments, and what to do."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from scipy.stats import false_discovery_control

from orchestration.experiments.metrics import Difference, Metric, difference, metrics_of
from orchestration.experiments.units import Unit, Units, counted, started_at, units_of
from orchestration.experiments.words import LEAST_P, days_left, mismatch_words, words
from orchestration.warehouse.stores import Warehouse
from setwise.flags import Flag
from setwise.sequential import ALPHA, share_mismatch
from setwise.whole_file import write_whole

PLANNED = 20_000
"""Units that an experiment ends with where its flag says nothing."""
DOES = {"revenue": "earns", "conversion": "converts"}


class Variant(msgspec.Struct, frozen=True):
    """One variant as it went; money in minor units."""

    name: str
    units: int
    conversion: float
    revenue_per_unit: dict[str, float]


class Segment(msgspec.Struct, frozen=True):
    """The deciding metric in a part of the units. `p` is corrected for how many parts are looked at
    (Benjamini-Hochberg)."""

    segment: str
    variant: str
    units: int
    relative: float | None
    low: float | None
    high: float | None
    p: float
    verdict: str


class Result(msgspec.Struct, frozen=True):
    """One experiment; `days` = since its start."""

    flag: str
    variants: list[Variant]
    metrics: list[Difference]
    srm_p: float | None
    """None where the flag does not say one split for all units."""
    words: str
    days: int
    since: datetime | None = None
    planned_units: int = PLANNED
    left_out: dict[str, int] = {}
    segments: list[Segment] = []


class Results(msgspec.Struct, frozen=True):
    """What experiments.json holds."""

    made_at: datetime
    experiments: list[Result]


def results(warehouse: Warehouse, flags: Mapping[str, Flag], now: datetime) -> Results:
    """All flags that anybody was answered under. Raises WarehouseDownError."""
    until, found = now.replace(tzinfo=None), []
    for name, flag in flags.items():
        since = started_at(warehouse, name, flag.started_at)
        units = units_of(warehouse, name, since, until, flag.unit) if since is not None else None
        if units is not None and units.found:
            found.append(result_of(name, flag, units, until))
    return Results(now, found)


def result_of(name: str, flag: Flag, units: Units, now: datetime) -> Result:
    """Of these units."""
    counts, days = counted(units), (now - units.since) / timedelta(days=1)
    of: dict[str, list[Unit]] = defaultdict(list)
    for unit in units.found.values():
        of[unit.variant].append(unit)
    earned = Counter[str]()
    for unit in units.found.values():
        earned.update(unit.revenue)
    currencies = [currency for currency, _ in earned.most_common()]
    metrics = metrics_of(currencies, units.knows_costs)
    deciding = metrics[1] if flag.metric == "revenue" and currencies else metrics[0]
    does = DOES["revenue" if deciding is not metrics[0] else "conversion"]
    treatments = [variant for variant in counts if variant != flag.control]
    planned, alpha = flag.planned_units or PLANNED, ALPHA / max(len(treatments), 1)
    control = of[flag.control]
    differences = [difference(m, t, control, of[t], planned, alpha) for t in treatments for m in metrics]
    segments = _segments(deciding, treatments, of, flag.control, planned)
    srm_p = share_mismatch([counts[v] for v in flag.shares], list(flag.shares.values())) if flag.shares else None
    if srm_p is not None and srm_p < LEAST_P:
        replace = msgspec.structs.replace
        differences = [replace(one, verdict="withheld") for one in differences]
        segments = [replace(one, verdict="withheld") for one in segments]
        said = mismatch_words(sum(counts.values()), srm_p)
    elif not treatments or not control:
        said = "all have the same variant: there is nothing to compare"
    else:
        said = "; ".join(_said(t, deciding.name, differences, does, days, sum(counts.values()), planned)
                         for t in treatments)  # fmt: skip
    shown = [
        Variant(
            variant, len(of[variant]), sum(unit.has_bought for unit in of[variant]) / max(len(of[variant]), 1),
            {c: sum(unit.revenue.get(c, 0.0) for unit in of[variant]) / max(len(of[variant]), 1) for c in currencies},
        )
        for variant in flag.variants if variant in counts
    ]  # fmt: skip
    return Result(
        name, shown, differences, srm_p, said, int(days), units.since, planned, units.left_out, segments
    )  # fmt: skip


def _said(
    treatment: str, deciding: str, differences: list[Difference], does: str, days: float, units: int, planned: int
) -> str:
    mine = [one for one in differences if one.variant == treatment]
    first = next(one for one in mine if one.metric == deciding)
    guards = [one for one in mine if one.metric == "milliseconds per answer"]
    return words(first, does, days_left(first.verdict, days, units, planned), guards)


def _segments(
    metric: Metric, treatments: list[str], of: Mapping[str, list[Unit]], control: str, planned: int
) -> list[Segment]:
    """New and returning, how known, each language and device; the correction holds for all of them together."""
    languages = sorted({unit.language for units in of.values() for unit in units if unit.language})
    devices = sorted({unit.device for units in of.values() for unit in units if unit.device})
    kinds = sorted({unit.kind for units in of.values() for unit in units})
    parts: dict[str, Callable[[Unit], bool]] = {
        "returning": lambda unit: unit.is_returning,
        "new": lambda unit: not unit.is_returning,
    }
    parts |= {f"known as {kind}": lambda unit, kind=kind: unit.kind == kind for kind in kinds if len(kinds) > 1}
    parts |= {f"language {code}": lambda unit, code=code: unit.language == code for code in languages}
    parts |= {f"device {name}": lambda unit, name=name: unit.device == name for name in devices}
    found = []
    for name, is_in in parts.items():
        before = list(filter(is_in, of[control]))
        for treatment in treatments:
            now = list(filter(is_in, of[treatment]))
            found.append((name, len(before) + len(now), difference(metric, treatment, before, now, planned)))
    tried = [one.p for _, _, one in found if one.relative is not None]
    corrected = iter(false_discovery_control(tried) if tried else [])
    segments = []
    for name, units, one in found:
        p = float(next(corrected)) if one.relative is not None else 1.0
        verdict = one.verdict if p < ALPHA else "open"
        segments.append(Segment(name, one.variant, units, one.relative, one.low, one.high, p, verdict))
    return segments


def write_results(found: Results, file: Path) -> None:
    """Whole or not at all."""
    write_whole(file, msgspec.json.format(msgspec.json.encode(found)))
