"""Answers and interactions of the log into live counts, and the counts to where the service reads them.

Counts and offsets change in one transaction, so each event counts once; what was not told yet is told after it, and
again after a crash: a count is told as it is, never as a difference."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Protocol

import redis
from sqlalchemy import Engine

from orchestration.streams.known_erasures import KnownErasures
from orchestration.streams.live_counting import LiveCounting
from orchestration.streams.live_tables import LiveTables
from orchestration.streams.offsets import OffsetsMovedError, move_offsets, read_offsets
from orchestration.streams.session_rows import ANSWER_S
from orchestration.warehouse.sources import Source
from setwise.consumer_lag import lag_between
from setwise.events import UnreadableEventError, decode_interaction, decode_served
from setwise.live_counts import KEPT, SINCE_START, CountKey, field_of, minute_key
from setwise.log import Record
from setwise.names import INTERACTIONS_TOPIC, SERVED_TOPIC
from setwise.settings import Settings

AT_ONCE = 1_000
TOLD_AT_ONCE = 5_000
TIDY_EVERY = timedelta(hours=1)
TOPICS = (SERVED_TOPIC, INTERACTIONS_TOPIC)
"""Answers first: what shoppers do with them finds them there."""


class Teller(Protocol):
    """Where counts are told to."""

    def tell(self, counts: Mapping[CountKey, int]) -> None: ...


class RedisTeller:
    """A hash for each minute, which goes after eight days, and one that stays. Raises redis.RedisError."""

    def __init__(self, settings: Settings) -> None:
        self._releases = settings.storage.releases
        self._client = redis.Redis.from_url(
            settings.features.redis_url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S, protocol=2
        )

    def tell(self, counts: Mapping[CountKey, int]) -> None:
        """In one round trip."""
        pipeline = self._client.pipeline(transaction=False)
        for key, value in counts.items():
            pipeline.hset(minute_key(self._releases, key.minute), field_of(key), value)
        for minute in {key.minute for key in counts} - {SINCE_START}:
            ends_at = minute * 60 + int(KEPT.total_seconds())
            pipeline.expireat(minute_key(self._releases, minute), ends_at)
        pipeline.execute()


def build_teller(settings: Settings) -> Teller | None:
    """None where the service reads the counters from the file."""
    return RedisTeller(settings) if settings.features.backend == "redis" else None


class LiveStream:
    """A second one is harmless: it finds the offsets moved."""

    def __init__(self, source: Source, engine: Engine, teller: Teller | None, erasures: KnownErasures) -> None:
        self._source, self._engine, self._teller, self._erasures = source, engine, teller, erasures
        self._since: dict[str, dict[int, int]] = {}
        self._tidied_at = datetime.fromtimestamp(0, UTC)
        self.records = 0
        """Since the start."""

    def turn(self, timeout_s: float) -> int:
        """A batch of each topic; how many records there were. Raises LogDownError, SQLAlchemyError, RedisError."""
        count = sum(self._take(topic, timeout_s / len(TOPICS)) for topic in TOPICS)
        self._tell()
        self._tidy()
        return count

    def start_anew(self) -> None:
        """The next turn reads from the offsets in the file."""
        self._since.clear()

    def summary(self) -> str:
        """What was done since the start."""
        return f"{self.records:,} records counted"

    def lag(self) -> dict[str, int]:
        """Records of each topic that are not counted yet. Raises LogDownError."""
        return {topic: lag_between(self._source.ends(topic), self._since.get(topic, {})) for topic in TOPICS}

    def _take(self, topic: str, timeout_s: float) -> int:
        if topic not in self._since:
            with self._engine.begin() as connection:
                self._since[topic] = read_offsets(connection, topic)
        since = self._since[topic]
        records = self._source.read(topic, since, AT_ONCE, timeout_s)
        if not records:
            return 0
        ends: dict[int, int] = {}
        for record in records:
            ends[record.partition] = max(ends.get(record.partition, 0), record.offset + 1)
        forgotten = self._erasures.newest()
        try:
            with self._engine.begin() as connection:
                move_offsets(connection, topic, since, ends)
                counting = LiveCounting(LiveTables(connection))
                for record in records:
                    if not forgotten.cover_record(record):
                        take(counting, record)
                counting.finish()
        except OffsetsMovedError:
            del self._since[topic]
            return len(records)
        self._since[topic] = since | ends
        self.records += len(records)
        return len(records)

    def _tell(self) -> None:
        if self._teller is None:
            return
        while True:
            with self._engine.begin() as connection:
                counts = LiveTables(connection).untold(TOLD_AT_ONCE)
            if not counts:
                return
            self._teller.tell(counts)
            with self._engine.begin() as connection:
                LiveTables(connection).mark_told(counts.items())

    def _tidy(self) -> None:
        now = datetime.now(UTC)
        if now - self._tidied_at > TIDY_EVERY:
            with self._engine.begin() as connection:
                LiveTables(connection).forget(now)
            self._tidied_at = now


def take(counting: LiveCounting, record: Record) -> None:
    """What cannot be read is left out: the loader keeps it among its dead letters."""
    try:
        if record.topic == SERVED_TOPIC:
            counting.take_served(decode_served(record.value))
        else:
            counting.take_interaction(decode_interaction(record.value), record.at)
    except UnreadableEventError:
        return
