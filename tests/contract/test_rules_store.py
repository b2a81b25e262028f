"""One suite, both stores of rules: versions, two writers at once, history, and what another process sees."""

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from online.live_rules import RulesWatch
from online.rules_file import RulesFile
from online.rules_store import (
    Publication,
    RedisRules,
    RulesStore,
    RulesStoreDownError,
    SqliteRules,
    StaleRulesError,
)
from setwise.rules import Rule, RuleSet
from setwise.vocabulary import words_of

REDIS_URL = os.environ.get("SETWISE_REDIS_URL", "redis://127.0.0.1:6379/9")
NOW = datetime(2026, 12, 1, tzinfo=timezone.utc)
Opener = Callable[[], RulesStore]


@pytest.fixture(params=["sqlite", "redis"])
def opened(request, tmp_path: Path, require_server: Callable[[str, str, int], None]) -> Iterator[Opener]:
    """Opens one more access to the same store, as another process would."""
    key, stores = f"setwise:test:{uuid.uuid4().hex}", []
    if request.param == "redis":
        address = urlsplit(REDIS_URL)
        require_server("Redis", address.hostname or "", address.port or 6379)

    def open_one() -> RulesStore:
        stores.append(
            RedisRules(REDIS_URL, key, 5) if request.param == "redis" else SqliteRules(tmp_path / "d" / "r.db")
        )
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()
    if request.param == "redis":
        client = redis.Redis.from_url(REDIS_URL)
        client.delete(key)
        client.close()


def hiding(*products: str) -> RuleSet:
    return RuleSet(rules=[Rule(id=p, kind="hide", products=[p]) for p in products])


def by(author: str) -> Publication:
    return Publication(0, NOW, author)


def eventually(holds: Callable[[], bool], seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not holds():
        time.sleep(0.02)
    return holds()


def test_a_new_store_is_at_version_0_and_has_no_rules(opened: Opener) -> None:
    store = opened()
    assert (store.version(), store.read(1), store.history()) == (0, None, [])


def test_each_publication_is_a_version_that_stays_readable(opened: Opener) -> None:
    store, other = opened(), opened()
    assert store.publish(hiding("a"), 0, by("anna")).version == 1
    assert other.publish(hiding("b", "ü-☂"), 1, by("ben")).version == 2
    assert store.version() == 2
    assert [store.read(v).rules[0].id for v in (1, 2)] == ["a", "b"]
    assert store.read(2).version == 2 and store.read(3) is None
    assert [(p.version, p.put_by, p.put_at) for p in store.history()] == [(2, "ben", NOW), (1, "anna", NOW)]
    assert [p.version for p in store.history(limit=1)] == [2]


def test_a_stale_writer_is_told_the_current_version_and_changes_nothing(opened: Opener) -> None:
    store = opened()
    store.publish(hiding("a"), 0, by("anna"))
    for expected in (0, 2, 7):
        with pytest.raises(StaleRulesError) as refused:
            store.publish(hiding("b"), expected, by("ben"))
        assert refused.value.current == 1
    assert store.version() == 1 and store.read(1).rules[0].id == "a"


def test_of_writers_at_once_exactly_one_gets_each_version(opened: Opener) -> None:
    stores = [opened() for _ in range(4)]
    won: list[tuple[int, str]] = []

    def write(number: int) -> None:
        for turn in range(10):
            name = f"{number}-{turn}"
            while True:
                try:
                    won.append((stores[number].publish(hiding(name), stores[number].version(), by(name)).version, name))
                    break
                except StaleRulesError:
                    continue

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(version for version, _ in won) == list(range(1, 41))
    assert all(stores[0].read(version).rules[0].id == name for version, name in won)


def test_every_process_answers_by_a_new_version_within_two_seconds(opened: Opener) -> None:
    watches = [RulesWatch(opened(), words_of) for _ in range(2)]
    for watch in watches:
        watch.start()
    try:
        opened().publish(hiding("a"), 0, by("anna"))
        assert eventually(lambda: all(watch.book.version == 1 for watch in watches), 2)
        assert watches[1].book.rules.rules[0].id == "a" and watches[1].is_reached
    finally:
        for watch in watches:
            watch.stop()


def test_the_file_is_published_once_by_many_processes_and_the_newest_word_holds(opened: Opener, tmp_path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text("rules: [{id: from-file, kind: hide, products: [p]}]")

    def watch() -> RulesWatch:
        return RulesWatch(opened(), words_of, RulesFile(file, lambda _: True))

    first, second = watch(), watch()
    first.look()
    second.look()
    assert (first.book.version, second.book.version) == (1, 1)
    assert [(p.put_by, len(p.file_sha256)) for p in first.store.history()] == [("file", 64)]
    first.store.publish(hiding("put"), 1, by("anna"))
    restarted = watch()
    restarted.look()
    assert restarted.book.rules.rules[0].id == "put"
    file.write_text("rules: [{id: changed, kind: hide, products: [p]}]")
    for other in (first, second, restarted):
        other.look()
    assert {other.book.rules.rules[0].id for other in (first, second, restarted)} == {"changed"}
    assert first.book.version == 3
    file.write_text("rules: [{id: from-file, kind: hide, products: [p]}]")
    first.look()
    assert (first.book.version, first.book.rules.rules[0].id) == (4, "from-file")


@pytest.mark.parametrize(
    "text", ["rules: [{id: a, kind: hidden}]", "rules: [", "- 1", "!!python/object/apply:os.getcwd []", None]
)
def test_a_file_with_mistakes_is_refused_loudly_and_the_last_good_rules_stay(
    opened: Opener, tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str | None
) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text("rules: [{id: good, kind: hide, products: [p]}]")
    watch = RulesWatch(opened(), words_of, RulesFile(file, lambda _: True))
    watch.look()
    if text is None:
        file.unlink()
    else:
        file.write_text(text)
    watch.look()
    assert (watch.book.version, watch.book.rules.rules[0].id) == (1, "good")
    assert "rules.yaml is refused" in caplog.text
    caplog.clear()
    watch.look()
    assert caplog.text == ""


def test_a_store_that_is_down_is_said_and_the_rules_stay() -> None:
    store = RedisRules("redis://127.0.0.1:1/0", "k", timeout_s=0.2)
    for ask in (store.version, store.history, lambda: store.read(1), lambda: store.publish(RuleSet(), 0, by("anna"))):
        with pytest.raises(RulesStoreDownError):
            ask()
    watch = RulesWatch(store, words_of)
    watch.start()
    assert (watch.book.version, watch.is_reached) == (0, False)
    watch.stop()
