"""The table of goals: what each row asks for, and where its figure is found in the results."""

from collections.abc import Callable
from typing import Any

import msgspec

Found = dict[str, Any]
Pair = tuple[float, ...]


class Goal(msgspec.Struct, frozen=True):
    """One row: the goal at factor 1 for both profiles, and how its figure is read. `is_rate` = divided by the factor."""

    name: str
    embedded: Pair
    servers: Pair
    unit: str
    read: Callable[[Found], Pair | None]
    is_rate: bool = False


def _whole(result: Found) -> Pair:
    return result["unique"]["p50"], result["unique"]["p99"]


def _stage(name: str, both: bool = False) -> Callable[[Found], Pair | None]:
    def read(result: Found) -> Pair | None:
        stage = result["unique"]["stages"].get(name)
        return None if stage is None else tuple(stage) if both else (stage[1],)

    return read


def _acknowledged(result: Found) -> Pair | None:
    found = result.get("asynchronous")
    return (found["p50"], found["p99"]) if found and found["answered"] else None


def _event(name: str) -> Callable[[Found], Pair | None]:
    return lambda result: (result["events"][name],) if "events" in result else None


def _click_to_row(result: Found) -> Pair | None:
    return (result["events"]["click_to_row_s"][1],) if "events" in result else None


GOALS = (
    Goal("whole answer p50 / p99", (10, 30), (25, 70), "ms", _whole),
    Goal("CPU per answer, all processes", (12,), (35,), "ms", lambda r: (r["unique"]["cpu_ms_all"],)),
    Goal("understand p99", (2,), (2,), "ms", _stage("understand")),
    Goal("encode p50 / p99", (4.2, 8), (4.2, 8), "ms", _stage("encode", True)),
    Goal("retrieve, all slots p50 / p99", (2.5, 6), (12, 35), "ms", _stage("retrieve", True)),
    Goal("features of shopper and candidates together p99", (3.5,), (9,), "ms", _stage("hydrate")),
    Goal("score candidates p99", (1.5,), (1.5,), "ms", _stage("rank")),
    Goal("assemble 3 bundles p99", (4,), (4,), "ms", _stage("assemble")),
    Goal(
        "repeated prompt (cache hit) p99",
        (4,),
        (6,),
        "ms",
        lambda r: (r["repeated"]["p99"],) if "repeated" in r else None,
    ),
    Goal("refuse a wrong request p99", (2,), (2,), "ms", lambda r: (r["refused"]["p99"],) if "refused" in r else None),
    Goal("acknowledge an asynchronous request p50 / p99", (2, 6), (5, 15), "ms", _acknowledged),
    Goal("events accepted (durable), batches of 100", (3_000,), (6_000,), "per s", _event("accepted_per_s"), True),
    Goal("events from the log to a queryable raw row", (8_000,), (15_000,), "per s", _event("rows_per_s"), True),
    Goal("from a click to its raw row, p99", (60,), (60,), "s", _click_to_row),
    Goal("start to first answer", (4,), (4,), "s", lambda r: (r["seconds_to_first_answer"],)),
)


def shown(values: Pair | None) -> str:
    """1.5 / 12, or a dash."""
    return "-" if values is None else " / ".join(f"{value:.3g}" for value in values)


def row(goal: Goal, found: dict[str, Found | None], factor: float) -> list[str]:
    """The row of a table: per profile the goal on this machine, the figure, and whether it is reached."""
    cells = [f"{goal.name}, {goal.unit}"]
    for profile, wanted in (("embedded", goal.embedded), ("servers", goal.servers)):
        here = tuple(value / factor if goal.is_rate else value * factor for value in wanted)
        result = found.get(profile)
        measured = goal.read(result["result"]) if result else None
        pairs = [] if measured is None else list(zip(measured, here, strict=True))
        is_met = all(m >= h for m, h in pairs) if goal.is_rate else all(m <= h for m, h in pairs)
        cells += [shown(wanted), shown(here), shown(measured), "" if measured is None else "yes" if is_met else "no"]
    return cells
