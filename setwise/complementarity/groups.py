"""The kind of each product: its leaf category, or where the catalogue has none a cluster of like texts."""

import re
from collections import Counter
from collections.abc import Iterable

import msgspec
import numpy as np
from numpy.typing import NDArray

from setwise.snapshot import Snapshot

MAX_CLUSTERS = 128
SAMPLE = 20_000
"""Rows that clusters are found on; the others only join them."""
CHUNK = 8_192
_WORD = re.compile(r"[^\W\d_]{3,}")
_ROUNDS = 12

Floats = NDArray[np.float32]


class Groups(msgspec.Struct, frozen=True):
    """`codes`: row -> group; `names` by group; `centroids` shape (groups, dimensions); `parents`: group -> parent."""

    codes: NDArray[np.int32]
    names: list[str]
    parents: NDArray[np.int32]
    centroids: Floats
    are_categories: bool


def find_groups(snapshot: Snapshot, vectors: NDArray[np.float16]) -> Groups:
    """Leaf categories, coded as in the snapshot, where most products have one of several; else clusters.

    A product without a category among others that have one joins the nearest."""
    categories, names = np.asarray(snapshot.category), snapshot.meta.categories
    has_name = np.asarray([bool(name) for name in names], dtype=bool)
    named = has_name[categories] if len(names) else np.zeros(len(snapshot), dtype=bool)
    if has_name.sum() < 2 or 2 * named.sum() < len(named):
        return _clusters(snapshot, vectors)
    codes = categories.astype(np.int32)
    centroids = _means(vectors, np.where(named, codes, -1), len(names))
    if not named.all():
        codes = codes.copy()
        open_rows = np.flatnonzero(~named)
        allowed = np.flatnonzero(has_name)
        codes[open_rows] = allowed[_nearest(vectors, open_rows, centroids[allowed])]
    return Groups(codes, list(names), _parents(snapshot, codes, len(names)), centroids, True)


def _clusters(snapshot: Snapshot, vectors: NDArray[np.float16]) -> Groups:
    count = min(MAX_CLUSTERS, max(1, round((len(vectors) / 2) ** 0.5)), len(vectors))
    rng = np.random.default_rng(0)
    rows = np.sort(rng.choice(len(vectors), min(SAMPLE, len(vectors)), replace=False))
    sample = vectors[rows].astype(np.float32)
    centroids = sample[_spread(sample, count)]
    for _ in range(_ROUNDS if count else 0):
        centroids = _means(sample, (sample @ centroids.T).argmax(axis=1), count, otherwise=centroids)
    codes = _nearest(vectors, np.arange(len(vectors)), centroids).astype(np.int32)
    return Groups(codes, _names(snapshot, codes, count), np.zeros(count, np.int32), centroids, False)


def _spread(sample: Floats, count: int) -> list[int]:
    # Each next seed is the row that is farthest from the seeds so far: deterministic, and no cluster starts empty.
    seeds = [0] if count else []
    nearest = sample @ sample[0] if count else np.empty(0)
    while len(seeds) < count:
        seeds.append(int(nearest.argmin()))
        nearest = np.maximum(nearest, sample @ sample[seeds[-1]])
    return seeds


def _means(
    vectors: NDArray[np.float16] | Floats, codes: NDArray[np.int64] | NDArray[np.int32], count: int,
    otherwise: Floats | None = None,
) -> Floats:  # fmt: skip
    """Unit mean vector of each code; a code below 0 belongs to none, an empty one keeps `otherwise`."""
    sums = np.zeros((count, vectors.shape[1]), np.float32)
    for start in range(0, len(codes), CHUNK):
        chunk = codes[start : start + CHUNK]
        kept = chunk >= 0
        np.add.at(sums, chunk[kept], vectors[start : start + CHUNK][kept].astype(np.float32))
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    unit = sums / np.maximum(lengths, 1e-9)
    return unit if otherwise is None else np.where(lengths > 0, unit, otherwise)


def _nearest(vectors: NDArray[np.float16], rows: NDArray[np.int64], centroids: Floats) -> NDArray[np.int64]:
    chunks = (rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK))
    found = [(vectors[chunk].astype(np.float32) @ centroids.T).argmax(axis=1) for chunk in chunks]
    return np.concatenate([np.empty(0, np.int64), *found])


def _parents(snapshot: Snapshot, codes: NDArray[np.int32], count: int) -> NDArray[np.int32]:
    """The path above each leaf, from the first product that has it."""
    known: dict[str, int] = {}
    parents = np.zeros(count, np.int32)
    for code, row in zip(*np.unique(codes, return_index=True), strict=True):
        product = snapshot[int(row)]
        path = (*product.product_types, product.google_product_category)[0].rpartition(" > ")[0]
        parents[code] = known.setdefault(path, len(known))
    return parents


def _names(snapshot: Snapshot, codes: NDArray[np.int32], count: int) -> list[str]:
    """The three words that a cluster's titles have more often than the other titles do."""
    inside = [Counter[str]() for _ in range(count)]
    everywhere: Counter[str] = Counter()
    for product, code in zip(snapshot, codes.tolist(), strict=True):
        words = set(_words(product.title))
        inside[code].update(words)
        everywhere.update(words)
    return [_typical(counts, everywhere) for counts in inside]


def _typical(counts: Counter[str], everywhere: Counter[str]) -> str:
    best = sorted(counts, key=lambda word: (-(counts[word] ** 2) / everywhere[word], word))[:3]
    return " ".join(best)


def _words(title: str) -> Iterable[str]:
    return _WORD.findall(title.lower())
