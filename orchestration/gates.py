"""What a release must show before it goes live."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from orchestration.artefacts import Artefact
from setwise.encoder import Encoder
from setwise.index import Analyzer, LocalIndex
from setwise.release import Manifest
from setwise.snapshot import Snapshot

MIN_RECALL = 0.97
MIN_MEAN_COSINE = 0.99
MIN_KNOWN_ITEM = 0.6
KNOWN_ITEM_LOSS = 0.05
MIN_COVERAGE = 0.5
PROBES = 200


class GateRefusedError(RuntimeError):
    """Which gate refused the release, and by how much."""


def judge(parts: Mapping[str, Path], encoder: Artefact, live: Manifest | None) -> dict[str, float]:
    """Measures the gates; raises GateRefusedError at the first one that is not met."""
    snapshot, index = Snapshot(parts["snapshot"]), LocalIndex(parts["index"])
    gates = {
        "encoder_mean_cosine": float(str(encoder.facts["int8_mean_cosine"])),
        "known_item_ndcg": known_item_ndcg(snapshot, index, Encoder(parts["encoder"])),
        "products": float(len(snapshot)),
    }
    _demand("encoder_mean_cosine", gates["encoder_mean_cosine"], MIN_MEAN_COSINE)
    _demand("known_item_ndcg", gates["known_item_ndcg"], MIN_KNOWN_ITEM)
    if live is not None and live.counts["products"] >= PROBES:
        same_feed_size = gates["products"] / live.counts["products"]
        # A new shop (another currency or a feed of another kind) is compared with nothing.
        if live.gates.get("known_item_ndcg") is not None and same_feed_size > MIN_COVERAGE:
            _demand("known_item_ndcg", gates["known_item_ndcg"], live.gates["known_item_ndcg"] - KNOWN_ITEM_LOSS)
    return {name: round(value, 4) for name, value in gates.items()}


def known_item_ndcg(snapshot: Snapshot, index: LocalIndex, encoder: Encoder) -> float:
    """NDCG@10 of finding a product by the first words of its own title, over 200 products at most."""
    if not len(snapshot):
        return 0.0
    rows = np.random.default_rng(0).choice(len(snapshot), min(PROBES, len(snapshot)), replace=False)
    analyzer = Analyzer()
    gains = []
    for row in rows.tolist():
        title = snapshot[row].title
        query = " ".join(title.split()[:6])
        found = index.hybrid(analyzer.query_terms(query), encoder.encode([query])[0], 100).rows[:10]
        # Variants share a title: any product of the same title counts as the one that was meant.
        rank = next((i for i, other in enumerate(found.tolist()) if snapshot[other].title == title), None)
        gains.append(0.0 if rank is None else 1 / np.log2(rank + 2))
    return float(np.mean(gains))


def _demand(gate: str, value: float, least: float) -> None:
    if value < least:
        raise GateRefusedError(f"gate {gate} refused the release: {value:.4f} is less than {least:.4f}")
