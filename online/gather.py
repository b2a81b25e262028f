"""What an answer asks encoder, index and feature store for, and how it goes on without them."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from online.hydration import FeatureReader, FeatureStoreDownError
from online.live import LiveRelease
from online.messages import Degraded
from online.retrieval import InProcessRetriever, Retriever, SlotQuery, VectorStoreDownError
from online.stages import Stages
from setwise.index import Hits
from setwise.names import PRODUCT_STATS_VIEW, SHOPPER_PROFILES_VIEW

LADDER = ("full", "no_profile", "no_features", "lexical", "local_index", "popular")


class Dependencies(msgspec.Struct, frozen=True):
    """What an answer needs beside the release; built once per process."""

    retriever: Retriever
    features: FeatureReader
    allow_preorder: bool = False


class Context:
    """One answer on its way: its release, its clock, what failed so far."""

    def __init__(self, live: LiveRelease, dependencies: Dependencies, now: datetime) -> None:
        self.live, self.dependencies, self.now = live, dependencies, now
        self.stages = Stages()
        self.degraded: list[Degraded] = []
        self.rung = "full"
        self.request_id = uuid.uuid4().hex

    def degrade(self, rung: str, dependency: str, reason: str) -> None:
        """Notes a dependency that is answered without; the worst rung stays."""
        self.degraded.append(Degraded(dependency, reason))
        self.rung = max(self.rung, rung, key=LADDER.index)


def encode(context: Context, texts: Sequence[str]) -> list[NDArray[np.float32] | None]:
    """A vector for each text; none where the encoder fails: words alone still answer."""
    with context.stages("encode"):
        try:
            return list(context.live.encoder.encode(list(texts))) if texts else []
        except Exception as error:  # whatever the runtime raises
            context.degrade("lexical", "encoder", type(error).__name__)
            return [None] * len(texts)


def retrieve(
    context: Context, texts: Sequence[str], vectors: Sequence[NDArray[np.float32] | None], limits: Sequence[int]
) -> list[Hits]:
    """Rows for each text; from the release's own files where the vector store is down."""
    live = context.live
    queries = [
        SlotQuery(live.analyzer.query_terms(text), vector, limit)
        for text, vector, limit in zip(texts, vectors, limits, strict=True)
    ]
    with context.stages("retrieve"):
        try:
            return context.dependencies.retriever.retrieve(live, queries)
        except VectorStoreDownError as error:
            context.degrade("local_index", "weaviate", str(error))
            return InProcessRetriever().retrieve(live, queries)


def hydrate(
    context: Context, user_id: str | None, rows: NDArray[np.int64]
) -> tuple[dict[str, Any] | None, dict[int, dict[str, Any]]]:
    """The shopper's profile and the products' statistics; without the store both are empty and the answer says so."""
    reader, live = context.dependencies.features, context.live
    profile: dict[str, Any] | None = None
    with context.stages("hydrate"):
        try:
            if user_id is not None:
                profile = reader.read(SHOPPER_PROFILES_VIEW, [user_id], context.now)[0]
            keys = [live.snapshot.ids[row] for row in rows.tolist()]
            found = reader.read(PRODUCT_STATS_VIEW, keys, context.now) if keys else []
        except FeatureStoreDownError as error:
            context.degrade("no_features", "features", str(error))
            return profile, {}
    return profile, {row: stats for row, stats in zip(rows.tolist(), found, strict=True) if stats}
