"""Where keys are kept: a local file, or Redis."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import Column, LargeBinary, MetaData, String, Table
from sqlalchemy.dialects.sqlite import insert

from online.keys import Key
from setwise.local_store import STORE_ERRORS, driver_of, open_local_store
from setwise.names import KEYS_FILE, redis_keys_of
from setwise.settings import Settings

_TABLES = MetaData()
_KEYS = Table(
    "keys", _TABLES, Column("key_id", String, primary_key=True), Column("key", LargeBinary, nullable=False)
)  # fmt: skip
_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(Key).decode
T = TypeVar("T")


class KeysStoreDownError(Exception):
    """The store did not answer; the text has no address in it."""


class KeysStore(Protocol):
    """Keys by their id. Every method raises KeysStoreDownError."""

    def all(self) -> dict[str, Key]: ...

    def put(self, key: Key) -> None: ...

    def close(self) -> None: ...


class SqliteKeys:
    """A file in the data folder."""

    def __init__(self, path: Path) -> None:
        self._engine = open_local_store(path, _TABLES, flush="FULL")

    def all(self) -> dict[str, Key]:
        """One SELECT."""

        def read() -> dict[str, Key]:
            with driver_of(self._engine) as connection:
                return {key_id: _decode(key) for key_id, key in connection.execute("SELECT key_id, key FROM keys")}

        return self._ask(read)

    def put(self, key: Key) -> None:
        """A key of this id is replaced."""

        def write() -> None:
            row = {"key_id": key.key_id, "key": _encode(key)}
            with self._engine.begin() as connection:
                connection.execute(insert(_KEYS).values(row).on_conflict_do_update(set_=row))

        self._ask(write)

    def close(self) -> None:
        """Closes the connections."""
        self._engine.dispose()

    def _ask(self, question: Callable[[], T]) -> T:
        try:
            return question()
        except STORE_ERRORS as error:
            raise KeysStoreDownError(type(error).__name__) from error


class RedisKeys:
    """One hash."""

    def __init__(self, url: str, key: str, timeout_s: float = 1.0) -> None:
        retry = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
        self._client: Any = redis.Redis.from_url(
            url, socket_connect_timeout=timeout_s, socket_timeout=timeout_s, retry=retry, protocol=2
        )
        self._key = key

    def all(self) -> dict[str, Key]:
        """One HGETALL."""
        try:
            return {key_id.decode(): _decode(key) for key_id, key in self._client.hgetall(self._key).items()}
        except redis.RedisError as error:
            raise KeysStoreDownError(type(error).__name__) from error

    def put(self, key: Key) -> None:
        """A key of this id is replaced."""
        try:
            self._client.hset(self._key, key.key_id, _encode(key))
        except redis.RedisError as error:
            raise KeysStoreDownError(type(error).__name__) from error

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


def build_keys_store(settings: Settings) -> KeysStore:
    """The implementation that the settings name."""
    if settings.doors.keys == "redis":
        return RedisKeys(settings.features.redis_url, f"{redis_keys_of(settings.storage.releases)}:keys")
    return SqliteKeys(Path(settings.storage.data_dir) / KEYS_FILE)


def revoked(store: KeysStore, key_id: str, now: datetime) -> Key | None:
    """Revokes a key for good; None where there is no such key."""
    key = store.all().get(key_id)
    if key is None:
        return None
    key = msgspec.structs.replace(key, revoked_at=key.revoked_at or now)
    store.put(key)
    return key
