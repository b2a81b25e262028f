"""Prompt and slots to a few hundred rows: the in-process index, or Weaviate by its generated stubs."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import grpc
import msgspec
import numpy as np
from numpy.typing import NDArray
from weaviate.proto.v1 import base_search_pb2, search_get_pb2, weaviate_pb2_grpc

from online.live import LiveRelease
from setwise.index import DENSE_WEIGHT, TITLE_BOOST, Hits
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
    """Hybrid queries against the release's own collection: ids and scores only, all slots at once."""

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
        """One call per query, in parallel."""
        collection = live.manifest.collection
        if not collection:
            raise VectorStoreDownError("the release was built without Weaviate")
        try:
            return list(self._pool.map(lambda query: self._search(collection, query), queries))
        except grpc.RpcError as error:
            raise VectorStoreDownError(error.code().name.lower()) from error

    def _search(self, collection: str, query: SlotQuery) -> Hits:
        request = search_get_pb2.SearchRequest(
            collection=collection,
            limit=query.limit,
            uses_123_api=True,
            uses_125_api=True,
            uses_127_api=True,
            metadata=search_get_pb2.MetadataRequest(uuid=True, score=True),
            properties=search_get_pb2.PropertiesRequest(return_all_nonref_properties=False),
        )
        words = " ".join(query.terms)
        fields = [f"title^{TITLE_BOOST:g}", "text"]
        if query.vector is None:
            request.bm25_search.CopyFrom(base_search_pb2.BM25(query=words, properties=fields))
        else:
            hybrid = base_search_pb2.Hybrid(
                query=words,
                properties=fields,
                alpha=DENSE_WEIGHT,
                fusion_type=base_search_pb2.Hybrid.FUSION_TYPE_RELATIVE_SCORE,
                vector_bytes=query.vector.astype("<f4").tobytes(),
            )
            request.hybrid_search.CopyFrom(hybrid)
        reply = self._stub.Search(request, timeout=self._timeout_s, metadata=self._metadata)
        rows = [int(found.metadata.id.replace("-", ""), 16) - 1 for found in reply.results]
        scores = [found.metadata.score for found in reply.results]
        return Hits(np.asarray(rows, dtype=np.int64), np.asarray(scores, dtype=np.float64))

    def close(self) -> None:
        """Ends the calls and closes the channel."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._channel.close()


def build_retriever(vectors: Vectors) -> Retriever:
    """The implementation that the settings name."""
    return WeaviateRetriever(vectors) if vectors.backend == "weaviate" else InProcessRetriever()
