"""One suite, both stores of answered bundles: kept, found by others, expired, bounded, never in the answer's way."""

import os
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
import redis

from online.answers import KeptBundles
from online.bundle_store import BundleStore, BundleStoreDownError, KeptBundle, KeptItem, RedisBundles, SqliteBundles
from online.messages import BudgetRead, BundleRequest

REDIS_URL = os.environ.get("SETWISE_REDIS_URL", "redis://127.0.0.1:6379/9")
BIG = 10**9
Opener = Callable[..., BundleStore]


@pytest.fixture(params=["sqlite", "redis"])
def opened(request, tmp_path: Path, require_server: Callable[[str, str, int], None]) -> Iterator[Opener]:
    """Opens one more access to the same store, as another process would."""
    key, stores = f"setwise:test:{uuid.uuid4().hex}", []
    if request.param == "redis":
        address = urlsplit(REDIS_URL)
        require_server("Redis", address.hostname or "", address.port or 6379)

    def open_one(ttl_s: int = 60, max_bytes: int = BIG) -> BundleStore:
        if request.param == "redis":
            stores.append(RedisBundles(REDIS_URL, ttl_s, max_bytes, key, 5))
        else:
            stores.append(SqliteBundles(tmp_path / "d" / "b.db", ttl_s, max_bytes))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()
    if request.param == "redis":
        client = redis.Redis.from_url(REDIS_URL)
        for found in client.scan_iter(f"{key}*", count=1_000):
            client.delete(found)
        client.close()


def bundle(bundle_id: str, prompt: str = "ein Sofa für ü-☂") -> KeptBundle:
    return KeptBundle(
        bundle_id, "q-1", BundleRequest(prompt=prompt, lock=["p-1"]), "r-1", 3,
        BudgetRead(None, 5_000, "EUR", "total", False),
        [KeptItem("sofa", "p-1", 1, True), KeptItem("lamp", "p-2", 2, False)], ["rug"], ["p-9"],
    )  # fmt: skip


def now() -> datetime:
    return datetime.now(UTC)


def test_the_bundles_of_one_person_are_found_and_removed_and_those_of_others_stay(
    opened: Opener, tmp_path: Path
) -> None:
    store, other = opened(), opened()
    asked = BundleRequest(prompt="something for zanzibar", user_id="mary")
    mine = [msgspec.structs.replace(bundle(f"m-{n}"), request=asked) for n in range(700)]
    store.put([*mine, bundle("a")], now())

    def is_theirs(request: BundleRequest) -> bool:
        return request.user_id == "mary"

    assert {one.bundle_id for one in other.of(is_theirs)} == {one.bundle_id for one in mine}
    assert other.forget(is_theirs) == 700 and other.forget(is_theirs) == 0
    assert store.of(is_theirs) == [] and store.get("a", now()) == bundle("a")
    store.put([bundle("b")], now())
    assert store.get("b", now()) == bundle("b")
    assert not any(b"zanzibar" in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def waits_for(store: BundleStore, bundle_id: str, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if store.get(bundle_id, now()):
            return True
        time.sleep(0.002)
    return False


def test_what_was_kept_is_found_by_every_other_process_as_it_was(opened: Opener) -> None:
    first, second = opened(), opened()
    first.put([bundle("a"), bundle("b")], now())
    assert second.get("b", now()) == bundle("b")
    assert second.get("c", now()) is None


def test_the_same_bundle_may_be_put_twice(opened: Opener) -> None:
    store = opened()
    store.put([bundle("a")], now())
    store.put([bundle("a"), bundle("b")], now())
    assert store.get("a", now()) == bundle("a") and store.get("b", now())


def test_a_bundle_expires(opened: Opener) -> None:
    store = opened(ttl_s=2)
    store.put([bundle("a")], now())
    assert store.get("a", now())
    time.sleep(2.1)
    assert store.get("a", now()) is None


def test_beyond_the_size_the_oldest_are_forgotten_and_the_newest_stay(opened: Opener, monkeypatch) -> None:
    monkeypatch.setattr("online.bundle_store.TIDY_EVERY_S", 0)
    store = opened(max_bytes=30_000)
    for number in range(100):
        store.put([bundle(f"b-{number}", "x" * 400)], now())
        time.sleep(0.002)
    found = [number for number in range(100) if store.get(f"b-{number}", now())]
    assert found[-1] == 99 and found == list(range(found[0], 100))
    assert 20 <= len(found) <= 60


def test_a_bundle_is_found_at_once_here_and_within_a_tenth_of_a_second_elsewhere(opened: Opener) -> None:
    other, kept = opened(), KeptBundles(opened())
    kept.start()
    try:
        for number in range(20):
            kept.keep([bundle(f"b-{number}")])
            assert kept.find(f"b-{number}") == bundle(f"b-{number}")
        kept.keep([bundle("last")])
        assert waits_for(other, "last", 0.1)
        assert kept.find("never") is None
    finally:
        kept.stop()


def test_what_waits_is_written_before_the_process_ends(opened: Opener) -> None:
    kept = KeptBundles(opened())
    kept.start()
    kept.keep([bundle(f"b-{number}") for number in range(1_500)])
    kept.stop()
    store = opened()
    assert all(store.get(f"b-{number}", now()) for number in range(1_500))


class Flaky:
    """A store that is down until it is told otherwise; keeps in memory what the real ones keep outside."""

    def __init__(self) -> None:
        self.is_down, self.kept = True, {}

    def put(self, bundles, now: datetime) -> None:
        if self.is_down:
            raise BundleStoreDownError("down")
        self.kept |= {b.bundle_id: b for b in bundles}

    def get(self, bundle_id: str, now: datetime) -> KeptBundle | None:
        if self.is_down:
            raise BundleStoreDownError("down")
        return self.kept.get(bundle_id)

    def close(self) -> None:
        pass


def test_while_the_store_is_down_answers_go_on_and_bundles_wait_within_bounds() -> None:
    store = Flaky()
    kept = KeptBundles(store, max_waiting=50)
    kept.start()
    started = time.perf_counter()
    for number in range(1_000):
        kept.keep([bundle(f"b-{number}")])
    assert time.perf_counter() - started < 1
    assert kept.find("b-999") and len(kept._waiting) == 50
    with pytest.raises(BundleStoreDownError):
        kept.find("b-1")
    store.is_down = False
    assert waits_for(store, "b-999", 3)
    kept.stop()


def test_a_store_that_is_down_raises_and_says_no_address() -> None:
    store = RedisBundles("redis://127.0.0.1:1/0", 60, BIG, "k", timeout_s=0.2)
    for ask in (lambda: store.get("a", now()), lambda: store.put([bundle("a")], now())):
        with pytest.raises(BundleStoreDownError, match=r"^[A-Za-z]+$"):
            ask()
    store.close()
