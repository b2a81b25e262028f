"""The loader is killed while events flow: row by row what the writer's ledger has, on both warehouses.

FAULTS=long kills it LOADER_KILLS times, 100 where it is not set."""

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from online.log import Log, build_log
from orchestration.warehouse.stores import build_warehouse
from setwise.cloud_event import CloudEvent
from setwise.events import Interaction, InteractionItem
from setwise.names import INTERACTIONS_TOPIC
from setwise.settings import Settings

LONG = os.environ.get("FAULTS") == "long"
KILLS = int(os.environ.get("LOADER_KILLS", "100")) if LONG else 2
ROOT = Path(__file__).parents[2]


@pytest.fixture
def environ(logged_and_loaded: dict[str, str]) -> dict[str, str]:
    return logged_and_loaded


class Writer(threading.Thread):
    """Appends events until it is stopped; a tenth comes twice, and one in fifty cannot be read."""

    def __init__(self, log: Log) -> None:
        super().__init__(daemon=True)
        self._log, self.ledger, self.unreadable, self._stopping = log, set[str](), 0, threading.Event()

    def run(self) -> None:
        number = 0
        while not self._stopping.wait(0.01):
            futures = []
            for _ in range(20):
                number += 1
                value = _event(f"e-{number}")
                if number % 50 == 0:
                    value, self.unreadable = value[:-9], self.unreadable + 1
                else:
                    self.ledger.add(f"e-{number}")
                for _ in range(2 if number % 10 == 0 and number % 50 else 1):
                    futures.append(self._log.append(INTERACTIONS_TOPIC, f"u-{number % 97}", value, {}))
            for future in futures:
                future.result(20)

    def stop(self) -> None:
        self._stopping.set()
        self.join()


def _event(event_id: str) -> bytes:
    now = datetime.now(UTC)
    data = Interaction("click", now, 1, "u-1", items=[InteractionItem("p-1")])
    return CloudEvent(event_id, "setwise.click", now, data, "shop").encoded()


def start(environ: dict[str, str], log: Path, *arguments: str) -> subprocess.Popen[bytes]:
    own = {k: v for k, v in os.environ.items() if not k.startswith("SETWISE_")} | environ
    with log.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "orchestration.loader", *arguments], env=own, cwd=ROOT, stdout=file, stderr=file
        )


@pytest.mark.long_on("postgres")  # how rows are written there is in the suite of the warehouses
def test_a_loader_that_is_killed_again_and_again_loses_nothing_and_doubles_nothing(environ, tmp_path) -> None:
    settings = Settings.from_env(environ)
    log, warehouse = build_log(settings), build_warehouse(settings)
    warehouse.migrate()
    ready = getattr(log, "wait_until_ready", None)
    assert ready is None or ready(30)
    writer = Writer(log)
    writer.start()
    grew, before = 0, 0
    for _ in range(KILLS):
        process = start(environ, tmp_path / "loader.log")
        until = time.monotonic() + 30
        while time.monotonic() < until:  # killed in the middle of its work, not before it has begun
            time.sleep(0.1)
            now = int(warehouse.rows("SELECT count(*) FROM raw.interactions")[0][0])
            if now > before:
                break
        grew, before = grew + (now > before), now
        process.send_signal(signal.SIGKILL)
        process.wait()
    writer.stop()
    assert start(environ, tmp_path / "loader.log", "--once").wait(120) == 0, (tmp_path / "loader.log").read_text()
    found = [str(row[0]) for row in warehouse.rows("SELECT id FROM raw.interactions")]
    letters = int(warehouse.rows("SELECT count(*) FROM raw.dead_letters")[0][0])
    print(f"{KILLS} kills, {len(writer.ledger):,} events: {len(writer.ledger - set(found))} lost, "
          f"{len(found) - len(set(found))} doubled, {letters} of {writer.unreadable} dead letters")  # fmt: skip
    assert set(found) == writer.ledger and len(found) == len(writer.ledger)
    assert letters == writer.unreadable and grew == KILLS
    warehouse.close()
    log.close()
