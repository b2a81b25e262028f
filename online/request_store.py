"""Asynchronous requests on their way: who asked, how far it is, and the numbered events that a client reads."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from setwise.names import redis_keys_of
from setwise.settings import Settings

STORE_FILE = "requests.db"
Status = Literal["queued", "running", "done", "failed"]
END = "end"
"""Key of a request's last event: whichever of `done` and `failed` comes first; nothing follows it."""


class RequestStoreDownError(Exception):
    """The store did not answer; the text has no address in it."""


class RequestRecord(msgspec.Struct, frozen=True):
    """What is known of a request. `is_accepted` = the log has acknowledged it; `attempts` = how often it was begun."""

    request_id: str
    owner: str
    body_hash: str
    status: Status
    is_accepted: bool
    attempts: int

    @property
    def has_ended(self) -> bool:
        """Whether its last event is there."""
        return self.status in ("done", "failed")


class Progress(msgspec.Struct, frozen=True):
    """An event to be published; of several with one key the first is the one that counts. `data` is JSON."""

    key: str
    name: str
    data: bytes


class StoredEvent(msgspec.Struct, frozen=True):
    """A published event; ids of one request are 1, 2, 3 and so on."""

    id: int
    name: str
    data: bytes


class RequestStore(Protocol):
    """Forgets a request a set time after it was made. Everything raises RequestStoreDownError."""

    def create(self, request_id: str, owner: str, body_hash: str, key: str, now: datetime) -> RequestRecord:
        """The record of the first request of this owner and idempotency key; a new one where there is none."""
        ...

    def accept(self, request_id: str) -> None:
        """The log has it: a second request of the same key need not be written again."""
        ...

    def get(self, request_id: str, now: datetime) -> RequestRecord | None:
        """None where it is unknown or expired."""
        ...

    def begin(self, request_id: str, owner: str, body_hash: str, now: datetime) -> RequestRecord:
        """Counts an attempt, unless it has ended. Makes the record anew where the store has lost it."""
        ...

    def publish(self, request_id: str, events: Sequence[Progress], status: Status = "running") -> bool:
        """Appends the events whose keys are new, all or none; True where the last one was among them."""
        ...

    def events(self, request_id: str, after: int) -> list[StoredEvent]:
        """Events with a larger id, in order."""
        ...

    async def wait(self, request_id: str, after: int, timeout_s: float) -> list[StoredEvent]:
        """The same, as soon as there is one; none after `timeout_s`. Never blocks the event loop."""
        ...

    async def stop_waiting(self) -> None:
        """Closes what `wait` has opened, in the event loop that waited."""
        ...

    def close(self) -> None: ...


def build_request_store(settings: Settings) -> RequestStore:
    """The implementation that the settings name."""
    requests = settings.requests
    if requests.backend == "redis":
        from online.requests_redis import RedisRequests

        key = f"{redis_keys_of(settings.storage.releases)}:requests"
        return RedisRequests(settings.features.redis_url, requests.ttl_s, key)
    from online.requests_sqlite import SqliteRequests

    return SqliteRequests(Path(settings.storage.data_dir) / STORE_FILE, requests.ttl_s)
