"""What the streams count, minute by minute, for operators: from Redis hashes or from the streams' file."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import redis

from setwise.live_counts import LIVE_FILE, CountKey, Counts, counts_of, minute_key
from setwise.settings import Settings

ANSWER_S = 1.0


class CountersDownError(Exception):
    """The store of counters did not answer; the text has no address in it."""


class LiveCounters(Protocol):
    """Counters that streams keep; empty as long as no stream has run."""

    def read(self, minutes: Sequence[int]) -> Counts:
        """Of these minutes since 1970. Raises CountersDownError."""
        ...

    def close(self) -> None: ...


class RedisCounters:
    """One HGETALL for each minute, all in one round trip."""

    def __init__(self, url: str, releases_url: str) -> None:
        self._releases = releases_url
        self._client: Any = redis.Redis.from_url(
            url, socket_timeout=ANSWER_S, socket_connect_timeout=ANSWER_S, protocol=2
        )

    def read(self, minutes: Sequence[int]) -> Counts:
        """Raises CountersDownError."""
        pipeline = self._client.pipeline(transaction=False)
        for minute in minutes:
            pipeline.hgetall(minute_key(self._releases, minute))
        try:
            found = pipeline.execute() if minutes else []
        except redis.RedisError as error:
            raise CountersDownError(type(error).__name__) from error
        counts: Counts = {}
        for minute, fields in zip(minutes, found, strict=True):
            counts |= counts_of(minute, fields.items())
        return counts

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()


class SqliteCounters:
    """Reads the streams' file; a connection for each call, as operators call once a second at most."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()

    def read(self, minutes: Sequence[int]) -> Counts:
        """Raises CountersDownError."""
        if not minutes or not self._path.is_file():
            return {}
        query = "SELECT minute, variant, slot, name, currency, value FROM counters WHERE minute BETWEEN ? AND ?"
        wanted = set(minutes)
        try:
            file = sqlite3.connect(f"{self._path.as_uri()}?mode=ro", uri=True, timeout=ANSWER_S)
            try:
                rows = file.execute(query, (min(minutes), max(minutes))).fetchall()
            finally:
                file.close()
        except sqlite3.Error as error:
            if "no such table" in str(error):
                return {}
            raise CountersDownError(str(error)) from error
        return {CountKey(*row[:5]): row[5] for row in rows if row[0] in wanted}

    def close(self) -> None:
        """Nothing is open."""


def build_live_counters(settings: Settings) -> LiveCounters:
    """The implementation that the settings name; connects when it is first read."""
    if settings.features.backend == "redis":
        return RedisCounters(settings.features.redis_url, settings.storage.releases)
    return SqliteCounters(Path(settings.storage.data_dir) / LIVE_FILE)
