"""What is computed once and asked for again: readings and vectors of texts."""

import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

from cachetools import LRUCache

from online import metrics

Value = TypeVar("Value")


class Cache(Generic[Value]):
    """The latest `most` values; thread-safe. Two threads may make one value twice, none waits for the other."""

    def __init__(self, name: str, most: int) -> None:
        self._name, self._lock = name, threading.Lock()
        self._kept: LRUCache[Hashable, Value] = LRUCache(most)

    def get(self, key: Hashable) -> Value | None:
        """None where it is not there."""
        with self._lock:
            found = self._kept.get(key)
        metrics.observe_cache(self._name, "miss" if found is None else "hit")
        return found

    def put(self, key: Hashable, value: Value) -> None:
        """Keeps it, and forgets what was not asked for longest."""
        with self._lock:
            self._kept[key] = value
