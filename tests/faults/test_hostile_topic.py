"""A topic with everything that goes wrong in it, through the loader: the tables of the clean run, and a letter for each
bad record; read again from its start it changes nothing.

Long, it has the events of HOSTILE_PEOPLE shoppers, 2,000 where it is not set."""

import hashlib
import os
import random
from datetime import timedelta
from pathlib import Path

import pytest
from builds import dbt
from shoppers import START, Shoppers
from test_loader import LONG, start
from test_marts import MARTS, content

from online.log import build_log
from orchestration.warehouse.rows import batch_of
from orchestration.warehouse.stores import Warehouse, build_warehouse
from orchestration.warehouse.tables import TOPICS
from setwise.names import INTERACTIONS_TOPIC, SERVED_TOPIC
from setwise.settings import Settings

PEOPLE = int(os.environ.get("HOSTILE_PEOPLE", "2000")) if LONG else 60
ONE_IN, HUGE = 100, 900_000
WHERE_IT_CAME_FROM = ("partition", "offset", "received_at", "loaded_at")


@pytest.fixture(scope="module")
def shoppers() -> Shoppers:
    """Their events are shuffled, over 13 days, and a tenth comes twice."""
    return Shoppers(PEOPLE)


def marts_of(settings: Settings, warehouse: Warehouse) -> dict[str, str]:
    """Of each mart a hash that knows no order and nothing of the way on which a row came."""
    assert dbt(settings, os.environ, "run", "--quiet", "--full-refresh") == 0
    found = {}
    for mart in MARTS:
        names, rows = content(warehouse, mart)
        known = not set(names) & set(WHERE_IT_CAME_FROM)
        found[mart] = hashlib.sha256("\n".join(rows).encode()).hexdigest() if known else str(len(rows))
    return found


def raw_of(warehouse: Warehouse) -> tuple[str, str]:
    """A hash of every row of the raw tables in no order, without and with the time at which it was written there."""
    rows = [repr(row) for row in warehouse.rows("SELECT * FROM raw.dead_letters")]
    times = list[str]()
    for topic in TOPICS:
        for *row, loaded_at, data in warehouse.rows(f"SELECT * FROM raw.{topic}"):
            rows.append(repr([*row, data]))
            times.append(repr([*row[:2], loaded_at]))
    return tuple(hashlib.sha256("\n".join(sorted(one)).encode()).hexdigest() for one in (rows, times))  # type: ignore


@pytest.fixture(scope="module")
def clean(shoppers: Shoppers, tmp_path_factory) -> dict[str, str]:
    """The marts of the same events, each once and in their order."""
    folder = tmp_path_factory.mktemp("clean")
    settings = Settings.from_env({"SETWISE_DATA_DIR": str(folder)})
    warehouse = build_warehouse(settings)
    warehouse.migrate()
    for topic, records in ((SERVED_TOPIC, shoppers.served), (INTERACTIONS_TOPIC, shoppers.interactions)):
        once = {record.value: record for record in records}.values()
        warehouse.load(batch_of(topic, sorted(once, key=lambda record: record.at), START + timedelta(days=20)), None)
    found = marts_of(settings, warehouse)
    warehouse.close()
    return found


def spoiled(shoppers: Shoppers) -> list[tuple[str, str, bytes, bool]]:
    """(topic, key, value, is bad): among the good records one in a hundred that nobody can read."""
    topic = list[tuple[str, str, bytes, bool]]()
    for number, record in enumerate((*shoppers.interactions, *shoppers.served)):
        topic.append((record.topic, record.key, record.value, False))
        if number % ONE_IN == 0:
            newer = record.value.replace(b'"version":', b'"version":9')
            bad = (record.value[:-7], b"\xff\x00no event", b"{" * HUGE, newer, b"")[number // ONE_IN % 5]
            topic.append((record.topic, record.key, bad, True))
    random.Random(3).shuffle(topic)
    return topic


@pytest.mark.long_on("postgres")
def test_duplicates_late_shuffled_huge_and_unreadable_records_leave_the_tables_of_a_clean_run(
    logged_and_loaded: dict[str, str],
    shoppers: Shoppers,
    clean: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = Settings.from_env(logged_and_loaded)
    log, warehouse, told = build_log(settings), build_warehouse(settings), tmp_path / "loader.log"
    ready = getattr(log, "wait_until_ready", None)
    assert ready is None or ready(30)
    records = spoiled(shoppers)
    for future in [log.append(topic, key, value, {}) for topic, key, value, _ in records]:
        future.result(60)
    log.close()
    assert start(logged_and_loaded, told, "--once").wait(300) == 0, told.read_text()
    bad = [value for *_, value, is_bad in records if is_bad]
    letters = warehouse.rows("SELECT reason, event FROM raw.dead_letters")
    assert len(letters) == len(bad) > 5 and all(reason for reason, _ in letters)
    assert sorted(len(text) for _, text in letters) == sorted(len(one.decode("utf-8", "replace")) for one in bad)
    assert marts_of(settings, warehouse) == clean

    before = raw_of(warehouse)
    warehouse.rows("DELETE FROM raw.offsets RETURNING topic")
    assert start(logged_and_loaded, told, "--once").wait(300) == 0, told.read_text()
    assert raw_of(warehouse) == before, "the topic read again from its start changes no row"
    for table in (*TOPICS, "dead_letters", "offsets"):
        warehouse.rows(f"DELETE FROM raw.{table} RETURNING 1")
    assert start(logged_and_loaded, told, "--once").wait(300) == 0, told.read_text()
    assert raw_of(warehouse)[0] == before[0], "and into empty tables it gives the same ones"
    warehouse.close()
    with capsys.disabled():
        print(f"\n{len(records):,} records, {len(bad)} of them bad, {len(letters)} dead letters: "
              f"0 of {len(MARTS)} marts differ, 0 rows after two replays")  # fmt: skip
