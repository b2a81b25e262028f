"""Where the topics of the embedded log end: one look for all readers of a process, and each wakes for its own topic."""

import threading
import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine

from setwise.local_store import STORE_ERRORS
from setwise.log import LogDownError

LOOK_S = 0.02
ENDS = "SELECT topic, next_offset FROM topics"


class TopicEnds:
    """Known at once behind this process's own records, and LOOK_S later behind those of others.

    Most records are of other topics than a reader's: to ask the file for them at each write was a tenth of an answer's
    CPU. A look asks SQLite whether another connection has committed, on a connection of its own: with the pool, and
    reading the ends each time, it took three times as long. Nobody looks before the first reader asks."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pooled: Any = None
        self._version: object = None
        self._ends: dict[str, int] = {}
        self._failure = ""
        self._lock, self._beginning = threading.Lock(), threading.Lock()
        self._moved: dict[str, threading.Condition] = {}
        self._is_closed = False
        self._thread: threading.Thread | None = None

    def behind(self, topic: str, offset: int, timeout_s: float) -> int:
        """The topic's end as soon as it lies behind `offset`, or what it is after `timeout_s`. Raises LogDownError."""
        if self._thread is None:
            self._begin()
        with self._lock:
            moved = self._moved.setdefault(topic, threading.Condition(self._lock))
            moved.wait_for(lambda: bool(self._failure) or self._ends.get(topic, 0) > offset, timeout_s)
            if self._failure:
                raise LogDownError(self._failure)
            return self._ends.get(topic, 0)

    def note(self, ends: Mapping[str, int]) -> None:
        """What the file said, or will say to whoever asks now; an end never goes back."""
        with self._lock:
            self._failure = ""
            for topic, end in ends.items():
                if end > self._ends.get(topic, 0):
                    self._ends[topic] = end
                    if topic in self._moved:
                        self._moved[topic].notify_all()

    def close(self) -> None:
        """Ends the looking."""
        self._is_closed = True
        if self._thread is not None:
            self._thread.join(timeout=5)
        self._leave()

    def _begin(self) -> None:
        with self._beginning:
            if self._thread is None:
                self._look()
                self._thread = threading.Thread(target=self._run, name="log-ends", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while not self._is_closed:
            time.sleep(LOOK_S)
            self._look()

    def _look(self) -> None:
        try:
            if self._pooled is None:
                self._pooled = self._engine.raw_connection()
            connection = self._pooled.driver_connection
            version = connection.execute("PRAGMA data_version").fetchone()
            if version != self._version:
                self.note(dict(connection.execute(ENDS).fetchall()))
                self._version = version
        except STORE_ERRORS as error:
            self._leave()
            with self._lock:
                self._failure = type(error).__name__
                for moved in self._moved.values():
                    moved.notify_all()

    def _leave(self) -> None:
        if self._pooled is not None:
            self._pooled.close()
        self._pooled = self._version = None
