"""Answers that processes share: found by the others, checked by each, missed by nobody when Redis is away."""

import asyncio
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
import redis

from online.answer_cache import AnswerCache
from online.live import LiveRelease
from online.messages import ExcludeRead, ProductOut, ProductsAnswer, ProductsRequest, Understood
from online.shared_answers import SharedAnswers
from setwise.catalogue import Product
from setwise.names import ProductId, ReleaseId
from setwise.release import Manifest
from setwise.rules import RuleBook, RuleSet
from setwise.snapshot import Snapshot, write_snapshot
from setwise.terms import Analyzer

REDIS_URL = os.environ.get("SETWISE_REDIS_URL", "redis://127.0.0.1:6379/9")
NOW = datetime.now(UTC)
NO_RULES = RuleBook(RuleSet())
READ = Understood("en", None, [], {}, [], [], [], [], [], ExcludeRead([], [], [], [], [], []), [], [])
RUG = ProductOut("rug", 1.0, 7_000, "USD", "Rug", "", "", [])


class Process:
    """A cache of its own on the shared store, and how often it had to compute."""

    def __init__(self, url: str, prefix: str, timeout_s: float = 1.0) -> None:
        self.shared = SharedAnswers(url, prefix, timeout_s)
        self.cache = AnswerCache(60, 1_000_000, False, self.shared)
        self.made = 0

    async def _make(self) -> ProductsAnswer:
        self.made += 1
        return ProductsAnswer(uuid.uuid4().hex, "full", [], READ, [RUG], {"total": 5.0})

    def ask(self, live: LiveRelease, prompt: str = "a rug") -> ProductsAnswer:
        async def answer() -> ProductsAnswer:
            key = self.cache.key_of(ProductsRequest(prompt=prompt), live, NO_RULES)
            return await self.cache.answer(key, live, NO_RULES, NOW, self._make)

        return asyncio.run(answer())


@pytest.fixture
def live(tmp_path) -> LiveRelease:
    return release(tmp_path / "a", 7_000)


def release(folder, price: int) -> LiveRelease:
    write_snapshot([Product(ProductId("rug"), "Rug", price, "USD")], folder)
    manifest = Manifest(ReleaseId("r-1"), NOW, None, (), {}, {}, {}, "USD")
    return LiveRelease(manifest, Snapshot(folder), None, None, None, None, Analyzer())


@pytest.fixture
def start(require_server: Callable[[str, str, int], None]) -> Iterator[Callable[[], Process]]:
    address = urlsplit(REDIS_URL)
    require_server("Redis", address.hostname or "", address.port or 6379)
    prefix, running = f"setwise_test_{uuid.uuid4().hex}", []

    def process() -> Process:
        running.append(Process(REDIS_URL, prefix))
        return running[-1]

    yield process
    for one in running:
        one.cache.close()
    client = redis.Redis.from_url(REDIS_URL)
    for key in client.scan_iter(f"{prefix}*", count=1_000):
        client.delete(key)
    client.close()


def shared_keys(one: Process) -> list[bytes]:
    """What it has handed over: a process that ends drops what it had no time to."""
    with redis.Redis.from_url(REDIS_URL) as client:
        until = time.monotonic() + 10
        while not (keys := list(client.scan_iter(f"{one.shared._prefix}*", count=1_000))):
            assert time.monotonic() < until, "nothing was handed over"
            time.sleep(0.01)
        return keys


def test_what_one_process_has_computed_the_others_find_under_ids_of_their_own(start, live) -> None:
    one, other = start(), start()
    first = one.ask(live)
    assert len(shared_keys(one)) == 1
    one.cache.close()
    second = other.ask(live)
    assert (one.made, other.made) == (1, 0)
    assert second.products == first.products
    assert second.request_id != first.request_id


def test_a_process_that_knows_of_another_price_computes(start, live, tmp_path) -> None:
    one, other = start(), start()
    one.ask(live)
    assert len(shared_keys(one)) == 1
    one.cache.close()
    other.ask(release(tmp_path / "b", 6_000))
    assert other.made == 1


def test_rubbish_under_the_key_is_computed_anew(start, live) -> None:
    one, other = start(), start()
    one.ask(live)
    (key,) = shared_keys(one)
    one.cache.close()
    with redis.Redis.from_url(REDIS_URL) as client:
        client.set(key, b"\x93rubbish", px=60_000)
    assert other.ask(live).products == [RUG]
    assert other.made == 1


def test_without_redis_each_computes_and_after_five_failures_nobody_waits_for_it(live) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        alone = Process(f"redis://127.0.0.1:{silent.getsockname()[1]}/0", "setwise_test", 0.05)
        for number in range(6):
            assert alone.ask(live, f"rug {number}").products == [RUG]
        assert alone.made == 6
        assert alone.shared.breaker.is_open
        alone.cache.close()
