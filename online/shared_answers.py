"""Kept answers that all processes share, in Redis: what one has computed the others need not."""

import hashlib
from typing import Any

import msgspec
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from online.breaker import Breaker
from online.messages import BundleAnswer, ProductsAnswer
from setwise.names import redis_keys_of
from setwise.settings import Settings

TIMEOUT_S = 0.01
"""Of a round trip; an answer that is computed anew takes about as long."""


class SharedAnswer(msgspec.Struct, frozen=True):
    """One of the two answers, and id, price and least quantity of each product that it depends on."""

    bundles: BundleAnswer | None
    products: ProductsAnswer | None
    holds_with: list[tuple[str, int, int]]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(SharedAnswer).decode


class SharedAnswers:
    """Never raises: what Redis does not say in time is computed."""

    def __init__(self, url: str, prefix: str, timeout_s: float = TIMEOUT_S) -> None:
        self.breaker = Breaker("answers")
        self._prefix = prefix
        retry = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
        self._client: Any = redis.Redis.from_url(
            url, socket_connect_timeout=timeout_s, socket_timeout=timeout_s, retry=retry, protocol=2
        )

    def get(self, key: bytes) -> tuple[SharedAnswer, float] | None:
        """The answer and how many seconds it is good for; None where there is none, or none that can be read."""
        found = self._ask(key, lambda pipe, name: (pipe.get(name), pipe.pttl(name)))
        if not found or found[0] is None or found[1] <= 0:
            return None
        try:
            return _decode(found[0]), found[1] / 1000
        except msgspec.MsgspecError:  # another version of the service wrote it
            return None

    def put(self, key: bytes, answer: SharedAnswer, ttl_s: float) -> None:
        """Keeps it for so many seconds."""
        data, milliseconds = _encode(answer), max(int(ttl_s * 1000), 1)
        self._ask(key, lambda pipe, name: pipe.set(name, data, px=milliseconds))

    def probe(self) -> None:
        """One cheap question. Raises what the client raises."""
        self._client.ping()

    def close(self) -> None:
        """Closes the connections."""
        self._client.close()

    def _ask(self, key: bytes, fill: Any) -> list[Any] | None:
        if self.breaker.is_open:
            return None
        pipeline = self._client.pipeline(transaction=False)
        fill(pipeline, f"{self._prefix}:{hashlib.blake2b(key, digest_size=16).hexdigest()}")
        try:
            replies: list[Any] = pipeline.execute()
        except redis.RedisError:
            self.breaker.note(False)
            return None
        self.breaker.note(True)
        return replies


def build_shared_answers(settings: Settings) -> SharedAnswers | None:
    """None where each process keeps its own answers only."""
    if settings.caching.backend != "redis" or not settings.caching.ttl_s:
        return None
    return SharedAnswers(settings.features.redis_url, f"{redis_keys_of(settings.storage.releases)}:answers")
