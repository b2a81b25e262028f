"""What the operator's routes read beside the state of the process: the shop's files, the live counts, kept releases."""

import contextlib
import threading
import time
from pathlib import Path
from typing import Any

import msgspec

from online.live import LiveRelease, open_release
from online.live_counters import CountersDownError, LiveCounters, build_live_counters
from setwise.consumer_lag import ConsumerLag, read_lags
from setwise.live_counts import SINCE_START, Counts
from setwise.names import EXPERIMENTS_FILE, ReleaseId
from setwise.release import ReleaseError, Releases
from setwise.reports import REPORTS_FILE, Reports, read_reports
from setwise.settings import Settings

KEPT_FOR_S = 10.0


class Desk:
    """Thread-safe; nothing is read before somebody asks."""

    def __init__(self, data_dir: Path, counters: LiveCounters, releases: Releases) -> None:
        self.data_dir, self.counters, self._releases = data_dir, counters, releases
        self._kept: list[str] = []
        self._kept_until = float("-inf")
        self._opening = threading.Lock()
        self._opened: LiveRelease | None = None
        self._reports: tuple[int, Reports | None] | None = None

    def kept(self) -> list[str]:
        """Releases that are kept, newest first, as of some seconds ago: they may lie in a bucket."""
        if time.monotonic() > self._kept_until:
            with contextlib.suppress(ReleaseError, OSError):  # one of them was just removed, or the bucket is away
                self._kept = [manifest.release_id for manifest in self._releases.manifests()]
            self._kept_until = time.monotonic() + KEPT_FOR_S
        return self._kept

    def release(self, release_id: str) -> LiveRelease:
        """One that is kept; the last one stays open. Raises ReleaseError; the first call takes seconds."""
        with self._opening:
            if self._opened is None or self._opened.manifest.release_id != release_id:
                self._opened = None
                self._opened = open_release(*self._releases.fetch(ReleaseId(release_id)))
            return self._opened

    def reports(self) -> Reports | None:
        """Of the last run of dbt; None before the first."""
        try:
            stamp = (self.data_dir / REPORTS_FILE).stat().st_mtime_ns
        except FileNotFoundError:
            return None
        if self._reports is None or self._reports[0] != stamp:
            self._reports = (stamp, read_reports(self.data_dir))
        return self._reports[1]

    def experiments(self) -> dict[str, Any] | None:
        """As they were written, None where they never were."""
        try:
            return msgspec.json.decode((self.data_dir / EXPERIMENTS_FILE).read_bytes(), type=dict[str, Any])
        except (FileNotFoundError, msgspec.MsgspecError):
            return None

    def consumers(self) -> list[ConsumerLag]:
        """How far behind each reader of the log is."""
        return read_lags(self.data_dir)

    def earned(self) -> Counts:
        """Revenue of each variant since the streams began; empty where their store does not answer."""
        with contextlib.suppress(CountersDownError):
            return self.counters.read([SINCE_START])
        return {}

    def close(self) -> None:
        """Ends the connections of the counters."""
        self.counters.close()


def build_desk(settings: Settings) -> Desk:
    """For these settings; connects to nothing."""
    data_dir = Path(settings.storage.data_dir).absolute()
    releases = Releases(settings.storage.releases, data_dir / "release-cache")
    return Desk(data_dir, build_live_counters(settings), releases)
