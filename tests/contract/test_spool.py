"""One suite, both logs: what the log does not take waits in a file, bounded, and goes to it in order."""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path

import pytest

from online.log import EmbeddedLog, Log
from online.log_kafka import KafkaLog
from online.spool import SpooledLog
from setwise import settings
from setwise.erasures import Erasures, erasure_of
from setwise.log import LogDownError, Record
from setwise.names import INTERACTIONS_TOPIC, SERVED_TOPIC, SPOOL_FILE
from setwise.pseudonyms import Pseudonyms

BROKERS = os.environ.get("SETWISE_KAFKA_BROKERS", "127.0.0.1:9092")
MB = 1024 * 1024


class Way:
    """The way to a real log, which can be cut."""

    def __init__(self, log: Log) -> None:
        self.log, self.is_cut = log, False

    def append(self, topic: str, key: str, value: bytes, headers: dict[str, str]) -> Future[None]:
        if not self.is_cut:
            return self.log.append(topic, key, value, headers)
        failed: Future[None] = Future()
        failed.set_exception(LogDownError("the way is cut"))
        return failed


@pytest.fixture(params=["local", "kafka"])
def way(request, tmp_path: Path, require_server: Callable[[str, str, int], None]) -> Iterator[Way]:
    prefix = f"setwise-test-{uuid.uuid4().hex[:12]}"
    if request.param == "kafka":
        host, port = BROKERS.split(",")[0].rsplit(":", 1)
        require_server("Kafka", host, int(port))
        kafka = KafkaLog(settings.Log(backend="kafka", prefix=prefix, partitions=3, kafka_brokers=BROKERS))
        assert kafka.wait_until_ready(20)
        yield Way(kafka)
        kafka.close()
        from confluent_kafka.admin import AdminClient

        admin = AdminClient({"bootstrap.servers": BROKERS})
        names = [name for name in admin.list_topics(timeout=10).topics if name.startswith(prefix)]
        for deleted in admin.delete_topics(names).values() if names else ():
            deleted.result()
    else:
        local = EmbeddedLog(tmp_path / "log.db", 1)
        yield Way(local)
        local.close()


@pytest.fixture
def opened(way: Way, tmp_path: Path) -> Iterator[Callable[..., SpooledLog]]:
    """Opens one more access to the same spool, as another process of the machine would."""
    spools: list[SpooledLog] = []

    def open_one(max_bytes: int = 16 * MB) -> SpooledLog:
        spools.append(SpooledLog(way, tmp_path / SPOOL_FILE, max_bytes))
        spools[-1].start()
        return spools[-1]

    yield open_one
    for spool in spools:
        spool.stop()


def write(spool: SpooledLog, topic: str, numbers: range, size: int = 0) -> None:
    for written in [spool.append(topic, f"k{n % 5}", b"%d" % n + b" " * size, {"ce_id": str(n)}) for n in numbers]:
        written.result(20)


def read(log: Log, topic: str, count: int) -> list[Record]:
    tail, records, end = log.tail(topic), list[Record](), time.monotonic() + 20
    while len(records) < count and time.monotonic() < end:
        records += tail.poll(1_000, 0.2)
    tail.close()
    return records


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not is_so() and time.monotonic() < end:
        time.sleep(0.02)
    assert is_so()


def numbers_in_order(records: list[Record]) -> list[int]:
    """All numbers; asserts that those of each key are in order."""
    for key in {record.key for record in records}:
        of_key = [int(record.value) for record in records if record.key == key]
        assert of_key == sorted(of_key), key
    return sorted(int(record.value) for record in records)


def test_what_was_written_while_the_log_was_away_comes_after_what_was_there_and_before_what_follows(
    way: Way, opened: Callable[..., SpooledLog]
) -> None:
    spool = opened()
    write(spool, SERVED_TOPIC, range(20))
    way.is_cut = True
    write(spool, SERVED_TOPIC, range(20, 1_200))
    write(spool, INTERACTIONS_TOPIC, range(7))
    assert spool.is_spooling
    way.is_cut = False
    write(spool, SERVED_TOPIC, range(1_200, 1_300))
    until(lambda: not spool.is_spooling)
    write(spool, SERVED_TOPIC, range(1_300, 1_310))
    records = read(way.log, SERVED_TOPIC, 1_310)
    assert numbers_in_order(records) == list(range(1_310))
    assert {tuple(record.headers) for record in records} == {("ce_id",)}
    assert numbers_in_order(read(way.log, INTERACTIONS_TOPIC, 7)) == list(range(7))


def test_what_a_process_left_on_the_disk_is_drained_by_the_next(way: Way, opened: Callable[..., SpooledLog]) -> None:
    way.is_cut = True
    first = opened()
    write(first, SERVED_TOPIC, range(50))
    first.stop()
    way.is_cut = False
    second = opened()
    assert numbers_in_order(read(way.log, SERVED_TOPIC, 50)) == list(range(50))
    until(lambda: not second.is_spooling)


def test_processes_of_one_machine_share_the_file_and_none_overtakes_it(
    way: Way, opened: Callable[..., SpooledLog]
) -> None:
    first, second = opened(), opened()
    way.is_cut = True
    write(first, SERVED_TOPIC, range(100))
    until(lambda: second.is_spooling)
    write(second, SERVED_TOPIC, range(100, 200))
    way.is_cut = False
    until(lambda: not first.is_spooling and not second.is_spooling)
    assert numbers_in_order(read(way.log, SERVED_TOPIC, 200)) == list(range(200))


def test_a_full_spool_refuses_and_has_room_again_when_it_was_drained(
    way: Way, opened: Callable[..., SpooledLog], tmp_path: Path
) -> None:
    spool = opened(MB)
    way.is_cut = True
    taken = 0
    with pytest.raises(LogDownError, match="full"):
        for n in range(1_000):
            write(spool, SERVED_TOPIC, range(n, n + 1), 20_000)
            taken += 1
            spool._used_at = float("-inf")  # half a second later
    assert 30 < taken < 60
    assert (tmp_path / SPOOL_FILE).stat().st_size < 4 * MB
    way.is_cut = False
    until(lambda: not spool.is_spooling)
    way.is_cut = True
    write(spool, SERVED_TOPIC, range(taken, taken + 1))
    way.is_cut = False
    assert len(read(way.log, SERVED_TOPIC, taken + 1)) == taken + 1


KILLED = """
import os, sys, time
from concurrent.futures import Future
from pathlib import Path
from online.spool import SpooledLog
from setwise.log import LogDownError
class Away:
    def append(self, *_):
        failed = Future()
        failed.set_exception(LogDownError("away"))
        return failed
spool = SpooledLog(Away(), Path(sys.argv[1]), 1 << 24)
for n in range(200):
    spool.append("served", "k", str(n).encode(), {}).result(20)
os.kill(os.getpid(), 9)
"""


def test_what_a_killed_process_was_told_is_durable_is_there(way: Way, opened, tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / SPOOL_FILE)], check=False)
    assert killed.returncode == -9
    opened()
    assert numbers_in_order(read(way.log, SERVED_TOPIC, 200)) == list(range(200))


def test_what_waits_of_somebody_who_is_forgotten_goes_to_no_log_and_leaves_no_byte(
    way: Way, opened: Callable[..., SpooledLog], tmp_path: Path
) -> None:
    people = Pseudonyms(b"secret")
    mary = people.user("mary")
    spool = opened()
    way.is_cut = True
    for number in range(300):
        key = mary if number % 3 == 0 else people.user("bob")
        spool.append(SERVED_TOPIC, "k", b"%d %s" % (number, key.encode()), {"ce_id": str(number)}).result(20)
    # What comes after somebody is forgotten belongs to somebody new, however slowly it was written before.
    erasures = Erasures(people, [erasure_of("r", "mary", (), people, datetime.now(UTC))])
    assert spool.forget(erasures) == 100 and spool.forget(erasures) == 0
    assert not any(mary.encode() in file.read_bytes() for file in tmp_path.glob(f"{SPOOL_FILE}*"))
    way.is_cut = False
    numbers = [int(record.value.split()[0]) for record in read(way.log, SERVED_TOPIC, 200)]
    assert numbers == [number for number in range(300) if number % 3]
