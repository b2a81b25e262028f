"""Asynchronous requests in a local file that the processes of one machine share."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    Update,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError

from online.request_store import END, Progress, RequestRecord, RequestStoreDownError, Status, StoredEvent
from setwise.local_store import open_local_store

LOOK_S = 0.03
"""How often a file is looked at, and only while a client listens."""
TIDY_EVERY_S = 30
_TABLES = MetaData()
_REQUESTS = Table(
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
_KEYS = Table(
    "idempotency_keys",
    _TABLES,
    Column("owner", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("request_id", String, nullable=False),
    Column("expires_at_ms", Integer, nullable=False, index=True),
)
_EVENTS = Table(
    "events",
    _TABLES,
    Column("request_id", String, primary_key=True),
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("key", String, nullable=False),
    Column("name", String, nullable=False),
    Column("data", LargeBinary, nullable=False),
    UniqueConstraint("request_id", "key"),
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
        try:
            with self._engine.begin() as connection:
                if key:
                    row = {"owner": owner, "key": key, "request_id": request_id, "expires_at_ms": now_ms + self._ttl_ms}
                    statement = insert(_KEYS).values(row)
                    statement = statement.on_conflict_do_update(
                        index_elements=["owner", "key"], set_=row, where=_KEYS.c.expires_at_ms <= now_ms
                    )
                    connection.execute(statement)
                    mine = (_KEYS.c.owner == owner) & (_KEYS.c.key == key)
                    request_id = connection.scalar(select(_KEYS.c.request_id).where(mine)) or request_id
                self._insert(connection, request_id, owner, body_hash, now_ms, is_accepted=False)
                if abs(now.timestamp() - self._tidied_at) >= TIDY_EVERY_S:
                    self._tidied_at = now.timestamp()
                    _tidy(connection, now_ms)
                return _read(connection, request_id)
        except SQLAlchemyError as error:
            raise RequestStoreDownError(type(error).__name__) from error

    def accept(self, request_id: str) -> None:
        """One write."""
        try:
            with self._engine.begin() as connection:
                connection.execute(_one(request_id).values(is_accepted=True))
        except SQLAlchemyError as error:
            raise RequestStoreDownError(type(error).__name__) from error

    def get(self, request_id: str, now: datetime) -> RequestRecord | None:
        """One look at the primary key."""
        query = select(_REQUESTS).where(_REQUESTS.c.request_id == request_id, _REQUESTS.c.expires_at_ms > _ms(now))
        try:
            with self._engine.connect() as connection:
                row = connection.execute(query).one_or_none()
        except SQLAlchemyError as error:
            raise RequestStoreDownError(type(error).__name__) from error
        return None if row is None else RequestRecord(*row[:6])

    def begin(self, request_id: str, owner: str, body_hash: str, now: datetime) -> RequestRecord:
        """One transaction."""
        try:
            with self._engine.begin() as connection:
                self._insert(connection, request_id, owner, body_hash, _ms(now), is_accepted=True)
                is_open = _REQUESTS.c.status.in_(("queued", "running"))
                counted = _one(request_id).where(is_open)
                connection.execute(counted.values(status="running", attempts=_REQUESTS.c.attempts + 1))
                return _read(connection, request_id)
        except SQLAlchemyError as error:
            raise RequestStoreDownError(type(error).__name__) from error

    def publish(self, request_id: str, events: Sequence[Progress], status: Status = "running") -> bool:
        """One transaction."""
        try:
            with self._engine.begin() as connection:
                # A write first, so that no other process publishes in between.
                if not connection.execute(_one(request_id).values(attempts=_REQUESTS.c.attempts)).rowcount:
                    return False
                mine = _EVENTS.c.request_id == request_id
                keys = set(connection.scalars(select(_EVENTS.c.key).where(mine)))
                new = [] if END in keys else [one for one in events if one.key not in keys]
                for number, one in enumerate(new, len(keys) + 1):
                    row = {"request_id": request_id, "id": number, "key": one.key, "name": one.name, "data": one.data}
                    connection.execute(insert(_EVENTS).values(row))
                if new and new[-1].key == END:
                    connection.execute(_one(request_id).values(status=status))
        except SQLAlchemyError as error:
            raise RequestStoreDownError(type(error).__name__) from error
        return bool(new) and new[-1] is events[-1]

    def events(self, request_id: str, after: int) -> list[StoredEvent]:
        """One range of the primary key."""
        query = select(_EVENTS.c.id, _EVENTS.c.name, _EVENTS.c.data)
        query = query.where(_EVENTS.c.request_id == request_id, _EVENTS.c.id > after).order_by(_EVENTS.c.id)
        try:
            with self._engine.connect() as connection:
                return [StoredEvent(*row) for row in connection.execute(query)]
        except SQLAlchemyError as error:
            raise RequestStoreDownError(type(error).__name__) from error

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
        query = select(_EVENTS.c.request_id, func.max(_EVENTS.c.id)).group_by(_EVENTS.c.request_id)
        try:
            with self._engine.connect() as connection:
                rows = connection.execute(query.where(_EVENTS.c.request_id.in_(request_ids)))
                return {row[0]: row[1] for row in rows}
        except SQLAlchemyError as error:
            raise RequestStoreDownError(type(error).__name__) from error

    def _insert(
        self, connection: Connection, request_id: str, owner: str, body_hash: str, now_ms: int, *, is_accepted: bool
    ) -> None:
        row = {
            "request_id": request_id, "owner": owner, "body_hash": body_hash, "status": "queued",
            "is_accepted": is_accepted, "attempts": 0, "expires_at_ms": now_ms + self._ttl_ms,
        }  # fmt: skip
        connection.execute(insert(_REQUESTS).values(row).on_conflict_do_nothing())


def _one(request_id: str) -> Update:
    return update(_REQUESTS).where(_REQUESTS.c.request_id == request_id)


def _read(connection: Connection, request_id: str) -> RequestRecord:
    row = connection.execute(select(_REQUESTS).where(_REQUESTS.c.request_id == request_id)).one()
    return RequestRecord(*row[:6])


def _tidy(connection: Connection, now_ms: int) -> None:
    old = select(_REQUESTS.c.request_id).where(_REQUESTS.c.expires_at_ms <= now_ms)
    connection.execute(delete(_EVENTS).where(_EVENTS.c.request_id.in_(old)))
    connection.execute(delete(_REQUESTS).where(_REQUESTS.c.expires_at_ms <= now_ms))
    connection.execute(delete(_KEYS).where(_KEYS.c.expires_at_ms <= now_ms))


def _ms(now: datetime) -> int:
    return int(now.timestamp() * 1_000)
