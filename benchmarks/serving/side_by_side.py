"""The same vectors and queries in Chroma, in Weaviate and in the in-process index; and the naive pipeline's part."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import weaviate
from weaviate.classes.config import Configure, DataType, Property, VectorDistances
from weaviate.classes.query import MetadataQuery

from benchmarks.serving.answers import WARM_S, Result, Say, loaded
from benchmarks.serving.load import percentile
from benchmarks.serving.machine import ROOT
from benchmarks.serving.naive import COLLECTION
from benchmarks.serving.prompts import requests
from benchmarks.serving.service import started
from benchmarks.serving.shops import Shop, clean_environ
from setwise.catalogue import leaf_category
from setwise.encoder import Encoder
from setwise.index import LocalIndex
from setwise.settings import Settings, Vectors
from setwise.snapshot import Snapshot

CHROMA = "chromadb==1.5.9"
K = 100
STORE_COLLECTION = "BenchStores"


def _client(vectors: Vectors) -> weaviate.WeaviateClient:
    return weaviate.connect_to_local(vectors.weaviate_host, vectors.weaviate_http_port, vectors.weaviate_grpc_port)


def _fill(client: weaviate.WeaviateClient, name: str, rows: Sequence[dict[str, object]], vectors: np.ndarray) -> None:
    kinds = {int: DataType.INT, str: DataType.TEXT}
    client.collections.delete(name)
    client.collections.create(
        name,
        properties=[Property(name=key, data_type=kinds[type(value)]) for key, value in rows[0].items()],
        vector_config=Configure.Vectors.self_provided(
            vector_index_config=Configure.VectorIndex.hnsw(
                distance_metric=VectorDistances.COSINE, ef=128, ef_construction=128, max_connections=16
            )
        ),
    )
    collection = client.collections.get(name)
    with collection.batch.fixed_size(batch_size=500, concurrent_requests=2) as batch:
        for row, vector in zip(rows, vectors, strict=True):
            batch.add_object(row, vector=vector.tolist())
    if collection.batch.failed_objects:
        raise RuntimeError(f"Weaviate refused objects of {name}: {collection.batch.failed_objects[0].message}")


def naive(shop: Shop, rate: float, seconds: int, work: Path, say: Say) -> Result:
    """The naive pipeline on the shop that is built for the real servers, at a rate that it can bear."""
    settings = Settings.from_env(shop.environ | {"SETWISE_DATA_DIR": str(shop.data_dir)})
    _, folder = shop.live()
    snapshot = Snapshot(folder / "snapshot")
    rows: list[dict[str, object]] = [
        {
            "product_id": product.id,
            "title": product.title,
            "text": f"{product.title} {product.description}",
            "category": leaf_category(product),
            "price_cents": product.price_cents,
            "link": product.link,
        }
        for product in snapshot
    ]
    client = _client(settings.vectors)
    try:
        say(f"naive: loading {len(rows):,} products")
        _fill(client, COLLECTION, rows, LocalIndex(folder / "index").vectors())
        command = [sys.executable, "-m", "benchmarks.serving.naive"]
        with started(command, clean_environ(shop), work / "naive.log") as running:
            say(f"naive: {rate:.1f} prompts a second for {seconds} s")
            warm_up = int(rate * WARM_S)
            bodies = requests(warm_up + int(rate * seconds), 1, shop.shoppers)
            loaded(running, bodies[:warm_up], rate, work)
            return {"shop": shop.name, "unique": loaded(running, bodies[warm_up:], rate, work)}
    finally:
        client.collections.delete(COLLECTION)
        client.close()


def stores(shop: Shop, queries: int, work: Path, say: Say, weaviate_too: bool) -> Result:
    """k = 100 nearest, one query at a time, each store by its own client: p50, p99 in ms, and recall against a scan."""
    _, folder = shop.live()
    index = LocalIndex(folder / "index")
    vectors = index.vectors()
    texts = [str(body["prompt"]) for body in requests(queries, 5, 0)]
    asked = Encoder(folder / "encoder").encode(texts)
    exact = [set(np.argpartition(-(vectors @ query), K)[:K].tolist()) for query in asked]
    result: Result = {"shop": shop.name, "products": len(vectors), "queries": queries, "k": K}
    say("stores: in-process")
    result["in-process"] = _timed(lambda query: index.nearest(query, K, exact=False)[0].tolist(), asked, exact)
    if weaviate_too:
        say("stores: Weaviate")
        client = _client(Settings.from_env(shop.environ).vectors)
        try:
            _fill(client, STORE_COLLECTION, [{"row": row} for row in range(len(vectors))], vectors)
            query_of = client.collections.get(STORE_COLLECTION).query

            def near(query: np.ndarray) -> list[int]:
                found = query_of.near_vector(query.tolist(), limit=K, return_metadata=MetadataQuery(distance=True))
                return [int(str(one.properties["row"])) for one in found.objects]

            result["weaviate-client"] = _timed(near, asked, exact)
        finally:
            client.collections.delete(STORE_COLLECTION)
            client.close()
    say("stores: Chroma")
    np.save(work / "vectors.npy", vectors)
    np.save(work / "queries.npy", asked)
    done = subprocess.run(
        [str(_chroma_python(work, say)), str(ROOT / "benchmarks/serving/chroma_side.py"), str(work), str(K)],
        check=True, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", "ANONYMIZED_TELEMETRY": "False"},
    )  # fmt: skip
    told = json.loads(done.stdout.splitlines()[-1])
    result["chroma"] = _figures(told["ms"], told["rows"], exact)
    return result


def _timed(search: Callable[[np.ndarray], list[int]], asked: np.ndarray, exact: list[set[int]]) -> Result:
    times, rows = [], []
    for query in asked[: len(asked) // 5]:
        search(query)
    for query in asked:
        began = time.perf_counter()
        rows.append(search(query))
        times.append((time.perf_counter() - began) * 1e3)
    return _figures(times, rows, exact)


def _figures(times: list[float], rows: list[list[int]], exact: list[set[int]]) -> Result:
    shares = [len(nearest.intersection(found)) / K for found, nearest in zip(rows, exact, strict=True)]
    return {
        "p50": round(percentile(times, 0.5), 3),
        "p99": round(percentile(times, 0.99), 3),
        "recall": round(float(np.mean(shares)), 4),
    }


def _chroma_python(work: Path, say: Say) -> Path:
    # Chroma wants another python-dateutil and OpenTelemetry than what builds releases: an environment of its own.
    folder = work.parent / "chroma-venv"
    python = folder / "bin/python"
    if not (folder / ".made").exists():
        say(f"installing {CHROMA} into an environment of its own")
        uv = [str(ROOT / ".venv/bin/uv")]
        subprocess.run([*uv, "venv", "-q", "--clear", "-p", sys.executable, str(folder)], check=True)
        subprocess.run([*uv, "pip", "install", "-q", "-p", str(python), CHROMA], check=True)
        (folder / ".made").touch()
    return python
