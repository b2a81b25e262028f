"""Who took part in an experiment, and what did each of them do? From the marts, one row per unit."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from orchestration.experiments.unit_rows import unit_rows
from orchestration.warehouse.stores import Warehouse
from setwise.experiment import Unit as Preferred

BEFORE = timedelta(days=28)
"""What a unit spent in so many days before the start makes its revenue less noisy (CUPED)."""


class Unit(msgspec.Struct):
    """A unit that took part; money in minor units by currency, from its first answer on."""

    variant: str
    kind: str
    first_at: datetime
    answers: int
    total_ms: float
    language: str
    is_returning: bool = False
    has_bought: bool = False
    revenue: dict[str, float] = {}
    margin: dict[str, float] = {}
    before: dict[str, float] = {}
    """Revenue of the days before the experiment began."""
    attached: int = 0
    items: int = 0
    device: str = ""
    """Of its first answer that says one."""


class Units(msgspec.Struct):
    """The units of one experiment, and who was left out, by reason."""

    found: dict[str, Unit]
    left_out: dict[str, int]
    since: datetime
    knows_costs: bool
    """Whether the cost of everything that was bought is known."""


def started_at(warehouse: Warehouse, flag: str, said: datetime | None) -> datetime | None:
    """When the experiment began: as its flag says, else with its first answer; None before that."""
    if said is not None:
        return said.astimezone(UTC).replace(tzinfo=None)
    asked = "SELECT min(served_at) FROM marts.fct_served WHERE strpos(experiment, ?) > 0"
    ((found,),) = warehouse.rows(asked, [f'"{flag}"'])
    return found if isinstance(found, datetime) else None


def units_of(
    warehouse: Warehouse, flag: str, since: datetime, now: datetime, preferred: Preferred = "user"
) -> Units:  # fmt: skip
    """Everybody who was answered under a variant of the flag from `since` to `now` (UTC, without a zone). Left out are
    machines, testers and those who were answered under two variants. Raises WarehouseDownError."""
    asked: list[object] = [since, now, f'"{flag}"']
    rows = unit_rows(preferred)
    found, two = _answered(warehouse.rows(rows.answers, asked), flag)
    machines = {name for (name,) in warehouse.rows(rows.machines, [since, now, since, now])}
    testers = {name for (name,) in warehouse.rows(rows.testers, [since, now])}
    left_out = {
        "in two variants": len(two),
        "machines": len((found.keys() - two) & machines),
        "testers": len((found.keys() - two - machines) & testers),
    }
    found = {name: unit for name, unit in found.items() if name not in two | machines | testers}
    for (name,) in warehouse.rows(rows.known_before, [*asked, since]):
        if name in found:
            found[name].is_returning = True
    knows_costs = True
    for name, currency, revenue, margin, pieces, without_cost, before in warehouse.rows(
        rows.bought, [*asked, *asked, since - BEFORE, now, since]
    ):
        if name not in found:
            continue
        unit = found[name]
        unit.has_bought |= bool(pieces)
        unit.revenue[currency], unit.before[currency] = float(revenue), float(before)
        unit.margin[currency] = float(margin or 0)
        knows_costs &= not without_cost
    for name, attached, items in warehouse.rows(rows.attached, asked):
        if name in found:
            found[name].attached, found[name].items = int(attached), int(items)
    return Units(found, left_out, since, knows_costs)


def _answered(rows: Iterable[tuple[Any, ...]], flag: str) -> tuple[dict[str, Unit], set[str]]:
    found: dict[str, Unit] = {}
    variants: dict[str, set[str]] = defaultdict(set)
    for name, kind, experiment, first_at, answers, total_ms, language, device in rows:
        said: Mapping[str, str] = json.loads(experiment)
        if flag not in said:
            continue
        variants[name].add(said[flag])
        unit = found.get(name)
        if unit is None:
            made = Unit(said[flag], kind, first_at, int(answers), float(total_ms), language or "", device=device or "")
            found[name] = made
            continue
        if device and (first_at < unit.first_at or not unit.device):
            unit.device = device
        unit.first_at = min(unit.first_at, first_at)
        unit.answers += int(answers)
        unit.total_ms += float(total_ms)
    return found, {name for name, seen in variants.items() if len(seen) > 1}


def counted(units: Units) -> Counter[str]:
    """Units by variant."""
    return Counter(unit.variant for unit in units.found.values())
