"""Somebody is forgotten in the warehouse: rows of raw tables and marts, and the record of it, in one transaction."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from orchestration.warehouse.rows import naive
from orchestration.warehouse.stores import Execute, OffsetsMovedError, Warehouse
from orchestration.warehouse.tables import SCHEMA, TOPICS
from setwise.erasures import Erasure, pseudonym_marks
from setwise.names import ERASURES_TOPIC, SERVED_TOPIC

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
        if any(dict(found).get(partition, 0) != since.get(partition, 0) for partition in ends):  # type: ignore[arg-type]
            raise OffsetsMovedError
        for one in erasures:
            removed = _remove(execute, warehouse.hashed, one.marks, naive(one.until))
            for mark in one.marks:
                execute(
                    f"INSERT INTO {SCHEMA}.erasures (receipt_id, mark, until, taken_at, removed, secret) "
                    "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    [one.receipt_id, mark, naive(one.until), naive(now), _encode(removed).decode(), one.secret],
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
            _remove_built(execute, warehouse.hashed, [mark for (mark,) in found], [])


def _remove(execute: Execute, hashed: str, marks: Sequence[str], until: datetime) -> dict[str, int]:
    removed: Counter[str] = Counter()
    holders = ", ".join("?" * len(marks))
    user, visitor = (hashed.format(f"data ->> '{field}'") for field in ("user", "visitor"))
    theirs = f'least("time", received_at) <= ? AND ({user} IN ({holders}) OR {visitor} IN ({holders}))'
    said = [until, *marks, *marks]
    answers: list[str] = []
    for topic in TOPICS:
        gone = execute(f"DELETE FROM {SCHEMA}.{topic} WHERE {theirs} RETURNING data ->> 'request_id'", said)
        removed["raw_tables"] += len(gone)
        if topic == SERVED_TOPIC:
            answers += [answer for (answer,) in gone]
    bought = f"ordered_at <= ? AND {hashed.format('user_key')} IN ({holders})"
    past = f"DELETE FROM {SCHEMA}.orders WHERE {bought} RETURNING 1"
    removed["raw_tables"] += len(execute(past, [until, *marks]))
    asked = f'SELECT topic, "partition", "offset", event FROM {SCHEMA}.dead_letters WHERE received_at <= ?'
    letters = execute(asked, [until])
    for topic, partition, offset, event in letters:
        if not pseudonym_marks(event.encode("utf-8", "replace")).isdisjoint(marks):
            where = 'topic = ? AND "partition" = ? AND "offset" = ?'
            execute(f"DELETE FROM {SCHEMA}.dead_letters WHERE {where}", [topic, partition, offset])
            removed["raw_tables"] += 1
    removed["marts"] = _remove_built(execute, hashed, marks, answers)
    return dict(removed)


def _remove_built(execute: Execute, hashed: str, marks: Sequence[str], answers: Sequence[str]) -> int:
    """From every table that dbt made, by its columns' names."""
    columns = execute(
        "SELECT c.table_schema, c.table_name, c.column_name FROM information_schema.columns AS c "
        "JOIN information_schema.tables AS t ON t.table_schema = c.table_schema AND t.table_name = c.table_name "
        "WHERE t.table_type = 'BASE TABLE' AND c.table_schema IN (?, ?)",
        list(BUILT),
    )
    removed = 0
    for schema, table, column in columns:
        place = f'"{schema}"."{table}"'
        if column in PERSON_COLUMNS:
            holders = ", ".join("?" * len(marks))
            one = f"DELETE FROM {place} WHERE {hashed.format(column)} IN ({holders}) RETURNING 1"
            removed += len(execute(one, list(marks)))
        if column in ANSWER_COLUMNS:
            for start in range(0, len(answers), AT_ONCE):
                some = list(answers[start : start + AT_ONCE])
                one = f"DELETE FROM {place} WHERE {column} IN ({', '.join('?' * len(some))}) RETURNING 1"
                removed += len(execute(one, some))
    return removed
