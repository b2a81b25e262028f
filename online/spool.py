"""A place on the disk for records that the log does not take at the moment: bounded, and given back in order."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from setwise.local_log import LocalLog, LocalReader
from setwise.log import LogDownError

SPOOL_FILE = "spool.db"
TOPIC = "spooled"
GROUP = "drain"
AT_ONCE = 500
MAX_RECORDS = 200_000
"""About half a gigabyte of answers, an hour of fifty a second; beyond them nothing more is taken."""
RETENTION_H = 7 * 24


class Waiting(msgspec.Struct, frozen=True):
    """A record that is to be appended."""

    key: str
    value: bytes
    headers: dict[str, str]


class Spool:
    """Shared by the processes of a machine; one of them at a time gives back."""

    def __init__(self, path: Path, max_records: int = MAX_RECORDS) -> None:
        self._log = LocalLog(path, RETENTION_H)
        self._reader: LocalReader | None = None
        self._max_records = max_records

    def put(self, records: Sequence[Waiting]) -> int:
        """How many of them are on the disk now."""
        try:
            room = self._max_records - self._log.held(TOPIC)
        except LogDownError:
            return 0
        written = [self._log.append(TOPIC, one.key, one.value, one.headers) for one in records[: max(room, 0)]]
        return sum(future.exception() is None for future in written)

    def drained(self, append: Callable[[Sequence[Waiting]], list[Waiting]]) -> bool:
        """Gives `append` what lies here, oldest first, until it leaves something; True where nothing is left."""
        reader = self._reader = self._reader or LocalReader(self._log, TOPIC, GROUP)
        while True:
            try:
                records = reader.poll(AT_ONCE, 0)
                if not records:
                    return self._log.held(TOPIC) == 0
                if append([Waiting(record.key, record.value, record.headers) for record in records]):
                    # A new reader begins with what was not given back.
                    reader.close()
                    self._reader = None
                    return False
                reader.commit(records)
                self._log.forget(TOPIC, records[-1].offset + 1)
            except LogDownError:
                return False

    def close(self) -> None:
        """Another process may give back what is left."""
        if self._reader is not None:
            self._reader.close()
        self._log.close()
