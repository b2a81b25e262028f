"""One suite, both warehouses: each record once, the offsets with the rows, what cannot be read kept with its reason."""

import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from warehouses import warehouse_settings

from orchestration.loader import Loader
from orchestration.warehouse.rows import batch_of
from orchestration.warehouse.sources import LocalSource
from orchestration.warehouse.stores import (
    OffsetsMovedError,
    Warehouse,
    WarehouseDownError,
    build_warehouse,
    opened_warehouse,
)
from setwise.cloud_event import CloudEvent
from setwise.events import Interaction, InteractionItem
from setwise.local_log import LOG_FILE, LocalLog
from setwise.log import Record
from setwise.names import INTERACTIONS_TOPIC, SERVED_TOPIC
from setwise.settings import Settings

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(params=["duckdb", "postgres"])
def settings(request, leave_out: Callable, tmp_path: Path) -> Iterator[Settings]:
    with warehouse_settings(request.param, tmp_path, leave_out) as environ:
        yield Settings.from_env(environ)


@pytest.fixture
def opened(settings: Settings) -> Iterator[Callable[[], Warehouse]]:
    """Opens one more access to the same warehouse, as another process would."""
    made: list[Warehouse] = []

    def open_one() -> Warehouse:
        made.append(build_warehouse(settings))
        return made[-1]

    yield open_one
    for warehouse in made:
        warehouse.close()


@pytest.fixture
def warehouse(opened: Callable[[], Warehouse]) -> Warehouse:
    made = opened()
    made.migrate()
    return made


def event(event_id: str, source: str = "shop", **data: object) -> bytes:
    said = {"kind": "click", "received_at": NOW, "version": 1, "user": "u-1", "items": [InteractionItem("p-1")]}
    return CloudEvent(event_id, "setwise.click", NOW, Interaction(**(said | data)), source).encoded()


def record(offset: int, value: bytes, partition: int = 0) -> Record:
    headers = {"traceparent": f"00-{'1' * 32}-{'2' * 16}-00"}
    return Record(INTERACTIONS_TOPIC, partition, offset, "u-1", value, headers, NOW + timedelta(seconds=offset))


def count(warehouse: Warehouse, table: str = INTERACTIONS_TOPIC) -> int:
    return int(warehouse.rows(f"SELECT count(*) FROM raw.{table}")[0][0])


def test_tables_are_made_once_and_say_what_they_hold(warehouse: Warehouse, settings: Settings) -> None:
    warehouse.migrate()
    assert count(warehouse) == count(warehouse, SERVED_TOPIC) == count(warehouse, "dead_letters") == 0
    if settings.warehouse.backend == "postgres":
        said = "SELECT obj_description('raw.served'::regclass), col_description('raw.served'::regclass, 1)"
    else:
        said = (
            "SELECT t.comment, c.comment FROM duckdb_tables() t JOIN duckdb_columns() c USING (schema_name, table_name)"
            " WHERE schema_name = 'raw' AND table_name = 'served' AND column_index = 1"
        )
    table, column = warehouse.rows(said)[0]
    assert "One row for each answer" in table and "who says so" in column


def test_a_batch_that_is_loaded_again_changes_nothing(warehouse: Warehouse) -> None:
    records = [record(n, event(f"e{n}")) for n in range(50)]
    batch = batch_of(INTERACTIONS_TOPIC, records, NOW)
    first = warehouse.load(batch, {})
    assert (first.inserted, first.known, first.dead) == (50, 0, 0)
    assert warehouse.offsets(INTERACTIONS_TOPIC) == {0: 50}
    again = warehouse.load(batch, None)
    assert (again.inserted, again.known) == (0, 50) and count(warehouse) == 50
    row = warehouse.rows("SELECT id, data ->> 'user', traceparent, key FROM raw.interactions WHERE id = ?", ["e7"])[0]
    assert row == ("e7", "u-1", f"00-{'1' * 32}-{'2' * 16}-00", "u-1")


def test_the_same_event_twice_in_a_batch_and_from_two_partitions_is_one_row(warehouse: Warehouse) -> None:
    records = [
        record(0, event("e")),
        record(1, event("e")),
        record(0, event("e", "other"), 1),
        record(1, event("e"), 1),
    ]
    done = warehouse.load(batch_of(INTERACTIONS_TOPIC, records, NOW), {})
    assert (done.inserted, done.known) == (2, 2) and count(warehouse) == 2
    assert warehouse.offsets(INTERACTIONS_TOPIC) == {0: 2, 1: 2}


def test_of_two_loaders_the_second_is_told_that_the_offsets_moved_and_writes_nothing(warehouse: Warehouse) -> None:
    warehouse.load(batch_of(INTERACTIONS_TOPIC, [record(0, event("a"))], NOW), {})
    with pytest.raises(OffsetsMovedError):
        warehouse.load(batch_of(INTERACTIONS_TOPIC, [record(0, event("b"))], NOW), {})
    assert count(warehouse) == 1 and warehouse.offsets(INTERACTIONS_TOPIC) == {0: 1}
    warehouse.load(batch_of(INTERACTIONS_TOPIC, [record(1, event("b"))], NOW), {0: 1})
    assert count(warehouse) == 2


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (b"", "truncated"),
        (b"\x00\xff no json", "malformed"),
        (b'{"id": "e"}', "missing"),
        (event("e").replace(b'"version":1', b'"version":99'), "version is 99"),
        (event("e", query="a\0b"), "NUL"),
        (event("e", source="s" * 1_001), "characters"),
    ],
)
def test_what_cannot_be_a_row_is_a_dead_letter_and_holds_nothing_up(warehouse: Warehouse, value, why) -> None:
    records = [record(0, event("good")), record(1, value), record(2, event("also good"))]
    done = warehouse.load(batch_of(INTERACTIONS_TOPIC, records, NOW), {})
    assert (done.inserted, done.dead) == (2, 1) and count(warehouse) == 2
    ((offset, reason),) = warehouse.rows('SELECT "offset", reason FROM raw.dead_letters')
    assert offset == 1 and why in reason


def test_a_text_that_only_looks_like_a_nul_is_a_row(warehouse: Warehouse) -> None:
    done = warehouse.load(batch_of(INTERACTIONS_TOPIC, [record(0, event("e", query="a\\u0000b"))], NOW), {})
    assert (done.inserted, done.dead) == (1, 0)
    assert warehouse.rows("SELECT data ->> 'query' FROM raw.interactions") == [("a\\u0000b",)]


def test_a_loader_goes_on_where_the_last_one_was(
    opened: Callable[[], Warehouse], warehouse: Warehouse, tmp_path: Path
) -> None:
    log = LocalLog(tmp_path / LOG_FILE, 1)

    def write(start: int, stop: int) -> None:
        for future in [log.append(INTERACTIONS_TOPIC, "k", event(f"e{n}"), {}) for n in range(start, stop)]:
            future.result(10)

    def loaded() -> int:
        source = LocalSource(tmp_path / LOG_FILE, 1)
        loader, stop = Loader(source, opened()), threading.Event()
        thread = threading.Thread(target=loader.run, args=(stop,))
        thread.start()
        for _ in range(400):
            if warehouse.offsets(INTERACTIONS_TOPIC).get(0) == log.end(INTERACTIONS_TOPIC):
                break
            stop.wait(0.05)
        stop.set()
        thread.join(10)
        assert loader.lag()[INTERACTIONS_TOPIC] == 0
        source.close()
        return loader.loaded[INTERACTIONS_TOPIC].inserted

    write(0, 700)
    assert loaded() == 700
    write(700, 1_000)
    assert loaded() == 300
    assert count(warehouse) == 1_000
    log.close()


def test_an_hour_is_read_again_by_the_time_at_which_the_log_took_it(tmp_path: Path) -> None:
    log = LocalLog(tmp_path / LOG_FILE, 1)
    log.append(INTERACTIONS_TOPIC, "k", event(uuid.uuid4().hex), {}).result(10)
    source, now = LocalSource(tmp_path / LOG_FILE, 1), datetime.now(UTC)
    hour = timedelta(hours=1)
    assert sum(map(len, source.between(INTERACTIONS_TOPIC, now - hour, now + hour))) == 1
    assert sum(map(len, source.between(INTERACTIONS_TOPIC, now - 2 * hour, now - hour))) == 0
    source.close()
    log.close()


def test_a_percent_sign_of_a_statement_is_its_own_also_beside_parameters(warehouse: Warehouse) -> None:
    assert warehouse.rows("SELECT 1 WHERE 'a bot' LIKE '%' || ? AND 'a' NOT LIKE '%bot%'", ["bot"]) == [(1,)]
    assert warehouse.rows("SELECT 1 WHERE 'a bot' LIKE '%bot'") == [(1,)]


def test_marts_of_an_earlier_version_stop_no_build_and_the_command_that_makes_them_is_said(settings: Settings) -> None:
    with opened_warehouse(settings) as warehouse, warehouse.changing() as execute:
        execute("CREATE SCHEMA marts", [])
        execute("CREATE TABLE marts.fct_orders (order_id text)", [])
    for asked in ("SELECT * FROM marts.fct_places", "SELECT ordered_at FROM marts.fct_orders"):
        with pytest.raises(WarehouseDownError, match=r"orchestration\.marts"), opened_warehouse(settings) as warehouse:
            warehouse.rows(asked)
