"""What was answered, as events of the log: recorded beside the answers, which neither wait for it nor fail by it."""

import logging
import threading
from collections import deque
from collections.abc import Sequence
from datetime import datetime

import msgspec

from online import metrics
from online.log import Log
from online.messages import BundleAnswer, BundleOut, BundleRequest, ProductsAnswer, ProductsRequest
from online.spool import Spool, Waiting
from setwise.cloud_event import CloudEvent
from setwise.events import Served, ServedBundle, ServedItem
from setwise.events.served import TYPE, VERSION, Route
from setwise.log import LogDownError
from setwise.names import SERVED_TOPIC
from setwise.pseudonyms import Pseudonyms

logger = logging.getLogger(__name__)
MAX_WAITING = 10_000
"""Answers that wait in memory; beyond them the newest are dropped and counted."""
AT_ONCE = 500
RETRY_S = 1.0


class Answered(msgspec.Struct, frozen=True):
    """One answer as its route saw it; a swap's is the new bundle."""

    route: Route
    request: BundleRequest | ProductsRequest
    client: str
    traceparent: str
    at: datetime
    answer: BundleAnswer | ProductsAnswer | BundleOut
    release: str = ""
    timings_ms: dict[str, float] = {}


class Recorder:
    """A thread makes events of what waits and appends them together; while the log is away they lie in the spool."""

    def __init__(self, log: Log, pseudonyms: Pseudonyms, spool: Spool | None, max_waiting: int = MAX_WAITING) -> None:
        self._log, self._pseudonyms, self._spool, self._max_waiting = log, pseudonyms, spool, max_waiting
        self._waiting: deque[Answered] = deque()
        self._changed = threading.Condition()
        self._is_stopping = False
        self._has_spooled = spool is not None
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    def start(self) -> None:
        """Starts the thread; what an earlier process left in the spool goes first."""
        self._thread.start()

    def stop(self) -> None:
        """Writes what waits, to the log or to the spool."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        if self._spool is not None:
            self._spool.close()

    def note(self, answered: Answered) -> None:
        """Returns at once."""
        with self._changed:
            is_full = len(self._waiting) >= self._max_waiting
            if not is_full:
                self._waiting.append(answered)
                self._changed.notify()
        if is_full:
            metrics.observe_served("dropped", 1)

    def _run(self) -> None:
        while True:
            with self._changed:
                if not self._waiting and not self._is_stopping:
                    self._changed.wait(RETRY_S if self._has_spooled else None)
                some = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
                if not some and self._is_stopping:
                    return
            try:
                self._write([self._event(one) for one in some])
            except Exception:  # whatever it is, later answers have to be recorded
                logger.exception("%d answers were not recorded", len(some))
                metrics.observe_served("dropped", len(some))

    def _write(self, events: Sequence[Waiting]) -> None:
        """What lies in the spool goes first, so that its order stays."""
        if self._has_spooled and self._spool is not None:
            self._has_spooled = not self._spool.drained(self._append)
        left = list(events) if self._has_spooled else self._append(events)
        metrics.observe_served("recorded", len(events) - len(left))
        if not left:
            return
        kept = self._spool.put(left) if self._spool is not None else 0
        if kept and not self._has_spooled:
            logger.warning("the log does not take what was answered; it waits on the disk")
            self._has_spooled = True
        metrics.observe_served("spooled", kept)
        if kept < len(left):
            logger.error("%d answers were not recorded: neither log nor spool took them", len(left) - kept)
            metrics.observe_served("dropped", len(left) - kept)

    def _append(self, events: Sequence[Waiting]) -> list[Waiting]:
        """Those that the log did not take."""
        written = [self._log.append(SERVED_TOPIC, one.key, one.value, one.headers) for one in events]
        failures = [future.exception() for future in written]
        for failure in failures:
            if failure is not None and not isinstance(failure, LogDownError):
                raise failure
        return [one for one, failure in zip(events, failures, strict=True) if failure is not None]

    def _event(self, one: Answered) -> Waiting:
        request, consents = one.request, one.request.consent
        user = self._pseudonyms.user(request.user_id) if consents else ""
        visitor = self._pseudonyms.visitor(request.visitor_id) if consents else ""
        answer = one.answer
        said = _of_swap(answer, one) if isinstance(answer, BundleOut) else _of_answer(answer, one)
        data = msgspec.structs.replace(
            said,
            user=user,
            visitor=visitor,
            session=self._pseudonyms.session(request.session_id) if consents else "",
            consent=consents,
            prompt=(request.prompt or "") if consents else "",
        )
        event = CloudEvent(data.request_id, TYPE, one.at, data, subject=data.request_id)
        return Waiting(user or visitor or data.request_id, event.encoded(), event.headers(one.traceparent))


def _of_answer(answer: BundleAnswer | ProductsAnswer, one: Answered) -> Served:
    said = Served(
        request_id=answer.request_id,
        route=one.route,
        client=one.client,
        release=one.release,
        served_by=answer.served_by,
        timings_ms=answer.timings_ms,
        version=VERSION,
        understood=answer.understood,
        degraded=[f"{found.dependency}: {found.reason}" for found in answer.degraded],
        trace_id=one.traceparent[3:35],
    )
    if isinstance(answer, ProductsAnswer):
        return msgspec.structs.replace(
            said,
            products=[ServedItem(p.product_id, at, p.price_cents, p.score) for at, p in enumerate(answer.products, 1)],
            currency=answer.products[0].currency if answer.products else "",
        )
    return msgspec.structs.replace(
        said,
        release=answer.release,
        bundles=[_bundle(at, found) for at, found in enumerate(answer.bundles, 1)],
        infeasible=answer.infeasible.reason if answer.infeasible else "",
        experiment=answer.experiment,
    )


def _of_swap(bundle: BundleOut, one: Answered) -> Served:
    return Served(
        request_id=bundle.bundle_id,
        route="swap",
        client=one.client,
        release=one.release,
        served_by="full",
        timings_ms=one.timings_ms,
        version=VERSION,
        bundles=[_bundle(1, bundle)],
        trace_id=one.traceparent[3:35],
    )


def _bundle(position: int, found: BundleOut) -> ServedBundle:
    return ServedBundle(
        bundle_id=found.bundle_id,
        position=position,
        label=found.label,
        total_cents=found.total_cents,
        currency=found.currency,
        score=found.score,
        items=[
            ServedItem(item.product_id, at, item.price_cents, item.score, item.slot, item.quantity)
            for at, item in enumerate(found.items, 1)
        ],
        parent_bundle_id=found.parent_bundle_id or "",
    )
