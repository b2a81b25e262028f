"""One suite, both stores: what was made durable in the last day is known to every process, and forgotten after it."""

import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from online.seen_events import WINDOW_S, RedisSeen, SeenEvents, SqliteSeen, mark_of

REDIS_URL = os.environ.get("SETWISE_REDIS_URL", "redis://127.0.0.1:6379/9")
MARKS = [mark_of("shop", f"e{number}") for number in range(500)]
Opener = Callable[[], SeenEvents]


@pytest.fixture(params=["sqlite", "redis"])
def opened(request: pytest.FixtureRequest, require_server: Callable, tmp_path: Path) -> Iterator[Opener]:
    """Opens one more access to the same store, as another process would."""
    if request.param == "sqlite":
        stores: list[SeenEvents] = []

        def open_one() -> SeenEvents:
            stores.append(SqliteSeen(tmp_path / "seen.db"))
            return stores[-1]

        yield open_one
        for store in stores:
            store.close()
        return
    where = urlsplit(REDIS_URL)
    require_server("Redis", where.hostname or "127.0.0.1", where.port or 6379)
    prefix = f"setwise-test:{uuid.uuid4().hex[:12]}"
    yield lambda: RedisSeen(REDIS_URL, prefix)
    with redis.Redis.from_url(REDIS_URL, protocol=2) as client:
        for key in client.scan_iter(f"{prefix}:*"):
            client.delete(key)


def test_what_one_process_noted_is_known_to_the_others(opened: Opener) -> None:
    first, second = opened(), opened()
    assert first.which(MARKS) == set()
    first.note(MARKS[:200])
    assert second.which(MARKS) == set(MARKS[:200])
    second.note(MARKS[100:300])
    assert first.which(MARKS) == set(MARKS[:300])


def test_nothing_is_asked_and_nothing_is_noted_without_marks(opened: Opener) -> None:
    store = opened()
    store.note([])
    assert store.which([]) == set()


def test_source_and_id_are_the_identity_and_run_into_each_other_nowhere() -> None:
    pairs = [("a", "bc"), ("ab", "c"), ("a", "b"), ("", "abc"), ("abc", "")]
    assert len({mark_of(*pair) for pair in pairs}) == len(pairs)


def test_a_file_forgets_what_is_older_than_a_day(tmp_path: Path) -> None:
    now = [1_000.0]
    store = SqliteSeen(tmp_path / "seen.db", clock=lambda: now[0])
    store.note(MARKS[:2])
    now[0] += WINDOW_S - 1
    assert store.which(MARKS[:2]) == set(MARKS[:2])
    now[0] += 2
    assert store.which(MARKS[:2]) == set()
    store.note(MARKS[2:3])
    assert store.which(MARKS) == {MARKS[2]}
    store.close()


def test_an_event_is_let_in_twice_rather_than_lost_where_redis_is_away() -> None:
    away = RedisSeen("redis://127.0.0.1:1/0", "setwise-test:away")
    began = time.monotonic()
    away.note(MARKS[:3])
    assert away.which(MARKS[:3]) == set() and time.monotonic() - began < 5
    away.close()
