"""The durable log that requests, results and catalogue changes go through: a local file, or Kafka."""

from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Protocol

from setwise.local_log import LOG_FILE, LocalLog
from setwise.local_readers import LocalReader, LocalTail
from setwise.log import Record
from setwise.settings import Settings


class LogReader(Protocol):
    """Records of one topic for a group: each goes to one reader, again where it was not committed."""

    def poll(self, limit: int, timeout_s: float) -> list[Record]:
        """Up to `limit` records, or none after `timeout_s`. Raises LogDownError."""
        ...

    def commit(self, records: Sequence[Record]) -> None:
        """These records, and everything before them, are done. Raises LogDownError."""
        ...

    def close(self) -> None: ...


class LogTail(Protocol):
    """Every record of a topic from the first one on, for one process."""

    is_caught_up: bool
    """Whether everything was read that was there at the start."""

    def poll(self, limit: int, timeout_s: float) -> list[Record]:
        """Up to `limit` records, or none after `timeout_s`. Raises LogDownError."""
        ...

    def close(self) -> None: ...


class Log(Protocol):
    """One per process."""

    def append(self, topic: str, key: str, value: bytes, headers: dict[str, str]) -> Future[None]:
        """Resolves when the record is durable, or with LogDownError. Never blocks."""
        ...

    def reader(self, topic: str, group: str) -> LogReader: ...

    def tail(self, topic: str) -> LogTail: ...

    def close(self) -> None: ...


class EmbeddedLog(LocalLog):
    """The local file behind the same words."""

    def reader(self, topic: str, group: str) -> LogReader:
        """One reader of a group reads at a time."""
        return LocalReader(self, topic, group)

    def tail(self, topic: str) -> LogTail:
        """From the first record that is kept."""
        return LocalTail(self, topic)


def build_log(settings: Settings) -> Log:
    """The implementation that the settings name; Kafka is connected to in the background."""
    if settings.log.backend == "kafka":
        from online.log_kafka import KafkaLog  # the embedded profile needs no Kafka client

        return KafkaLog(settings.log)
    return EmbeddedLog(Path(settings.storage.data_dir) / LOG_FILE, settings.log.retention_h)
