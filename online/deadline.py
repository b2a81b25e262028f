"""The time that one answer may take, and what of it is left for its next stage."""

import math
import time
from collections.abc import Callable


class Deadline:
    """A moment by a clock that never goes back; without seconds there is none (offline, in tests)."""

    def __init__(self, seconds: float = math.inf, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends_at = clock() + seconds

    @property
    def is_set(self) -> bool:
        """False where an answer may take as long as it likes."""
        return self._ends_at < math.inf

    def left_s(self) -> float:
        """Seconds until it; never negative."""
        return max(self._ends_at - self._clock(), 0.0)

    def at_most(self, seconds: float) -> float:
        """A stage's own time-out, and never more than what is left."""
        return min(seconds, self.left_s())

    def is_nearer_than(self, seconds: float) -> bool:
        """True where so much time is no longer left."""
        return self._ends_at - self._clock() < seconds
