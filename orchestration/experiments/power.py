"""How many units does it take to find a lift, and how long is that at the traffic there is?"""

import math
from datetime import datetime, timedelta

import msgspec
import numpy as np
import pyarrow as pa
import tea_tasting as tt

from orchestration.experiments.unit_rows import unit_of
from orchestration.warehouse.stores import Warehouse
from setwise.sequential import ALPHA, POWER, cost_of_looking

DAYS = 28
"""So many days are looked at: for half of them as what comes before, for the other half as what comes of it."""
BUYERS = f"""
    WITH units AS (
        SELECT DISTINCT {unit_of("user")} AS unit FROM marts.fct_served WHERE served_at >= ? AND served_at < ?
    )
    SELECT units.unit, orders.currency,
        sum(CASE WHEN ordered_at >= ? THEN revenue_cents - refunded_cents ELSE 0 END),
        sum(CASE WHEN ordered_at < ? THEN revenue_cents - refunded_cents ELSE 0 END)
    FROM units LEFT JOIN marts.fct_orders AS orders
        ON coalesce(nullif(user_key, ''), nullif(visitor_key, ''), credited_request_id) = units.unit
        AND NOT orders.is_machine AND orders.ordered_at >= ? AND orders.ordered_at < ?
    GROUP BY units.unit, orders.currency
"""  # noqa: S608 - an expression of ours


class Plan(msgspec.Struct, frozen=True):
    """Units of both variants together."""

    metric: str
    lift: float
    units: int
    units_per_day: float

    @property
    def days(self) -> int | None:
        """At the traffic of these days; None without any."""
        return math.ceil(self.units / self.units_per_day) if self.units_per_day else None

    def words(self) -> str:
        """One sentence."""
        often = f"{100 * POWER:.0f} of 100 times"
        said = f"{self.metric}: a lift of {100 * self.lift:g} % is found {often} with {self.units // 2:,} units each"
        if self.days is None:
            return f"{said}; nobody came lately, so nobody knows how long that takes"
        return f"{said}; at {self.units_per_day:,.0f} units a day that is {self.days:,} days"


def plan(metric: str, values: np.ndarray, before: np.ndarray, lift: float, units_per_day: float) -> Plan | None:
    """For looking at any time; None where nobody bought anything."""
    if not values.any():
        return None
    tested = tt.Mean(
        "values", "before" if before.any() else None, use_t=False, alpha=ALPHA, power=POWER, rel_effect_size=lift
    )
    table = pa.table({"values": values.astype(float), "before": before.astype(float)})
    one_look = tested.solve_power(table, "n_obs")[0].n_obs
    # Results compare logarithms, where a lift of 40 % is one of 34.
    in_logarithms = (lift / math.log1p(lift)) ** 2
    return Plan(metric, lift, 2 * math.ceil(one_look * in_logarithms * cost_of_looking() / 2), units_per_day)


def plans(warehouse: Warehouse, lift: float, now: datetime) -> list[Plan]:
    """From the units of the last days: conversion, and revenue in each currency. Raises WarehouseDownError."""
    until = now.replace(tzinfo=None)
    middle, start = until - timedelta(days=DAYS / 2), until - timedelta(days=DAYS)
    rows = warehouse.rows(BUYERS, [middle, until, middle, middle, start, until])
    names = {name: at for at, name in enumerate(dict.fromkeys(row[0] for row in rows))}
    per_day, spent = len(names) / (DAYS / 2), dict[str, np.ndarray]()
    for name, currency, after, before in rows:
        if currency is not None:
            spent.setdefault(currency, np.zeros((2, len(names))))[:, names[name]] = float(after), float(before)
    if not spent:
        return []
    bought = np.stack([(money > 0) for money in spent.values()]).any(axis=0)
    found = [plan("conversion", bought[0], bought[1], lift, per_day)]
    found += [plan(f"revenue per unit ({c})", money[0], money[1], lift, per_day) for c, money in spent.items()]
    return [one for one in found if one is not None]
