"""Whole answers of requests that name no person: computed once, and good as long as nothing in them has changed."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, TypeVar

import msgspec
import numpy as np
from cachetools import TLRUCache
from numpy.typing import NDArray

from online import metrics
from online.live import LiveRelease
from online.messages import BundleAnswer, BundleRequest, ProductsAnswer, ProductsRequest
from online.present import bundle_id_of
from online.shared_answers import SharedAnswer, SharedAnswers
from online.stages import STAGES
from setwise.experiment import NO_EXPERIMENT, Assignment
from setwise.names import ProductId
from setwise.request_ids import RequestIds
from setwise.rules import RuleBook

Answer = TypeVar("Answer", BundleAnswer, ProductsAnswer)
NAME = "answers"
SHARED_THREADS = 2
MAX_REQUEST = 4_096
"""Bytes of a request that is worth a place: longer ones hardly come twice."""
IN_MEMORY = 6
"""An answer takes about six times as much memory as its bytes."""
REFRESH_SHARE = 0.2
"""In this last share of its time one reader makes an answer anew, the likelier the later it is."""


class Entry(msgspec.Struct, frozen=True):
    """An answer, and what has to be as it was: rows, their prices, and the quantity that must be there of each."""

    answer: Any
    rows: NDArray[np.int64]
    prices: NDArray[np.int64]
    quantities: NDArray[np.int64]
    made_at: float
    expires_at: float
    size: int

    def holds(self, live: LiveRelease, now: datetime, allow_preorder: bool) -> bool:
        """True where every product, alternatives too, costs what it did and can still be sold."""
        snapshot = live.snapshot
        if not np.array_equal(snapshot.prices_now(self.rows, now), self.prices):
            return False
        return bool(snapshot.sellable(self.rows, now, self.quantities, allow_preorder).all())


class AnswerCache:
    """At most so many bytes, each answer at most `ttl_s`; used from the event loop only.

    Keyed by release, rules, variants and the whole request. One caller computes, the others of the moment wait."""

    def __init__(
        self, ttl_s: float, max_bytes: int, allow_preorder: bool, shared: SharedAnswers | None = None,
        clock: Callable[[], float] = time.monotonic, request_ids: RequestIds | None = None,
    ) -> None:  # fmt: skip
        self._request_ids = request_ids or RequestIds()
        self.shared = shared
        self._pool = ThreadPoolExecutor(SHARED_THREADS, "shared-answers") if shared else None
        self._ttl_s, self._allow_preorder, self._clock = ttl_s, allow_preorder, clock
        self._kept: TLRUCache[bytes, Entry] = TLRUCache(
            max_bytes, lambda _, entry, __: entry.expires_at, timer=clock, getsizeof=lambda entry: entry.size
        )
        self._flights: dict[bytes, asyncio.Future[Any]] = {}
        self._random = random.Random()  # noqa: S311 - when to refresh is no secret

    def close(self) -> None:
        """Ends threads and connections."""
        if self.shared is not None and self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self.shared.close()

    def key_of(
        self, request: BundleRequest | ProductsRequest, live: LiveRelease, book: RuleBook,
        assignment: Assignment = NO_EXPERIMENT,
    ) -> bytes | None:  # fmt: skip
        """None for a request that is answered for itself: of a person, or too long to come twice."""
        if not self._ttl_s or request.user_id or request.visitor_id or request.session_id:
            return None
        said = msgspec.msgpack.encode(request)
        if len(said) > MAX_REQUEST:
            return None
        under = f"{live.manifest.release_id}|{book.version}|{assignment.cache_key}"
        return f"{type(request).__name__}|{under}|".encode() + said

    async def answer(
        self, key: bytes, live: LiveRelease, book: RuleBook, now: datetime, make: Callable[[], Awaitable[Answer]],
    ) -> Answer:  # fmt: skip
        """The kept answer under new ids, or the one that `make` makes."""
        started = self._clock()
        entry = self._kept.get(key)
        if entry is not None and not entry.holds(live, now, self._allow_preorder):
            del self._kept[key]
            metrics.observe_cache(NAME, "changed")
            entry = None
        elif entry is None:
            metrics.observe_cache(NAME, "waited" if key in self._flights else "miss")
        if entry is None:
            return await self._computed(key, live, book, now, make, started)
        metrics.observe_cache(NAME, "hit")
        if key not in self._flights and self._is_due(entry):
            metrics.observe_cache(NAME, "refresh")
            refresh = asyncio.ensure_future(self._make(key, live, book, now, make, is_refresh=True))
            self._fly(key, refresh)
        answer: Answer = entry.answer
        return renewed(answer, self._request_ids.new(), (self._clock() - started) * 1000)

    async def _computed(
        self, key: bytes, live: LiveRelease, book: RuleBook, now: datetime, make: Callable[[], Awaitable[Answer]],
        started: float,
    ) -> Answer:  # fmt: skip
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.ensure_future(self._make(key, live, book, now, make))
            self._fly(key, flight)
            return await asyncio.shield(flight)
        answer: Answer = await asyncio.shield(flight)
        return renewed(answer, self._request_ids.new(), (self._clock() - started) * 1000)

    def _fly(self, key: bytes, flight: "asyncio.Future[Any]") -> None:
        self._flights[key] = flight

        def landed(done: "asyncio.Future[Any]") -> None:
            del self._flights[key]
            if not done.cancelled():
                done.exception()  # seen: its callers have it, and a refresh has none

        flight.add_done_callback(landed)

    async def _make(
        self, key: bytes, live: LiveRelease, book: RuleBook, now: datetime, make: Callable[[], Awaitable[Answer]],
        is_refresh: bool = False,
    ) -> Answer:  # fmt: skip
        started = self._clock()
        found = None if is_refresh else await self._of_others(key, live, now)
        if found is not None:
            metrics.observe_cache(NAME, "shared")
            self._kept[key] = found
            known: Answer = found.answer
            return renewed(known, self._request_ids.new(), (self._clock() - started) * 1000)
        answer = await make()
        entry = self._entry(answer, live, book, now) if _is_worth_keeping(answer) else None
        if entry is not None:
            self._kept[key] = entry
            if self.shared is not None and self._pool is not None:
                self._pool.submit(self.shared.put, key, _as_shared(entry, live), entry.expires_at - entry.made_at)
        return answer

    async def _of_others(self, key: bytes, live: LiveRelease, now: datetime) -> Entry | None:
        if self.shared is None:
            return None
        found = await asyncio.get_running_loop().run_in_executor(self._pool, self.shared.get, key)
        if found is None:
            return None
        kept, ttl_s = found
        ids, prices, quantities = zip(*kept.holds_with, strict=True)
        rows = live.snapshot.rows_of(map(ProductId, ids))
        if len(rows) < len(ids):
            return None
        entry = self._checked(kept.bundles or kept.products, rows, prices, quantities, ttl_s)
        return entry if entry is not None and entry.holds(live, now, self._allow_preorder) else None

    def _entry(self, answer: Any, live: LiveRelease, book: RuleBook, now: datetime) -> Entry | None:
        holds_until = book.holds_until(now)
        ttl_s = self._ttl_s if holds_until is None else min(self._ttl_s, (holds_until - now).total_seconds())
        wanted = _products_of(answer)
        found = live.snapshot.rows_of(map(ProductId, wanted))
        if len(found) < len(wanted) or ttl_s <= 0:
            return None
        prices = live.snapshot.prices_now(np.asarray(found, dtype=np.int64), now)
        return self._checked(answer, found, prices, list(wanted.values()), ttl_s)

    def _checked(
        self, answer: Any, rows: Sequence[int], prices: Sequence[int] | NDArray[np.int64], quantities: Sequence[int],
        ttl_s: float,
    ) -> Entry | None:  # fmt: skip
        moment, size = self._clock(), IN_MEMORY * len(msgspec.msgpack.encode(answer))
        rows_, prices_, quantities_ = (np.asarray(values, dtype=np.int64) for values in (rows, prices, quantities))
        if size > self._kept.maxsize:
            return None
        return Entry(answer, rows_, prices_, quantities_, moment, moment + ttl_s, size)

    def _is_due(self, entry: Entry) -> bool:
        """Never before the last share of its time, surely at its end; by chance between, so that not all come at
        once."""
        left = (entry.expires_at - self._clock()) / (entry.expires_at - entry.made_at)
        return left < REFRESH_SHARE * self._random.random()


def _as_shared(entry: Entry, live: LiveRelease) -> SharedAnswer:
    ids = [live.snapshot.ids[row] for row in entry.rows.tolist()]
    holds_with = list(zip(ids, entry.prices.tolist(), entry.quantities.tolist(), strict=True))
    is_bundles = isinstance(entry.answer, BundleAnswer)
    return SharedAnswer(entry.answer if is_bundles else None, None if is_bundles else entry.answer, holds_with)


def _is_worth_keeping(answer: BundleAnswer | ProductsAnswer) -> bool:
    """What was answered on a lower rung would stay there; what fits nothing today may do so after the next change."""
    whole = answer.served_by == "full" and not answer.degraded
    return whole and bool(answer.bundles if isinstance(answer, BundleAnswer) else answer.products)


def _products_of(answer: BundleAnswer | ProductsAnswer) -> dict[str, int]:
    """Each product of an answer, alternatives too, and how many must be there."""
    if isinstance(answer, ProductsAnswer):
        return {product.product_id: 1 for product in answer.products}
    wanted: dict[str, int] = {}
    for item in (item for bundle in answer.bundles for item in bundle.items):
        for product_id in (item.product_id, *item.alternatives):
            wanted[product_id] = max(item.quantity, wanted.get(product_id, 1))
    return wanted


def renewed(answer: Answer, request_id: str, total_ms: float) -> Answer:
    """The same answer under ids of its own, with the time that this one took."""
    timings = dict.fromkeys(STAGES, 0.0) | {"total": round(total_ms, 3)}
    new = msgspec.structs.replace(answer, request_id=request_id, timings_ms=timings)
    if isinstance(new, ProductsAnswer):
        return new
    bundles = [msgspec.structs.replace(one, bundle_id=bundle_id_of(request_id, one.items)) for one in new.bundles]
    return msgspec.structs.replace(new, bundles=bundles)
