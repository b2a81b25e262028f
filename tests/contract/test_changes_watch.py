"""Catalogue changes of several processes over one log: every process knows every word, and so does the next one."""

import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from online.live import ReleaseWatch
from online.live_changes import ChangesWatch
from online.log import EmbeddedLog
from setwise.changes import ProductState
from setwise.cloud_event import CloudEvent
from setwise.log import LogDownError, all_of, started
from setwise.names import CHANGES_TOPIC, ProductId
from setwise.release import Releases

P = ProductId("p")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
Opener = Callable[[], ChangesWatch]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EmbeddedLog]:
    log = EmbeddedLog(tmp_path / "log.db", 1)
    yield log
    log.close()


@pytest.fixture
def opened(log: EmbeddedLog, tmp_path: Path) -> Iterator[Opener]:
    """Starts one more process's watch on the same log."""
    watches: list[ChangesWatch] = []

    def open_one() -> ChangesWatch:
        watches.append(ChangesWatch(log, ReleaseWatch(Releases(str(tmp_path / "releases"), tmp_path / "cache"))))
        watches[-1].start()
        return watches[-1]

    yield open_one
    for watch in watches:
        watch.stop()


def write_as_if_dying(log: EmbeddedLog, state: ProductState) -> None:
    """A record by a process that knew nothing else of the product and never wrote again."""
    event = CloudEvent(uuid.uuid4().hex, "x", NOW, state)
    log.append(CHANGES_TOPIC, state.product_id, event.encoded(), {}).result(10)


def eventually(holds: Callable[[], bool], seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not holds():
        time.sleep(0.01)
    return holds()


def last_record(log: EmbeddedLog) -> object:
    return msgspec.json.decode(log.read(CHANGES_TOPIC, 0, 1_000)[-1].value)["data"]


def test_a_change_of_one_process_is_known_to_all_within_two_seconds(opened: Opener) -> None:
    first, second = opened(), opened()
    first.write([ProductState(P, price=(500, 10))]).result(10)
    second.write([ProductState(P, stock=(3, 11))]).result(10)
    both = ProductState(P, price=(500, 10), stock=(3, 11))
    assert eventually(lambda: first.state_of(P) == second.state_of(P) == both, 2)
    assert opened().state_of(P) == both


def test_the_last_record_gets_every_word_though_both_writers_died_at_once(log: EmbeddedLog, opened: Opener) -> None:
    opened()
    write_as_if_dying(log, ProductState(P, price=(500, 10)))
    write_as_if_dying(log, ProductState(P, stock=(3, 11)))
    whole = {"product_id": "p", "price": [500, 10], "stock": [3, 11]}
    assert eventually(lambda: last_record(log) == whole)
    time.sleep(0.3)
    assert len(log.read(CHANGES_TOPIC, 0, 1_000)) == 3, "told once, and not again and again"


def test_what_nobody_was_there_to_complete_is_completed_at_the_next_start(log: EmbeddedLog, opened: Opener) -> None:
    write_as_if_dying(log, ProductState(P, price=(500, 10)))
    write_as_if_dying(log, ProductState(P, stock=(3, 11)))
    assert opened().state_of(P) == ProductState(P, price=(500, 10), stock=(3, 11))
    assert eventually(lambda: last_record(log) == {"product_id": "p", "price": [500, 10], "stock": [3, 11]})


def test_words_of_the_same_time_end_alike_everywhere(opened: Opener) -> None:
    watches = [opened() for _ in range(3)]
    for price, watch in enumerate(watches, 100):
        watch.take([ProductState(P, price=(price, 10))])
        watch.write([ProductState(P, price=(price, 10))])
    assert eventually(lambda: {watch.state_of(P).price for watch in watches} == {(102, 10)})


def test_a_record_that_is_no_change_is_passed_over(log: EmbeddedLog, opened: Opener) -> None:
    watch = opened()
    product = b'{"data":{"product_id":"p",'
    wrong = (b'"price":[-1,10]}}', b'"price":7}}', b'"availability":["sold",1]}}')
    for rubbish in (b"", b"{}", *(product + rest for rest in wrong)):
        log.append(CHANGES_TOPIC, "p", rubbish, {}).result(10)
    watch.write([ProductState(P, price=(500, 10))]).result(10)
    assert eventually(lambda: opened().state_of(P) == ProductState(P, price=(500, 10)))
    assert watch.is_reached


def test_many_futures_are_one_that_fails_when_one_fails_and_only_when_all_are_done() -> None:
    assert all_of([]).result(0) is None
    good: list[Future[None]] = [started(), started()]
    both = all_of(good)
    good[0].set_exception(LogDownError("x"))
    assert not both.done()
    good[1].set_result(None)
    with pytest.raises(LogDownError):
        both.result(0)
