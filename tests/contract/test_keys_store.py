"""One suite, both stores of keys and of rate limits: what one process writes every other one sees."""

import asyncio
import os
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from online.keys import make_key
from online.keys.store import KeysStore, KeysStoreDownError, RedisKeys, SqliteKeys, revoked
from online.keys.watch import KeysWatch
from online.rate_limits import Rate, RedisRate, SqliteRate

REDIS_URL = os.environ.get("SETWISE_REDIS_URL", "redis://127.0.0.1:6379/9")
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "redis"])
def kind(request: pytest.FixtureRequest, require_server: Callable[[str, str, int], None]) -> str:
    if request.param == "redis":
        address = urlsplit(REDIS_URL)
        require_server("Redis", address.hostname or "", address.port or 6379)
    return str(request.param)


@pytest.fixture
def prefix() -> Iterator[str]:
    prefix = f"setwise:test:{uuid.uuid4().hex}"
    yield prefix
    client = redis.Redis.from_url(REDIS_URL)
    try:
        for found in client.scan_iter(f"{prefix}*", count=1_000):
            client.delete(found)
    except redis.ConnectionError:
        pass  # only the local store was tried
    client.close()


@pytest.fixture
def opened(kind: str, prefix: str, tmp_path: Path) -> Iterator[Callable[[], KeysStore]]:
    stores: list[KeysStore] = []

    def open_one() -> KeysStore:
        stores.append(RedisKeys(REDIS_URL, prefix, 5) if kind == "redis" else SqliteKeys(tmp_path / "keys.db"))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


def test_a_key_is_known_to_every_process_and_a_revoked_one_to_none_within_two_seconds(opened) -> None:
    first, watch = opened(), KeysWatch(opened())
    watch.start()
    key, text = make_key("shop", ["recommend", "events"], NOW, NOW + timedelta(days=9))
    first.put(key)
    started = time.monotonic()
    while watch.find(text, NOW) is None and time.monotonic() - started < 10:
        time.sleep(0.01)
    assert watch.find(text, NOW) == key and time.monotonic() - started < 2
    assert revoked(first, key.key_id, NOW) is not None and revoked(first, "none", NOW) is None
    started = time.monotonic()
    while watch.find(text, NOW) is not None and time.monotonic() - started < 10:
        time.sleep(0.01)
    assert watch.find(text, NOW) is None and time.monotonic() - started < 2
    watch.stop()


def test_keys_stay_known_while_their_store_is_away() -> None:
    store = RedisKeys("redis://127.0.0.1:1/0", "x", 0.2)
    with pytest.raises(KeysStoreDownError):
        store.all()
    watch = KeysWatch(store)
    key, text = make_key("shop", ["recommend"], NOW)
    watch._keys = {key.key_id: key}
    watch.look()
    assert watch.find(text, NOW) == key and not watch.is_reached
    store.close()


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_limit_holds_over_all_processes_together(kind: str, prefix: str, tmp_path: Path) -> None:
    async def run() -> None:
        clock = Clock()
        rates: list[Rate] = [
            RedisRate(REDIS_URL, prefix, 5, clock) if kind == "redis" else SqliteRate(tmp_path / "rates.db", clock)
            for _ in range(3)
        ]
        let_in = [await rates[n % 3].take("key:a", 10, 20) for n in range(60)].count(0)
        assert let_in == 20, "the burst"
        assert await rates[0].take("key:b", 10, 20) == 0, "another client has a limit of its own"
        refused = await rates[1].take("key:a", 10, 20)
        assert 0 < refused <= 0.1 + 1e-6
        counts = 0
        for step in range(400):
            clock.now += 0.05
            counts += await rates[step % 3].take("key:a", 10, 20) == 0
        assert abs(counts - 200) <= 0.05 * 200, "10 a second for 20 seconds, from an empty bucket"
        for rate in rates:
            await rate.close()

    asyncio.run(run())


def test_requests_are_let_in_while_the_counts_are_away() -> None:
    async def run() -> None:
        rate = RedisRate("redis://127.0.0.1:1/0", "x", 0.05)
        started = time.monotonic()
        assert [await rate.take("a", 1, 1) for _ in range(50)] == [0.0] * 50
        assert time.monotonic() - started < 2, "it is not asked again and again"
        await rate.close()

    asyncio.run(run())
