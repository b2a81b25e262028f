"""The loader is killed while people are forgotten: none is left, nobody else lost a row, and each is told as done.

FAULTS=long kills it ERASING_KILLS times, 50 where it is not set."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from online.log import Log, build_log
from orchestration.warehouse.sources import build_source
from orchestration.warehouse.stores import build_warehouse
from setwise.cloud_event import CloudEvent
from setwise.erasures import ERASURE_TYPE, TABLES, Done, erasure_of, read_record
from setwise.events import Interaction, InteractionItem
from setwise.events.secret import event_secret
from setwise.local_log import LOG_FILE
from setwise.names import ERASURES_TOPIC, INTERACTIONS_TOPIC
from setwise.pseudonyms import Pseudonyms
from setwise.settings import Settings

LONG = os.environ.get("FAULTS") == "long"
KILLS = int(os.environ.get("ERASING_KILLS", "50")) if LONG else 3
ROOT = Path(__file__).parents[2]
EVENTS = 40


@pytest.fixture
def environ(logged_and_loaded: dict[str, str]) -> dict[str, str]:
    return logged_and_loaded


def start(environ: dict[str, str], log: Path, *arguments: str) -> subprocess.Popen[bytes]:
    own = {k: v for k, v in os.environ.items() if not k.startswith("SETWISE_")} | environ
    with log.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "orchestration.loader", *arguments], env=own, cwd=ROOT, stdout=file, stderr=file
        )


def live(log: Log, user: str) -> None:
    now, futures = datetime.now(UTC), []
    for number in range(EVENTS):
        data = Interaction("click", now, 1, user, items=[InteractionItem("p-1")])
        event = CloudEvent(f"{user}-{number}", "setwise.click", now, data, "shop")
        futures.append(log.append(INTERACTIONS_TOPIC, user, event.encoded(), {}))
    for future in futures:
        future.result(20)


def forget(log: Log, people: Pseudonyms, receipt_id: str, user_id: str) -> None:
    one = erasure_of(receipt_id, user_id, (), people, datetime.now(UTC))
    said = CloudEvent(receipt_id, ERASURE_TYPE, datetime.now(UTC), one)
    log.append(ERASURES_TOPIC, receipt_id, said.encoded(), said.headers()).result(20)


def done(settings: Settings) -> set[str]:
    """Receipts that the loader has told as done."""
    source = build_source(settings)
    ever = (datetime.fromtimestamp(0, UTC), datetime.max.replace(tzinfo=UTC))
    read = [read_record(one) for records in source.between(ERASURES_TOPIC, *ever) for one in records]
    source.close()
    return {one.receipt_id for one in read if isinstance(one, Done) and one.part == TABLES}


def test_a_loader_that_is_killed_forgets_all_the_same(environ: dict[str, str], tmp_path: Path) -> None:
    settings = Settings.from_env(environ)
    people = Pseudonyms(event_secret("", tmp_path))
    log, warehouse = build_log(settings), build_warehouse(settings)
    assert getattr(log, "wait_until_ready", lambda _: True)(30)
    warehouse.migrate()
    gone, kept = set[str](), set[str]()
    for turn in range(KILLS):
        process = start(environ, tmp_path / "loader.log")
        for number in range(4):
            who = f"person-{turn}-{number}"
            live(log, people.user(who))
            if number % 2:
                forget(log, people, who, who)
                gone.add(who)
            else:
                kept.add(who)
        until = time.monotonic() + 30
        while time.monotonic() < until:  # killed somewhere between the rows and the last word of it
            time.sleep(0.1 + 0.05 * (turn % 3))
            if warehouse.rows("SELECT count(DISTINCT receipt_id) FROM raw.erasures") == [(len(gone),)]:
                break
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert start(environ, tmp_path / "loader.log", "--once").wait(120) == 0, (tmp_path / "loader.log").read_text()
    rows = dict(warehouse.rows("SELECT data ->> 'user', count(*) FROM raw.interactions GROUP BY 1"))
    left = sum(people.user(who) in rows for who in gone)
    short = sum(rows.get(people.user(who)) != EVENTS for who in kept)
    told = done(settings)
    print(f"{KILLS} kills, {len(gone)} forgotten: {left} left, {len(gone - told)} not told as done; "
          f"{len(kept)} others: {short} with another number of rows")  # fmt: skip
    assert not left and not short and told == gone
    assert warehouse.rows("SELECT count(*) FROM raw.erasures WHERE finished_at IS NULL") == [(0,)]
    warehouse.close()
    log.close()
    if settings.log.backend == "local":
        bytes_of_log = b"".join(file.read_bytes() for file in tmp_path.glob(f"{LOG_FILE}*"))
        assert not any(people.user(who).encode() in bytes_of_log for who in gone)
        with sqlite3.connect(tmp_path / LOG_FILE) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
