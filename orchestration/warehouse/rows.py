"""Records of the log as rows of the raw tables, or as dead letters with the reason."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from setwise.events import UnreadableEventError, decode_interaction, decode_served
from setwise.log import Record
from setwise.names import INTERACTIONS_TOPIC, SERVED_TOPIC

MAX_IDENTITY = 1_000
"""Characters of source and id together: PostgreSQL indexes no more than 2,700 bytes."""
DECODERS = {INTERACTIONS_TOPIC: decode_interaction, SERVED_TOPIC: decode_served}


class _Envelope(msgspec.Struct, frozen=True):
    id: str
    source: str
    type: str
    time: datetime
    data: msgspec.Raw


class Batch(msgspec.Struct, frozen=True):
    """What is written in one transaction; `ends` = the next offset of each partition that records came from."""

    topic: str
    rows: list[tuple[object, ...]]
    """In the order of tables.COLUMNS, each identity once."""
    letters: list[tuple[object, ...]]
    ends: dict[int, int]
    count: int


_decode = msgspec.json.Decoder(_Envelope).decode
# Said as an escape in JSON; a backslash that is itself escaped before it is text like any other.
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_NUL_TEXT = "\\u0000"


def batch_of(topic: str, records: Sequence[Record], now: datetime) -> Batch:
    """Never raises for what a record holds."""
    loaded_at = naive(now)
    rows: dict[tuple[str, str], tuple[object, ...]] = {}
    letters: list[tuple[object, ...]] = []
    ends: dict[int, int] = {}
    for record in records:
        ends[record.partition] = max(ends.get(record.partition, 0), record.offset + 1)
        try:
            row = _row(topic, record, loaded_at)
        except UnreadableEventError as error:
            text = record.value.decode("utf-8", "replace").replace("\0", "\ufffd")
            reason = str(error).replace("\0", "\ufffd")
            letters.append((topic, record.partition, record.offset, reason, naive(record.at), text))
            continue
        rows.setdefault((str(row[0]), str(row[1])), row)
    return Batch(topic, list(rows.values()), letters, ends, len(records))


def _row(topic: str, record: Record, loaded_at: datetime) -> tuple[object, ...]:
    DECODERS[topic](record.value)
    event = _decode(record.value)
    data = str(memoryview(event.data), "utf-8")
    if "\0" in "".join((event.source, event.id, event.type, record.key, data)) or (
        _NUL_TEXT in data and _NUL.search(data)
    ):
        raise UnreadableEventError("it holds a NUL character, which PostgreSQL keeps nowhere")
    if len(event.source) + len(event.id) > MAX_IDENTITY:
        raise UnreadableEventError(f"source and id have more than {MAX_IDENTITY} characters")
    return (
        event.source,
        event.id,
        event.type,
        naive(event.time),
        naive(record.at),
        record.partition,
        record.offset,
        record.key,
        record.headers.get("traceparent", ""),
        loaded_at,
        data,
    )


def naive(moment: datetime) -> datetime:
    """UTC without a zone, as all times of the warehouse are."""
    if moment.tzinfo is None:
        return moment
    # Nearly all are in UTC already; astimezone takes ten times as long as leaving the zone out.
    return (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).replace(tzinfo=None)
