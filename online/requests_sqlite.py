"""Asynchronous requests in a local file that the processes of one machine share."""

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import Boolean, Column, Integer, LargeBinary, MetaData, String, Table, UniqueConstraint

from online.request_store import END, Progress, RequestRecord, RequestStoreDownError, Status, StoredEvent
from setwise.local_store import STORE_ERRORS, driver_of, open_local_store

LOOK_S = 0.03
"""How often a file is looked at, and only while a client listens."""
TIDY_EVERY_S = 30
_TABLES = MetaData()
Table(
    "requests",
    _TABLES,
    Column("request_id", String, primary_key=True),
    Column("owner", String, nullable=False),
    Column("body_hash", String, nullable=False),
    Column("status", String, nullable=False),
    Column("is_accepted", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("expires_at_ms", Integer, nullable=False, index=True),
)
Table(
    "idempotency_keys",
    _TABLES,
    Column("owner", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("request_id", String, nullable=False),
    Column("expires_at_ms", Integer, nullable=False, index=True),
)
Table(
    "events",
    _TABLES,
    Column("request_id", String, primary_key=True),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("key", String, nullable=False),
    Column("name", String, nullable=False),
    Column("data", LargeBinary, nullable=False),
    UniqueConstraint("request_id", "key"),
)


_NEW_KEY = """INSERT INTO idempotency_keys (owner, key, request_id, expires_at_ms) VALUES (?, ?, ?, ?)
ON CONFLICT (owner, key) DO UPDATE SET request_id = excluded.request_id, expires_at_ms = excluded.expires_at_ms
WHERE idempotency_keys.expires_at_ms <= ?"""
_OF_KEY = "SELECT request_id FROM idempotency_keys WHERE owner = ? AND key = ?"
_NEW = """INSERT INTO requests (request_id, owner, body_hash, status, is_accepted, attempts, expires_at_ms)
VALUES (?, ?, ?, 'queued', ?, 0, ?) ON CONFLICT DO NOTHING"""
_GET = """SELECT request_id, owner, body_hash, status, is_accepted, attempts FROM requests
WHERE request_id = ? AND expires_at_ms > ?"""
_ACCEPT = "UPDATE requests SET is_accepted = 1 WHERE request_id = ?"
_BEGIN = """UPDATE requests SET status = 'running', attempts = attempts + 1
WHERE request_id = ? AND status IN ('queued', 'running')"""
_TOUCH = "UPDATE requests SET attempts = attempts WHERE request_id = ?"
_END = "UPDATE requests SET status = ? WHERE request_id = ?"
_EVENT_KEYS = "SELECT key FROM events WHERE request_id = ?"
_NEW_EVENT = "INSERT INTO events (request_id, id, key, name, data) VALUES (?, ?, ?, ?, ?)"
_EVENTS = "SELECT id, name, data FROM events WHERE request_id = ? AND id > ? ORDER BY id"
_TIDY = (
    "DELETE FROM events WHERE request_id IN (SELECT request_id FROM requests WHERE expires_at_ms <= ?)",
    "DELETE FROM requests WHERE expires_at_ms <= ?",
    "DELETE FROM idempotency_keys WHERE expires_at_ms <= ?",
)


class _Listener(msgspec.Struct, eq=False):
    request_id: str
    after: int
    has_news: asyncio.Event


class SqliteRequests:
    """Not flushed to the disk at each step: after a power cut the log, which is, has what a worker needs to begin."""

    def __init__(self, path: Path, ttl_s: int) -> None:
        self._engine = open_local_store(path, _TABLES, flush="NORMAL")
        self._ttl_ms = ttl_s * 1_000
        self._tidied_at = 0.0
        self._listeners: list[_Listener] = []
        self._looking: asyncio.Task[None] | None = None

    def create(self, request_id: str, owner: str, body_hash: str, key: str, now: datetime) -> RequestRecord:
        """One transaction, which begins with a write: two at once cannot both find nothing."""
        now_ms = _ms(now)
        expires = now_ms + self._ttl_ms
        with self._writing() as connection:
            if key:
                connection.execute(_NEW_KEY, (owner, key, request_id, expires, now_ms))
                (request_id,) = connection.execute(_OF_KEY, (owner, key)).fetchone()
            connection.execute(_NEW, (request_id, owner, body_hash, False, expires))
            if abs(now.timestamp() - self._tidied_at) >= TIDY_EVERY_S:
                self._tidied_at = now.timestamp()
                for statement in _TIDY:
                    connection.execute(statement, (now_ms,))
            return _read(connection, request_id)

    def accept(self, request_id: str) -> None:
        """One write."""
        with self._writing() as connection:
            connection.execute(_ACCEPT, (request_id,))

    def get(self, request_id: str, now: datetime) -> RequestRecord | None:
        """One look at the primary key."""
        with self._asking() as connection:
            row = connection.execute(_GET, (request_id, _ms(now))).fetchone()
        return None if row is None else _record(row)

    def begin(self, request_id: str, owner: str, body_hash: str, now: datetime) -> RequestRecord:
        """One transaction."""
        with self._writing() as connection:
            connection.execute(_NEW, (request_id, owner, body_hash, True, _ms(now) + self._ttl_ms))
            connection.execute(_BEGIN, (request_id,))
            return _read(connection, request_id)

    def publish(self, request_id: str, events: Sequence[Progress], status: Status = "running") -> bool:
        """One transaction."""
        with self._writing() as connection:
            # A write first, so that no other process publishes in between.
            if not connection.execute(_TOUCH, (request_id,)).rowcount:
                return False
            keys = {key for (key,) in connection.execute(_EVENT_KEYS, (request_id,)).fetchall()}
            new = [] if END in keys else [one for one in events if one.key not in keys]
            rows = [(request_id, at, one.key, one.name, one.data) for at, one in enumerate(new, len(keys) + 1)]
            connection.executemany(_NEW_EVENT, rows)
            if new and new[-1].key == END:
                connection.execute(_END, (status, request_id))
        return bool(new) and new[-1] is events[-1]

    def events(self, request_id: str, after: int) -> list[StoredEvent]:
        """One range of the primary key."""
        with self._asking() as connection:
            return [StoredEvent(*row) for row in connection.execute(_EVENTS, (request_id, after)).fetchall()]

    async def wait(self, request_id: str, after: int, timeout_s: float) -> list[StoredEvent]:
        """One look at the file tells all who listen in this process."""
        found = await asyncio.to_thread(self.events, request_id, after)
        if found:
            return found
        listener = _Listener(request_id, after, asyncio.Event())
        self._listeners.append(listener)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            async with asyncio.timeout(timeout_s):
                await listener.has_news.wait()
        except TimeoutError:
            return []
        finally:
            self._listeners.remove(listener)
        return await asyncio.to_thread(self.events, request_id, after)

    async def stop_waiting(self) -> None:
        """Nobody listens any more."""
        if self._looking is not None:
            self._looking.cancel()

    def close(self) -> None:
        """Closes the connections."""
        self._engine.dispose()

    async def _look(self) -> None:
        while self._listeners:
            await asyncio.sleep(LOOK_S)
            try:
                last = await asyncio.to_thread(self._last_ids, {one.request_id for one in self._listeners})
            except RequestStoreDownError:
                last = None  # each finds out by itself
            for one in self._listeners:
                if last is None or last.get(one.request_id, 0) > one.after:
                    one.has_news.set()

    def _last_ids(self, request_ids: set[str]) -> dict[str, int]:
        places = ", ".join("?" * len(request_ids))
        query = f"SELECT request_id, max(id) FROM events WHERE request_id IN ({places}) GROUP BY request_id"  # noqa: S608
        with self._asking() as connection:
            return dict(connection.execute(query, tuple(request_ids)).fetchall())

    @contextmanager
    def _asking(self) -> Iterator[sqlite3.Connection]:
        try:
            with driver_of(self._engine) as connection:
                yield connection
        except STORE_ERRORS as error:
            raise RequestStoreDownError(type(error).__name__) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, which the first write begins."""
        with self._asking() as connection, connection:
            yield connection


def _read(connection: sqlite3.Connection, request_id: str) -> RequestRecord:
    return _record(connection.execute(_GET, (request_id, -1)).fetchone())


def _record(row: tuple[str, str, str, Status, int, int]) -> RequestRecord:
    request_id, owner, body_hash, status, is_accepted, attempts = row
    return RequestRecord(request_id, owner, body_hash, status, bool(is_accepted), attempts)


def _ms(now: datetime) -> int:
    return int(now.timestamp() * 1_000)
