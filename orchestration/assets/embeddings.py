"""Every product as a vector; only texts that changed are embedded."""

import os
import time
from pathlib import Path

import dagster as dg
import numpy as np

from orchestration.artefacts import Artefact, result
from orchestration.assets.encoder import SERVING
from orchestration.resources import Workplace
from setwise.catalogue import product_text, text_hash
from setwise.encoder import Encoder
from setwise.snapshot import Snapshot

VECTORS_FILE = "vectors.npy"
HASHES_FILE = "hashes.npy"
CHUNK = 2_048
"""Texts between two saves: what a killed build embeds a second time at most."""


@dg.asset(group_name="models", kinds={"onnx"})
def product_embeddings(
    context: dg.AssetExecutionContext, workplace: Workplace, products: Artefact, encoder: Artefact
) -> dg.MaterializeResult[Artefact]:
    """One row = one product's vector, in the catalogue's order, keyed by the hash of its text."""
    cache = workplace.data_dir / "embedding-cache" / encoder.key

    def build(folder: Path) -> dict[str, object]:
        snapshot = Snapshot(products.path)
        hashes = [text_hash(product_text(product)) for product in snapshot]
        known = _read_cache(cache)
        missing = {h: row for row, h in enumerate(hashes) if h not in known}
        model = Encoder(encoder.path / SERVING, threads=os.cpu_count() or 1)
        started, todo = time.perf_counter(), list(missing.items())
        for start in range(0, len(todo), CHUNK):
            chunk = todo[start : start + CHUNK]
            vectors = model.encode([product_text(snapshot[row]) for _, row in chunk]).astype(np.float16)
            _save(cache / f"chunk-{start}.npz", [h for h, _ in chunk], vectors)
            known.update(zip([h for h, _ in chunk], vectors, strict=True))
            context.log.info(f"embedded {min(start + CHUNK, len(todo)):,} of {len(todo):,} changed texts")
        seconds = time.perf_counter() - started
        matrix = np.asarray([known[h] for h in hashes], dtype=np.float16).reshape(-1, model.card.dimensions)
        np.save(folder / VECTORS_FILE, matrix)
        np.save(folder / HASHES_FILE, np.asarray(hashes))
        _compact(cache, hashes, matrix)
        rate = {"products_per_second": round(len(todo) / seconds, 1)} if todo else {}
        return {"products": len(hashes), "embedded": len(todo), "kept": len(hashes) - len(todo), **rate}

    return result(workplace.artefacts.make("product_embeddings", ["1", products.key, encoder.key], build))


def _read_cache(cache: Path) -> dict[str, np.ndarray]:
    known: dict[str, np.ndarray] = {}
    for path in sorted(cache.glob("*.npz")):
        with np.load(path) as saved:
            known.update(zip(saved["hashes"].tolist(), saved["vectors"], strict=True))
    return known


def _save(path: Path, hashes: list[str], vectors: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.part")
    with temporary.open("wb") as file:
        np.savez(file, hashes=np.asarray(hashes), vectors=vectors)
    temporary.replace(path)


def _compact(cache: Path, hashes: list[str], vectors: np.ndarray) -> None:
    # One file with what the catalogue holds now; texts that are gone are forgotten.
    _save(cache / "all.npz", hashes, vectors)
    for chunk in cache.glob("chunk-*.npz"):
        chunk.unlink()


@dg.asset_check(asset=product_embeddings, blocking=True)
def embeddings_have_length_one(product_embeddings: Artefact) -> dg.AssetCheckResult:
    """Every vector has length 1, to half precision."""
    vectors = np.load(product_embeddings.path / VECTORS_FILE).astype(np.float32)
    worst = float(np.abs(np.linalg.norm(vectors, axis=1) - 1).max()) if len(vectors) else 0.0
    return dg.AssetCheckResult(passed=worst < 0.01, metadata={"largest_deviation": worst})
