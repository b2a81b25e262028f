"""Prompt and slots to a few hundred rows: the in-process index, or Weaviate (`retrieval_weaviate.py`)."""

import math
from collections.abc import Sequence
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from online.live import LiveRelease
from setwise.index import Hits
from setwise.settings import Vectors


class SlotQuery(msgspec.Struct, frozen=True):
    """What is sent for one slot: index terms, the vector of its words (None without an encoder), how many rows."""

    terms: Sequence[str]
    vector: NDArray[np.float32] | None
    limit: int


class VectorStoreDownError(Exception):
    """The vector store did not answer in time; the text has no address in it."""


class Retriever(Protocol):
    """Rows of one release for each query, best first. Raises VectorStoreDownError."""

    is_remote: bool
    """Whether something can be down that the release's own files do not need."""

    def retrieve(self, live: LiveRelease, queries: Sequence[SlotQuery], timeout_s: float = math.inf) -> list[Hits]: ...

    def renew(self) -> None:
        """Connects anew; called after a probe that failed."""
        ...

    def close(self) -> None: ...


class InProcessRetriever:
    """Searches the release's own files."""

    is_remote = False

    def retrieve(self, live: LiveRelease, queries: Sequence[SlotQuery], timeout_s: float = math.inf) -> list[Hits]:
        """About a millisecond a query."""
        return [live.index.hybrid(query.terms, query.vector, query.limit) for query in queries]

    def renew(self) -> None:
        """Nothing to connect."""

    def close(self) -> None:
        """Nothing to close."""


def build_retriever(vectors: Vectors, timeout_s: float = 0.5) -> Retriever:
    """The implementation that the settings name; `timeout_s` holds for all calls of one answer together."""
    if vectors.backend != "weaviate":
        return InProcessRetriever()
    # Only here: its package is two fifths of what a process loads, and the in-process index needs none of it.
    from online.retrieval_weaviate import WeaviateRetriever

    return WeaviateRetriever(vectors, timeout_s)
