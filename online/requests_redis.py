"""Asynchronous requests in Redis: a hash and a stream each, and a key for each idempotency key; they expire."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from online.request_store import END, Progress, RequestRecord, RequestStoreDownError, Status, StoredEvent

# Scripts, as each step looks before it writes, and other processes do the same.
_MAKE = """
local function make(id, owner, hash, accepted, ttl)
  if redis.call('EXISTS', id) == 0 then
    redis.call('HSET', id, 'owner', owner, 'body_hash', hash, 'status', 'queued', 'accepted', accepted, 'attempts', 0)
    redis.call('EXPIRE', id, ttl)
  end
end
"""
_CREATE = (
    _MAKE
    + """
local prefix, id, owner, hash, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if KEYS[1] then
  id = redis.call('SET', KEYS[1], id, 'NX', 'GET', 'EX', ttl) or id
end
make(prefix .. id, owner, hash, 0, ttl)
return {id, redis.call('HGETALL', prefix .. id)}
"""
)
_BEGIN = (
    _MAKE
    + """
make(KEYS[1], ARGV[1], ARGV[2], 1, ARGV[3])
local status = redis.call('HGET', KEYS[1], 'status')
if status == 'queued' or status == 'running' then
  redis.call('HSET', KEYS[1], 'status', 'running')
  redis.call('HINCRBY', KEYS[1], 'attempts', 1)
end
return redis.call('HGETALL', KEYS[1])
"""
)
_ACCEPT = "if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSET', KEYS[1], 'accepted', 1) end"
_PUBLISH = """
local left = redis.call('PTTL', KEYS[1])
if left < 0 then return 0 end
local last = 0
for at = 2, #ARGV, 3 do
  last = 0
  local is_open = redis.call('HEXISTS', KEYS[1], 'event:end') == 0
  if is_open and redis.call('HSETNX', KEYS[1], 'event:' .. ARGV[at], 1) == 1 then
    last = redis.call('HINCRBY', KEYS[1], 'events', 1)
    redis.call('XADD', KEYS[2], last .. '-1', 'name', ARGV[at + 1], 'data', ARGV[at + 2])
    if ARGV[at] == 'end' then redis.call('HSET', KEYS[1], 'status', ARGV[1]) end
  end
end
redis.call('PEXPIRE', KEYS[2], left)
return last
"""
assert END == "end", "the script says so too"
SLOWEST_S = 5.0


class RedisRequests:
    """One round trip for each call; a client that listens has a connection of its own, on which Redis tells it."""

    def __init__(self, url: str, ttl_s: int, key: str, timeout_s: float = 1.0) -> None:
        retry = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
        self._client: Any = redis.Redis.from_url(
            url, socket_connect_timeout=timeout_s, socket_timeout=timeout_s, retry=retry, protocol=2
        )
        self._url, self._timeout_s, self._ttl_s, self._key = url, timeout_s, ttl_s, key
        self._waiting: Any = None
        scripts = (_CREATE, _ACCEPT, _BEGIN, _PUBLISH)
        self._create, self._accept, self._begin, self._publish = map(self._client.register_script, scripts)

    def create(self, request_id: str, owner: str, body_hash: str, key: str, now: datetime) -> RequestRecord:
        """A client's key is hashed: it may hold anything."""
        hashed = hashlib.sha256(f"{len(owner)}:{owner}{key}".encode()).hexdigest()
        keys = [f"{self._key}:key:{hashed}"] if key else []
        found, fields = self._ask(
            self._create, keys=keys, args=[f"{self._key}:", request_id, owner, body_hash, self._ttl_s]
        )
        return _record(found.decode(), _pairs(fields))

    def accept(self, request_id: str) -> None:
        """Does not bring an expired one back."""
        self._ask(self._accept, keys=[f"{self._key}:{request_id}"])

    def get(self, request_id: str, now: datetime) -> RequestRecord | None:
        """Redis knows by itself what has expired."""
        fields = self._ask(self._client.hgetall, f"{self._key}:{request_id}")
        return _record(request_id, fields) if fields else None

    def begin(self, request_id: str, owner: str, body_hash: str, now: datetime) -> RequestRecord:
        """Looks, makes and counts in one step."""
        fields = self._ask(self._begin, keys=[f"{self._key}:{request_id}"], args=[owner, body_hash, self._ttl_s])
        return _record(request_id, _pairs(fields))

    def publish(self, request_id: str, events: Sequence[Progress], status: Status = "running") -> bool:
        """The stream expires with its record."""
        keys = [f"{self._key}:{request_id}", f"{self._key}:{request_id}:events"]
        flat = [part for one in events for part in (one.key, one.name, one.data)]
        return bool(self._ask(self._publish, keys=keys, args=[status, *flat]))

    def events(self, request_id: str, after: int) -> list[StoredEvent]:
        """A range of the stream."""
        found = self._ask(self._client.xrange, f"{self._key}:{request_id}:events", min=f"{after + 1}-0")
        return [_event(*entry) for entry in found]

    async def wait(self, request_id: str, after: int, timeout_s: float) -> list[StoredEvent]:
        """XREAD BLOCK: nothing is asked again and again."""
        if self._waiting is None:
            slowest = timeout_s + SLOWEST_S
            self._waiting = redis.asyncio.Redis.from_url(
                self._url, socket_connect_timeout=self._timeout_s, socket_timeout=slowest, protocol=2
            )
        stream = f"{self._key}:{request_id}:events"
        try:
            found = await self._waiting.xread({stream: f"{after}-1"}, block=max(int(timeout_s * 1_000), 1))
        except redis.RedisError as error:
            raise RequestStoreDownError(type(error).__name__) from error
        return [_event(*entry) for _, entries in found for entry in entries]

    async def stop_waiting(self) -> None:
        """Closes the connections of those who listened."""
        if self._waiting is not None:
            await self._waiting.aclose()
            self._waiting = None

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _ask(self, call: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return call(*args, **kwargs)
        except redis.RedisError as error:
            raise RequestStoreDownError(type(error).__name__) from error


def _pairs(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _record(request_id: str, fields: dict[bytes, bytes]) -> RequestRecord:
    status: Any = fields[b"status"].decode()
    return RequestRecord(
        request_id, fields[b"owner"].decode(), fields[b"body_hash"].decode(), status,
        fields[b"accepted"] == b"1", int(fields[b"attempts"]),
    )  # fmt: skip


def _event(number: bytes, fields: dict[bytes, bytes]) -> StoredEvent:
    return StoredEvent(int(number.split(b"-")[0]), fields[b"name"].decode(), fields[b"data"])
