"""Somebody is forgotten in the warehouse: rows of raw tables and marts, and the record of it, in one transaction."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from orchestration.warehouse.rows import naive
from orchestration.warehouse.stores import Execute, OffsetsMovedError, Warehouse
from orchestration.warehouse.tables import SCHEMA, TOPICS
from setwise.erasures import Erasure, pseudonym_marks
from setwise.names import ERASURES_TOPIC, SERVED_TOPIC

logger = logging.getLogger("setwise.marts")
BUILT = ("staging", "marts")
"""Schemas that dbt fills: what is removed there comes back with no later build, as it is gone from the raw tables."""
PERSON_COLUMNS = ("user_key", "visitor_key", "person_key")
ANSWER_COLUMNS = ("request_id", "credited_request_id")
AT_ONCE = 5_000
_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(dict[str, int]).decode


class Pending(msgspec.Struct, frozen=True):
    """An erasure whose rows are gone and whose other stores are not cleared yet."""

    erasure: Erasure
    removed: dict[str, int]


def take(
    warehouse: Warehouse, erasures: Sequence[Erasure], since: dict[int, int], ends: dict[int, int], now: datetime
) -> None:  # fmt: skip
    """Rows, what is known of the erasures, and the offsets of their topic, together or not at all. Raises
    OffsetsMovedError and WarehouseDownError."""
    with warehouse.changing() as execute:
        found = execute(f'SELECT "partition", next_offset FROM {SCHEMA}.offsets WHERE topic = ?', [ERASURES_TOPIC])
        reached = {int(partition): int(offset) for partition, offset in found}
        if any(reached.get(partition, 0) != since.get(partition, 0) for partition in ends):
            raise OffsetsMovedError
        removed = _remove(execute, warehouse.hashed, erasures)
        for one in erasures:
            counts = _encode(dict(removed[one.receipt_id])).decode()
            for mark in one.marks:
                execute(
                    f"INSERT INTO {SCHEMA}.erasures (receipt_id, mark, until, taken_at, removed, secret) "
                    "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    [one.receipt_id, mark, naive(one.until), naive(now), counts, one.secret],
                )
        for partition, end in ends.items():
            execute(
                f"INSERT INTO {SCHEMA}.offsets VALUES (?, ?, ?) "
                'ON CONFLICT (topic, "partition") DO UPDATE SET next_offset = EXCLUDED.next_offset',
                [ERASURES_TOPIC, partition, end],
            )


def pending(warehouse: Warehouse) -> list[Pending]:
    """What `finish` was not called for yet, oldest first."""
    rows = warehouse.rows(
        f"SELECT receipt_id, mark, until, removed, secret FROM {SCHEMA}.erasures "
        "WHERE finished_at IS NULL ORDER BY taken_at"
    )
    marks: dict[str, list[str]] = {}
    found: dict[str, Pending] = {}
    for receipt_id, mark, until, removed, secret in rows:
        theirs = marks.setdefault(receipt_id, [])
        theirs.append(mark)
        found[receipt_id] = Pending(Erasure(receipt_id, theirs, until.replace(tzinfo=UTC), secret), _decode(removed))
    return list(found.values())


def finish(warehouse: Warehouse, receipt_ids: Sequence[str], now: datetime) -> None:
    """All other stores are cleared."""
    with warehouse.changing() as execute:
        for one in receipt_ids:
            execute(f"UPDATE {SCHEMA}.erasures SET finished_at = ? WHERE receipt_id = ?", [naive(now), one])


def remove_since(warehouse: Warehouse, moment: datetime) -> None:
    """Once more from what dbt has built meanwhile, of everybody who was forgotten after this moment."""
    found = warehouse.rows(f"SELECT mark FROM {SCHEMA}.erasures WHERE taken_at >= ?", [naive(moment)])
    if found:
        with warehouse.changing() as execute:
            removed = list(_remove_built(execute, warehouse.hashed, {mark: "" for (mark,) in found}, {}))
            logger.info("%d rows of people who were forgotten meanwhile were removed again", len(removed))


def _remove(execute: Execute, hashed: str, erasures: Sequence[Erasure]) -> dict[str, Counter[str]]:
    """Rows by receipt and kind of store; each table is read once for all erasures."""
    removed: dict[str, Counter[str]] = {one.receipt_id: Counter(raw_tables=0, marts=0) for one in erasures}
    said: dict[str, Erasure] = {}
    for one in sorted(erasures, key=lambda one: one.until):
        said.update(dict.fromkeys(one.marks, one))
    if not said:
        return removed
    answers: dict[str, str] = {}
    for topic in TOPICS:
        gone = _find(execute, hashed, topic, said)
        for start in range(0, len(gone), AT_ONCE):
            some = gone[start : start + AT_ONCE]
            ids: list[object] = [part for row in some for part in row[:2]]
            execute(f"DELETE FROM {SCHEMA}.{topic} WHERE (source, id) IN ({_holders('(?, ?)', len(some))})", ids)
        for _, _, answer, receipt_id in gone:
            removed[receipt_id]["raw_tables"] += 1
            if topic == SERVED_TOPIC:
                answers[answer] = receipt_id
    for mark in _forget_orders(execute, hashed, said):
        removed[said[mark].receipt_id]["raw_tables"] += 1
    asked = f'SELECT topic, "partition", "offset", event, received_at FROM {SCHEMA}.dead_letters'
    for topic, partition, offset, event, received_at in execute(asked):
        for mark in pseudonym_marks(event.encode("utf-8", "replace")) & said.keys():
            if received_at <= naive(said[mark].until):
                where = 'topic = ? AND "partition" = ? AND "offset" = ?'
                execute(f"DELETE FROM {SCHEMA}.dead_letters WHERE {where}", [topic, partition, offset])
                removed[said[mark].receipt_id]["raw_tables"] += 1
                break
    receipts = {mark: one.receipt_id for mark, one in said.items()}
    for receipt_id in _remove_built(execute, hashed, receipts, answers):
        removed[receipt_id]["marts"] += 1
    return removed


def _find(execute: Execute, hashed: str, topic: str, said: Mapping[str, Erasure]) -> list[tuple[str, str, str, str]]:
    """Source, id, answer and receipt of each row of a raw table that is to go: a query that may use several cores."""
    user, visitor = (hashed.format(f"data ->> '{field}'") for field in ("user", "visitor"))
    marks = _holders("?", len(said))
    found = execute(
        f"SELECT source, id, coalesce(data ->> 'request_id', ''), least(\"time\", received_at), {user}, {visitor} "
        f"FROM {SCHEMA}.{topic} WHERE {user} IN ({marks}) OR {visitor} IN ({marks})",
        [*said, *said],
    )
    rows: list[tuple[str, str, str, str]] = []
    for source, event_id, answer, moment, *theirs in found:
        gone = [said[mark] for mark in theirs if mark in said and moment <= naive(said[mark].until)]
        if gone:
            rows.append((source, event_id, answer, gone[0].receipt_id))
    return rows


def _forget_orders(execute: Execute, hashed: str, said: Mapping[str, Erasure]) -> Iterator[str]:
    """Lines of past orders: the mark of each that went."""
    user = hashed.format("user_key")
    asked = f"SELECT order_id, line_number, ordered_at, {user} FROM {SCHEMA}.orders WHERE {user} IN "
    for order_id, number, ordered_at, mark in execute(f"{asked} ({_holders('?', len(said))})", list(said)):
        if ordered_at <= naive(said[mark].until):
            execute(f"DELETE FROM {SCHEMA}.orders WHERE order_id = ? AND line_number = ?", [order_id, number])
            yield mark


def _remove_built(
    execute: Execute, hashed: str, receipts: Mapping[str, str], answers: Mapping[str, str]
) -> Iterator[str]:
    """From every table that dbt made, by its columns' names: the receipt of each row that went."""
    columns = execute(
        "SELECT c.table_schema, c.table_name, c.column_name FROM information_schema.columns AS c "
        "JOIN information_schema.tables AS t ON t.table_schema = c.table_schema AND t.table_name = c.table_name "
        "WHERE t.table_type = 'BASE TABLE' AND c.table_schema IN (?, ?)",
        list(BUILT),
    )
    for schema, table, column in columns:
        if column in PERSON_COLUMNS:
            yield from _delete(execute, f'"{schema}"."{table}"', hashed.format(column), receipts)
        if column in ANSWER_COLUMNS:
            yield from _delete(execute, f'"{schema}"."{table}"', column, answers)


def _delete(execute: Execute, place: str, value: str, receipts: Mapping[str, str]) -> Iterator[str]:
    wanted = list(receipts)
    for start in range(0, len(wanted), AT_ONCE):
        some: list[object] = [*wanted[start : start + AT_ONCE]]
        gone = execute(f"DELETE FROM {place} WHERE {value} IN ({_holders('?', len(some))}) RETURNING {value}", some)
        yield from (receipts[found] for (found,) in gone)


def _holders(one: str, count: int) -> str:
    return ", ".join([one] * count)
