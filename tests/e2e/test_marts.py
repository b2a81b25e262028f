"""The same events through both warehouses: the same marts, and the totals of an oracle to the cent."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from shoppers import Shoppers
from warehouses import warehouse_settings

from orchestration.marts import dbt
from orchestration.tables import Question, questions
from orchestration.warehouse.rows import batch_of
from orchestration.warehouse.stores import Warehouse, build_warehouse
from setwise.settings import Settings

PEOPLE = int(os.environ.get("MARTS_PEOPLE", "150"))
MARTS = (
    "dim_products", "dim_users", "fct_served", "fct_impressions", "fct_interactions", "fct_orders",
    "fct_bundle_outcomes", "rpt_bundle_performance_daily", "rpt_experiment_results", "rpt_service_levels_hourly",
    "rpt_recommendation_cost_daily", "rpt_catalogue_coverage",
)  # fmt: skip


@pytest.fixture(scope="module")
def shoppers() -> Shoppers:
    return Shoppers(PEOPLE)


def loaded(settings: Settings, shoppers: Shoppers) -> Warehouse:
    warehouse = build_warehouse(settings)
    warehouse.migrate()
    for topic, records in (("served", shoppers.served), ("interactions", shoppers.interactions)):
        for start in range(0, len(records), 500):
            batch = batch_of(topic, records[start : start + 500], datetime.now(UTC))
            warehouse.load(batch, {0: start} if start else {})
    return warehouse


def as_compared(value: Any) -> Any:
    """Sums are decimals on one and whole numbers on the other."""
    if isinstance(value, float | Decimal):
        return int(value) if value == int(value) else round(float(value), 6)
    return value


def content(warehouse: Warehouse, mart: str) -> tuple[list[str], list[str]]:
    """Its columns, and its rows without an order."""
    columns = warehouse.rows(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'marts' AND table_name = ? "
        "ORDER BY ordinal_position",
        [mart],
    )
    rows = warehouse.rows(f"SELECT * FROM marts.{mart}")
    return [name for (name,) in columns], sorted(repr([as_compared(value) for value in row]) for row in rows)


def answer(warehouse: Warehouse, one: Question) -> list[str]:
    return [repr([as_compared(value) for value in row]) for row in warehouse.rows(one.sql)]


def check_truth(warehouse: Warehouse, shoppers: Shoppers) -> None:
    truth = shoppers.truth
    orders = "SELECT currency, sum(revenue_cents), sum(refunded_cents) FROM marts.fct_orders GROUP BY currency"
    found = {currency: (int(sold), int(back)) for currency, sold, back in warehouse.rows(orders)}
    assert found == {c: (truth.revenue[c], truth.refunded[c]) for c in truth.revenue}
    credited = (
        "SELECT currency, sum(revenue_cents - refunded_cents) FROM marts.fct_orders "
        "WHERE credited_by IS NOT NULL GROUP BY currency"
    )
    assert {c: int(cents) for c, cents in warehouse.rows(credited)} == truth.credited
    ((lines, credits),) = warehouse.rows("SELECT count(*), count(credited_by) FROM marts.fct_orders")
    assert (lines, credits) == (truth.lines, truth.credited_lines)
    earned = "SELECT currency, sum(revenue_cents) FROM marts.fct_bundle_outcomes GROUP BY currency"
    assert sum(int(cents) for _, cents in warehouse.rows(earned)) == sum(truth.credited.values())
    assert warehouse.rows("SELECT count(*) FROM marts.fct_served") == [(truth.answers,)]
    assert warehouse.rows("SELECT count(*) FROM marts.fct_bundle_outcomes") == [(truth.bundles,)]


def test_both_warehouses_say_the_same_and_what_the_oracle_says(
    shoppers: Shoppers, leave_out: Callable, tmp_path: Path
) -> None:
    contents: list[dict[str, tuple[list[str], list[str]]]] = []
    answers: list[dict[str, list[str]]] = []
    for kind in ("duckdb", "postgres"):
        with warehouse_settings(kind, tmp_path / kind, leave_out) as environ:
            settings = Settings.from_env(environ)
            warehouse = loaded(settings, shoppers)
            assert dbt(settings, os.environ, "build", "--quiet") == 0
            check_truth(warehouse, shoppers)
            contents.append({mart: content(warehouse, mart) for mart in MARTS})
            answers.append({one.question: answer(warehouse, one) for one in questions()})
            warehouse.close()
    for one in questions():
        assert answers[0][one.question] == answers[1][one.question], one.question
    assert sum(bool(rows) for rows in answers[0].values()) >= 8
    for mart in MARTS:
        assert contents[0][mart][0] == contents[1][mart][0], mart
        assert contents[0][mart][1] == contents[1][mart][1], mart
        assert contents[0][mart][1], f"{mart} is empty"
