"""Both warehouses: what shoppers wrote goes after its days, the rest of the rows stays."""

import csv
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from builds import marts
from warehouses import warehouse_settings

from orchestration.boards.page import write
from orchestration.boards.reports import BOARDS_FOLDER
from orchestration.retention import Expired, expire, expire_by
from orchestration.warehouse.rows import batch_of
from orchestration.warehouse.stores import Warehouse, build_warehouse
from setwise.cloud_event import CloudEvent
from setwise.events import Interaction, Served, decode_served
from setwise.log import Record
from setwise.names import INTERACTIONS_TOPIC, SERVED_TOPIC
from setwise.settings import Settings

NOW = datetime.now(UTC)
OLD, NEW = NOW - timedelta(days=31), NOW - timedelta(days=29)
SENTENCE = 'a "quiet" sofa, l\'été près de Zürich'


@pytest.fixture(params=["duckdb", "postgres"])
def settings(request, leave_out: Callable, tmp_path: Path) -> Iterator[Settings]:
    with warehouse_settings(request.param, tmp_path, leave_out) as environ:
        yield Settings.from_env(environ)


@pytest.fixture
def warehouse(settings: Settings) -> Iterator[Warehouse]:
    """An answer and a search of each age, one of them twice without a sentence, and two dead letters."""
    made = build_warehouse(settings)
    made.migrate()
    served, searches = list[Record](), list[Record]()
    for number, (at, text) in enumerate([(OLD, SENTENCE), (NEW, SENTENCE), (OLD, "")]):
        data = Served(
            f"q-{number}", "bundles", "shop", "r", "full", {"total": 1.5}, 1, "u-1", prompt=text, currency="USD"
        )
        event = CloudEvent(f"q-{number}", "setwise.served", at, data, subject="u-1")
        served.append(Record(SERVED_TOPIC, 0, number, "u-1", event.encoded(), {}, at))
        search = CloudEvent(
            f"s-{number}", "setwise.search", at, Interaction("search", at, 1, "u-1", query=text), "shop"
        )
        searches.append(Record(INTERACTIONS_TOPIC, 0, number, "u-1", search.encoded(), {}, at))
    searches += [
        Record(INTERACTIONS_TOPIC, 0, 3 + n, "k", SENTENCE.encode(), {}, at) for n, at in enumerate((OLD, NEW))
    ]
    made.load(batch_of(SERVED_TOPIC, served, NOW), {})
    made.load(batch_of(INTERACTIONS_TOPIC, searches, NOW), {})
    yield made
    made.close()


def test_old_sentences_are_emptied_and_everything_else_stays(warehouse: Warehouse, tmp_path: Path) -> None:
    before = warehouse.rows("SELECT id, source, type, time, key, data ->> 'user', data ->> 'currency' FROM raw.served")
    assert expire(warehouse, 30, NOW) == Expired(2, 1)
    asked = "SELECT id, coalesce(data ->> '{}', '') FROM raw.{} ORDER BY id"
    assert warehouse.rows(asked.format("prompt", "served")) == [("q-0", ""), ("q-1", SENTENCE), ("q-2", "")]
    assert warehouse.rows(asked.format("query", "interactions")) == [("s-0", ""), ("s-1", SENTENCE), ("s-2", "")]
    after = warehouse.rows("SELECT id, source, type, time, key, data ->> 'user', data ->> 'currency' FROM raw.served")
    assert sorted(map(repr, after)) == sorted(map(repr, before))
    assert warehouse.rows('SELECT "offset" FROM raw.dead_letters') == [(4,)]
    assert warehouse.rows("SELECT data -> 'timings_ms' ->> 'total' FROM raw.served WHERE id = 'q-0'") == [("1.5",)]
    assert expire(warehouse, 30, NOW) == Expired(0, 0)
    assert expire(warehouse, 28, NOW) == Expired(2, 1)
    assert not any(SENTENCE[-15:].encode() in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_a_row_without_its_sentence_is_an_event_like_any_other(warehouse: Warehouse) -> None:
    expire(warehouse, 30, NOW)
    ((data,),) = warehouse.rows("SELECT cast(data AS text) FROM raw.served WHERE id = 'q-0'")
    told = decode_served(
        b'{"id": "q-0", "source": "s", "type": "t", "time": "2026-01-01T00:00:00Z", "data": %s}' % data.encode()
    )
    assert told.data.prompt == "" and told.data.user == "u-1" and told.data.timings_ms == {"total": 1.5}


def sentences_without_a_bundle(boards: Path) -> dict[str, int]:
    """Answers by sentence, as the page's CSV has them."""
    with (boards / "csv/question_3.csv").open(newline="") as file:
        return {row["prompt"]: int(row["answers"]) for row in csv.DictReader(file)}


@pytest.mark.long_on("postgres")
def test_marts_and_boards_of_before_lose_the_sentences_too(warehouse: Warehouse, settings: Settings) -> None:
    assert marts(settings, os.environ, "run", "--quiet") == 0
    boards = write(warehouse, Path(settings.storage.data_dir) / BOARDS_FOLDER, NOW).parent
    assert sentences_without_a_bundle(boards) == {SENTENCE: 2, "": 1}
    assert expire_by(settings) == Expired(2, 1)
    assert sentences_without_a_bundle(boards) == {SENTENCE: 1, "": 2}
    assert sorted(warehouse.rows("SELECT answer_id, prompt FROM marts.fct_served")) == [
        ("q-0", ""), ("q-1", SENTENCE), ("q-2", ""),
    ]  # fmt: skip
    assert sorted(warehouse.rows("SELECT event_id, query FROM marts.fct_interactions")) == [
        ("s-0", ""), ("s-1", SENTENCE), ("s-2", ""),
    ]  # fmt: skip
