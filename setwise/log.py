"""A record of the durable log, as both shells see it; Kafka and the local file carry the same ones."""

from concurrent.futures import Future
from datetime import datetime

import msgspec


class LogDownError(Exception):
    """The log did not take or give a record in time; the text has no address in it."""


class Record(msgspec.Struct, frozen=True):
    """One record; `offset` counts within (topic, partition), `topic` comes without the prefix of the settings."""

    topic: str
    partition: int
    offset: int
    key: str
    value: bytes
    headers: dict[str, str]
    at: datetime


def started() -> Future[None]:
    """A future that cannot be cancelled: whoever stops waiting must not break the thread that resolves it."""
    future: Future[None] = Future()
    future.set_running_or_notify_cancel()
    return future
