"""Prompt and slots to a few hundred rows: the in-process index, or Weaviate by its generated stubs."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol

import grpc
import msgspec
import numpy as np
from numpy.typing import NDArray
from weaviate.proto.v1 import base_search_pb2, search_get_pb2, weaviate_pb2_grpc

from online.live import LiveRelease
from setwise.index import Hits, fuse
from setwise.settings import Vectors


class SlotQuery(msgspec.Struct, frozen=True):
    """What is sent for one slot: index terms, the vector of its words (None without an encoder), how many rows."""

    terms: list[str]
    vector: NDArray[np.float32] | None
    limit: int


class VectorStoreDownError(Exception):
    """The vector store did not answer in time; the text has no address in it."""


class Retriever(Protocol):
    """Rows of one release for each query, best first. Raises VectorStoreDownError."""

    def retrieve(self, live: LiveRelease, queries: Sequence[SlotQuery]) -> list[Hits]: ...

    def close(self) -> None: ...


class InProcessRetriever:
    """Searches the release's own files."""

    def retrieve(self, live: LiveRelease, queries: Sequence[SlotQuery]) -> list[Hits]:
        """About a millisecond a query."""
        return [live.index.hybrid(query.terms, query.vector, query.limit) for query in queries]

    def close(self) -> None:
        """Nothing to close."""


class WeaviateRetriever:
    """Both legs of every slot against the release's own collection, at once; only ids come back.

    Weaviate's own hybrid scales each leg from its worst hit; fusing here gives the in-process index's order."""

    def __init__(self, vectors: Vectors, timeout_s: float = 0.5, workers: int = 8) -> None:
        address = f"{vectors.weaviate_host}:{vectors.weaviate_grpc_port}"
        credentials = grpc.ssl_channel_credentials() if vectors.weaviate_secure else None
        self._channel = grpc.secure_channel(address, credentials) if credentials else grpc.insecure_channel(address)
        self._stub = weaviate_pb2_grpc.WeaviateStub(self._channel)
        key = vectors.weaviate_api_key
        self._metadata = (("authorization", f"Bearer {key}"),) if key else ()
        self._timeout_s = timeout_s
        self._pool = ThreadPoolExecutor(workers, "weaviate")

    def retrieve(self, live: LiveRelease, queries: Sequence[SlotQuery]) -> list[Hits]:
        """Two calls per query, all in parallel."""
        if not live.manifest.collection:
            raise VectorStoreDownError("the release was built without Weaviate")
        asked = [
            (self._pool.submit(self._near, live, query), self._pool.submit(self._matching, live, query))
            for query in queries
        ]
        try:
            found = [(near.result(), matching.result()) for near, matching in asked]
        except grpc.RpcError as error:
            raise VectorStoreDownError(error.code().name.lower()) from error
        return [
            fuse(near, matching, partial(live.index.similarity, query.vector) if query.vector is not None else None)
            for query, (near, matching) in zip(queries, found, strict=True)
        ]

    def _near(self, live: LiveRelease, query: SlotQuery) -> NDArray[np.int64]:
        if query.vector is None:
            return np.empty(0, dtype=np.int64)
        near = base_search_pb2.NearVector(vector_bytes=query.vector.astype("<f4").tobytes())
        return self._search(live, query, near_vector=near)[0]

    def _matching(self, live: LiveRelease, query: SlotQuery) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        if not query.terms:
            return np.empty(0, dtype=np.int64), np.empty(0)
        words = base_search_pb2.BM25(query=" ".join(query.terms), properties=["text"])
        return self._search(live, query, bm25_search=words)

    def _search(self, live: LiveRelease, query: SlotQuery, **leg: Any) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        request = search_get_pb2.SearchRequest(
            collection=live.manifest.collection,
            limit=query.limit,
            uses_123_api=True,
            uses_125_api=True,
            uses_127_api=True,
            metadata=search_get_pb2.MetadataRequest(uuid=True, score="bm25_search" in leg),
            properties=search_get_pb2.PropertiesRequest(return_all_nonref_properties=False),
            **leg,
        )
        reply = self._stub.Search(request, timeout=self._timeout_s, metadata=self._metadata)
        rows = [int(found.metadata.id.replace("-", ""), 16) - 1 for found in reply.results]
        scores = [found.metadata.score for found in reply.results]
        return np.asarray(rows, dtype=np.int64), np.asarray(scores, dtype=np.float64)

    def close(self) -> None:
        """Ends the calls and closes the channel."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._channel.close()


def build_retriever(vectors: Vectors) -> Retriever:
    """The implementation that the settings name."""
    return WeaviateRetriever(vectors) if vectors.backend == "weaviate" else InProcessRetriever()
