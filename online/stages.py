"""How long each stage of one answer took."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
STAGES = ("understand", "encode", "retrieve", "hydrate", "rank", "assemble")


class Stages:
    """Milliseconds per stage; a stage that is entered twice adds up."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._spent = dict.fromkeys(STAGES, 0.0)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self._spent[name] += (time.perf_counter() - started) * 1000

    def timings_ms(self) -> dict[str, float]:
        """Every stage and the total, rounded to microseconds."""
        total = (time.perf_counter() - self._started) * 1000
        return {name: round(ms, 3) for name, ms in [*self._spent.items(), ("total", total)]}


class Waits:
    """What an answer waits for around its pipeline, from the moment `arrived` of time.perf_counter() on."""

    def __init__(self, arrived: float) -> None:
        self._arrived = arrived
        self._queue_s, self._ended = 0.0, 0.0

    def timed(self, pipeline: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs it, in the thread that took it."""
        self._queue_s = time.perf_counter() - self._arrived
        try:
            return pipeline(*args, **kwargs)
        finally:
            self._ended = time.perf_counter()

    def around(self, timings_ms: Mapping[str, float]) -> dict[str, float]:
        """The pipeline's stages with `queue` before them, `other` work of their thread and `resume`, the way back to
        the event loop; together they are the total, which begins when the request came."""
        now = time.perf_counter()
        stages = {name: ms for name, ms in timings_ms.items() if name != "total"}
        total, queue = (now - self._arrived) * 1000, self._queue_s * 1000
        resume = (now - self._ended) * 1000 if self._ended else 0.0
        other = max(total - queue - resume - sum(stages.values()), 0.0)
        more = {"other": other, "resume": resume, "total": total}
        return {"queue": round(queue, 3), **stages, **{name: round(ms, 3) for name, ms in more.items()}}
