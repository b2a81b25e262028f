"""What a process uses and how old what it answers from is, noted once a second and not per request."""

import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from online import metrics
from online.live import ReleaseWatch
from online.polling import Polling

EVERY_S = 1.0
HOUR_S = 3_600
_PAGE = os.sysconf("SC_PAGE_SIZE")


class _Probes(Protocol):
    def states(self) -> Mapping[str, bool]: ...


class _Features(Protocol):
    @property
    def newest(self) -> datetime | None: ...


def resident_bytes() -> int:
    """Memory of this process that is not swapped out; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return 0


class ProcessWatch:
    """CPU, its cost, memory and ages of this process, as metrics, and of its dependencies where they are probed."""

    def __init__(
        self, releases: ReleaseWatch, features: _Features, cpu_hour_price: float, probes: _Probes | None = None
    ) -> None:
        self._releases, self._features, self._probes = releases, features, probes
        self._price = cpu_hour_price
        self._cpu_s = 0.0
        self._polling = Polling(self.look, "process-watch", EVERY_S)

    def start(self) -> None:
        """Notes what the start has used, and goes on in a thread."""
        self._polling.start()

    def stop(self) -> None:
        """Ends it."""
        self._polling.stop()

    def look(self) -> None:
        """One round; tens of microseconds."""
        cpu_s = time.process_time()
        used, self._cpu_s = cpu_s - self._cpu_s, cpu_s
        metrics.observe_process(used, used * self._price / HOUR_S, resident_bytes())
        now, live, newest = datetime.now(UTC), self._releases.live, self._features.newest
        metrics.observe_ages(
            None if live is None else (now - live.manifest.created_at).total_seconds(),
            None if newest is None else (now - newest).total_seconds(),
        )
        for name, is_up in self._probes.states().items() if self._probes else ():
            metrics.observe_dependency(name, is_up)
