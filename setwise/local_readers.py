"""Readers of the embedded log: one of a group at a time, and tails that read everything."""

import contextlib
import threading
import time
import uuid
from collections.abc import Sequence

from setwise.local_log import LEASE_S, LocalLog
from setwise.log import LogDownError, Record

TAKE_S = 0.1
"""A reader that waits for the lease asks for it so often."""
RENEW_S = LEASE_S / 4
LONGEST_WORK_S = 300
"""A reader that asks for nothing for so long hangs: its lease is not renewed any more."""


class LocalReader:
    """A reader of a group: the one that holds the lease gets the records, the others get nothing until it is free.

    The lease is renewed in the background while the records of the last poll are worked on."""

    def __init__(self, log: LocalLog, topic: str, group: str) -> None:
        self._log, self._topic, self._group = log, topic, group
        self._name = uuid.uuid4().hex
        self._position: int | None = None
        self._leased_at = self._asked_at = -LEASE_S
        self._polled_at = time.monotonic()
        self._lock = threading.Lock()
        self._is_closed = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="log-lease", daemon=True)
        self._keeper.start()

    def poll(self, limit: int, timeout_s: float) -> list[Record]:
        """Up to `limit` records, or none after `timeout_s`. Raises LogDownError."""
        end = time.monotonic() + timeout_s
        while True:
            with self._lock:
                self._polled_at = time.monotonic()
                self._renew()
                if self._position is not None:
                    records, self._position = self._log.read_on(self._topic, self._position, limit)
                    if records:
                        return records
                position = self._position
            left = end - time.monotonic()
            if left <= 0:
                return []
            if position is None:
                self._is_closed.wait(min(left, TAKE_S))
            else:
                self._log.ends.behind(self._topic, position, min(left, RENEW_S))

    def commit(self, records: Sequence[Record]) -> None:
        """These records, and everything before them, are done."""
        self._log.commit(self._group, self._topic, self._name, max(record.offset for record in records) + 1)

    def close(self) -> None:
        """Gives the lease back."""
        self._is_closed.set()
        self._keeper.join()
        self._log.release(self._group, self._topic, self._name)

    def _keep(self) -> None:
        while not self._is_closed.wait(RENEW_S):
            with self._lock, contextlib.suppress(LogDownError):
                if self._position is not None and time.monotonic() - self._polled_at < LONGEST_WORK_S:
                    self._renew()

    def _renew(self) -> None:
        # The time from before the call: the lease never ends later in the file than it is believed to here.
        asked_at = time.monotonic()
        is_held = asked_at - self._leased_at < LEASE_S
        if asked_at - self._asked_at < (RENEW_S if is_held else TAKE_S):
            return
        self._asked_at = asked_at
        committed = self._log.take(self._group, self._topic, self._name)
        is_new = committed is not None and (self._position is None or not is_held)
        self._leased_at = asked_at if committed is not None else -LEASE_S
        if committed is None or is_new:
            self._position = committed


class LocalTail:
    """Every record of a topic from the first one on, for one process, without a group."""

    def __init__(self, log: LocalLog, topic: str) -> None:
        self._log, self._topic, self._position = log, topic, 0
        self.is_caught_up = False

    def poll(self, limit: int, timeout_s: float) -> list[Record]:
        """Up to `limit` records, or none after `timeout_s`, or at once where all that was there has been read. Raises
        LogDownError."""
        end = time.monotonic() + timeout_s
        while True:
            records, self._position = self._log.read_on(self._topic, self._position, limit)
            if not self.is_caught_up:
                self.is_caught_up = self._position >= self._log.ends.behind(self._topic, self._position, 0)
                return records
            left = end - time.monotonic()
            if records or left <= 0:
                return records
            self._log.ends.behind(self._topic, self._position, left)

    def close(self) -> None:
        """Nothing to close."""
