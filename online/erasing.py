"""Who was forgotten, in every process: clears the service's own stores, and knows what became of all others."""

import logging
import threading
import time
import uuid
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

import msgspec

from online import metrics
from online.answers import KeptBundles
from online.bundle_store import BundleStoreDownError
from online.log import Log
from setwise.cloud_event import CloudEvent
from setwise.erasures import (
    DONE_TYPE,
    ERASURE_TYPE,
    SERVICE,
    TABLES,
    Done,
    Erasure,
    Erasures,
    StoreState,
    erasure_of,
    read_record,
)
from setwise.log import LogDownError, Record
from setwise.names import ERASURES_TOPIC, SHOPPER_PROFILES_VIEW, SHOPPER_SESSIONS_VIEW
from setwise.pseudonyms import Pseudonyms

logger = logging.getLogger(__name__)
POLL_S = 0.25
RETRY_S = 1.0
WAIT_AT_START_S = 5.0
AGAIN_S = 2.5
"""After `erasures.UNDER_WAY` an answer that was under way has been kept, and is forgotten too."""
RECENT = timedelta(days=1)
"""A process that starts clears its own stores of those who were forgotten lately: it may have been away."""
PENDING: dict[str, tuple[str, ...]] = {
    SERVICE: (SHOPPER_PROFILES_VIEW, SHOPPER_SESSIONS_VIEW, "bundles", "spool", "requests"),
    TABLES: (SHOPPER_PROFILES_VIEW, SHOPPER_SESSIONS_VIEW, "raw_tables", "marts", "history", "streams", "log"),
}
"""The stores that each part answers for."""


class ErasureReceipt(msgspec.Struct, frozen=True):
    """What became of an erasure, store by store; `done` when no store is pending any more."""

    receipt_id: str
    erased_at: datetime
    """What happened up to then is forgotten."""
    state: Literal["pending", "done"]
    stores: dict[str, StoreState]


class Spool(Protocol):
    """What waits on this machine for the log."""

    def append(self, topic: str, key: str, value: bytes, headers: dict[str, str]) -> "Future[None]": ...

    def forget(self, erasures: Erasures) -> int: ...


class ErasuresWatch:
    """A tail of the topic. What it does is harmless a second time, so that any number of processes may do it."""

    def __init__(
        self, log: Log, pseudonyms: Pseudonyms, kept: KeptBundles, spooled: Spool | None, requests_ttl_s: int
    ) -> None:  # fmt: skip
        self._log, self._kept, self._spooled = log, kept, spooled
        self._requests_ttl = timedelta(seconds=requests_ttl_s)
        self.erasures = Erasures(pseudonyms)
        self._known: dict[str, Erasure] = {}
        self._stores: dict[str, dict[str, StoreState]] = {}
        self._parts: dict[str, set[str]] = {}
        self._due: dict[str, float] = {}
        self._waiting: dict[str, datetime] = {}
        self._lock = threading.Lock()
        self._caught_up, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="erasures", daemon=True)

    def start(self) -> None:
        """Reads who was forgotten before; goes on without it where the log takes more than a few seconds."""
        self._thread.start()
        if not self._caught_up.wait(WAIT_AT_START_S):
            logger.warning("erasures were not read yet")

    def stop(self) -> None:
        """Ends the tail."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def begin(self, user_id: str, visitor_ids: Iterable[str], traceparent: str) -> tuple[Erasure, Future[None]]:
        """A new erasure, on its way to the log: nothing is cleared before it is durable."""
        now = datetime.now(UTC)
        erasure = erasure_of(uuid.uuid4().hex, user_id, visitor_ids, self.erasures.pseudonyms, now)
        event = CloudEvent(erasure.receipt_id, ERASURE_TYPE, now, erasure, subject=erasure.receipt_id)
        append = (self._spooled or self._log).append
        return erasure, append(ERASURES_TOPIC, erasure.receipt_id, event.encoded(), event.headers(traceparent))

    def take(self, erasure: Erasure) -> None:
        """Known from now on; carried out once more when nothing of it is under way."""
        with self._lock:
            if erasure.receipt_id not in self._known:
                self._known[erasure.receipt_id] = erasure
                self._due[erasure.receipt_id] = time.monotonic() + AGAIN_S
                if len(self._parts.get(erasure.receipt_id, ())) < len(PENDING):
                    self._waiting[erasure.receipt_id] = erasure.until
        self.erasures.add(erasure)

    def carry_out(self, erasure: Erasure) -> bool:
        """Clears the stores that people can be found in by their marks; False where one did not answer."""
        mine = Erasures(self.erasures.pseudonyms, [erasure])
        now = datetime.now(UTC)
        self.note(erasure.receipt_id, "requests", StoreState("expires", now + self._requests_ttl))
        try:
            removed = self._kept.forget(lambda request: mine.cover(request.user_id, request.visitor_id))
            self.note(erasure.receipt_id, "bundles", StoreState("done", now, removed))
            if self._spooled is not None:
                self.note(erasure.receipt_id, "spool", StoreState("done", now, self._spooled.forget(mine)))
        except (BundleStoreDownError, LogDownError) as error:
            logger.warning("an erasure waits for a store: %s", error)
            return False
        return True

    def note(self, receipt_id: str, store: str, state: StoreState) -> None:
        """What was removed before counts too."""
        with self._lock:
            stores = self._stores.setdefault(receipt_id, {})
            before = stores.get(store)
            removed = max(state.removed, before.removed if before else 0)
            stores[store] = msgspec.structs.replace(state, removed=removed)

    def receipt(self, receipt_id: str) -> ErasureReceipt | None:
        """None where no such erasure is known."""
        with self._lock:
            erasure = self._known.get(receipt_id)
            parts = self._parts.get(receipt_id, set())
            stores = dict(self._stores.get(receipt_id, {}))
        if erasure is None:
            return None
        missing = {store for part, named in PENDING.items() if part not in parts for store in named}
        waiting = {store: StoreState("pending") for store in sorted(missing - set(stores))}
        return ErasureReceipt(receipt_id, erasure.until, "pending" if missing else "done", {**stores, **waiting})

    def _run(self) -> None:
        tail, is_down = self._log.tail(ERASURES_TOPIC), False
        try:
            while not self._stop.is_set():
                try:
                    self._read(tail.poll(1_000, POLL_S))
                    is_down = False
                except LogDownError as error:
                    if not is_down:
                        logger.warning("erasures cannot be read: %s", error)
                    is_down = True
                    self._stop.wait(RETRY_S)
                if tail.is_caught_up and not self._caught_up.is_set():
                    self._settle()
                    self._caught_up.set()
                self._do_due()
                metrics.observe_pending_erasure(self._pending_s())
        finally:
            tail.close()

    def _read(self, records: Sequence[Record]) -> None:
        for record in records:
            try:
                read = read_record(record)
            except msgspec.MsgspecError as error:
                logger.error("an erasure at offset %d cannot be read: %s", record.offset, error)
                continue
            if isinstance(read, Erasure):
                self.take(read)
                continue
            for store, state in read.stores.items():
                self.note(read.receipt_id, store, state)
            with self._lock:
                parts = self._parts.setdefault(read.receipt_id, set())
                parts.add(read.part)
                if len(parts) == len(PENDING):
                    self._waiting.pop(read.receipt_id, None)

    def _settle(self) -> None:
        """What others did long ago need not be done again."""
        old = datetime.now(UTC) - RECENT
        with self._lock:
            for receipt_id in list(self._due):
                if self._known[receipt_id].until < old and SERVICE in self._parts.get(receipt_id, ()):
                    del self._due[receipt_id]

    def _do_due(self) -> None:
        if not self._caught_up.is_set():
            return
        with self._lock:
            due = [receipt_id for receipt_id, at in self._due.items() if at <= time.monotonic()]
        for receipt_id in due:
            if self.carry_out(self._known[receipt_id]) and self._tell(receipt_id):
                with self._lock:
                    del self._due[receipt_id]
            else:
                self._due[receipt_id] = time.monotonic() + RETRY_S

    def _pending_s(self) -> float:
        """Since when the oldest one has been waiting for one of its parts."""
        with self._lock:
            oldest = min(self._waiting.values(), default=None)
        return 0.0 if oldest is None else max((datetime.now(UTC) - oldest).total_seconds(), 0.0)

    def _tell(self, receipt_id: str) -> bool:
        with self._lock:
            if SERVICE in self._parts.get(receipt_id, ()):
                return True
            stores = {s: state for s, state in self._stores[receipt_id].items() if s in PENDING[SERVICE]}
        done = Done(receipt_id, SERVICE, stores)
        event = CloudEvent(f"{receipt_id}.{SERVICE}", DONE_TYPE, datetime.now(UTC), done, subject=receipt_id)
        try:
            self._log.append(ERASURES_TOPIC, event.id, event.encoded(), event.headers()).result(20)
        except (LogDownError, TimeoutError):
            return False
        return True
