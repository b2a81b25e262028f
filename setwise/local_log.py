"""The embedded log: topics, offsets and groups like Kafka's in one SQLite file that several processes share."""

import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from sqlalchemy import Column, Integer, LargeBinary, MetaData, String, Table

from setwise.local_store import STORE_ERRORS, driver_of, end_write_ahead, open_local_store
from setwise.log import LogDownError, Record, started
from setwise.names import COMPACTED_TOPICS
from setwise.topic_ends import ENDS, TopicEnds

LOG_FILE = "log.db"
AT_ONCE = 1_000
"""Records that one commit takes at most: a disk flush costs the same for one and for a thousand."""
LEASE_S = 2.0
"""A reader that says nothing for so long has died: another one of its group goes on."""
TIDY_EVERY_S = 60
SUPERSEDED_S = 60
"""An older record of a compacted topic stays so long beside the newer one, so that every process has read it."""
_TABLES = MetaData()
Table(
    "records",
    _TABLES,
    Column("topic", String, primary_key=True),
    Column("offset", Integer, primary_key=True, autoincrement=False),
    Column("key", String, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("headers", LargeBinary, nullable=False),
    Column("at_ms", Integer, nullable=False),
)
Table("topics", _TABLES, Column("topic", String, primary_key=True), Column("next_offset", Integer))
Table(
    "groups",
    _TABLES,
    Column("group", String, primary_key=True),
    Column("topic", String, primary_key=True),
    Column("offset", Integer, nullable=False),
    Column("reader", String, nullable=False),
    Column("leased_until_ms", Integer, nullable=False),
)
_READ = """SELECT "offset", key, value, headers, at_ms FROM records WHERE topic = ? AND "offset" >= ?
ORDER BY "offset" LIMIT ?"""
_END = "SELECT next_offset FROM topics WHERE topic = ?"
_LAST = 'SELECT max("offset") FROM records WHERE topic = ?'
_WRITE = 'INSERT INTO records (topic, "offset", key, value, headers, at_ms) VALUES (?, ?, ?, ?, ?, ?)'
_MOVE_END = """INSERT INTO topics (topic, next_offset) VALUES (?, ?)
ON CONFLICT (topic) DO UPDATE SET next_offset = excluded.next_offset"""
_FORGET = 'DELETE FROM records WHERE topic = ? AND "offset" < ?'
_ERASE = 'DELETE FROM records WHERE topic = ? AND "offset" = ?'
_HOLDER = 'SELECT reader, leased_until_ms FROM groups WHERE "group" = ? AND topic = ?'
_TAKE = """INSERT INTO groups ("group", topic, "offset", reader, leased_until_ms) VALUES (?, ?, 0, ?, ?)
ON CONFLICT ("group", topic) DO UPDATE SET reader = excluded.reader, leased_until_ms = excluded.leased_until_ms
WHERE groups.reader = excluded.reader OR groups.leased_until_ms < ? RETURNING groups."offset" AS at"""
_DONE = 'UPDATE groups SET "offset" = ? WHERE "group" = ? AND topic = ? AND reader = ? AND "offset" < ?'
_RELEASE = 'UPDATE groups SET leased_until_ms = 0 WHERE "group" = ? AND topic = ? AND reader = ?'
_COMPACTED = ", ".join("?" * len(COMPACTED_TOPICS))
_TIDY_COMPACTED = f"""DELETE FROM records WHERE topic IN ({_COMPACTED}) AND at_ms < ? AND "offset" NOT IN
(SELECT max("offset") FROM records WHERE topic IN ({_COMPACTED}) GROUP BY topic, key)"""  # noqa: S608 - placeholders
_TIDY_OTHERS = f"DELETE FROM records WHERE topic NOT IN ({_COMPACTED}) AND at_ms < ?"  # noqa: S608
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
        self.ends = TopicEnds(self._engine)
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
        with self._asking() as connection:
            rows = connection.execute(_READ, (topic, offset, limit)).fetchall()
        return [
            Record(topic, 0, offset, key, value, _decode(headers), _moment(at_ms))
            for offset, key, value, headers, at_ms in rows
        ]

    def read_on(self, topic: str, offset: int, limit: int) -> tuple[list[Record], int]:
        """The same without asking the file where nothing is new, and the offset to go on from: what is too old,
        superseded or erased is passed over. Raises LogDownError."""
        end = self.ends.behind(topic, offset, 0)
        records = self.read(topic, offset, limit) if end > offset else []
        return records, records[-1].offset + 1 if records else max(end, offset)

    def end(self, topic: str) -> int:
        """The offset that the next record will have. Raises LogDownError."""
        with self._asking() as connection:
            found = connection.execute(_END, (topic,)).fetchone()
        return int(found[0]) if found else 0

    def kept_end(self, topic: str) -> int:
        """The offset behind the last record that is there still, 0 without one. Raises LogDownError."""
        with self._asking() as connection:
            (last,) = connection.execute(_LAST, (topic,)).fetchone()
        return 0 if last is None else int(last) + 1

    def forget(self, topic: str, offset: int) -> None:
        """Deletes the records of a topic before `offset`. Raises LogDownError."""
        with self._asking() as connection:
            connection.execute(_FORGET, (topic, offset))

    def erase(self, is_theirs: Callable[[Record], bool]) -> list[Record]:
        """Deletes the records of all topics that this is true of, from the file's bytes too, and says which. Raises
        LogDownError."""
        gone: list[Record] = []
        with self._asking() as connection:
            topics = [topic for topic, _ in connection.execute(ENDS).fetchall()]
        for topic in topics:
            at = 0
            while records := self.read(topic, at, AT_ONCE):
                at = records[-1].offset + 1
                if found := [record for record in records if is_theirs(record)]:
                    with self._writing() as connection:
                        connection.executemany(_ERASE, [(topic, record.offset) for record in found])
                    gone += found
        try:
            end_write_ahead(self._engine)
        except STORE_ERRORS as error:
            raise LogDownError(type(error).__name__) from error
        return gone

    def used_bytes(self) -> int:
        """What the records take of the file; pages that are free again do not count. Raises LogDownError."""
        with self._asking() as connection:
            pages, free, size = (
                int(connection.execute(f"PRAGMA {name}").fetchone()[0])
                for name in ("page_count", "freelist_count", "page_size")
            )
        return (pages - free) * size

    def take(self, group: str, topic: str, reader: str) -> int | None:
        """The offset to read from where this reader holds the group's lease, or None while another one does. Raises
        LogDownError."""
        now = _now_ms()
        with self._asking() as connection:
            # Whoever waits for a lease only reads: to write would be a lock on the file ten times a second.
            held = connection.execute(_HOLDER, (group, topic)).fetchone()
            if held is not None and held[0] != reader and held[1] >= now:
                return None
            row = (group, topic, reader, now + int(LEASE_S * 1_000), now)
            taken = connection.execute(_TAKE, row).fetchall()
        return int(taken[0][0]) if taken else None

    def commit(self, group: str, topic: str, reader: str, offset: int) -> None:
        """The group has done everything before `offset`. Nothing happens where the lease is another reader's, and
        nothing is undone where another one was further meanwhile."""
        with self._asking() as connection:
            connection.execute(_DONE, (offset, group, topic, reader, offset))

    def release(self, group: str, topic: str, reader: str) -> None:
        """Lets another reader of the group go on at once."""
        with self._asking() as connection:
            connection.execute(_RELEASE, (group, topic, reader))

    def close(self) -> None:
        """Writes what waits and ends the threads."""
        self._is_closed = True
        self._waiting.put(None)
        self._writer.join(timeout=10)
        self.ends.close()
        self._engine.dispose()

    @contextmanager
    def _asking(self) -> Iterator[sqlite3.Connection]:
        """Each statement is a transaction of its own."""
        try:
            with driver_of(self._engine) as connection:
                yield connection
        except STORE_ERRORS as error:
            raise LogDownError(type(error).__name__) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, which has the write lock from its beginning on."""
        with self._asking() as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection

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
            ends = self._append_all(some) if some else {}
        except LogDownError as error:
            for one in some:
                one.written.set_exception(error)
            return
        for one in some:
            one.written.set_result(None)
        self.ends.note(ends)

    def _append_all(self, some: Sequence[_Waiting]) -> dict[str, int]:
        """In one transaction; the ends of the topics after it."""
        at_ms = _now_ms()
        with self._writing() as connection:
            ends: dict[str, int] = dict(connection.execute(ENDS).fetchall())
            rows = []
            for one in some:
                offset = ends.get(one.topic, 0)
                rows.append((one.topic, offset, one.key, one.value, _encode(one.headers), at_ms))
                ends[one.topic] = offset + 1
            connection.executemany(_WRITE, rows)
            connection.executemany(_MOVE_END, [(topic, ends[topic]) for topic in {one.topic for one in some}])
        return ends

    def _tidy(self) -> None:
        """Forgets what is too old, and in compacted topics what a newer record of the same key replaces."""
        self._tidied_at = time.monotonic()
        now = _now_ms()
        try:
            with self._writing() as connection:
                old = (*COMPACTED_TOPICS, now - SUPERSEDED_S * 1_000, *COMPACTED_TOPICS)
                connection.execute(_TIDY_COMPACTED, old)
                connection.execute(_TIDY_OTHERS, (*COMPACTED_TOPICS, now - self._retention_ms))
        except LogDownError:
            return  # busy: the next round does it


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _moment(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1_000, UTC)
