"""How long each stage of one answer took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

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
