"""Feature values for keys, read straight from the store that Feast fills: SQLite or Redis."""

import contextlib
import sqlite3
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Protocol

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from online.feast_format import FeatureValue, decode_seconds, decode_value, entity_key, redis_field
from setwise.names import FEAST_PROJECT
from setwise.settings import Settings
from setwise.views import VIEWS

FeatureRow = dict[str, FeatureValue]
"""Every feature asked for; None where the store has no value for it."""
_NEVER_FILLED = "never filled"
Asked = tuple[str, Sequence[str]]
"""A view, and the keys whose rows are wanted."""
ONLINE_FILE = "features/online.db"
"""Where `feature_repo/feature_store.sqlite.yaml` puts the SQLite store, below the data folder."""


class FeatureStoreDownError(Exception):
    """The online store did not answer in time, or was never filled; the text has no address in it."""


class FeatureReader(Protocol):
    """Rows of a view in the order of the keys; None = no row, or one older than the maximal age.

    `features` = only these (fewer are faster); all of the view's otherwise. Raises FeatureStoreDownError.
    """

    newest: datetime | None
    """When the newest values that were read here were true, those of streamed views apart; None before any."""

    def read(
        self, view: str, keys: Sequence[str], now: datetime, features: Sequence[str] | None = None
    ) -> list[FeatureRow | None]: ...

    def read_views(self, asked: Sequence[Asked], now: datetime) -> list[list[FeatureRow | None]]:
        """The rows of several views, in one round trip. A streamed view that is not there has no rows."""
        ...

    def forget(self, view: str, key: str) -> bool:
        """Removes all that is kept under the key; False where there was nothing."""
        ...

    def close(self) -> None: ...


class SqliteFeatures:
    """Reads the file that Feast writes; one read-only connection per thread, one SELECT per read."""

    def __init__(self, path: Path, project: str, max_age_s: int, timeout_s: float = 0.1) -> None:
        self._timeout_s = timeout_s
        self._path = path.absolute()
        self._project = project
        self._max_age = timedelta(seconds=max_age_s)
        self._thread = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self.newest: datetime | None = None

    def read(
        self, view: str, keys: Sequence[str], now: datetime, features: Sequence[str] | None = None
    ) -> list[FeatureRow | None]:
        """At most 30,000 keys."""
        if not keys:
            return []
        names = tuple(features or VIEWS[view].features)
        wanted = {entity_key(VIEWS[view].entity_key, key): key for key in keys}
        table = f"{self._project}_{view}".replace('"', '""')
        parameters: list[bytes | str] = list(wanted)
        query = (
            f'SELECT entity_key, feature_name, value, event_ts FROM "{table}" '  # noqa: S608 - values are parameters
            f"WHERE entity_key IN ({','.join('?' * len(wanted))})"
        )
        if features:
            query += f" AND feature_name IN ({','.join('?' * len(names))})"
            parameters += names
        oldest, is_streamed = now.astimezone(timezone.utc) - self._max_age, VIEWS[view].is_streamed
        rows: dict[str, FeatureRow] = {}
        stamps: dict[float, datetime] = {}  # those of one row are the same
        try:
            for stored_key, name, value, second in self._connection().execute(query, parameters):
                if (stamp := stamps.get(second)) is None:
                    # Feast stores the UTC wall clock as if it were local time, and reads it back the same way.
                    stamp = stamps[second] = datetime.fromtimestamp(second).replace(tzinfo=timezone.utc)
                if stamp >= oldest and name in names:
                    if not is_streamed:
                        self.newest = stamp if self.newest is None else max(stamp, self.newest)
                    row = rows.setdefault(wanted[stored_key], dict.fromkeys(names))
                    row[name] = decode_value(value)
        except sqlite3.Error as error:
            text = str(error)
            if "no such table" not in text:
                self._forget()
            reason = _NEVER_FILLED if "no such table" in text else "timeout" if "locked" in text else text
            raise FeatureStoreDownError(reason) from error
        return [rows.get(key) for key in keys]

    def read_views(self, asked: Sequence[Asked], now: datetime) -> list[list[FeatureRow | None]]:
        """One SELECT for each view: a file has no round trips."""
        return [self._read_view(view, keys, now) for view, keys in asked]

    def _read_view(self, view: str, keys: Sequence[str], now: datetime) -> list[FeatureRow | None]:
        try:
            return self.read(view, keys, now)
        except FeatureStoreDownError as error:
            if VIEWS[view].is_streamed and str(error) == _NEVER_FILLED:
                return [None] * len(keys)
            raise

    def forget(self, view: str, key: str) -> bool:
        """One DELETE, on a connection of its own that may write."""
        table = f"{self._project}_{view}".replace('"', '""')
        found = entity_key(VIEWS[view].entity_key, key)
        try:
            with contextlib.closing(sqlite3.connect(f"{self._path.as_uri()}?mode=rw", uri=True, timeout=5)) as writing:
                writing.execute("PRAGMA secure_delete = ON")
                statement = f'DELETE FROM "{table}" WHERE entity_key = ?'  # noqa: S608 - the value is a parameter
                with writing:
                    return writing.execute(statement, (found,)).rowcount > 0
        except sqlite3.Error as error:
            is_never_filled = "no such table" in str(error)
            if is_never_filled and VIEWS[view].is_streamed:
                return False
            raise FeatureStoreDownError(_NEVER_FILLED if is_never_filled else str(error)) from error

    def close(self) -> None:
        """Closes every thread's connection."""
        while self._opened:
            self._opened.pop().close()

    def _connection(self) -> sqlite3.Connection:
        try:
            # Another file in its place (a store that was built anew) is another store.
            identity = self._path.stat().st_ino
        except OSError as error:
            raise FeatureStoreDownError(_NEVER_FILLED) from error
        if getattr(self._thread, "identity", None) != identity:
            self._forget()
            uri = f"{self._path.as_uri()}?mode=ro"
            # close() may be called by another thread; each connection is used by one.
            opened = sqlite3.connect(
                uri, uri=True, timeout=self._timeout_s, check_same_thread=False, isolation_level=None
            )
            self._opened.append(opened)
            self._thread.connection, self._thread.identity = opened, identity
        connection: sqlite3.Connection = self._thread.connection
        return connection

    def _forget(self) -> None:
        connection = self._thread.__dict__.pop("connection", None)
        self._thread.__dict__.pop("identity", None)
        if connection is not None:
            connection.close()
            with contextlib.suppress(ValueError):
                self._opened.remove(connection)


class RedisFeatures:
    """Reads the hashes that Feast writes: one HMGET per key, all in one round trip."""

    def __init__(
        self, url: str, project: str, max_age_s: int, connect_timeout_s: float = 0.2, read_timeout_s: float = 0.1
    ) -> None:
        self._project = project.encode()
        self.newest: datetime | None = None
        self._max_age = timedelta(seconds=max_age_s)
        # One more attempt at once, for a connection that the server closed while it was idle; never after a timeout.
        retry = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
        self._client: Any = redis.Redis.from_url(
            url, socket_connect_timeout=connect_timeout_s, socket_timeout=read_timeout_s, retry=retry, protocol=2
        )

    def read(
        self, view: str, keys: Sequence[str], now: datetime, features: Sequence[str] | None = None
    ) -> list[FeatureRow | None]:
        """One round trip, whatever the number of keys."""
        return self._read([(view, keys, tuple(features or VIEWS[view].features))], now)[0] if keys else []

    def read_views(self, asked: Sequence[Asked], now: datetime) -> list[list[FeatureRow | None]]:
        """One round trip, whatever the number of views and keys."""
        return self._read([(view, keys, VIEWS[view].features) for view, keys in asked], now)

    def _read(
        self, asked: Sequence[tuple[str, Sequence[str], tuple[str, ...]]], now: datetime
    ) -> list[list[FeatureRow | None]]:
        pipeline = self._client.pipeline(transaction=False)
        for view, keys, names in asked:
            fields = [f"_ts:{view}".encode(), *(redis_field(view, name) for name in names)]
            for key in keys:
                pipeline.hmget(entity_key(VIEWS[view].entity_key, key) + self._project, fields)
        try:
            replies = iter(pipeline.execute())
        except redis.TimeoutError as error:
            raise FeatureStoreDownError("timeout") from error
        except redis.ConnectionError as error:
            raise FeatureStoreDownError("unreachable") from error
        except redis.RedisError as error:
            raise FeatureStoreDownError(type(error).__name__) from error
        oldest = now.timestamp() - self._max_age.total_seconds()
        return [[self._row(view, names, next(replies), oldest) for _ in keys] for view, keys, names in asked]

    def _row(self, view: str, names: tuple[str, ...], reply: Sequence[Any], oldest: float) -> FeatureRow | None:
        stamp, *values = reply
        second = None if stamp is None else decode_seconds(stamp)
        if second is None or second < oldest:
            return None
        if not VIEWS[view].is_streamed and (self.newest is None or second > self.newest.timestamp()):
            self.newest = datetime.fromtimestamp(second, timezone.utc)
        return {name: decode_value(value) for name, value in zip(names, values, strict=True)}

    def forget(self, view: str, key: str) -> bool:
        """One DEL: the hash of an entity holds all of its views."""
        try:
            return bool(self._client.delete(entity_key(VIEWS[view].entity_key, key) + self._project))
        except redis.RedisError as error:
            raise FeatureStoreDownError(type(error).__name__) from error

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


def build_reader(settings: Settings, timeout_s: float = 0.1) -> FeatureReader:
    """The implementation that the settings name; connects when it is first read."""
    features = settings.features
    if features.backend == "redis":
        return RedisFeatures(features.redis_url, FEAST_PROJECT, features.max_age_s, timeout_s, timeout_s)
    file = Path(settings.storage.data_dir) / ONLINE_FILE
    return SqliteFeatures(file, FEAST_PROJECT, features.max_age_s, timeout_s)
