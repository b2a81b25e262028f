"""What was answered becomes a record of the log, by a thread of its own: no answer waits for it or fails by it."""

import logging
import random
import threading
import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from online import metrics
from online.candidates import RankedBy
from online.messages import (
    BundleAnswer,
    BundleOut,
    BundleRequest,
    ItemOut,
    ProductsAnswer,
    ProductsRequest,
    Understood,
)  # fmt: skip
from online.spool import Appends
from online.swap import Swapped
from setwise.cloud_event import CloudEvent
from setwise.events import Served, ServedBundle, ServedItem
from setwise.events.served import TYPE, VERSION, Device, Route
from setwise.experiment import NO_EXPERIMENT, Assignment
from setwise.names import SERVED_TOPIC
from setwise.pseudonyms import Pseudonyms
from setwise.ranking import FEATURES, NO_CHANGES, WEIGHTS

logger = logging.getLogger(__name__)
EVERY_S = 0.1
"""A thread that is woken by each answer takes the interpreter from the next one; a tenth of a second hurts nobody."""
AT_ONCE = 500
MAX_WAITING = 5_000
"""Some 50 MB of answers; a broker that has just died says so after five seconds."""
MOST_ROWS = 50
"""Products of a list, from the first on, whose rows are recorded: about a kilobyte each."""
KIND = "served"


class Answered(NamedTuple):
    """An answer with what its record says beside it; a tuple, as one is made in each answer's time."""

    route: Route
    request: BundleRequest | ProductsRequest
    answer: BundleAnswer | ProductsAnswer
    client: str
    release: str
    at: datetime
    traceparent: str
    assignment: Assignment = NO_EXPERIMENT
    ranked_by: RankedBy | None = None
    """Of a share of the lists: what their products were ranked by."""
    device: Device = ""


class AnsweredSwap(NamedTuple):
    """A swap's answer, whose record has the request of the bundle that was swapped."""

    swapped: Swapped
    user_id: str | None
    client: str
    at: datetime
    traceparent: str
    assignment: Assignment = NO_EXPERIMENT
    device: Device = ""


class Unanswered(NamedTuple):
    """Requests of one route and second that ended with this status."""

    route: Route
    status: int
    requests: int
    at: datetime
    traceparent: str = ""


Recorded = Answered | AnsweredSwap | Unanswered


class Recorder:
    """Holds at most MAX_WAITING answers; what comes beyond them, or has no place on the disk, is dropped and counted.

    A process that is killed takes with it what it answered in its last tenth of a second."""

    def __init__(
        self, log: Appends, pseudonyms: Pseudonyms, max_waiting: int = MAX_WAITING, features_share: float = 0.0
    ) -> None:
        self._log, self._pseudonyms, self._max_waiting = log, pseudonyms, max_waiting
        self._features_share = features_share
        self._waiting: deque[Recorded] = deque()
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    def start(self) -> None:
        """Starts the writer."""
        self._thread.start()

    def stop(self) -> None:
        """Writes what waits."""
        self._is_stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=20)

    def wants_features(self) -> bool:
        """Whether the next answer is one of those whose record says what its products were ranked by."""
        return random.random() < self._features_share  # noqa: S311 - a sample, no secret

    def record(self, answered: Recorded) -> None:
        """Returns at once and never raises."""
        if len(self._waiting) < self._max_waiting:
            self._waiting.append(answered)
        else:
            metrics.observe_events(KIND, "dropped")

    def _run(self) -> None:
        while not self._is_stopping.wait(EVERY_S):
            self._write_all()
        self._write_all()

    def _write_all(self) -> None:
        while self._waiting:
            some = [self._waiting.popleft() for _ in range(min(len(self._waiting), AT_ONCE))]
            events = [event for one in some if (event := self._event(one)) is not None]
            # All at once: what comes to the log together is flushed to the disk together.
            written = [self._log.append(SERVED_TOPIC, *event) for event in events]
            taken = sum(future.exception() is None for future in written)  # waits for each
            metrics.observe_events(KIND, "accepted", taken)
            if taken < len(some):
                metrics.observe_events(KIND, "dropped", len(some) - taken)

    def _event(self, one: Recorded) -> tuple[str, bytes, dict[str, str]] | None:
        try:
            event = served_event(one, self._pseudonyms)
            return event.subject, event.encoded(), event.headers(one.traceparent)
        except Exception:  # whatever it is, the others have to be written
            logger.exception("an answer could not be recorded")
            return None


def served_event(one: Recorded, pseudonyms: Pseudonyms) -> CloudEvent:
    """The record of setwise.served, its key as `subject`: the user, else the visitor, else the answer itself."""
    if isinstance(one, AnsweredSwap):
        served, event_id = _of_swap(one, pseudonyms), one.swapped.answer.bundle_id
    elif isinstance(one, Unanswered):
        served = _of_none(one)
        event_id = served.request_id
    else:
        served = _of_answer(one, pseudonyms)
        event_id = served.request_id
    return CloudEvent(event_id, TYPE, one.at, served, subject=served.user or served.visitor or served.request_id)


def _of_answer(one: Answered, pseudonyms: Pseudonyms) -> Served:
    request, answer = one.request, one.answer
    consent = request.consent
    bundles: list[ServedBundle] = []
    products: list[ServedItem] = []
    currency, infeasible = "", ""
    changed = one.assignment.parameters.part_weights()
    if isinstance(answer, BundleAnswer):
        bundles = [_bundle(bundle, at, *_drawn(answer, at), changed) for at, bundle in enumerate(answer.bundles, 1)]
        infeasible = answer.infeasible.reason if answer.infeasible else ""
    else:
        first = request.offset + 1 if isinstance(request, ProductsRequest) else 1
        rows = one.ranked_by.rows if one.ranked_by else {}
        products = [
            ServedItem(
                p.product_id, first - 1 + at, p.price_cents, p.score, propensity=propensity, rank=rank,
                features=_row(rows.get(p.product_id)) if at <= MOST_ROWS else {},
            )
            for at, p in enumerate(answer.products, 1)
            for propensity, rank in (_drawn(answer, at),)
        ]  # fmt: skip
        currency = answer.products[0].currency if answer.products else ""
    return Served(
        request_id=answer.request_id,
        route=one.route,
        client=one.client,
        release=one.release,
        served_by=answer.served_by,
        timings_ms=answer.timings_ms,
        version=VERSION,
        user=pseudonyms.user(request.user_id) if consent else "",
        visitor=pseudonyms.visitor(request.visitor_id) if consent else "",
        session=pseudonyms.session(request.session_id) if consent else "",
        consent=consent,
        prompt=(request.prompt or "") if consent else "",
        understood=_in_the_catalogues_words(answer.understood),
        bundles=bundles,
        products=products,
        currency=currency,
        infeasible=infeasible,
        degraded=[f"{less.dependency}: {less.reason}" for less in answer.degraded],
        experiment=answer.experiment,
        explore_share=answer.exploration.share if answer.exploration else 0.0,
        trace_id=_trace_id(one.traceparent),
        ranked_as=one.ranked_by.kind if one.ranked_by else "",
        is_test=one.assignment.is_override,
        device=one.device,
    )


def _in_the_catalogues_words(understood: Understood) -> Understood:
    """What was typed is part of the sentence, which is kept with consent and for a while only."""
    return msgspec.structs.replace(understood, said={}) if understood.said else understood


def _of_swap(one: AnsweredSwap, pseudonyms: Pseudonyms) -> Served:
    swapped, request = one.swapped, one.swapped.kept.request
    consent = request.consent
    return Served(
        request_id=swapped.kept.request_id,
        route="swap",
        client=one.client,
        release=swapped.kept.release,
        served_by=swapped.served_by,
        timings_ms=swapped.timings_ms,
        version=VERSION,
        user=pseudonyms.user(one.user_id or request.user_id) if consent else "",
        visitor=pseudonyms.visitor(request.visitor_id) if consent else "",
        session=pseudonyms.session(request.session_id) if consent else "",
        consent=consent,
        bundles=[_bundle(swapped.answer, 1, changed=one.assignment.parameters.part_weights())],
        degraded=[f"{less.dependency}: {less.reason}" for less in swapped.degraded],
        experiment=one.assignment.variants,
        trace_id=_trace_id(one.traceparent),
        is_test=one.assignment.is_override,
        device=one.device,
    )


def _of_none(one: Unanswered) -> Served:
    return Served(
        request_id=uuid.uuid4().hex,
        route=one.route,
        client="",
        release="",
        served_by="none",
        timings_ms={},
        version=VERSION,
        failed=one.status,
        count=one.requests,
    )


def _drawn(answer: BundleAnswer | ProductsAnswer, place: int) -> tuple[float, int]:
    """Propensity and rank of what stands at a place; a rank that is the place is not said."""
    drawn = answer.exploration
    if drawn is None:
        return 1.0, 0
    rank = drawn.ranks[place - 1]
    return drawn.propensities[place - 1], rank if rank != place else 0


def _bundle(
    bundle: BundleOut, position: int, propensity: float = 1.0, rank: int = 0, changed: Mapping[str, float] = NO_CHANGES
) -> ServedBundle:
    return ServedBundle(
        bundle.bundle_id, position, bundle.label, bundle.total_cents, bundle.currency, bundle.score,
        _items(bundle.items, propensity, changed), propensity, bundle.parent_bundle_id or "", rank,
    )  # fmt: skip


def _items(items: Sequence[ItemOut], propensity: float, changed: Mapping[str, float]) -> list[ServedItem]:
    return [
        ServedItem(
            item.product_id, at, item.price_cents, item.score, item.slot, item.quantity, propensity,
            features=_features(item, changed),
        )
        for at, item in enumerate(items, 1)
    ]  # fmt: skip


def _features(item: ItemOut, changed: Mapping[str, float]) -> dict[str, float]:
    parts = (item.parts or {}).items()
    return {name: round(part / changed.get(name, WEIGHTS.get(name, 1.0)), 4) for name, part in parts if part}


def _row(row: NDArray[np.float64] | None) -> dict[str, float]:
    if row is None:
        return {}
    return {name: round(value, 5) for name, value in zip(FEATURES, row.tolist(), strict=True) if value}


def _trace_id(traceparent: str) -> str:
    return traceparent.split("-")[1] if traceparent else ""
