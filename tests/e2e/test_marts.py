"""The same events through both warehouses, some of them late: the same marts, also by a full refresh, and the totals of
an oracle to the cent."""

import base64
import csv
import hashlib
import json
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from builds import dbt
from shoppers import HOSTILE, START, Shoppers
from warehouses import warehouse_settings

from orchestration.boards.content import asked, boards, found
from orchestration.boards.page import write
from orchestration.boards.reports import hand_over, statements
from orchestration.experiments.power import plans
from orchestration.experiments.results import results as made_results
from orchestration.experiments.results import write_results
from orchestration.tables import Question, questions
from orchestration.warehouse.rows import batch_of
from orchestration.warehouse.stores import Warehouse, build_warehouse
from setwise.events import decode_interaction
from setwise.events.served import decode_served
from setwise.flags import read_flags
from setwise.reports import REPORTS_FILE, read_reports
from setwise.settings import Settings

LOADED = (datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 4, 9, tzinfo=UTC))
"""When the first and the second half came into the warehouse: clicks, answers and refunds of the second are late."""
PEOPLE = int(os.environ.get("MARTS_PEOPLE", "150"))
FLAGS = b"""{"flags": {"ranking": {"state": "ENABLED", "variants": {"control": {}, "treatment": {}},
    "targeting": {"fractional": [["control", 1], ["treatment", 1]]},
    "metadata": {"started_at": "2026-02-20T00:00:00Z"}},
    "other": {"state": "ENABLED", "variants": {"x": {}},
    "metadata": {"started_at": "2026-02-20T00:00:00Z", "unit": "visitor"}}}}"""
MARTS = (
    "dim_products", "dim_users", "fct_served", "fct_served_items", "fct_impressions", "fct_interactions", "fct_orders",
    "fct_bundle_outcomes", "rpt_bundle_performance_daily", "rpt_experiment_results", "rpt_service_levels_hourly",
    "rpt_recommendation_cost_daily", "rpt_catalogue_coverage", "fct_places",
)  # fmt: skip


@pytest.fixture(scope="module")
def shoppers() -> Shoppers:
    return Shoppers(PEOPLE)


def load_half(warehouse: Warehouse, shoppers: Shoppers, half: int) -> None:
    """Events come in no order and some twice, so that each half has what belongs to the other's."""
    for topic, records in (("served", shoppers.served), ("interactions", shoppers.interactions)):
        middle = len(records) // 2
        part = records[:middle] if half == 0 else records[middle - 20 :]
        for start in range(0, len(part), 500):
            warehouse.load(batch_of(topic, part[start : start + 500], LOADED[half] + timedelta(seconds=start)), None)


def forget(warehouse: Warehouse, visitor: str) -> None:
    for table in ("served", "interactions"):
        gone = f"DELETE FROM raw.{table} WHERE data ->> 'visitor' = ? RETURNING id"
        assert warehouse.rows(gone, [visitor])


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


def contents_of(warehouse: Warehouse) -> dict[str, tuple[list[str], list[str]]]:
    return {mart: content(warehouse, mart) for mart in MARTS}


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


def check_experiments(warehouse: Warehouse, shoppers: Shoppers, folder: Path) -> dict[str, Any]:
    """The units are those of the records, apart from machines, testers and who saw both variants."""
    served = [decode_served(record.value).data for record in shoppers.served]
    events = [decode_interaction(record.value).data for record in shoppers.interactions]
    machines = {event.user or event.visitor for event in events if event.marks}
    testers = {one.user or one.visitor for one in served if one.is_test}
    seen: dict[str, set[str]] = {}
    for one in served:
        if one.experiment and not one.is_test:
            seen.setdefault(one.user or one.visitor, set()).add(one.experiment["ranking"])
    two = {name for name, variants in seen.items() if len(variants) > 1}
    left = {name: variants for name, variants in seen.items() if name not in two | machines | testers}
    results = made_results(warehouse, read_flags(FLAGS).flags, LOADED[1])
    write_results(results, folder / "reports" / "experiments.json")
    mine, of_visitors = results.experiments
    visitors = {one.visitor for one in served if one.experiment and not one.is_test}
    visitors -= {event.visitor for event in events if event.marks} | {one.visitor for one in served if one.is_test}
    assert [one.units for one in of_visitors.variants] == [len(visitors)] and len(visitors) > 50
    assert {one.segment for one in mine.segments} >= {"device phone", "device desktop", "new"}
    assert {one.name: one.units for one in mine.variants} == {
        name: sum(name in variants for variants in left.values()) for name in ("control", "treatment")
    }
    assert two and machines and mine.left_out == {
        "in two variants": len(two), "machines": len((seen.keys() - two) & machines),
        "testers": len((seen.keys() - two - machines) & testers),
    }  # fmt: skip
    paid = "SELECT coalesce(nullif(user_key, ''), visitor_key), order_id FROM marts.fct_orders WHERE quantity > 0"
    buyers = {name for name, _ in warehouse.rows(paid)} & left.keys()
    converted = sum(round(one.units * one.conversion) for one in mine.variants)
    # Nobody of these buys before their first answer.
    assert converted == len(buyers) > 10
    assert mine.srm_p is not None and "too few" in mine.words
    assert all(plan.units > 0 for plan in plans(warehouse, 0.05, START + timedelta(days=14)))
    # Sums of fractions differ in their last digit by the order of their rows.
    file = folder / "reports" / "experiments.json"
    found: dict[str, Any] = json.loads(file.read_bytes(), parse_float=lambda said: f"{float(said):.9g}")
    return found


def check_page(warehouse: Warehouse, folder: Path) -> None:
    """Every board and question stands there; what shoppers typed is text in page, picture and CSV."""
    page = write(warehouse, folder / "boards", LOADED[1])
    text = page.read_text()
    for board in (*boards(), *asked()):
        assert f'<section id="{board.name}">' in text
        with (folder / "boards" / "csv" / f"{board.name}.csv").open(newline="") as file:
            header, *lines = csv.reader(file)
        assert header and len(lines) == len(found(warehouse, board).rows)
    style = re.search(r"<style>(.*)</style>", text, re.DOTALL)
    assert style and base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode() in text
    assert "default-src 'none'" in text and "<script" not in text and "&lt;script&gt;alert" in text
    pictures = re.findall(r"data:image/svg\+xml;base64,([^\"]+)", text)
    assert len(pictures) == len(boards())
    for picture in pictures:
        assert ElementTree.fromstring(base64.b64decode(picture)).tag.endswith("svg")
    with (folder / "boards" / "csv" / "question_3.csv").open(newline="") as file:
        prompts = {row["prompt"] for row in csv.DictReader(file)}
    assert prompts == {HOSTILE[0], f"'{HOSTILE[1]}"}
    again = write(warehouse, folder / "boards", LOADED[1])
    assert again.read_text() == text


def check_handed_over(warehouse: Warehouse, folder: Path) -> None:
    """What the operator's pages get: every statement runs here, with the columns that the pages read."""
    assert hand_over(warehouse, folder) == folder / REPORTS_FILE
    reports = read_reports(folder)
    assert reports is not None and reports.newest_at is not None and reports.newest_at.tzinfo is not None
    columns = {report.name: report.columns for report in reports.reports}
    assert list(columns) == [one.name for one in statements()]
    assert {"served_on", "experiment", "currency", "served", "bought", "revenue_cents"} <= set(columns["funnel_daily"])


@pytest.mark.parametrize(
    "is_by_and_by",
    [pytest.param(False, id="at once"), pytest.param(True, id="by and by", marks=pytest.mark.long)],
)
def test_both_warehouses_say_the_same_and_what_the_oracle_says(
    shoppers: Shoppers, leave_out: Callable, tmp_path: Path, is_by_and_by: bool
) -> None:
    """All at once, or in two halves with a run between them, then without somebody, and then all of it anew."""
    contents: list[dict[str, tuple[list[str], list[str]]]] = []
    answers: list[dict[str, list[str]]] = []
    experiments: list[dict[str, Any]] = []
    for kind in ("duckdb", "postgres"):
        with warehouse_settings(kind, tmp_path / kind, leave_out) as environ:
            settings = Settings.from_env(environ)
            warehouse = build_warehouse(settings)
            warehouse.migrate()
            load_half(warehouse, shoppers, 0)
            assert not is_by_and_by or dbt(settings, os.environ, "run", "--quiet") == 0
            load_half(warehouse, shoppers, 1)
            assert dbt(settings, os.environ, "build", "--quiet") == 0
            check_truth(warehouse, shoppers)
            experiments.append(check_experiments(warehouse, shoppers, tmp_path / kind))
            check_page(warehouse, tmp_path / kind)
            check_handed_over(warehouse, tmp_path / kind)
            if is_by_and_by:
                forget(warehouse, "v-3")
                assert dbt(settings, os.environ, "run", "--quiet") == 0
            contents.append(contents_of(warehouse))
            if is_by_and_by:
                assert dbt(settings, os.environ, "run", "--quiet", "--full-refresh") == 0
                assert contents_of(warehouse) == contents[-1]
                assert warehouse.rows("SELECT count(*) FROM marts.dim_users WHERE person_key = 'v-3'") == [(0,)]
            answers.append({one.question: answer(warehouse, one) for one in questions()})
            warehouse.close()
    assert experiments[0] == experiments[1]
    for one in questions():
        assert answers[0][one.question] == answers[1][one.question], one.question
    assert sum(bool(rows) for rows in answers[0].values()) >= 8
    for mart in MARTS:
        assert contents[0][mart][0] == contents[1][mart][0], mart
        assert contents[0][mart][1] == contents[1][mart][1], mart
        assert contents[0][mart][1], f"{mart} is empty"
