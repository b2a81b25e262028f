"""The catalogue changes that this process answers by: a tail of their topic, laid over the live release."""

import logging
import threading
import uuid
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime

import msgspec

from online.live import LiveRelease, ReleaseWatch
from online.log import Log
from setwise.changes import NOTHING_CHANGED, ChangedRows, ProductState, merged, values_of
from setwise.cloud_event import CloudEvent
from setwise.log import LogDownError, Record, all_of
from setwise.names import CHANGES_TOPIC, ProductId
from setwise.snapshot import Snapshot

logger = logging.getLogger(__name__)
TYPE = "setwise.catalogue-change"
AT_ONCE = 1_000
POLL_S = 0.25
RETRY_S = 0.5
WAIT_AT_START_S = 5.0


class _Event(msgspec.Struct, frozen=True):
    data: ProductState
    """All that is known of a product, as a compacted topic keeps only the last record of it."""


_decode = msgspec.json.Decoder(_Event).decode


class ChangesWatch:
    """Every change of every process, in the order of the log; a request sees all of a change or nothing of it."""

    def __init__(self, log: Log, releases: ReleaseWatch) -> None:
        self._log, self._releases = log, releases
        self._states: dict[ProductId, ProductState] = {}
        self._untold: set[ProductId] = set()
        self._lock = threading.Lock()
        self._base: Snapshot | None = None
        self._rows = NOTHING_CHANGED
        self._is_reached = False
        self._caught_up, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="catalogue-changes", daemon=True)
        releases.overlay = self.overlay

    @property
    def is_reached(self) -> bool:
        """False while the log does not answer, or before all earlier changes were read: some may be missing."""
        return self._is_reached and self._caught_up.is_set()

    def start(self) -> None:
        """Reads what was changed before; goes on without it where the log takes more than a few seconds."""
        self._thread.start()
        if not self._caught_up.wait(WAIT_AT_START_S):
            logger.warning("catalogue changes were not read yet; answers say so until they are")

    def stop(self) -> None:
        """Ends the tail."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def state_of(self, product_id: ProductId) -> ProductState:
        """All that was ever changed of a product."""
        return self._states.get(product_id) or ProductState(product_id)

    def write(self, changes: Sequence[ProductState], traceparent: str = "") -> Future[None]:
        """Appends them, each with all that is known of its product; resolves when all are durable."""
        with self._lock:
            known = {change.product_id: self.state_of(change.product_id) for change in changes}
        futures = []
        for change in changes:
            known[change.product_id] = merged(known[change.product_id], change)
            futures.append(self._append(known[change.product_id], traceparent))
        return all_of(futures)

    def take(self, states: Sequence[ProductState]) -> None:
        """Answers by these from now on; the tail brings them once more, which changes nothing."""
        changed: set[ProductId] = set()
        with self._lock:
            for state in states:
                before = self._states.get(state.product_id)
                now = state if before is None else merged(before, state)
                if now != before:
                    self._states[state.product_id] = now
                    changed.add(state.product_id)
            if changed and self._base is not None:
                self._rows = self._rows.with_rows(self._values(self._base, changed))
        if changed:
            self._releases.refresh()

    def overlay(self, live: LiveRelease) -> LiveRelease:
        """The release with what changed since its feed was written."""
        with self._lock:
            if live.snapshot is not self._base:
                self._base = live.snapshot
                self._rows = NOTHING_CHANGED.with_rows(self._values(live.snapshot, self._states))
            rows: ChangedRows = self._rows
        return msgspec.structs.replace(live, snapshot=live.snapshot.with_changes(rows)) if len(rows.rows) else live

    def over(self, release: LiveRelease) -> LiveRelease:
        """Another release than the live one, with the same changes; nothing is kept of it."""
        with self._lock:
            rows = NOTHING_CHANGED.with_rows(self._values(release.snapshot, self._states))
        return msgspec.structs.replace(release, snapshot=release.snapshot.with_changes(rows))

    def _values(self, base: Snapshot, ids: Iterable[ProductId]) -> dict[int, tuple[int, ...]]:
        rows = {product_id: row for product_id in ids if (row := base.row_in_feed(product_id)) is not None}
        return {row: values_of(base.in_feed(row), self._states[one], base.fed_at(row)) for one, row in rows.items()}

    def _append(self, state: ProductState, traceparent: str = "") -> Future[None]:
        event = CloudEvent(uuid.uuid4().hex, TYPE, datetime.now(UTC), state, subject=state.product_id)
        return self._log.append(CHANGES_TOPIC, state.product_id, event.encoded(), event.headers(traceparent))

    def _run(self) -> None:
        tail = self._log.tail(CHANGES_TOPIC)
        try:
            while not self._stop.is_set():
                try:
                    self._read(tail.poll(AT_ONCE, POLL_S))
                except LogDownError as error:
                    if self._is_reached:
                        logger.error("catalogue changes cannot be read: %s", error)
                    self._is_reached = False
                    self._stop.wait(RETRY_S)
                    continue
                self._is_reached = True
                if tail.is_caught_up:
                    self._tell()
                    self._caught_up.set()
        finally:
            self._is_reached = False
            tail.close()

    def _read(self, records: Sequence[Record]) -> None:
        last: dict[ProductId, ProductState] = {}
        found: list[ProductState] = []
        for record in records:
            try:
                found.append(_decode(record.value).data)
            except msgspec.MsgspecError as error:
                logger.error("a catalogue change at offset %d cannot be read: %s", record.offset, error)
                continue
            last[found[-1].product_id] = found[-1]
        self.take(found)
        for product_id, state in last.items():
            if state == self.state_of(product_id):
                self._untold.discard(product_id)
            else:
                self._untold.add(product_id)

    def _tell(self) -> None:
        """Two processes changed different fields at once, so the last record of a product lacks a word: whoever notices
        writes all that is known. Not left to the writer alone, which may have died in between."""
        untold, self._untold = self._untold, set()
        for product_id in untold:
            told = self._append(self.state_of(product_id))
            told.add_done_callback(lambda told, one=product_id: self._untold.add(one) if told.exception() else None)  # type: ignore[misc]
