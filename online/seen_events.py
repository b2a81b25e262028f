"""Which events were made durable in the last day: a client's retry changes nothing.

A mark that is lost (a crash between the log and here, a store that is down) lets an event in twice; the raw tables'
unique (source, id) has the last word."""

import hashlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import redis
from sqlalchemy import Column, Float, LargeBinary, MetaData, Table, delete, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError

from setwise.local_store import open_local_store
from setwise.names import redis_keys_of
from setwise.settings import Settings

STORE_FILE = "seen-events.db"
WINDOW_S = 24 * 3_600
WAIT_S = 0.5
TIDY_EVERY_S = 300
_TABLES = MetaData()
_SEEN = Table(
    "seen", _TABLES, Column("mark", LargeBinary, primary_key=True), Column("until", Float, nullable=False, index=True)
)


class SeenEvents(Protocol):
    """Marks of events; what cannot be asked was not seen."""

    def which(self, marks: Sequence[bytes]) -> set[bytes]:
        """Those of the marks that were noted in the last day."""
        ...

    def note(self, marks: Sequence[bytes]) -> None:
        """From now on they are seen."""
        ...

    def close(self) -> None: ...


def mark_of(source: str, event_id: str) -> bytes:
    """The identity of an event in 16 bytes."""
    return hashlib.blake2b(f"{source}\0{event_id}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


class SqliteSeen:
    """A file of its own: a mark that a power cut takes away does no harm, so that nothing is flushed."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._engine = open_local_store(path, _TABLES, flush="OFF", busy_s=WAIT_S)
        self._clock, self._tidied_at = clock, 0.0

    def which(self, marks: Sequence[bytes]) -> set[bytes]:
        """Nothing while the file is locked for long."""
        wanted = select(_SEEN.c.mark).where(_SEEN.c.mark.in_(marks), _SEEN.c.until > self._clock())
        try:
            with self._engine.connect() as connection:
                return set(connection.scalars(wanted))
        except SQLAlchemyError:
            return set()

    def note(self, marks: Sequence[bytes]) -> None:
        """Together; a mark that is there already stays longer."""
        if not marks:
            return
        now = self._clock()
        statement = insert(_SEEN)
        statement = statement.on_conflict_do_update(set_={"until": statement.excluded.until})
        try:
            with self._engine.begin() as connection:
                connection.execute(statement, [{"mark": mark, "until": now + WINDOW_S} for mark in marks])
                if now - self._tidied_at > TIDY_EVERY_S:
                    self._tidied_at = now
                    connection.execute(delete(_SEEN).where(_SEEN.c.until < now))
        except SQLAlchemyError:
            return

    def close(self) -> None:
        """Closes the connections."""
        self._engine.dispose()


class RedisSeen:
    """One key for each event, which Redis forgets by itself."""

    def __init__(self, url: str, prefix: str) -> None:
        self._client: Any = redis.Redis.from_url(
            url, socket_connect_timeout=WAIT_S, socket_timeout=WAIT_S, protocol=2
        )  # fmt: skip
        self._prefix = prefix.encode() + b":seen:"

    def which(self, marks: Sequence[bytes]) -> set[bytes]:
        """Nothing while Redis does not answer."""
        try:
            found = self._client.mget([self._prefix + mark for mark in marks]) if marks else []
        except (redis.RedisError, OSError):
            return set()
        return {mark for mark, value in zip(marks, found, strict=True) if value is not None}

    def note(self, marks: Sequence[bytes]) -> None:
        """In one round trip."""
        try:
            with self._client.pipeline(transaction=False) as pipe:
                for mark in marks:
                    pipe.set(self._prefix + mark, b"", ex=WINDOW_S)
                pipe.execute()
        except (redis.RedisError, OSError):
            return

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


def build_seen_events(settings: Settings) -> SeenEvents:
    """The implementation that the settings name."""
    if settings.events.seen == "redis":
        return RedisSeen(settings.features.redis_url, redis_keys_of(settings.storage.releases))
    return SqliteSeen(Path(settings.storage.data_dir) / STORE_FILE)
