from pathlib import Path

import numpy as np

from setwise.index import LocalIndex, build_index


def test_an_opened_graph_is_searched_as_widely_as_it_was_built(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(3_000, 48)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    build_index(vectors, ("" for _ in vectors), tmp_path)
    index = LocalIndex(tmp_path)
    queries = rng.normal(size=(60, 48)).astype(np.float32)
    nearest = np.argsort(-queries @ vectors.T, axis=1)[:, :10]
    found = [index.nearest(query, 10, exact=False)[0] for query in queries]
    shares = [len(np.intersect1d(one, best)) / 10 for one, best in zip(found, nearest, strict=True)]
    # Vectors of all directions are the hardest there are: usearch's own 64 neighbours find .975 of the ten.
    assert np.mean(shares) > 0.985
