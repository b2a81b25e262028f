"""How far behind the log is each process that reads it? Each says so in a file of its own, every few seconds."""

import contextlib
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from setwise.log import LogDownError
from setwise.whole_file import write_whole

FOLDER = "consumers"
"""Below the data folder; a file for each reader."""
EVERY_S = 2.0


class ConsumerLag(msgspec.Struct, frozen=True):
    """Records that wait, by topic, at that time; None = the log does not say."""

    name: str
    at: datetime
    behind: dict[str, int] | None


_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(ConsumerLag).decode


class LagNote:
    """Writes one reader's file; a question to the log every EVERY_S at most."""

    def __init__(self, data_dir: Path, name: str) -> None:
        self._path, self._name, self._due = data_dir / FOLDER / f"{name}.json", name, 0.0

    def note(self, behind: Callable[[], Mapping[str, int]]) -> None:
        """Asks and writes where it is time to."""
        if time.monotonic() < self._due:
            return
        found: dict[str, int] | None = None
        with contextlib.suppress(LogDownError):
            found = dict(behind())
        with contextlib.suppress(OSError):  # a full disk must not end what reads the log
            write_whole(self._path, _encode(ConsumerLag(self._name, datetime.now(UTC), found)))
        self._due = time.monotonic() + EVERY_S


def lag_between(ends: Mapping[int, int], read: Mapping[int, int]) -> int:
    """Records of one topic between the offsets that were read up to and the ends of its partitions."""
    return sum(max(end - read.get(partition, 0), 0) for partition, end in ends.items())


def read_lags(data_dir: Path) -> list[ConsumerLag]:
    """Of each reader that ever ran here, by name."""
    found = []
    for path in sorted((data_dir / FOLDER).glob("*.json")):
        try:
            found.append(_decode(path.read_bytes()))
        except (OSError, msgspec.MsgspecError):
            continue
    return found
