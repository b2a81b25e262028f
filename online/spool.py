"""The log, and a file beside it for the time in which it is away: nothing is lost, and the order stays."""

import logging
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Protocol

from online import metrics
from setwise.erasures import Erasures
from setwise.local_log import LocalLog
from setwise.log import LogDownError, Record, all_of, started
from setwise.names import SPOOL_FILE

logger = logging.getLogger(__name__)
TOPIC = "spool"
GROUP = "drain"
TO = "spooled-topic"
"""The header that says which topic a spooled record is for."""
LOOK_S = 0.25
AT_ONCE = 500
LONGEST_S = 20.0
"""The log says within seconds whether it took a record; what it does not say counts as no."""
RETENTION_H = 30 * 24
SIZE_EVERY_S = 0.5


class Appends(Protocol):
    """What a spool needs of the log."""

    def append(self, topic: str, key: str, value: bytes, headers: dict[str, str]) -> Future[None]: ...


class SpooledLog:
    """Appends to the log; once that failed to the file, which all processes of the machine share, until it is empty.

    One process at a time moves what lies there into the log, in order, and deletes it there after the log has it: a
    crash in between writes it twice, under the same id."""

    def __init__(self, log: Appends, path: Path, max_bytes: int) -> None:
        self._log, self._max_bytes = log, max_bytes
        self._file = LocalLog(path, RETENTION_H)
        self._name = uuid.uuid4().hex
        self._is_spooling = False
        self._choosing = threading.Lock()
        """Held while it is decided whether a record goes to the log or to the file."""
        self._unwritten = set[Future[None]]()
        """What is on its way into the file, where a reader does not see it yet."""
        self._forgotten: Erasures | None = None
        self._used, self._used_at = 0, float("-inf")
        self._wake, self._is_stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="spool", daemon=True)

    def start(self) -> None:
        """Begins with what an earlier process has left."""
        self._thread.start()

    def stop(self) -> None:
        """Ends the draining; what lies in the file stays there for the next start."""
        self._is_stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=LONGEST_S)
        self._file.close()

    @property
    def is_spooling(self) -> bool:
        """True while records go to the file."""
        return self._is_spooling

    def append(self, topic: str, key: str, value: bytes, headers: dict[str, str]) -> Future[None]:
        """Resolves when the record is durable, in the log or in the file; LogDownError where it is in neither."""
        with self._choosing:
            if self._is_spooling:
                return self._spool(topic, key, value, headers)
        written = started()

        def done(first: Future[None]) -> None:
            if first.exception() is None:
                written.set_result(None)
            else:
                with self._choosing:
                    spooled = self._spool(topic, key, value, headers)
                spooled.add_done_callback(lambda second: _copy(second, written))

        self._log.append(topic, key, value, headers).add_done_callback(done)
        return written

    def forget(self, erasures: Erasures) -> int:
        """Removes what waits here of people who were forgotten, from the file's bytes too. Raises LogDownError."""
        # First of all for the thread that has read some of it already and is about to move it.
        gone = Erasures(erasures.pseudonyms)
        for known in (self._forgotten, erasures):
            if known is not None:
                gone.update(known)
        self._forgotten = gone
        return len(self._file.erase(erasures.cover_record))

    def _spool(self, topic: str, key: str, value: bytes, headers: dict[str, str]) -> Future[None]:
        if self._is_full():
            written = started()
            written.set_exception(LogDownError("the log is away and the spool is full"))
            return written
        if not self._is_spooling:
            logger.warning("the log does not take records; they wait in %s", SPOOL_FILE)
        self._is_spooling = True
        self._wake.set()
        spooled = self._file.append(TOPIC, key, value, {**headers, TO: topic})
        self._unwritten.add(spooled)
        spooled.add_done_callback(self._unwritten.discard)
        return spooled

    def _is_full(self) -> bool:
        now = time.monotonic()
        if now - self._used_at > SIZE_EVERY_S:
            self._used_at = now
            try:
                self._used = self._file.used_bytes()
            except LogDownError:
                return True
        return self._used >= self._max_bytes

    def _run(self) -> None:
        while not self._is_stopping.is_set():
            # Another process may have begun to spool: what comes here after that belongs behind it.
            try:
                self._drain()
            except LogDownError as error:
                logger.debug("the spool cannot be drained: %s", error)
            self._wake.wait(LOOK_S)
            self._wake.clear()

    def _drain(self) -> None:
        """Returns when the file is empty, or when the log does not take its first record. Raises LogDownError."""
        while not self._is_stopping.is_set():
            with self._choosing:
                # Nothing goes past what is on its way into the file: its sender may have been told already.
                unwritten = len(self._unwritten)
                first = self._file.read(TOPIC, 0, 1)
                self._is_spooling = bool(first or unwritten)
            metrics.observe_spooled(self._file.end(TOPIC) - first[0].offset if first else unwritten)
            if not first:
                return
            if self._file.take(GROUP, TOPIC, self._name) is None or not self._move(first):
                return
            while records := self._file.read(TOPIC, 0, AT_ONCE):
                if self._is_stopping.is_set() or not self._move(records):
                    return
                metrics.observe_spooled(self._file.end(TOPIC) - records[-1].offset - 1)
            logger.info("the log has all that waited for it")

    def _move(self, records: list[Record]) -> bool:
        """False where the log did not take all of them; those before the first that it did not take are done."""
        gone, taken = self._forgotten, 0
        for some in _rounds(records):
            moved = [
                all_of([])
                if gone is not None and gone.cover_record(r)
                else self._log.append(r.headers[TO], r.key, r.value, {k: v for k, v in r.headers.items() if k != TO})
                for r in some
            ]
            done, until = 0, time.monotonic() + LONGEST_S
            for one in moved:
                try:
                    one.result(max(until - time.monotonic(), 0))
                except (LogDownError, TimeoutError):
                    break
                done += 1
            taken += done
            if done < len(some):
                break
        if taken:
            self._file.forget(TOPIC, records[taken - 1].offset + 1)
            self._used_at = float("-inf")
        return taken == len(records)


def _rounds(records: list[Record]) -> Iterator[list[Record]]:
    """Consecutive records of different people: while one of somebody's may still fail, the next one is not sent."""
    some, people = list[Record](), set[tuple[str, str]]()
    for record in records:
        who = (record.headers[TO], record.key)
        if who in people:
            yield some
            some, people = [], set()
        some.append(record)
        if record.key:
            people.add(who)
    yield some


def _copy(done: Future[None], to: Future[None]) -> None:
    error = done.exception()
    if error is None:
        to.set_result(None)
    else:
        to.set_exception(error)
