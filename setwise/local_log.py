"""The embedded log: topics, offsets and groups like Kafka's in one SQLite file that several processes share."""

import contextlib
import queue
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Column, Integer, LargeBinary, MetaData, String, Table, delete, func, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError

from setwise.local_store import end_write_ahead, open_local_store
from setwise.log import LogDownError, Record, started
from setwise.names import COMPACTED_TOPICS
from setwise.wal_watch import WalWatch

LOG_FILE = "log.db"
AT_ONCE = 1_000
"""Records that one commit takes at most: a disk flush costs the same for one and for a thousand."""
LEASE_S = 2.0
"""A reader that says nothing for so long has died: another one of its group goes on."""
LOOK_S = 0.02
TAKE_S = 0.1
"""A reader that waits for the lease asks for it so often: each time is a write lock on the file."""
LONGEST_WORK_S = 300
"""A reader that asks for nothing for so long hangs: its lease is not renewed any more."""
TIDY_EVERY_S = 60
SUPERSEDED_S = 60
"""An older record of a compacted topic stays so long beside the newer one, so that every process has read it."""
_TABLES = MetaData()
_RECORDS = Table(
    "records",
    _TABLES,
    Column("topic", String, primary_key=True),
    Column("offset", Integer, primary_key=True, autoincrement=False),
    Column("key", String, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("headers", LargeBinary, nullable=False),
    Column("at_ms", Integer, nullable=False),
)
_READ = [_RECORDS.c[name] for name in ("offset", "key", "value", "headers", "at_ms")]
_TOPICS = Table("topics", _TABLES, Column("topic", String, primary_key=True), Column("next_offset", Integer))
_GROUPS = Table(
    "groups",
    _TABLES,
    Column("group", String, primary_key=True),
    Column("topic", String, primary_key=True),
    Column("offset", Integer, nullable=False),
    Column("reader", String, nullable=False),
    Column("leased_until_ms", Integer, nullable=False),
)
_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(dict[str, str]).decode


class _Waiting(msgspec.Struct):
    topic: str
    key: str
    value: bytes
    headers: dict[str, str]
    written: Future[None]


class LocalLog:
    """Appends are flushed to the disk before their future resolves; one thread commits what waits, together."""

    def __init__(self, path: Path, retention_h: float) -> None:
        self.path = path
        self._engine = open_local_store(path, _TABLES, flush="FULL", is_serial=True)
        self._retention_ms = int(retention_h * 3_600_000)
        self._waiting: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self.appended = threading.Condition()
        self._tidied_at = time.monotonic()
        self._is_closed = False
        self._writer = threading.Thread(target=self._write, name="log-writer", daemon=True)
        self._writer.start()

    def append(self, topic: str, key: str, value: bytes, headers: dict[str, str]) -> Future[None]:
        """Resolves when the record is on the disk; LogDownError where it could not be written."""
        waiting = _Waiting(topic, key, value, headers, started())
        if self._is_closed:
            waiting.written.set_exception(LogDownError("closed"))
        else:
            self._waiting.put(waiting)
        return waiting.written

    def read(self, topic: str, offset: int, limit: int) -> list[Record]:
        """Records from `offset` on, in order. Raises LogDownError."""
        query = select(*_READ).where(_RECORDS.c.topic == topic, _RECORDS.c.offset >= offset)
        try:
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                rows = connection.execute(query.order_by(_RECORDS.c.offset).limit(limit)).all()
        except SQLAlchemyError as error:
            raise LogDownError(type(error).__name__) from error
        return [
            Record(topic, 0, offset, key, value, _decode(headers), _moment(at_ms))
            for offset, key, value, headers, at_ms in rows
        ]

    def end(self, topic: str) -> int:
        """The offset that the next record will have. Raises LogDownError."""
        try:
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                return connection.scalar(select(_TOPICS.c.next_offset).where(_TOPICS.c.topic == topic)) or 0
        except SQLAlchemyError as error:
            raise LogDownError(type(error).__name__) from error

    def kept_end(self, topic: str) -> int:
        """The offset behind the last record that is there still, 0 without one. Raises LogDownError."""
        try:
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                last = connection.scalar(select(func.max(_RECORDS.c.offset)).where(_RECORDS.c.topic == topic))
        except SQLAlchemyError as error:
            raise LogDownError(type(error).__name__) from error
        return 0 if last is None else int(last) + 1

    def forget(self, topic: str, offset: int) -> None:
        """Deletes the records of a topic before `offset`. Raises LogDownError."""
        try:
            with self._engine.begin() as connection:
                connection.execute(delete(_RECORDS).where(_RECORDS.c.topic == topic, _RECORDS.c.offset < offset))
        except SQLAlchemyError as error:
            raise LogDownError(type(error).__name__) from error

    def erase(self, is_theirs: Callable[[Record], bool]) -> list[Record]:
        """Deletes the records of all topics that this is true of, from the file's bytes too, and says which. Raises
        LogDownError."""
        gone: list[Record] = []
        try:
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                topics = connection.scalars(select(_TOPICS.c.topic)).all()
            for topic in topics:
                at = 0
                while records := self.read(topic, at, AT_ONCE):
                    at = records[-1].offset + 1
                    if found := [record for record in records if is_theirs(record)]:
                        offsets = [record.offset for record in found]
                        with self._engine.begin() as connection:
                            mine = (_RECORDS.c.topic == topic) & _RECORDS.c.offset.in_(offsets)
                            connection.execute(delete(_RECORDS).where(mine))
                        gone += found
            end_write_ahead(self._engine)
        except SQLAlchemyError as error:
            raise LogDownError(type(error).__name__) from error
        return gone

    def used_bytes(self) -> int:
        """What the records take of the file; pages that are free again do not count. Raises LogDownError."""
        try:
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                pages, free, size = (
                    int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
                    for name in ("page_count", "freelist_count", "page_size")
                )
                return (pages - free) * size
        except SQLAlchemyError as error:
            raise LogDownError(type(error).__name__) from error

    def take(self, group: str, topic: str, reader: str) -> int | None:
        """The offset to read from where this reader holds the group's lease, or None while another one does."""
        now = _now_ms()
        until = now + int(LEASE_S * 1_000)
        row = {"group": group, "topic": topic, "offset": 0, "reader": reader, "leased_until_ms": until}
        is_free = (_GROUPS.c.reader == reader) | (_GROUPS.c.leased_until_ms < now)
        statement = insert(_GROUPS).values(row)
        statement = statement.on_conflict_do_update(
            index_elements=["group", "topic"], set_={"reader": reader, "leased_until_ms": until}, where=is_free
        )
        try:
            with self._engine.begin() as connection:
                return connection.scalar(statement.returning(_GROUPS.c.offset))
        except SQLAlchemyError as error:
            raise LogDownError(type(error).__name__) from error

    def commit(self, group: str, topic: str, reader: str, offset: int) -> None:
        """The group has done everything before `offset`. Nothing happens where the lease is another reader's, and
        nothing is undone where another one was further meanwhile."""
        mine = (_GROUPS.c.group == group) & (_GROUPS.c.topic == topic) & (_GROUPS.c.reader == reader)
        mine &= _GROUPS.c.offset < offset
        try:
            with self._engine.begin() as connection:
                connection.execute(_GROUPS.update().where(mine).values(offset=offset))
        except SQLAlchemyError as error:
            raise LogDownError(type(error).__name__) from error

    def release(self, group: str, topic: str, reader: str) -> None:
        """Lets another reader of the group go on at once."""
        mine = (_GROUPS.c.group == group) & (_GROUPS.c.topic == topic) & (_GROUPS.c.reader == reader)
        try:
            with self._engine.begin() as connection:
                connection.execute(_GROUPS.update().where(mine).values(leased_until_ms=0))
        except SQLAlchemyError as error:
            raise LogDownError(type(error).__name__) from error

    def close(self) -> None:
        """Writes what waits and ends the writer."""
        self._is_closed = True
        self._waiting.put(None)
        self._writer.join(timeout=10)
        self._engine.dispose()

    def _write(self) -> None:
        while True:
            try:
                some: list[_Waiting | None] = [self._waiting.get(timeout=TIDY_EVERY_S)]
            except queue.Empty:
                self._tidy()
                continue
            while len(some) < AT_ONCE and some[-1] is not None:
                try:
                    some.append(self._waiting.get_nowait())
                except queue.Empty:
                    break
            self._commit([one for one in some if one is not None])
            if some[-1] is None:
                return
            if time.monotonic() - self._tidied_at > TIDY_EVERY_S:
                self._tidy()

    def _commit(self, some: Sequence[_Waiting]) -> None:
        try:
            if some:
                with self._engine.begin() as connection:
                    connection.execute(insert(_RECORDS), self._numbered(connection, some))
        except SQLAlchemyError as error:
            for one in some:
                one.written.set_exception(LogDownError(type(error).__name__))
            return
        for one in some:
            one.written.set_result(None)
        with self.appended:
            self.appended.notify_all()

    def _numbered(self, connection: Any, some: Sequence[_Waiting]) -> list[dict[str, object]]:
        at_ms = _now_ms()
        topics = {one.topic for one in some}
        known = connection.execute(select(_TOPICS).where(_TOPICS.c.topic.in_(topics))).all()
        offsets = dict.fromkeys(topics, 0) | {row.topic: row.next_offset for row in known}
        rows: list[dict[str, object]] = []
        for one in some:
            rows.append(
                {"topic": one.topic, "offset": offsets[one.topic], "key": one.key, "value": one.value,
                 "headers": _encode(one.headers), "at_ms": at_ms}
            )  # fmt: skip
            offsets[one.topic] += 1
        statement = insert(_TOPICS)
        statement = statement.on_conflict_do_update(set_={"next_offset": statement.excluded.next_offset})
        connection.execute(statement, [{"topic": topic, "next_offset": end} for topic, end in offsets.items()])
        return rows

    def _tidy(self) -> None:
        """Forgets what is too old, and in compacted topics what a newer record of the same key replaces."""
        self._tidied_at = time.monotonic()
        now = _now_ms()
        newest = (
            select(func.max(_RECORDS.c.offset))
            .where(_RECORDS.c.topic.in_(COMPACTED_TOPICS))
            .group_by(_RECORDS.c.topic, _RECORDS.c.key)
        )
        compacted = _RECORDS.c.topic.in_(COMPACTED_TOPICS)
        old = compacted & (_RECORDS.c.at_ms < now - SUPERSEDED_S * 1_000) & _RECORDS.c.offset.not_in(newest)
        try:
            with self._engine.begin() as connection:
                connection.execute(delete(_RECORDS).where(old))
                connection.execute(
                    delete(_RECORDS).where(~compacted & (_RECORDS.c.at_ms < now - self._retention_ms))
                )  # fmt: skip
        except SQLAlchemyError:
            return  # busy: the next round does it


class LocalReader:
    """A reader of a group: the one that holds the lease gets the records, the others get nothing until it is free.

    The lease is renewed in the background while the records of the last poll are worked on."""

    def __init__(self, log: LocalLog, topic: str, group: str) -> None:
        self._log, self._topic, self._group = log, topic, group
        self._file = WalWatch(log.path)
        self._name = uuid.uuid4().hex
        self._position: int | None = None
        self._leased_at = self._asked_at = -LEASE_S
        self._polled_at = time.monotonic()
        self._lock = threading.Lock()
        self._is_closed = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="log-lease", daemon=True)
        self._keeper.start()

    def poll(self, limit: int, timeout_s: float) -> list[Record]:
        """Up to `limit` records, or none after `timeout_s`. Raises LogDownError."""
        end = time.monotonic() + timeout_s
        while True:
            with self._lock:
                self._polled_at = time.monotonic()
                self._renew()
                if self._position is not None and self._file.is_written():
                    records = self._log.read(self._topic, self._position, limit)
                    if records:
                        self._position = records[-1].offset + 1
                        self._file.look_again()
                        return records
            if time.monotonic() >= end:
                return []
            with self._log.appended:
                self._log.appended.wait(min(LOOK_S, max(end - time.monotonic(), 0.001)))

    def commit(self, records: Sequence[Record]) -> None:
        """These records, and everything before them, are done."""
        self._log.commit(self._group, self._topic, self._name, max(record.offset for record in records) + 1)

    def close(self) -> None:
        """Gives the lease back."""
        self._is_closed.set()
        self._keeper.join()
        self._log.release(self._group, self._topic, self._name)

    def _keep(self) -> None:
        while not self._is_closed.wait(LEASE_S / 4):
            with self._lock, contextlib.suppress(LogDownError):
                if self._position is not None and time.monotonic() - self._polled_at < LONGEST_WORK_S:
                    self._renew()

    def _renew(self) -> None:
        # The time from before the call: the lease never ends later in the file than it is believed to here.
        asked_at = time.monotonic()
        is_held = asked_at - self._leased_at < LEASE_S
        if asked_at - self._asked_at < (LEASE_S / 4 if is_held else TAKE_S):
            return
        self._asked_at = asked_at
        committed = self._log.take(self._group, self._topic, self._name)
        is_new = committed is not None and (self._position is None or not is_held)
        self._leased_at = asked_at if committed is not None else -LEASE_S
        if committed is None or is_new:
            self._position = committed
            self._file.look_again()


class LocalTail:
    """Every record of a topic from the first one on, for one process, without a group."""

    def __init__(self, log: LocalLog, topic: str) -> None:
        self._log, self._topic, self._position = log, topic, 0
        self._file = WalWatch(log.path)
        self.is_caught_up = False

    def poll(self, limit: int, timeout_s: float) -> list[Record]:
        """Up to `limit` records, or none after `timeout_s`. Raises LogDownError."""
        end = time.monotonic() + timeout_s
        while True:
            records = self._read(limit) if self._file.is_written() else []
            if records or time.monotonic() >= end:
                return records
            with self._log.appended:
                self._log.appended.wait(min(LOOK_S, max(end - time.monotonic(), 0.001)))

    def _read(self, limit: int) -> list[Record]:
        known_end = 0 if self.is_caught_up else self._log.end(self._topic)
        records = self._log.read(self._topic, self._position, limit)
        if records:
            self._position = records[-1].offset + 1
            self._file.look_again()
        self.is_caught_up = self.is_caught_up or self._position >= known_end or not records
        return records

    def close(self) -> None:
        """Nothing to close."""


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1_000, UTC)
