"""One suite, both stores of asynchronous requests: who was first counts, on every process, until it expires."""

import asyncio
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from online.request_store import END, Progress, RequestStore, RequestStoreDownError
from online.requests_redis import RedisRequests
from online.requests_sqlite import SqliteRequests

REDIS_URL = os.environ.get("SETWISE_REDIS_URL", "redis://127.0.0.1:6379/9")
Opener = Callable[..., RequestStore]
DONE = Progress(END, "done", b'{"status":"done"}')


@pytest.fixture(params=["sqlite", "redis"])
def opened(request, tmp_path: Path, require_server: Callable[[str, str, int], None]) -> Iterator[Opener]:
    """Opens one more access to the same store, as another process would."""
    key, stores = f"setwise:test:{uuid.uuid4().hex}", []
    if request.param == "redis":
        address = urlsplit(REDIS_URL)
        require_server("Redis", address.hostname or "", address.port or 6379)

    def open_one(ttl_s: int = 60) -> RequestStore:
        if request.param == "redis":
            stores.append(RedisRequests(REDIS_URL, ttl_s, key, 5))
        else:
            stores.append(SqliteRequests(tmp_path / "d" / "r.db", ttl_s))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()
    if request.param == "redis":
        client = redis.Redis.from_url(REDIS_URL)
        for found in client.scan_iter(f"{key}*", count=1_000):
            client.delete(found)
        client.close()


def now() -> datetime:
    return datetime.now(UTC)


def progress(key: str, data: bytes = '{"s":"☂"}'.encode()) -> Progress:
    return Progress(key, key.partition(":")[0], data)


def test_the_same_key_finds_the_first_request_on_every_process(opened: Opener) -> None:
    first, second = opened(), opened()
    made = first.create("a", "me", "hash", "k", now())
    again = second.create("b", "me", "other", "k", now())
    assert made == again and made.request_id == "a" and made.body_hash == "hash" and made.status == "queued"
    assert second.create("c", "you", "hash", "k", now()).request_id == "c"
    assert second.create("d", "me", "hash", "", now()).request_id == "d"
    assert second.create("e", "me", "hash", "", now()).request_id == "e"


def test_of_many_who_send_the_same_key_at_once_all_get_one_request(opened: Opener) -> None:
    stores, found = [opened() for _ in range(4)], []
    threads = [
        threading.Thread(target=lambda s=s, n=n: found.append(s.create(f"r-{n}", "me", "h", "k", now()).request_id))
        for n, s in enumerate(stores * 5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 20 and len(set(found)) == 1


def test_it_is_accepted_only_when_that_was_said(opened: Opener) -> None:
    store = opened()
    assert not store.create("a", "me", "h", "k", now()).is_accepted
    assert not store.create("b", "me", "h", "k", now()).is_accepted
    store.accept("a")
    assert store.create("c", "me", "h", "k", now()).is_accepted


def test_events_are_numbered_without_a_gap_and_the_first_of_a_key_stays(opened: Opener) -> None:
    first, second = opened(), opened()
    first.create("a", "me", "h", "", now())
    assert first.publish("a", [progress("understood"), progress("slot:sofa", b"1")])
    assert not second.publish("a", [progress("understood"), progress("slot:sofa", b"2")])
    assert second.publish("a", [progress("slot:sofa", b"3"), progress("slot:rug", b"4")])
    found = first.events("a", 0)
    assert [(e.id, e.name) for e in found] == [(1, "understood"), (2, "slot"), (3, "slot")]
    assert [e.data for e in found[1:]] == [b"1", b"4"]
    assert second.events("a", 2) == found[2:] and second.events("a", 3) == []


def test_a_request_ends_once(opened: Opener) -> None:
    store = opened()
    store.create("a", "me", "h", "", now())
    assert store.publish("a", [progress("bundles", b"1"), DONE], "done")
    assert not store.publish("a", [Progress(END, "failed", b"{}")], "failed")
    assert not store.publish("a", [progress("slot:late")])
    known = store.get("a", now())
    assert known is not None and known.status == "done" and known.has_ended
    assert [e.name for e in store.events("a", 0)] == ["bundles", "done"]


def test_attempts_are_counted_until_it_has_ended(opened: Opener) -> None:
    store = opened()
    store.create("a", "me", "h", "", now())
    assert [store.begin("a", "me", "h", now()).attempts for _ in range(3)] == [1, 2, 3]
    store.publish("a", [DONE], "done")
    after = store.begin("a", "me", "h", now())
    assert (after.attempts, after.status) == (3, "done")


def test_a_request_that_the_store_has_lost_is_begun_from_the_log(opened: Opener) -> None:
    store = opened()
    begun = store.begin("lost", "me", "h", now())
    assert (begun.owner, begun.status, begun.attempts, begun.is_accepted) == ("me", "running", 1, True)
    assert store.publish("lost", [DONE], "done")


def test_a_request_expires_with_its_key_and_nothing_brings_it_back(opened: Opener) -> None:
    store = opened(ttl_s=1)
    store.create("a", "me", "h", "k", now())
    store.publish("a", [progress("understood")])
    time.sleep(1.1)
    assert store.get("a", now()) is None
    assert store.create("b", "me", "other", "k", now()).request_id == "b"


def test_what_is_unknown_takes_no_events(opened: Opener) -> None:
    store = opened()
    assert not store.publish("never", [DONE], "done")
    store.accept("never")
    assert store.get("never", now()) is None and store.events("never", 0) == []


def test_who_waits_is_told_at_once_by_another_process_and_others_go_on(opened: Opener) -> None:
    store, other = opened(), opened()
    store.create("a", "me", "h", "", now())

    async def listen() -> tuple[float, int, list[str]]:
        ticks, said_at = 0, 0.0

        def say() -> None:
            nonlocal said_at
            said_at = time.monotonic()
            other.publish("a", [progress("understood")])

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.01)

        ticking = asyncio.create_task(tick())
        timer = threading.Timer(0.3, say)
        timer.start()
        found = await store.wait("a", 0, 5)
        took = time.monotonic() - said_at
        assert await store.wait("a", 1, 0.05) == []
        ticking.cancel()
        timer.join()
        await store.stop_waiting()
        return took, ticks, [event.name for event in found]

    took, ticks, names = asyncio.run(listen())
    assert names == ["understood"] and took < 0.3 and ticks >= 10


def test_a_store_that_is_down_raises_and_says_no_address() -> None:
    store = RedisRequests("redis://127.0.0.1:1/0", 60, "k", timeout_s=0.2)
    for ask in (
        lambda: store.get("a", now()),
        lambda: store.create("a", "me", "h", "k", now()),
        lambda: store.publish("a", [DONE], "done"),
        lambda: store.events("a", 0),
        lambda: asyncio.run(store.wait("a", 0, 0.1)),
    ):
        with pytest.raises(RequestStoreDownError, match=r"^[A-Za-z]+$"):
            ask()
    store.close()
