"""Chroma's part of the comparison, run by an environment that has chromadb: python chroma_side.py FOLDER K.

FOLDER has vectors.npy and queries.npy; prints {"ms": [...], "rows": [[...], ...]}."""

import json
import sys
import time
from pathlib import Path

import chromadb
import numpy as np

BATCH = 5_000


def main() -> None:
    """Fills a collection in this process, asks each query once after a warm-up."""
    folder, k = Path(sys.argv[1]), int(sys.argv[2])
    vectors, queries = np.load(folder / "vectors.npy"), np.load(folder / "queries.npy")
    collection = chromadb.EphemeralClient().create_collection(
        "bench",
        embedding_function=None,
        configuration={"hnsw": {"space": "cosine", "max_neighbors": 16, "ef_construction": 128, "ef_search": 128}},
    )
    for start in range(0, len(vectors), BATCH):
        batch = vectors[start : start + BATCH]
        collection.add(ids=[str(row) for row in range(start, start + len(batch))], embeddings=batch)
    times, rows = [], []
    for query in queries[: len(queries) // 5]:
        collection.query(query_embeddings=[query], n_results=k, include=["distances"])
    for query in queries:
        began = time.perf_counter()
        found = collection.query(query_embeddings=[query], n_results=k, include=["distances"])
        times.append((time.perf_counter() - began) * 1e3)
        rows.append([int(one) for one in found["ids"][0]])
    print(json.dumps({"ms": times, "rows": rows}))


if __name__ == "__main__":
    main()
