"""What a release must show before it goes live."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from orchestration.artefacts import Artefact
from orchestration.candidate import candidate
from setwise.encoder import Encoder
from setwise.index import LocalIndex
from setwise.release import Manifest
from setwise.snapshot import Snapshot
from setwise.terms import Analyzer

MIN_RECALL = 0.97
MIN_MEAN_COSINE = 0.99
MIN_KNOWN_ITEM = 0.6
KNOWN_ITEM_LOSS = 0.05
MIN_COVERAGE = 0.5
"""Share of the live catalogue's products that a new one must still have, where it is the same shop."""
SAME_SHOP = 0.5
"""From this share of common products on, two catalogues are one shop's."""
PROBES = 200


class GateRefusedError(RuntimeError):
    """Which gate refused the release, and by how much."""


def judge(
    parts: Mapping[str, Path], encoder: Artefact, live: Manifest | None, live_snapshot: Snapshot | None
) -> dict[str, float]:
    """Measures the gates; raises GateRefusedError at the first one that is not met."""
    snapshot, index = Snapshot(parts["snapshot"]), LocalIndex(parts["index"])
    probed = probe(parts)
    _demand_at_most("constraint_violations", probed["violations"], 0)
    gates = {
        "encoder_mean_cosine": float(str(encoder.facts["int8_mean_cosine"])),
        "known_item_ndcg": known_item_ndcg(snapshot, index, Encoder(parts["encoder"])),
        "products": float(len(snapshot)),
        "constraint_violations": probed["violations"],
        "probe_prompts": probed["prompts"],
    }
    _demand("encoder_mean_cosine", gates["encoder_mean_cosine"], MIN_MEAN_COSINE)
    _demand("known_item_ndcg", gates["known_item_ndcg"], MIN_KNOWN_ITEM)
    # Another shop (hardly a product in common) is compared with nothing.
    if live is not None and live_snapshot is not None and len(live_snapshot) >= PROBES:
        kept = len(live_snapshot.rows_of(product.id for product in snapshot))
        if kept >= SAME_SHOP * min(len(snapshot), len(live_snapshot)):
            _demand("kept_share_of_the_catalogue", kept / len(live_snapshot), MIN_COVERAGE)
            if "known_item_ndcg" in live.gates:
                _demand("known_item_ndcg", gates["known_item_ndcg"], live.gates["known_item_ndcg"] - KNOWN_ITEM_LOSS)
    return {name: round(value, 4) for name, value in gates.items()}


def probe(parts: Mapping[str, Path]) -> dict[str, float]:
    """What `python -m online.probe` counts: the service's own code, in its own process, asks the parts."""
    with candidate(parts) as folder:
        command = [sys.executable, "-m", "online.probe", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise GateRefusedError(f"gate answers refused the release: the service could not answer from it ({last})")
    counted: dict[str, float] = json.loads(done.stdout)
    return counted


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


def _demand_at_most(gate: str, value: float, most: float) -> None:
    if value > most:
        raise GateRefusedError(f"gate {gate} refused the release: {value:.0f} is more than {most:.0f}")


def _demand(gate: str, value: float, least: float) -> None:
    if value < least:
        raise GateRefusedError(f"gate {gate} refused the release: {value:.4f} is less than {least:.4f}")
