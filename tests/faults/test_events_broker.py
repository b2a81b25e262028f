"""Events while Kafka is killed or away: a ledger of the sender's own against the log and the tables.

FAULTS=long kills the broker BROKER_KILLS times (20 where it is not set) and lets it be away for BROKER_AWAY_S (600)."""

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from e2e_support import records_of
from fault_servers import Server, Service, kafka_libraries, kafka_server, serving, wait_until
from test_loader import start

from orchestration.warehouse.stores import build_warehouse
from setwise.events import decode_interaction
from setwise.names import INTERACTIONS_TOPIC
from setwise.settings import Settings

LONG = os.environ.get("FAULTS") == "long"
KILLS = int(os.environ.get("BROKER_KILLS", "20")) if LONG else 1
AWAY_S = float(os.environ.get("BROKER_AWAY_S", "600")) if LONG else 8.0
SENDERS, PEOPLE = 4, 5
PAUSE_S = 0.02 if LONG else 0.1
ROOMY = {"SETWISE_DEADLINE_MS": "1500", "SETWISE_QUEUE_MS": "1500"}


class Shoppers(threading.Thread):
    """Each person's events one after the other, the next when the one before was accepted; what is refused with 503 is
    sent again under the same id."""

    def __init__(self, port: int, run: str, number: int) -> None:
        super().__init__(daemon=True)
        self._port, self._people = port, [f"{run}x{number}x{person}" for person in range(PEOPLE)]
        self.accepted: set[str] = set()
        self.again = 0
        self._stopping = threading.Event()

    def run(self) -> None:
        sequence = 0
        with httpx.Client(base_url=f"http://127.0.0.1:{self._port}", timeout=60) as client:
            while not self._stopping.is_set():
                sequence += 1
                waiting = [_click(person, sequence) for person in self._people]
                while waiting:
                    try:
                        reply = client.post("/v1/events", json=waiting)
                    except httpx.TransportError:
                        self.again += 1
                        continue
                    if reply.status_code != 200:
                        assert reply.status_code == 503, reply.text
                        self.again += 1
                        time.sleep(0.2)
                        continue
                    results = reply.json()["results"]
                    taken = {one["id"] for one in results if one["status"] in ("accepted", "duplicate")}
                    self.accepted |= taken
                    waiting = [event for event in waiting if event["id"] not in taken]
                time.sleep(PAUSE_S)

    def stop(self) -> None:
        self._stopping.set()
        self.join(90)
        assert not self.is_alive()


class Asker(threading.Thread):
    """Five prompts a second, no two alike: status, rung and milliseconds of each."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port, self.answers, self._stopping = port, list[tuple[int, str, float]](), threading.Event()

    def run(self) -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{self._port}", timeout=30) as client:
            while not self._stopping.wait(0.2):
                body, began = {"prompt": f"a sofa under ${1_000 + len(self.answers)}"}, time.perf_counter()
                reply = client.post("/v1/bundles", json=body)
                rung = reply.json().get("served_by", "")
                self.answers.append((reply.status_code, rung, (time.perf_counter() - began) * 1e3))

    def stop(self) -> None:
        self._stopping.set()
        self.join(60)


def _click(person: str, sequence: int) -> dict[str, object]:
    return {
        "specversion": "1.0", "id": f"{person}-{sequence}", "source": "shop.example/web", "type": "setwise.click",
        "time": datetime.now(UTC).isoformat(), "data": {"visitor_id": person, "product_id": "p-1"},
    }  # fmt: skip


@pytest.fixture(scope="module")
def broker(tmp_path_factory, leave_out: Callable) -> Iterator[tuple[Server, int]]:
    """Up at the end of each test, as at its beginning."""
    libraries = kafka_libraries()
    if libraries is None:
        leave_out("Kafka of its own", "it needs Java and the jars that `make services` fetches")
    one, port = kafka_server(tmp_path_factory.mktemp("broker") / "kafka", libraries)
    try:
        one.start()
        yield one, port
    finally:
        one.kill()


@pytest.fixture
def on_kafka(embedded, broker: tuple[Server, int]) -> tuple[dict[str, str], Server]:
    one, port = broker
    settings = {
        "SETWISE_LOG": "kafka", "SETWISE_KAFKA_BROKERS": f"127.0.0.1:{port}", "SETWISE_LOG_PARTITIONS": "3",
        "SETWISE_LOG_PREFIX": f"setwise-{uuid.uuid4().hex[:8]}", "SETWISE_EVENTS_FLOOD_PER_MIN": "100000",
    }  # fmt: skip
    return embedded | settings | ROOMY, one


def sent_while(service: Service, happens: Callable[[], None]) -> tuple[set[str], int]:
    """What was accepted while something happens and for a second before and after; how often it was sent again."""
    run = uuid.uuid4().hex[:6]
    senders = [Shoppers(service.port, run, number) for number in range(SENDERS)]
    for one in senders:
        one.start()
    time.sleep(1)
    happens()
    time.sleep(1)
    for one in senders:
        one.stop()
    return set().union(*(one.accepted for one in senders)), sum(one.again for one in senders)


def spooled(service: Service) -> float:
    page = httpx.get(f"http://127.0.0.1:{service.port}/metrics").text
    found = [line for line in page.splitlines() if line.startswith("setwise_spooled_records ")]
    return float(found[0].split()[1]) if found else 0.0


def _overtaken(numbers: list[int]) -> list[tuple[int, int]]:
    """Neighbours of which the first was sent after the second."""
    return [(one, other) for one, other in pairwise(numbers) if one > other]


def check(environ: dict[str, str], accepted: set[str], tmp_path: Path) -> None:
    """Everything in the log, each person's events in order, and each event once in the tables."""
    said = [decode_interaction(record.value).id for record in records_of(environ, INTERACTIONS_TOPIC, len(accepted))]
    assert set(said) == accepted
    first = list(dict.fromkeys(said))
    by_person: dict[str, list[int]] = {}
    for event_id in first:
        person, _, sequence = event_id.rpartition("-")
        by_person.setdefault(person, []).append(int(sequence))
    assert len(by_person) == SENDERS * PEOPLE
    overtaken = {person: _overtaken(numbers) for person, numbers in by_person.items() if numbers != sorted(numbers)}
    assert overtaken == {}
    own = environ | {"SETWISE_DATA_DIR": str(tmp_path / "warehouse")}
    assert start(own, tmp_path / "loader.log", "--once").wait(180) == 0, (tmp_path / "loader.log").read_text()
    warehouse = build_warehouse(Settings.from_env(own))
    rows = [str(row[0]) for row in warehouse.rows("SELECT id FROM raw.interactions")]
    warehouse.close()
    print(f"{len(accepted):,} accepted, {len(said) - len(first)} twice in the log; in the tables "
          f"{len(accepted - set(rows))} lost, {len(rows) - len(set(rows))} doubled")  # fmt: skip
    assert set(rows) == accepted and len(rows) == len(accepted)


def test_a_broker_that_is_killed_and_then_away_loses_and_doubles_nothing_and_answers_go_on(on_kafka, tmp_path) -> None:
    environ, broker = on_kafka
    waited: list[float] = []
    with serving(environ, tmp_path / "log") as service:
        asker = Asker(service.port)
        asker.start()

        def killed_and_away() -> None:
            for _ in range(KILLS):
                broker.kill()
                time.sleep(1)
                broker.start()
                time.sleep(3)
            broker.kill()
            time.sleep(AWAY_S)
            waited.append(spooled(service))
            broker.start()

        accepted, again = sent_while(service, killed_and_away)
        asker.stop()
        wait_until(lambda: spooled(service) == 0, 300, "the spool to be empty")
    times = sorted(ms for _, _, ms in asker.answers)
    print(f"{KILLS} kills, then away {AWAY_S:.0f} s, {waited[0]:.0f} waited, sent again {again} times; "
          f"{len(times)} answers, p50 {times[len(times) // 2]:.0f}, longest {times[-1]:.0f} ms")  # fmt: skip
    assert {(status, rung) for status, rung, _ in asker.answers} == {(200, "full")}
    assert len(accepted) > 100 and waited[0] > 0 and len(times) > AWAY_S
    check(environ, accepted, tmp_path)
