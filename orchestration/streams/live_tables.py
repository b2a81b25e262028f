"""What live counts are made of: one SQLite file with what was answered, touched, ordered and given back."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, MetaData

from orchestration.streams.offsets import offsets_table
from setwise.attribution import CLICK, Order, Refund, Touch
from setwise.events import InteractionEvent
from setwise.live_counts import KEPT, SINCE_START, CountKey, Counts
from setwise.local_store import open_local_store

TABLES = MetaData()
offsets_table(TABLES)
LOOK_BACK = KEPT + CLICK
"""An order that comes as late as it may is credited to a touch that is as old as it may be."""
_CLICK_US, _US = CLICK // timedelta(microseconds=1), 1_000_000
_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS answers (answer TEXT PRIMARY KEY, request TEXT, at_us INT, variant TEXT, shown BLOB)",
    "CREATE INDEX IF NOT EXISTS answers_request ON answers (request)",
    "CREATE TABLE IF NOT EXISTS seen (source TEXT, id TEXT, at_us INT, PRIMARY KEY (source, id)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS waiting (request TEXT, source TEXT, id TEXT, at_us INT, event BLOB, "
    "PRIMARY KEY (request, source, id)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS touches (source TEXT, id TEXT, number INT, at_us INT, user TEXT, visitor TEXT, "
    "request TEXT, touch BLOB, PRIMARY KEY (source, id, number)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS touches_user ON touches (user, at_us)",
    "CREATE INDEX IF NOT EXISTS touches_visitor ON touches (visitor, at_us)",
    "CREATE INDEX IF NOT EXISTS touches_request ON touches (request)",
    "CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, at_us INT, user TEXT, visitor TEXT, placed BLOB)",
    "CREATE INDEX IF NOT EXISTS orders_user ON orders (user, at_us)",
    "CREATE INDEX IF NOT EXISTS orders_visitor ON orders (visitor, at_us)",
    "CREATE TABLE IF NOT EXISTS refunds (source TEXT, id TEXT, order_id TEXT, at_us INT, refund BLOB, "
    "PRIMARY KEY (source, id)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS refunds_order ON refunds (order_id)",
    "CREATE TABLE IF NOT EXISTS credits (order_id TEXT PRIMARY KEY, at_us INT, counts BLOB)",
    "CREATE TABLE IF NOT EXISTS counters (minute INT, variant TEXT, slot TEXT, name TEXT, currency TEXT, value INT, "
    "is_told INT, PRIMARY KEY (minute, variant, slot, name, currency)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS counters_untold ON counters (is_told) WHERE is_told = 0",
)
_pack = msgspec.msgpack.Encoder().encode
Shown = dict[str, dict[str, str]]
"""The slot of each product of each bundle; a list of products has the bundle ''."""


class Answer(msgspec.Struct, frozen=True):
    """What was answered, as far as it is counted."""

    variant: str
    shown: Shown


def unpacked(value: bytes, kind: Any) -> Any:
    """What `_pack` made."""
    return msgspec.msgpack.decode(value, type=kind)


def open_tables(path: Path) -> Engine:
    """The file with its tables."""
    engine = open_local_store(path, TABLES, flush="NORMAL", is_serial=True)
    with engine.begin() as connection:
        for statement in _SCHEMA:
            connection.exec_driver_sql(statement)
    return engine


class LiveTables:
    """Within one transaction. What is put in says whether it is new: a second one of the same identity is not."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _is_new(self, table: str, values: tuple[object, ...]) -> bool:
        marks = ",".join("?" * len(values))
        statement = f"INSERT INTO {table} VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608 - a name of ours
        return self._connection.exec_driver_sql(statement, values).rowcount > 0

    def _blobs(self, statement: str, parameters: tuple[object, ...]) -> list[bytes]:
        return [row[0] for row in self._connection.exec_driver_sql(statement, parameters)]

    def add_answer(self, answer_id: str, request_id: str, at_us: int, answer: Answer) -> bool:
        """One of `setwise.served`."""
        return self._is_new("answers", (answer_id, request_id, at_us, answer.variant, _pack(answer.shown)))

    def answers(self, request_id: str) -> list[Answer]:
        """The answer of a request, and those of its swaps, the earliest first."""
        query = "SELECT variant, shown FROM answers WHERE request = ? ORDER BY at_us, answer"
        rows = self._connection.exec_driver_sql(query, (request_id,))
        return [Answer(row.variant, unpacked(row.shown, Shown)) for row in rows]

    def add_seen(self, event: InteractionEvent, at_us: int) -> bool:
        """An event that is counted."""
        return self._is_new("seen", (event.source, event.id, at_us))

    def add_waiting(self, event: InteractionEvent, at_us: int) -> None:
        """An event whose answer is not there yet."""
        self._is_new("waiting", (event.data.request_id, event.source, event.id, at_us, _pack(event)))

    def take_waiting(self, request_id: str) -> list[InteractionEvent]:
        """Those of one request; they wait no more."""
        statement = "DELETE FROM waiting WHERE request = ? RETURNING event"
        return [unpacked(blob, InteractionEvent) for blob in self._blobs(statement, (request_id,))]

    def add_touch(self, touch: Touch, number: int) -> bool:
        """`number` within its event."""
        who = (touch.user, touch.visitor, touch.request_id)
        return self._is_new("touches", (touch.source, touch.event_id, number, touch.at_us, *who, _pack(touch)))

    def touches_of_request(self, request_id: str) -> list[Touch]:
        """By anybody."""
        return [unpacked(b, Touch) for b in self._blobs("SELECT touch FROM touches WHERE request = ?", (request_id,))]

    def touches_before(self, order: Order) -> list[Touch]:
        """By the order's user or visitor, in the seven days before it."""
        times = (order.at_us - _CLICK_US, order.at_us)
        query = "SELECT touch FROM touches WHERE {0} = ? AND {0} <> '' AND at_us BETWEEN ? AND ?"
        found = self._blobs(query.format("user"), (order.user, *times))
        found += self._blobs(query.format("visitor"), (order.visitor, *times))
        return [unpacked(blob, Touch) for blob in dict.fromkeys(found)]

    def orders_after(self, touch: Touch) -> set[str]:
        """The ids of orders by the touch's user or visitor, in the seven days after it."""
        times, found = (touch.at_us, touch.at_us + _CLICK_US), set[str]()
        for column, who in (("user", touch.user), ("visitor", touch.visitor)):
            query = f"SELECT id FROM orders WHERE {column} = ? AND {column} <> '' AND at_us BETWEEN ? AND ?"  # noqa: S608
            found |= {row[0] for row in self._connection.exec_driver_sql(query, (who, *times))}
        return found

    def order(self, order_id: str) -> Order | None:
        """The purchase that counts under this id."""
        found = self._blobs("SELECT placed FROM orders WHERE id = ?", (order_id,))
        return unpacked(found[0], Order) if found else None

    def put_order(self, order: Order) -> None:
        """In place of one that came later."""
        statement = "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?)"
        self._connection.exec_driver_sql(
            statement, (order.order_id, order.at_us, order.user, order.visitor, _pack(order))
        )

    def add_refund(self, event: InteractionEvent, at_us: int, refund: Refund) -> bool:
        """One event's."""
        return self._is_new("refunds", (event.source, event.id, refund.order_id, at_us, _pack(refund)))

    def refunds(self, order_id: str) -> list[Refund]:
        """Of one order."""
        query = "SELECT refund FROM refunds WHERE order_id = ?"
        return [unpacked(blob, Refund) for blob in self._blobs(query, (order_id,))]

    def swap_credits(self, order: Order, counts: Counts) -> Counts:
        """Keeps what an order counts now, and says what it counted before."""
        found = self._blobs("SELECT counts FROM credits WHERE order_id = ?", (order.order_id,))
        statement = "INSERT OR REPLACE INTO credits VALUES (?, ?, ?)"
        self._connection.exec_driver_sql(statement, (order.order_id, order.at_us, _pack(list(counts.items()))))
        return dict(unpacked(found[0], list[tuple[CountKey, int]])) if found else {}

    def add_counts(self, counts: Mapping[CountKey, int]) -> None:
        """To the counters."""
        statement = (
            "INSERT INTO counters VALUES (?, ?, ?, ?, ?, ?, 0) "
            "ON CONFLICT DO UPDATE SET value = value + excluded.value, is_told = 0"
        )
        rows = [
            (key.minute, key.variant, key.slot, key.name, key.currency, value) for key, value in counts.items() if value
        ]
        if rows:
            self._connection.exec_driver_sql(statement, rows)

    def untold(self, limit: int) -> Counts:
        """Counters that changed since they were told."""
        query = "SELECT minute, variant, slot, name, currency, value FROM counters WHERE is_told = 0 LIMIT ?"
        return {CountKey(*row[:5]): row[5] for row in self._connection.exec_driver_sql(query, (limit,))}

    def mark_told(self, counts: Iterable[tuple[CountKey, int]]) -> None:
        """As far as they have not changed again."""
        statement = (
            "UPDATE counters SET is_told = 1 "
            "WHERE minute = ? AND variant = ? AND slot = ? AND name = ? AND currency = ? AND value = ?"
        )
        rows = [(*key, value) for key, value in counts]
        if rows:
            self._connection.exec_driver_sql(statement, rows)

    def forget(self, now: datetime) -> None:
        """What nothing can be credited to or counted with any more."""
        old = int((now - LOOK_BACK).timestamp() * _US)
        for table in ("answers", "seen", "waiting", "touches", "orders", "refunds", "credits"):
            self._connection.exec_driver_sql(f"DELETE FROM {table} WHERE at_us < ?", (old,))  # noqa: S608
        minute = int((now - KEPT).timestamp()) // 60
        self._connection.exec_driver_sql("DELETE FROM counters WHERE minute < ? AND minute > ?", (minute, SINCE_START))
