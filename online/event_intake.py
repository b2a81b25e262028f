"""Events of a call to records of the log: read, judged, told apart from what came before, made durable."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Any, Literal

import msgspec

from online import metrics
from online.seen_events import SeenEvents, mark_of
from online.spool import Appends
from setwise.cloud_event import CloudEvent
from setwise.events import Judged, RefusedEventError, judged, read_event
from setwise.events.interaction import TYPE_PREFIX
from setwise.log import LogDownError, all_of
from setwise.names import INTERACTIONS_TOPIC
from setwise.pseudonyms import Pseudonyms
from setwise.request_ids import RequestIds

Status = Literal["accepted", "duplicate", "rejected"]


class EventResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one entry of a call, and why."""

    index: int
    id: str
    status: Status
    reason: str = ""


class EventsAnswer(msgspec.Struct, frozen=True):
    """Answer of POST /v1/events, a result for each entry in the order sent."""

    accepted: int
    duplicates: int
    rejected: int
    results: list[EventResult]


class _Entry(msgspec.Struct):
    """One entry of a call: the events that it holds, and what was left out of it."""

    id: str
    events: list[Judged]
    reasons: list[str]


class Sender(msgspec.Struct, frozen=True):
    """Who sent a call, when, and the trace that it belongs to."""

    client: str
    user_agent: str
    received_at: datetime
    traceparent: str = ""


class Taken(msgspec.Struct, frozen=True):
    """A call that was read and given to the log; `settled` resolves when the log has said what became of it."""

    entries: list[_Entry]
    marks: dict[int, bytes]
    """Of each event, by its id()."""
    known: set[bytes]
    written: dict[bytes, "Future[None]"]
    settled: "Future[None]"


class Floods:
    """Counts the events of each person in this minute; every process for itself."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = per_minute, clock
        self._counts: Counter[str] = Counter()
        self._minute, self._lock = 0, threading.Lock()

    def is_one(self, person: str) -> bool:
        """Counts one more; True beyond what a person can do."""
        minute = int(self._clock() // 60)
        with self._lock:
            if minute != self._minute:
                self._minute = minute
                self._counts.clear()
            self._counts[person] += 1
            return self._counts[person] > self._most


class EventIntake:
    """Safe to call from several threads. A call is begun, waited for without a thread, and ended."""

    def __init__(
        self, log: Appends, seen: SeenEvents, pseudonyms: Pseudonyms, request_ids: RequestIds, flood_per_min: int
    ) -> None:  # fmt: skip
        self._log, self._seen, self._pseudonyms, self._request_ids = log, seen, pseudonyms, request_ids
        self._floods = Floods(flood_per_min)

    def begin(self, entries: Sequence[Any], sender: Sender, currency: str) -> Taken:
        """Reads any JSON values, and gives the log what is new."""
        read = [self._read(raw, sender, currency) for raw in entries]
        marks = {id(event): mark_of(event.source, event.id) for entry in read for event in entry.events}
        known = self._seen.which(list(dict.fromkeys(marks.values())))
        written: dict[bytes, Future[None]] = {}
        for event in (event for entry in read for event in entry.events):
            mark = marks[id(event)]
            if mark not in known and mark not in written:
                written[mark] = self._append(event, sender.traceparent)
        return Taken(read, marks, known, written, all_of(list(written.values())))

    def end(self, taken: Taken) -> EventsAnswer:
        """After `settled`. Raises LogDownError where some were to be taken and none could be made durable."""
        durable = {mark for mark, future in taken.written.items() if future.exception() is None}
        if taken.written and not durable:
            raise LogDownError("no event could be made durable")
        self._seen.note(list(durable))
        results, new = [], set(durable)
        for index, entry in enumerate(taken.entries):
            results.append(_result(index, entry, taken.marks, taken.known | durable, new))
        counts = Counter(result.status for result in results)
        return EventsAnswer(counts["accepted"], counts["duplicate"], counts["rejected"], results)

    def close(self) -> None:
        """Closes the store of what was seen."""
        self._seen.close()

    def _read(self, raw: Any, sender: Sender, currency: str) -> _Entry:
        reading = read_event(raw, currency, sender.received_at)
        entry = _Entry(reading.id, [], list(reading.left_out))
        for said in reading.said:
            try:
                event = judged(
                    said, sender.received_at, self._pseudonyms, self._request_ids, sender.client, sender.user_agent
                )
            except RefusedEventError as error:
                entry.reasons.append(str(error))
                metrics.observe_events(said.kind, "rejected")
                continue
            entry.events.append(self._watched(event))
        for _ in reading.left_out:
            metrics.observe_events("unknown", "rejected")
        return entry

    def _watched(self, event: Judged) -> Judged:
        """Marked where its person sends more than a person can do."""
        if not (event.data.user or event.data.visitor):
            return event
        if not self._floods.is_one(event.key):
            return event
        data = msgspec.structs.replace(event.data, marks=[*event.data.marks, "flood"])
        return msgspec.structs.replace(event, data=data)

    def _append(self, event: Judged, traceparent: str) -> "Future[None]":
        kept = CloudEvent(event.id, TYPE_PREFIX + event.data.kind, event.time, event.data, event.source)
        return self._log.append(INTERACTIONS_TOPIC, event.key, kept.encoded(), kept.headers(traceparent))


def _result(index: int, entry: _Entry, marks: dict[int, bytes], taken: set[bytes], new: set[bytes]) -> EventResult:
    """Of an entry with several events the best one counts; what was left out is said beside it. `new` loses what is
    told here: the same event a second time in one call is a duplicate."""
    statuses: list[Status] = []
    reasons = list(entry.reasons)
    for event in entry.events:
        mark = marks[id(event)]
        status: Status = "accepted" if mark in new else "duplicate" if mark in taken else "rejected"
        new.discard(mark)
        if status == "rejected":
            reasons.append("the log did not take it; send it again")
        statuses.append(status)
        metrics.observe_events(event.data.kind, status)
    best: Status = "accepted" if "accepted" in statuses else "duplicate" if "duplicate" in statuses else "rejected"
    return EventResult(index, entry.id, best, "; ".join(dict.fromkeys(reasons)))
