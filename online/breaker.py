"""Whether a dependency is worth asking: one that failed again and again is left alone until a probe succeeds."""

import threading
import time
from collections import deque
from collections.abc import Callable

IN_A_ROW = 5
WINDOW = 20
PROBE_EVERY_S = 1.0


class Breaker:
    """Opens after IN_A_ROW failures in a row, or where half of the last WINDOW calls failed. Thread-safe.

    While it is open requests do not ask at all; `is_probe_due` lets one caller through a second. A watch makes these
    probes, as at 20 requests a second one of them a second would already be the slowest 5 %."""

    def __init__(self, name: str, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._clock = clock
        self._lock = threading.Lock()
        self._last: deque[bool] = deque(maxlen=WINDOW)
        self._in_a_row = 0
        self._is_open = False
        self._probed_at: float | None = None

    @property
    def is_open(self) -> bool:
        """True while requests go on without the dependency."""
        return self._is_open

    @property
    def is_untried(self) -> bool:
        """True before the first call or probe."""
        return self._probed_at is None

    def note(self, is_success: bool) -> None:
        """What came of a call or of a probe."""
        with self._lock:
            self._probed_at = self._probed_at if self._probed_at is not None else self._clock()
            if is_success:
                if self._is_open:
                    self._last.clear()
                self._is_open, self._in_a_row = False, 0
                self._last.append(True)
                return
            self._in_a_row += 1
            self._last.append(False)
            is_half = len(self._last) == WINDOW and self._last.count(False) * 2 >= WINDOW
            self._is_open = self._is_open or self._in_a_row >= IN_A_ROW or is_half

    def open(self) -> None:
        """Opens it at once: a probe that was made before anybody asked has failed."""
        with self._lock:
            self._is_open = True

    def is_probe_due(self) -> bool:
        """True at most once a second: where it is open, or nobody has asked yet. The caller makes the probe."""
        with self._lock:
            now = self._clock()
            if self._probed_at is None or (self._is_open and now - self._probed_at >= PROBE_EVERY_S):
                self._probed_at = now
                return True
            return False
