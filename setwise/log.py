"""A record of the durable log, as both shells see it; Kafka and the local file carry the same ones."""

import threading
from collections.abc import Sequence
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


def all_of(futures: Sequence[Future[None]]) -> Future[None]:
    """Resolves when all have, with the first failure there was: one wake-up of a loop, not a thousand."""
    both, lock = started(), threading.Lock()
    waiting, failure = len(futures), None

    def done(future: Future[None]) -> None:
        nonlocal waiting, failure
        with lock:
            waiting -= 1
            failure = failure or future.exception()
            is_last = not waiting
        if is_last and failure is not None:
            both.set_exception(failure)
        elif is_last:
            both.set_result(None)

    for future in futures:
        future.add_done_callback(done)
    if not futures:
        both.set_result(None)
    return both
