"""The naive pipeline, to compare with: every SDK as its quick start shows it, behind the same HTTP server.

One process, one thread a request: SentenceTransformer.encode on torch, weaviate-client's hybrid query that returns
properties, Feast's get_online_features for the shopper and every candidate, and a bundle filled greedily. It reads no
budget out of the sentence and keeps no rule: it does less than the service does."""

import os
from contextlib import ExitStack
from typing import Any

import numpy as np
import uvicorn
import weaviate
from litestar import Litestar, post
from sentence_transformers import SentenceTransformer
from weaviate.classes.query import MetadataQuery

from orchestration.encoder_export import find_model
from orchestration.feature_store import open_store
from setwise.names import PRODUCT_STATS_VIEW, SHOPPER_PROFILES_VIEW
from setwise.settings import Settings

COLLECTION = "BenchNaive"
CANDIDATES = 300
SLOTS = 5
BUNDLES = 3
PROPERTIES = ["product_id", "title", "category", "price_cents", "link"]


def create_app(settings: Settings) -> Litestar:
    """The application; model, client and store are opened once."""
    opened = ExitStack()
    model = SentenceTransformer(str(find_model(settings.models.encoder)))
    vectors = settings.vectors
    client = opened.enter_context(
        weaviate.connect_to_local(vectors.weaviate_host, vectors.weaviate_http_port, vectors.weaviate_grpc_port)
    )
    collection, store = client.collections.get(COLLECTION), open_store(settings)

    @post("/v1/bundles", status_code=200, sync_to_thread=True)
    def bundles(data: dict[str, Any]) -> dict[str, Any]:
        """A prompt and a shopper's id: three bundles of products of different categories."""
        prompt = data["prompt"]
        vector = model.encode(prompt)
        found = collection.query.hybrid(
            prompt, vector=vector.tolist(), limit=CANDIDATES, return_properties=PROPERTIES,
            return_metadata=MetadataQuery(score=True),
        ).objects  # fmt: skip
        ids = [str(one.properties["product_id"]) for one in found]
        stats = store.get_online_features(
            [f"{PRODUCT_STATS_VIEW}:popularity", f"{PRODUCT_STATS_VIEW}:return_rate"],
            [{"product_id": one} for one in ids],
        ).to_dict()
        profile = store.get_online_features(
            [f"{SHOPPER_PROFILES_VIEW}:top_categories"], [{"user_id": data.get("user_id", "")}]
        ).to_dict()
        likes = set(profile["top_categories"][0] or ())
        popularity = np.array([value or 0.0 for value in stats["popularity"]])
        scores = np.array([one.metadata.score or 0.0 for one in found]) + 0.1 * np.log1p(popularity)
        scores += [0.1 * (one.properties["category"] in likes) for one in found]
        taken: set[int] = set()
        made = []
        for _ in range(BUNDLES):
            items: dict[str, dict[str, Any]] = {}
            for position in map(int, np.argsort(-scores)):
                product = found[position].properties
                if position not in taken and product["category"] not in items and len(items) < SLOTS:
                    taken.add(position)
                    items[str(product["category"])] = dict(product)
            made.append({"items": list(items.values())})
        return {"bundles": made}

    return Litestar([bundles], on_shutdown=[opened.close])


if __name__ == "__main__":
    uvicorn.run(
        create_app(Settings.from_env(os.environ)), port=int(os.environ["SETWISE_PORT"]), access_log=False,
        log_level="warning",
    )  # fmt: skip
