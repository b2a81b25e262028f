"""Live credits and counts are those of dbt and of the oracle, whatever order the events come in."""

import os
import random
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from builds import dbt
from shoppers import Shoppers
from sqlalchemy import Engine

from orchestration.streams.live_counting import LiveCounting
from orchestration.streams.live_stream import take
from orchestration.streams.live_tables import LiveTables, open_tables
from orchestration.warehouse.rows import batch_of
from orchestration.warehouse.stores import build_warehouse
from setwise.attribution import at_us_of, refunded
from setwise.events import decode_interaction, decode_served
from setwise.live_counts import SINCE_START, CountKey
from setwise.settings import Settings

PEOPLE = int(os.environ.get("LIVE_PEOPLE", "120"))
LIMIT = 100_000


@pytest.fixture(scope="module")
def shoppers() -> Shoppers:
    return Shoppers(PEOPLE, seed=11)


def counted(shoppers: Shoppers, folder: Path, seed: int) -> Engine:
    """Both topics mixed, in batches of any size."""
    rng, engine = random.Random(seed), open_tables(folder / f"live-{seed}.db")
    records = [*shoppers.served, *shoppers.interactions]
    rng.shuffle(records)
    while records:
        size = rng.randint(1, 200)
        some, records = records[:size], records[size:]
        with engine.begin() as connection:
            counting = LiveCounting(LiveTables(connection))
            for record in some:
                take(counting, record)
            counting.finish()
    return engine


def totals(engine: Engine) -> dict[CountKey, int]:
    with engine.begin() as connection:
        return {key: value for key, value in LiveTables(connection).untold(LIMIT).items() if value}


def test_every_line_is_credited_as_dbt_credits_it(shoppers: Shoppers, tmp_path: Path) -> None:
    settings = Settings.from_env({"SETWISE_DATA_DIR": str(tmp_path / "duckdb")})
    warehouse = build_warehouse(settings)
    warehouse.migrate()
    for topic, records in (("served", shoppers.served), ("interactions", shoppers.interactions)):
        warehouse.load(batch_of(topic, records, datetime.now(UTC)), {})
    assert dbt(settings, os.environ, "run", "--quiet", "--select", "+int_credits") == 0
    lines = warehouse.rows(
        "SELECT lines.order_id, lines.line_number, lines.refunded_quantity, credited_by, credited_at, request_id, "
        "bundle_id FROM staging.int_order_lines AS lines LEFT JOIN staging.int_credits AS credits "
        "ON credits.order_id = lines.order_id AND credits.line_number = lines.line_number"
    )
    warehouse.close()
    expected = {(order, number): values for order, number, *values in lines}
    engine, found = counted(shoppers, tmp_path, 1), {}
    with engine.begin() as connection:
        tables = LiveTables(connection)
        counting = LiveCounting(tables)
        for order_id in {order for order, _ in expected}:
            order = tables.order(order_id)
            assert order is not None
            back = refunded(order.lines, tables.refunds(order_id))
            for number, touch in enumerate(counting.credits(order), 1):
                credit = [None] * 4
                if touch is not None:
                    at = datetime.fromtimestamp(touch.at_us / 1e6, UTC).replace(tzinfo=None)
                    credit = [touch.kind, at, touch.request_id, touch.bundle_id]
                found[order_id, number] = [back[number - 1], *credit]
    engine.dispose()
    assert found == expected
    kinds = Counter(values[1] for values in expected.values())
    assert min(kinds["click"], kinds["impression"], kinds[None]) > 10, kinds
    print(f"{len(expected):,} order lines: {dict(kinds)}, the same as dbt's")


def test_counts_are_those_of_the_oracle_and_do_not_depend_on_the_order_of_events(shoppers, tmp_path) -> None:
    engines = [counted(shoppers, tmp_path, seed) for seed in (2, 3)]
    both = [totals(engine) for engine in engines]
    for engine in engines:
        engine.dispose()
    # What was earned since the start grows with what is known at a time, and a refund takes nothing off.
    ever = [{key.currency: 0 for key in one if key.minute == SINCE_START} for one in both]
    for one, sums in zip(both, ever, strict=True):
        for key in [key for key in one if key.minute == SINCE_START]:
            sums[key.currency] += one.pop(key)
        assert all(sums[currency] >= cents for currency, cents in shoppers.truth.credited.items())
    first, second = both
    assert first == second
    by_name: Counter[tuple[str, str]] = Counter()
    for key, value in first.items():
        by_name[key.name, key.currency] += value
    truth = shoppers.truth
    assert {c: by_name["revenue_cents", c] for c in truth.credited} == truth.credited

    answers = {event.id: event for event in (decode_served(record.value) for record in shoppers.served)}
    bundles = {bundle.bundle_id: bundle for event in answers.values() for bundle in event.data.bundles}
    served = Counter(
        (at_us_of(event.time) // 60_000_000, item.slot)
        for event in answers.values()
        for bundle in event.data.bundles
        for item in bundle.items
    )
    acts = {event.id: event for event in (decode_interaction(record.value) for record in shoppers.interactions)}
    clicked, shown = Counter[tuple[int, str]](), Counter[tuple[int, str]]()
    for event in acts.values():
        if event.data.kind not in ("click", "impression") or event.data.marks:
            continue
        items = bundles[event.data.bundle_id].items
        if event.data.kind == "click":
            items = [item for item in items if item.product_id == event.data.items[0].product_id]
        for item in items:
            (clicked if event.data.kind == "click" else shown)[at_us_of(event.time) // 60_000_000, item.slot] += 1
    for name, wanted in (("served", served), ("clicked", clicked), ("shown", shown)):
        found = Counter[tuple[int, str]]()
        for key, value in first.items():
            if key.name == name:
                found[key.minute, key.slot] += value  # of all variants together
        assert found == wanted, name
