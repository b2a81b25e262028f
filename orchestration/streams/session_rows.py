"""Rows of shopper_sessions into Feast's online store, by Feast itself."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta

from orchestration.feature_store import apply, open_store
from setwise.names import FEAST_PROJECT, SESSION_ENTITY_KEY, SHOPPER_SESSIONS_VIEW
from setwise.sessions import WINDOW, ShopperKey, ShopperSession
from setwise.settings import Settings

AT_ONCE = 5_000
KEPT = WINDOW + timedelta(minutes=10)
"""A row's newest act may be some minutes ahead of the clock, never more."""
ANSWER_S = 5


class SessionStoreDownError(Exception):
    """The online store did not take rows."""


class SessionRows:
    """Rows replace those of the same key; a row that is written twice is there once."""

    def __init__(self, settings: Settings, project: str = FEAST_PROJECT) -> None:
        self._settings, self._is_there = settings, False
        self._store = open_store(settings, project)
        online = self._store.config.online_store
        self._is_sqlite = settings.features.backend == "sqlite"
        if not self._is_sqlite:
            # One round trip: this process alone writes the view, so what it writes is the newest.
            online.skip_dedup = True
            online.key_ttl_seconds = int(KEPT.total_seconds())
            online.connection_string += f",socket_timeout={ANSWER_S},socket_connect_timeout={ANSWER_S}"

    def write(self, rows: Mapping[ShopperKey, ShopperSession]) -> None:
        """Raises SessionStoreDownError; some rows may be written then."""
        import pandas as pd
        import redis

        self._register()
        items, now = list(rows.items()), datetime.now(UTC)
        for start in range(0, len(items), AT_ONCE):
            some = items[start : start + AT_ONCE]
            columns: dict[str, list[object]] = {SESSION_ENTITY_KEY: [key for key, _ in some]}
            for name in ShopperSession.__struct_fields__:
                values = (getattr(row, name) for _, row in some)
                columns[name] = [list(value) if isinstance(value, tuple) else value for value in values]
            columns["event_timestamp"] = [now] * len(some)
            try:
                self._store.write_to_online_store(SHOPPER_SESSIONS_VIEW, pd.DataFrame(columns))
            except (redis.RedisError, sqlite3.Error, OSError) as error:
                raise SessionStoreDownError(type(error).__name__) from error

    def missing(self, keys: Sequence[ShopperKey]) -> set[ShopperKey]:
        """Those that have no row. Raises SessionStoreDownError."""
        import redis

        self._register()
        feature = ShopperSession.__struct_fields__[0]
        found: set[ShopperKey] = set()
        for start in range(0, len(keys), AT_ONCE):
            some = keys[start : start + AT_ONCE]
            asked = [{SESSION_ENTITY_KEY: key} for key in some]
            try:
                answer = self._store.get_online_features([f"{SHOPPER_SESSIONS_VIEW}:{feature}"], asked).to_dict()
            except (redis.RedisError, sqlite3.Error, OSError) as error:
                raise SessionStoreDownError(type(error).__name__) from error
            found |= {key for key, value in zip(some, answer[feature], strict=True) if value is None}
        return found

    def forget(self, before: datetime) -> None:
        """Rows that were written before this moment; in Redis they go by themselves. Raises SessionStoreDownError."""
        if not self._is_sqlite:
            return
        self._register()
        table = f"{self._store.project}_{SHOPPER_SESSIONS_VIEW}".replace('"', '""')
        # Feast keeps the UTC wall clock as if it were local time.
        second = int(before.astimezone(UTC).replace(tzinfo=None).timestamp())
        try:
            with closing(sqlite3.connect(self._store.config.online_store.path, timeout=ANSWER_S)) as file, file:
                file.execute(f'DELETE FROM "{table}" WHERE event_ts < ?', (second,))  # noqa: S608 - a name of ours
        except sqlite3.Error as error:
            raise SessionStoreDownError(type(error).__name__) from error

    def _register(self) -> None:
        """Where no build has registered the view yet."""
        from feast.errors import FeatureViewNotFoundException

        if self._is_there:
            return
        try:
            self._store.get_feature_view(SHOPPER_SESSIONS_VIEW)
        except FeatureViewNotFoundException:
            apply(self._store, self._settings)
        self._is_there = True
