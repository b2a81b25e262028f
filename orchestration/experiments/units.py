"""Who took part in an experiment, and what did each of them do? From the marts, one row per unit."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from orchestration.warehouse.stores import Warehouse

BEFORE = timedelta(days=28)
"""What a unit spent in so many days before the start makes its revenue less noisy (CUPED)."""
UNIT = "coalesce(nullif(user_key, ''), nullif(visitor_key, ''), request_id)"

# strpos is in both dialects, and no part of a name is a pattern to it.
ANSWERS = f"""
    SELECT {UNIT} AS unit, CASE WHEN user_key <> '' THEN 'user' WHEN visitor_key <> '' THEN 'visitor' ELSE 'request' END
        AS kind, experiment, min(served_at) AS first_at, count(*) AS answers, sum(total_ms) AS total_ms,
        min(nullif(language, '')) AS language
    FROM marts.fct_served
    WHERE served_at >= ? AND served_at < ? AND strpos(experiment, ?) > 0
    GROUP BY 1, 2, 3
"""  # noqa: S608 - an expression of ours
BOUGHT = f"""
    WITH answers AS ({ANSWERS}),
    firsts AS (SELECT unit, min(first_at) AS first_at FROM answers GROUP BY unit),
    lines AS (
        SELECT coalesce(of_user.unit, of_visitor.unit, of_request.unit) AS unit, orders.*,
            ordered_at >= coalesce(of_user.first_at, of_visitor.first_at, of_request.first_at) AS is_after
        FROM marts.fct_orders AS orders
        LEFT JOIN firsts AS of_user ON of_user.unit = orders.user_key
        LEFT JOIN firsts AS of_visitor ON of_visitor.unit = orders.visitor_key
        LEFT JOIN firsts AS of_request ON of_request.unit = orders.credited_request_id
        WHERE ordered_at >= ? AND ordered_at < ? AND NOT is_machine
    )
    SELECT unit, currency,
        sum(CASE WHEN is_after THEN revenue_cents - refunded_cents ELSE 0 END) AS revenue,
        sum(CASE WHEN is_after THEN margin_cents ELSE 0 END) AS margin,
        sum(CASE WHEN is_after THEN quantity ELSE 0 END) AS pieces,
        sum(CASE WHEN is_after AND margin_cents IS NULL THEN 1 ELSE 0 END) AS without_cost,
        sum(CASE WHEN ordered_at < ? THEN revenue_cents - refunded_cents ELSE 0 END) AS spent_before
    FROM lines WHERE unit IS NOT NULL GROUP BY unit, currency
"""  # noqa: S608
ATTACHED = f"""
    WITH requests AS (
        SELECT DISTINCT {UNIT} AS unit, request_id FROM marts.fct_served
        WHERE served_at >= ? AND served_at < ? AND strpos(experiment, ?) > 0
    )
    SELECT unit, sum(products_bought), sum(items)
    FROM marts.fct_bundle_outcomes AS bundles INNER JOIN requests ON requests.request_id = bundles.request_id
    GROUP BY unit
"""  # noqa: S608
PERSON = "coalesce(nullif(user_key, ''), visitor_key)"
MACHINES = f"""
    SELECT DISTINCT {PERSON} FROM marts.fct_interactions WHERE is_machine AND occurred_at >= ? AND occurred_at < ?
    UNION SELECT DISTINCT {PERSON} FROM marts.fct_impressions WHERE is_machine AND occurred_at >= ? AND occurred_at < ?
"""  # noqa: S608
TESTERS = f"SELECT DISTINCT {UNIT} FROM marts.fct_served WHERE is_test AND served_at >= ? AND served_at < ?"  # noqa: S608
KNOWN_BEFORE = "SELECT person_key FROM marts.dim_users WHERE first_seen_at < ?"


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


def units_of(warehouse: Warehouse, flag: str, since: datetime, now: datetime) -> Units:
    """Everybody who was answered under a variant of the flag from `since` to `now` (UTC, without a zone). Left out are
    machines, testers and those who were answered under two variants. Raises WarehouseDownError."""
    asked: list[object] = [since, now, f'"{flag}"']
    found, two = _answered(warehouse.rows(ANSWERS, asked), flag)
    machines = {name for (name,) in warehouse.rows(MACHINES, [since, now, since, now])}
    testers = {name for (name,) in warehouse.rows(TESTERS, [since, now])}
    left_out = {
        "in two variants": len(two),
        "machines": len((found.keys() - two) & machines),
        "testers": len((found.keys() - two - machines) & testers),
    }
    found = {name: unit for name, unit in found.items() if name not in two | machines | testers}
    for (name,) in warehouse.rows(KNOWN_BEFORE, [since]):
        if name in found:
            found[name].is_returning = True
    knows_costs = True
    for name, currency, revenue, margin, pieces, without_cost, before in warehouse.rows(
        BOUGHT, [*asked, since - BEFORE, now, since]
    ):
        if name not in found:
            continue
        unit = found[name]
        unit.has_bought |= bool(pieces)
        unit.revenue[currency], unit.before[currency] = float(revenue), float(before)
        unit.margin[currency] = float(margin or 0)
        knows_costs &= not without_cost
    for name, attached, items in warehouse.rows(ATTACHED, asked):
        if name in found:
            found[name].attached, found[name].items = int(attached), int(items)
    return Units(found, left_out, since, knows_costs)


def _answered(rows: Iterable[tuple[Any, ...]], flag: str) -> tuple[dict[str, Unit], set[str]]:
    found: dict[str, Unit] = {}
    variants: dict[str, set[str]] = defaultdict(set)
    for name, kind, experiment, first_at, answers, total_ms, language in rows:
        said: Mapping[str, str] = json.loads(experiment)
        if flag not in said:
            continue
        variants[name].add(said[flag])
        unit = found.get(name)
        if unit is None:
            found[name] = Unit(said[flag], kind, first_at, int(answers), float(total_ms), language or "")
            continue
        unit.first_at = min(unit.first_at, first_at)
        unit.answers += int(answers)
        unit.total_ms += float(total_ms)
    return found, {name for name, seen in variants.items() if len(seen) > 1}


def counted(units: Units) -> Counter[str]:
    """Units by variant."""
    return Counter(unit.variant for unit in units.found.values())
