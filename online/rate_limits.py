"""How many requests a client may send: counted for all processes together, in a local file or in Redis."""

import logging
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import redis
import redis.asyncio
from sqlalchemy import Column, Float, MetaData, String, Table

from setwise.local_store import STORE_ERRORS, driver_of, open_local_store
from setwise.names import redis_keys_of
from setwise.settings import Settings

logger = logging.getLogger(__name__)
STORE_FILE = "rates.db"
WAIT_S = 0.02
"""Longest wait for the count; a request is let in rather than held up by its own limit."""
TIDY_EVERY_S = 60
_TABLES = MetaData()
Table("rates", _TABLES, Column("name", String, primary_key=True), Column("free_at", Float, nullable=False))
# The moment at which all that was let in so far is used up moves on by one step for each request (GCRA); a request is
# let in while that moment lies at most the burst ahead. One that lies further ahead is from other settings.
_TAKE = """
local now, step, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local free_at = tonumber(redis.call('GET', KEYS[1]) or '0')
if free_at < now or free_at > now + window + step then free_at = now end
if free_at + step - now > window then return tostring(free_at + step - now - window) end
redis.call('SET', KEYS[1], tostring(free_at + step), 'PX', math.ceil((free_at + step - now) * 1000) + 1000)
return '0'
"""
_TAKE_ROW = """
INSERT INTO rates (name, free_at) VALUES (:name, :now + :step)
ON CONFLICT (name) DO UPDATE
SET free_at = CASE WHEN free_at < :now OR free_at > :now + :window + :step THEN :now ELSE free_at END + :step
WHERE CASE WHEN free_at < :now OR free_at > :now + :window + :step THEN :now ELSE free_at END + :step - :now <= :window
RETURNING free_at
"""


class Rate(Protocol):
    """Counts requests under names."""

    async def take(self, name: str, per_s: float, burst: int) -> float:
        """0 where the request is let in, else the seconds until one is."""
        ...

    async def close(self) -> None: ...


class SqliteRate:
    """One statement on a file that is never flushed, by the driver: Core took ten times as long, on the event loop."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._engine = open_local_store(path, _TABLES, flush="OFF", busy_s=WAIT_S)
        self._clock, self._tidied_at = clock, 0.0

    async def take(self, name: str, per_s: float, burst: int) -> float:
        """Lets everything in while the file is locked."""
        now, step = self._clock(), 1 / per_s
        window = burst * step
        said = {"name": name, "now": now, "step": step, "window": window}
        try:
            with driver_of(self._engine) as connection, connection:
                if connection.execute(_TAKE_ROW, said).fetchall():
                    self._tidy(connection, now)
                    return 0.0
                found = connection.execute("SELECT free_at FROM rates WHERE name = :name", said).fetchone()
        except STORE_ERRORS as error:
            logger.debug("rate limits are not counted: %s", type(error).__name__)
            return 0.0
        free_at = float(found[0]) if found else now
        return max(free_at + step - now - window, step / 10)

    async def close(self) -> None:
        """Closes the connections."""
        self._engine.dispose()

    def _tidy(self, connection: sqlite3.Connection, now: float) -> None:
        if now - self._tidied_at > TIDY_EVERY_S:
            self._tidied_at = now
            connection.execute("DELETE FROM rates WHERE free_at < ?", (now,))


class RedisRate:
    """One script call; Redis forgets a name by itself."""

    def __init__(self, url: str, key: str, timeout_s: float = WAIT_S, clock: Callable[[], float] = time.time) -> None:
        self._client: Any = redis.asyncio.Redis.from_url(
            url, socket_connect_timeout=timeout_s, socket_timeout=timeout_s, protocol=2
        )
        self._take = self._client.register_script(_TAKE)
        self._key, self._clock = key, clock
        self._down_until = 0.0

    async def take(self, name: str, per_s: float, burst: int) -> float:
        """Lets everything in while Redis does not answer, and asks it once a second then."""
        now = self._clock()
        if now < self._down_until:
            return 0.0
        try:
            args = [now, 1 / per_s, burst / per_s]
            return float(await self._take(keys=[f"{self._key}:{name}"], args=args))
        except (redis.RedisError, OSError) as error:
            logger.debug("rate limits are not counted: %s", type(error).__name__)
            self._down_until = now + 1.0
            return 0.0

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()


def build_rate(settings: Settings) -> Rate:
    """The implementation that the settings name."""
    if settings.doors.keys == "redis":
        return RedisRate(settings.features.redis_url, f"{redis_keys_of(settings.storage.releases)}:rates")
    return SqliteRate(Path(settings.storage.data_dir) / STORE_FILE)
