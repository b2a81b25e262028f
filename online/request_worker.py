"""Answers the requests of the log, one after the other: the same pipeline, progress on the way, one answer for each."""

import contextlib
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import msgspec

from online import metrics
from online.answers import KeptBundles, bundles_of, older_than_elsewhere
from online.experiments import Experiments
from online.exploring import Explorer
from online.gather import Dependencies
from online.live import ReleaseWatch
from online.live_changes import ChangesWatch
from online.live_rules import RulesWatch
from online.log import Log, LogReader
from online.messages import BundleAnswer, BundleRequest
from online.observing import observe_answer
from online.pipeline import Prepared, recommend_bundles
from online.progress import BUNDLES, FAILED, end_of, failure_of, progress_of
from online.recording import KIND as SERVED
from online.recording import Answered, served_event
from online.request_store import RequestStore, RequestStoreDownError
from setwise.cloud_event import CloudEvent
from setwise.erasures import Erasures
from setwise.events.served import Device
from setwise.log import LogDownError, Record
from setwise.names import DEAD_LETTER, REQUESTS_TOPIC, RESULTS_TOPIC, SERVED_TOPIC
from setwise.pseudonyms import Pseudonyms

logger = logging.getLogger(__name__)
GROUP = "workers"
REQUEST_TYPE, RESULT_TYPE, DEAD_TYPE = "setwise.request", "setwise.result", "setwise.dead-letter"
POLL_S = 0.25
RETRY_S = 0.25
T = TypeVar("T")


class AskedFor(msgspec.Struct, frozen=True):
    """Data of a record of the requests: enough to answer it where the store has lost it."""

    request_id: str
    owner: str
    body_hash: str
    body: BundleRequest
    variants: dict[str, str] = {}
    """As a tester chose them."""
    device: Device = ""


class _Event(msgspec.Struct, frozen=True):
    time: datetime
    data: AskedFor


class _StoppedError(Exception):
    """The worker is to end; what it was about to do is left to another one."""


_decode = msgspec.json.Decoder(_Event).decode
_decode_answer = msgspec.json.Decoder(BundleAnswer).decode


class RequestWorker:
    """At least once from the log, once from the client's view: of several answers the store keeps the first.

    An attempt is counted before it is made, so that a request that takes its worker with it is found out."""

    def __init__(
        self, log: Log, store: RequestStore, watch: ReleaseWatch, dependencies: Dependencies, rules: RulesWatch,
        changes: ChangesWatch, kept: KeptBundles, pseudonyms: Pseudonyms, erasures: Erasures,
        experiments: Experiments, *, ttl_s: int, attempts: int, explore_share: float = 0.0,
    ) -> None:  # fmt: skip
        self._log, self._store, self._watch, self.dependencies = log, store, watch, dependencies
        self._rules, self._changes, self._kept, self._pseudonyms = rules, changes, kept, pseudonyms
        self._erasures, self._explorer, self._experiments = erasures, Explorer(explore_share), experiments
        self._ttl, self._attempts = timedelta(seconds=ttl_s), attempts
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.run, name="request-worker", daemon=True)

    def start(self) -> None:
        """Works in a thread."""
        self._thread.start()

    def end(self) -> None:
        """Tells it to end, and does not wait."""
        self._stop.set()

    def stop(self) -> None:
        """Finishes the request under way and leaves the group."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=15)

    def run(self) -> None:
        """Returns after `stop`."""
        while self._watch.live is None and not self._stop.wait(POLL_S):
            pass
        reader = self._log.reader(REQUESTS_TOPIC, GROUP)
        logger.info("asynchronous requests are answered")
        while not self._stop.is_set():
            try:
                records = reader.poll(1, POLL_S)  # what a killed worker leaves half done is one request
            except LogDownError as error:
                logger.warning("requests cannot be read: %s", error)
                self._stop.wait(RETRY_S)
                continue
            for record in records:
                self._finish(reader, record)
        with contextlib.suppress(LogDownError):  # its lease runs out by itself
            reader.close()
        self.dependencies.close()

    def _finish(self, reader: LogReader, record: Record) -> None:
        try:
            self._work(record)
            reader.commit([record])
        except _StoppedError:
            return
        except LogDownError as error:
            # Another one will find it done.
            logger.warning("a request that was answered could not be marked: %s", error)

    def _work(self, record: Record) -> None:
        try:
            event = _decode(record.value)
        except msgspec.MsgspecError as error:
            self._bury(record, f"it cannot be read: {error}")
            return
        asked = event.data
        if event.time + self._ttl < datetime.now(UTC):
            logger.info("request %s waited longer than it is kept; it is not answered", asked.request_id)
            metrics.observe_async("late")
            return
        if self._erasures.cover(asked.body.user_id, asked.body.visitor_id, event.time):
            self._refuse_forgotten(asked)
            return
        while True:
            now = datetime.now(UTC)
            known = self._patiently(lambda: self._store.begin(asked.request_id, asked.owner, asked.body_hash, now))  # noqa: B023
            if known.has_ended:
                metrics.observe_async("again")
                break
            if known.attempts > self._attempts:
                self._bury(record, f"it ended its worker {self._attempts} times")
                return
            try:
                answer = self._answer(asked)
            except Exception:  # whatever it is, the other requests have to go on
                logger.exception("request %s: attempt %d failed", asked.request_id, known.attempts)
                continue
            self._publish(asked, answer)
            break
        self._tell(record, asked.request_id, asked)

    def _answer(self, asked: AskedFor) -> BundleAnswer:
        live, book = self._watch.live, self._rules.book
        assert live is not None

        def tell(ready: Prepared) -> None:
            ready.context.request_id = asked.request_id
            events = progress_of(ready)
            try:
                self._store.publish(asked.request_id, events)
            except RequestStoreDownError as error:
                logger.warning("progress of request %s cannot be told: %s", asked.request_id, error)

        assignment = self._experiments.assign(asked.body, request_id=asked.request_id, chosen=asked.variants)
        answer = recommend_bundles(
            asked.body, live, self.dependencies, datetime.now(UTC), book, assignment=assignment, on_prepared=tell
        )
        # Drawn by the request's id: another attempt has the same order.
        answer = self._explorer.under(assignment).explored(asked.body, answer)
        older = older_than_elsewhere(self._rules, self._changes)
        self._kept.keep(bundles_of(asked.body, answer, book.version, asked.owner, assignment.unit))
        answer = msgspec.structs.replace(answer, degraded=[*answer.degraded, *older]) if older else answer
        observe_answer(asked.body, answer)
        metrics.observe_assignment(assignment)
        return answer

    def _publish(self, asked: AskedFor, answer: BundleAnswer) -> None:
        is_first = self._patiently(lambda: self._store.publish(asked.request_id, end_of(answer), "done"))
        metrics.observe_async("done" if is_first else "again")

    def _tell(self, record: Record, request_id: str, asked: AskedFor | None = None) -> None:
        """Appends what the store holds, which may be another attempt's answer, to the results, and to what was served:
        nobody waits here, so that it is durable before the request counts as done."""
        events = {one.name: one.data for one in self._patiently(lambda: self._store.events(request_id, 0))}
        if BUNDLES in events:
            data: dict[str, Any] = {"status": "done", "answer": msgspec.Raw(events[BUNDLES])}
            if asked is not None:
                self._record(record, asked, _decode_answer(events[BUNDLES]))
        elif FAILED in events:
            data = {"status": "failed", "problem": msgspec.Raw(events[FAILED])}
        else:
            return  # expired in between
        data["request_id"] = request_id
        result = CloudEvent(request_id, RESULT_TYPE, datetime.now(UTC), data, subject=request_id)
        headers = result.headers(record.headers.get("traceparent", ""))
        self._append(RESULTS_TOPIC, request_id, result.encoded(), headers)

    def _record(self, record: Record, asked: AskedFor, answer: BundleAnswer) -> None:
        traceparent, now = record.headers.get("traceparent", ""), datetime.now(UTC)
        under = self._experiments.past(answer.experiment, is_override=bool(asked.variants))
        answered = Answered(
            "requests", asked.body, answer, asked.owner, answer.release, now, traceparent, under, device=asked.device
        )  # fmt: skip
        served = served_event(answered, self._pseudonyms)
        self._append(SERVED_TOPIC, served.subject, served.encoded(), served.headers(traceparent))
        metrics.observe_events(SERVED, "accepted")

    def _bury(self, record: Record, reason: str) -> None:
        """To the dead letters, and a failure for the client."""
        logger.error("a request at offset %d goes to the dead letters: %s", record.offset, reason)
        now = datetime.now(UTC)
        letter = {"event": record.value.decode("utf-8", "replace"), "reason": reason, "time": now}
        dead = CloudEvent(record.headers.get("ce_id", record.key), DEAD_TYPE, now, letter, subject=record.key)
        headers = dead.headers(record.headers.get("traceparent", ""))
        self._append(REQUESTS_TOPIC + DEAD_LETTER, record.key, dead.encoded(), headers)
        failure = failure_of(record.key, "this request could not be answered; change it before it is sent again")
        self._patiently(lambda: self._store.publish(record.key, [failure], "failed"))
        metrics.observe_async("failed")
        self._tell(record, record.key)

    def _refuse_forgotten(self, asked: AskedFor) -> None:
        """Who asked was forgotten before the answer: there is none, and no record of it."""
        failure = failure_of(asked.request_id, "who asked was forgotten meanwhile; send it anew")
        now = datetime.now(UTC)
        self._patiently(lambda: self._store.begin(asked.request_id, asked.owner, asked.body_hash, now))
        self._patiently(lambda: self._store.publish(asked.request_id, [failure], "failed"))
        metrics.observe_async("failed")

    def _append(self, topic: str, key: str, value: bytes, headers: dict[str, str]) -> None:
        def appended() -> None:
            written: Future[None] = self._log.append(topic, key, value, headers)
            written.result()

        self._patiently(appended)

    def _patiently(self, call: Callable[[], T]) -> T:
        """Tries until the store or the log answers; gives up only when the worker ends."""
        is_down = False
        while True:
            try:
                return call()
            except (RequestStoreDownError, LogDownError) as error:
                if not is_down:
                    logger.warning("waiting for the store or the log: %s", error)
                is_down = True
                if self._stop.wait(RETRY_S):
                    raise _StoppedError from error
