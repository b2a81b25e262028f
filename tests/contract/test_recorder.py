"""What was answered reaches the log, in order, through a log that is away, a restart and a spool that is full."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path

import pytest

from online.log import EmbeddedLog, Log, LogReader, LogTail
from online.messages import ExcludeRead, ProductOut, ProductsAnswer, ProductsRequest, Understood
from online.recorder import Answered, Recorder
from online.spool import Spool
from setwise.events import decode_served
from setwise.log import LogDownError, started
from setwise.names import SERVED_TOPIC
from setwise.pseudonyms import Pseudonyms

READ = Understood("en", None, [], {}, [], [], [], [], [], ExcludeRead([], [], [], [], [], []), [], [])
RUG = ProductOut("rug", 1.0, 7_000, "USD", "Rug", "", "", [])


class Cable:
    """The real log behind a cable that can be pulled: a broker that is away refuses in the same words."""

    def __init__(self, log: Log) -> None:
        self._log, self.is_pulled = log, False

    def append(self, topic: str, key: str, value: bytes, headers: dict[str, str]) -> "Future[None]":
        if not self.is_pulled:
            return self._log.append(topic, key, value, headers)
        refused = started()
        refused.set_exception(LogDownError("pulled"))
        return refused

    def reader(self, topic: str, group: str) -> LogReader:
        return self._log.reader(topic, group)

    def tail(self, topic: str) -> LogTail:
        return self._log.tail(topic)

    def close(self) -> None:
        self._log.close()


def answered(number: int) -> Answered:
    answer = ProductsAnswer(f"{number:032x}", "full", [], READ, [RUG], {"total": 5.0})
    request = ProductsRequest(prompt="a rug", user_id="mary")
    return Answered("products", request, "shop", "", datetime.now(UTC), answer, release="r-1")


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    made = Cable(EmbeddedLog(tmp_path / "log.db", 1))
    yield made
    made.close()


@pytest.fixture
def recorder(cable: Cable, tmp_path: Path) -> Iterator[Callable[..., Recorder]]:
    made: list[Recorder] = []

    def start(max_records: int = 1_000) -> Recorder:
        one = Recorder(cable, Pseudonyms(b"key"), Spool(tmp_path / "spool.db", max_records))
        one.start()
        made.append(one)
        return one

    yield start
    for one in made:
        one.stop()


def recorded(cable: Cable, count: int, seconds: float = 10) -> list[int]:
    """The numbers of the answers in the log, in its order."""
    until, found = time.monotonic() + seconds, list[int]()
    tail = cable.tail(SERVED_TOPIC)
    while len(found) < count and time.monotonic() < until:
        found += [int(decode_served(record.value).data.request_id, 16) for record in tail.poll(1_000, 0.1)]
    return found


def test_answers_are_in_the_log_a_moment_later(cable, recorder) -> None:
    one = recorder()
    for number in range(300):
        one.note(answered(number))
    assert recorded(cable, 300) == list(range(300))


def test_while_the_log_is_away_they_wait_on_the_disk_and_follow_in_order(cable, recorder) -> None:
    one = recorder()
    one.note(answered(0))
    assert recorded(cable, 1) == [0]
    cable.is_pulled = True
    for number in range(1, 200):
        one.note(answered(number))
    time.sleep(0.5)
    assert recorded(cable, 2, 0.5) == [0]
    cable.is_pulled = False
    for number in range(200, 220):
        one.note(answered(number))
    assert recorded(cable, 220) == list(range(220))


def test_what_a_process_left_in_the_spool_the_next_one_records(cable, recorder) -> None:
    first = recorder()
    cable.is_pulled = True
    for number in range(50):
        first.note(answered(number))
    first.stop()
    cable.is_pulled = False
    recorder()
    assert recorded(cable, 50) == list(range(50))


def test_a_full_spool_takes_no_more_and_what_it_holds_is_not_lost(cable, recorder) -> None:
    one = recorder(20)
    cable.is_pulled = True
    for number in range(100):
        one.note(answered(number))
        time.sleep(0.001)
    time.sleep(0.5)
    cable.is_pulled = False
    assert recorded(cable, 20) == list(range(20))
    one.note(answered(100))
    assert recorded(cable, 21)[-1] == 100


def test_noting_an_answer_waits_for_nothing(cable, recorder) -> None:
    one, began = recorder(), time.monotonic()
    cable.is_pulled = True
    for number in range(2_000):
        one.note(answered(number))
    assert time.monotonic() - began < 2
