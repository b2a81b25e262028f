"""Weaviate on the hot path, by its generated stubs: ids only, all calls of an answer at once."""

import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import grpc
import numpy as np
from numpy.typing import NDArray
from weaviate.proto.v1 import base_search_pb2, search_get_pb2, weaviate_pb2_grpc

from online.live import LiveRelease
from online.retrieval import SlotQuery, VectorStoreDownError
from setwise.index import Hits, fuse
from setwise.settings import Vectors

# Left to itself the channel waits up to two minutes before it connects again to a server that is back.
_OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)


class WeaviateRetriever:
    """Both legs of every slot against the release's own collection, at once; only ids come back.

    Weaviate's own hybrid scales each leg from its worst hit; fusing here gives the in-process index's order."""

    is_remote = True

    def __init__(self, vectors: Vectors, timeout_s: float = 0.5) -> None:
        self._vectors, self._timeout_s = vectors, timeout_s
        key = vectors.weaviate_api_key
        self._metadata = (("authorization", f"Bearer {key}"),) if key else ()
        self._connect()

    def _connect(self) -> None:
        address = f"{self._vectors.weaviate_host}:{self._vectors.weaviate_grpc_port}"
        if self._vectors.weaviate_secure:
            self._channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(), _OPTIONS)
        else:
            self._channel = grpc.insecure_channel(address, _OPTIONS)
        self._stub = weaviate_pb2_grpc.WeaviateStub(self._channel)

    def renew(self) -> None:
        """Another channel: one whose connection has gone silent waits for it for ever."""
        old = self._channel
        self._connect()
        old.close()

    def retrieve(self, live: LiveRelease, queries: Sequence[SlotQuery], timeout_s: float = math.inf) -> list[Hits]:
        """Two calls per query, all in parallel and with one time-out for all of them."""
        if not live.manifest.collection:
            raise VectorStoreDownError("the release was built without Weaviate")
        within = min(timeout_s, self._timeout_s)
        asked = [(self._near(live, query, within), self._matching(live, query, within)) for query in queries]
        count = len(live.snapshot)
        try:
            found = [(_rows_of(near, count)[0], _rows_of(matching, count)) for near, matching in asked]
        except grpc.RpcError as error:
            for call in (call for calls in asked for call in calls if call is not None):
                call.cancel()
            code = error.code()
            is_late = code == grpc.StatusCode.DEADLINE_EXCEEDED
            raise VectorStoreDownError("timeout" if is_late else code.name.lower()) from error
        return [
            fuse(near, matching, partial(live.index.similarity, query.vector) if query.vector is not None else None)
            for query, (near, matching) in zip(queries, found, strict=True)
        ]

    def _near(self, live: LiveRelease, query: SlotQuery, timeout_s: float) -> Any:
        if query.vector is None:
            return None
        near = base_search_pb2.NearVector(vector_bytes=query.vector.astype("<f4").tobytes())
        return self._search(live, query, timeout_s, near_vector=near)

    def _matching(self, live: LiveRelease, query: SlotQuery, timeout_s: float) -> Any:
        if not query.terms:
            return None
        words = base_search_pb2.BM25(query=" ".join(query.terms), properties=["text"])
        return self._search(live, query, timeout_s, bm25_search=words)

    def _search(self, live: LiveRelease, query: SlotQuery, timeout_s: float, **leg: Any) -> Any:
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
        return self._stub.Search.future(request, timeout=timeout_s, metadata=self._metadata)

    def close(self) -> None:
        """Ends the calls and closes the channel."""
        self._channel.close()


def _rows_of(call: Any, count: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rows and scores of a call; VectorStoreDownError for what cannot be a row of a release of so many products."""
    if call is None:
        return np.empty(0, dtype=np.int64), np.empty(0)
    results = call.result().results
    try:
        rows = np.asarray([int(found.metadata.id.replace("-", ""), 16) - 1 for found in results], dtype=np.int64)
    except (ValueError, OverflowError) as error:
        raise VectorStoreDownError("wrong data") from error
    if len(rows) and not (rows.min() >= 0 and rows.max() < count):
        raise VectorStoreDownError("wrong data")
    return rows, np.asarray([found.metadata.score for found in results], dtype=np.float64)
