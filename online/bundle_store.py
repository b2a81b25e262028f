"""Answered bundles with what a swap needs, for a limited time: in a local file, or in Redis."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import Column, Integer, LargeBinary, MetaData, String, Table, delete, func, select
from sqlalchemy.exc import SQLAlchemyError

from online.messages import BudgetRead, BundleRequest
from setwise.local_store import STORE_ERRORS, driver_of, end_write_ahead, open_local_store
from setwise.names import redis_keys_of
from setwise.settings import Settings

STORE_FILE = "bundles.db"
TIDY_EVERY_S = 30
AT_ONCE = 500
_TABLES = MetaData()
_BUNDLES = Table(
    "bundles",
    _TABLES,
    Column("bundle_id", String, primary_key=True),
    Column("expires_at_ms", Integer, key="expires_at", nullable=False, index=True),
    Column("bundle", LargeBinary, nullable=False),
)
_PUT = "INSERT INTO bundles (bundle_id, expires_at_ms, bundle) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"


class BundleStoreDownError(Exception):
    """The store did not answer; the text has no address in it."""


class KeptItem(msgspec.Struct, frozen=True, array_like=True):
    """A filled slot as it was answered."""

    slot: str
    product_id: str
    quantity: int
    is_locked: bool


class KeptBundle(msgspec.Struct, frozen=True):
    """An answered bundle and the request it answers. `swapped_out` are products that were swapped away on the way."""

    bundle_id: str
    request_id: str
    request: BundleRequest
    release: str
    rules_version: int
    budget: BudgetRead | None
    items: list[KeptItem]
    open_slots: list[str]
    swapped_out: list[str] = []
    owner: str = ""
    """The client that asked for it; nobody else swaps it."""
    unit: str = ""
    """What experiments bucketed it by; '' = there was none, or it was kept by an older version."""


Wanted = Callable[[BundleRequest], bool]


class BundleStore(Protocol):
    """Keeps bundles until they are older than the time to live, or the oldest of too many."""

    def put(self, bundles: Sequence[KeptBundle], now: datetime) -> None:
        """All of them or none. Raises BundleStoreDownError."""
        ...

    def get(self, bundle_id: str, now: datetime) -> KeptBundle | None:
        """None where it is unknown or expired. Raises BundleStoreDownError."""
        ...

    def of(self, is_theirs: Wanted) -> list[KeptBundle]:
        """The bundles whose requests this is true of. Reads all. Raises BundleStoreDownError."""
        ...

    def forget(self, is_theirs: Wanted) -> int:
        """Removes these, from a file's bytes too, and says how many. Raises BundleStoreDownError."""
        ...

    def close(self) -> None: ...


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(KeptBundle).decode


def _ms(now: datetime) -> int:
    return int(now.timestamp() * 1_000)


class SqliteBundles:
    """A file in the data folder; as many processes of one machine as like."""

    def __init__(self, path: Path, ttl_s: int, max_bytes: int) -> None:
        self._engine = open_local_store(path, _TABLES, flush="NORMAL")
        self._ttl_s, self._max_bytes = ttl_s, max_bytes
        self._tidied_at = 0.0

    def put(self, bundles: Sequence[KeptBundle], now: datetime) -> None:
        """One transaction."""
        expires = _ms(now) + self._ttl_s * 1_000
        rows = [(bundle.bundle_id, expires, _encode(bundle)) for bundle in bundles]
        try:
            with driver_of(self._engine) as connection, connection:
                connection.executemany(_PUT, rows)
            if abs(now.timestamp() - self._tidied_at) >= TIDY_EVERY_S:
                self._tidied_at = now.timestamp()
                with self._engine.begin() as tidying:
                    self._tidy(tidying, now)
        except STORE_ERRORS as error:
            raise BundleStoreDownError(type(error).__name__) from error

    def get(self, bundle_id: str, now: datetime) -> KeptBundle | None:
        """One look at the primary key."""
        alive = _BUNDLES.c.expires_at > _ms(now)
        try:
            with self._engine.connect() as connection:
                found = connection.scalar(select(_BUNDLES.c.bundle).where(_BUNDLES.c.bundle_id == bundle_id, alive))
        except SQLAlchemyError as error:
            raise BundleStoreDownError(type(error).__name__) from error
        return None if found is None else _decode(found)

    def of(self, is_theirs: Wanted) -> list[KeptBundle]:
        """All rows, one after the other: who asked is nowhere else, and is asked for seldom."""
        try:
            with self._engine.connect() as connection:
                rows = connection.scalars(select(_BUNDLES.c.bundle).execution_options(yield_per=AT_ONCE))
                return [bundle for bundle in map(_decode, rows) if is_theirs(bundle.request)]
        except SQLAlchemyError as error:
            raise BundleStoreDownError(type(error).__name__) from error

    def forget(self, is_theirs: Wanted) -> int:
        """Read first, so that nobody waits for a lock meanwhile."""
        ids = [bundle.bundle_id for bundle in self.of(is_theirs)]
        try:
            for start in range(0, len(ids), AT_ONCE):
                with self._engine.begin() as connection:
                    mine = _BUNDLES.c.bundle_id.in_(ids[start : start + AT_ONCE])
                    connection.execute(delete(_BUNDLES).where(mine))
            end_write_ahead(self._engine)
        except SQLAlchemyError as error:
            raise BundleStoreDownError(type(error).__name__) from error
        return len(ids)

    def close(self) -> None:
        """Closes the connections."""
        self._engine.dispose()

    def _tidy(self, connection: Any, now: datetime) -> None:
        connection.execute(delete(_BUNDLES).where(_BUNDLES.c.expires_at <= _ms(now)))
        size, count = connection.execute(select(func.sum(func.length(_BUNDLES.c.bundle)), func.count())).one()
        if size and size > self._max_bytes:
            # Down to nine tenths, so that it is not done again at once.
            too_many = count - int(count * 0.9 * self._max_bytes / size)
            oldest = select(_BUNDLES.c.bundle_id).order_by(_BUNDLES.c.expires_at, _BUNDLES.c.bundle_id).limit(too_many)
            connection.execute(delete(_BUNDLES).where(_BUNDLES.c.bundle_id.in_(oldest)))


class RedisBundles:
    """A key per bundle that expires by itself; a sorted set of ids and sizes knows the oldest, a counter the bytes."""

    def __init__(self, url: str, ttl_s: int, max_bytes: int, key: str, timeout_s: float = 1.0) -> None:
        retry = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
        self._client: Any = redis.Redis.from_url(
            url, socket_connect_timeout=timeout_s, socket_timeout=timeout_s, retry=retry, protocol=2
        )
        self._ttl_s, self._max_bytes = ttl_s, max_bytes
        self._key, self._ages, self._size = key, f"{key}:ages", f"{key}:bytes"

    def put(self, bundles: Sequence[KeptBundle], now: datetime) -> None:
        """One round trip, and one more where there are too many."""
        second = now.timestamp()
        pipeline = self._client.pipeline()
        ages: dict[str, float] = {}
        size = 0
        for bundle in bundles:
            data = _encode(bundle)
            pipeline.set(f"{self._key}:{bundle.bundle_id}", data, exat=int(second) + self._ttl_s)
            ages[f"{bundle.bundle_id}:{len(data)}"] = second
            size += len(data)
        pipeline.zadd(self._ages, ages)
        pipeline.incrby(self._size, size)
        pipeline.zcount(self._ages, "-inf", second - self._ttl_s)
        pipeline.zcard(self._ages)
        try:
            *_, total, expired, count = pipeline.execute()
            too_many = 0 if total <= self._max_bytes else count - int(count * 0.9 * self._max_bytes / total)
            if expired or too_many:
                self._forget_oldest(max(expired, too_many))
        except redis.RedisError as error:
            raise BundleStoreDownError(type(error).__name__) from error

    def get(self, bundle_id: str, now: datetime) -> KeptBundle | None:
        """One GET; Redis knows by itself what has expired."""
        try:
            found = self._client.get(f"{self._key}:{bundle_id}")
        except redis.RedisError as error:
            raise BundleStoreDownError(type(error).__name__) from error
        return None if found is None else _decode(found)

    def of(self, is_theirs: Wanted) -> list[KeptBundle]:
        """By the set of ids, so many at a time."""
        try:
            return [bundle for _, bundle in self._all() if is_theirs(bundle.request)]
        except redis.RedisError as error:
            raise BundleStoreDownError(type(error).__name__) from error

    def forget(self, is_theirs: Wanted) -> int:
        """With their places in the set of ids and their bytes."""
        try:
            members = [member for member, bundle in self._all() if is_theirs(bundle.request)]
            for start in range(0, len(members), AT_ONCE):
                self._unlink(members[start : start + AT_ONCE])
        except redis.RedisError as error:
            raise BundleStoreDownError(type(error).__name__) from error
        return len(members)

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _all(self) -> Iterator[tuple[bytes, KeptBundle]]:
        members: Iterator[bytes] = (member for member, _ in self._client.zscan_iter(self._ages, count=AT_ONCE))
        while some := list(itertools.islice(members, AT_ONCE)):
            found = self._client.mget([f"{self._key}:{one.decode().rsplit(':', 1)[0]}" for one in some])
            yield from ((member, _decode(data)) for member, data in zip(some, found, strict=True) if data is not None)

    def _unlink(self, members: Sequence[bytes]) -> None:
        named = [member.decode().rsplit(":", 1) for member in members]
        pipeline = self._client.pipeline()
        pipeline.zrem(self._ages, *members)
        pipeline.unlink(*(f"{self._key}:{bundle_id}" for bundle_id, _ in named))
        pipeline.decrby(self._size, sum(int(size) for _, size in named))
        pipeline.execute()

    def _forget_oldest(self, count: int) -> None:
        popped = [member.decode().rsplit(":", 1) for member, _ in self._client.zpopmin(self._ages, count)]
        if popped:
            pipeline = self._client.pipeline()
            pipeline.unlink(*(f"{self._key}:{bundle_id}" for bundle_id, _ in popped))
            pipeline.decrby(self._size, sum(int(size) for _, size in popped))
            pipeline.execute()


def build_bundle_store(settings: Settings) -> BundleStore:
    """The implementation that the settings name."""
    kept = settings.bundles
    max_bytes = kept.max_mb * 1024 * 1024
    if kept.backend == "redis":
        key = f"{redis_keys_of(settings.storage.releases)}:bundles"
        return RedisBundles(settings.features.redis_url, kept.ttl_s, max_bytes, key)
    return SqliteBundles(Path(settings.storage.data_dir) / STORE_FILE, kept.ttl_s, max_bytes)
