"""What a release must show before it goes live."""

import json
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np

from orchestration.artefacts import Artefact
from orchestration.measures import ALL, Evaluation
from orchestration.trial import TrialFailedError, run_module, trial_folder
from setwise.encoder import Encoder
from setwise.index import LocalIndex, index_recall
from setwise.release import Manifest
from setwise.snapshot import Snapshot
from setwise.terms import Analyzer

MIN_RECALL = 0.97
MIN_MEAN_COSINE = 0.99
MIN_KNOWN_ITEM = 0.6
KNOWN_ITEM_LOSS = 0.05
MIN_COVERAGE = 0.5
"""Share of the live catalogue's products that a new one must still have, where it is the same shop; and share of the
live release's coverage in answers that a new one must still reach."""
SAME_SHOP = 0.5
"""From this share of common products on, two catalogues are one shop's."""
PROBES = 200
TASK_LOSS = 0.01
"""One task may lose so much beyond noise where all together lose nothing: four intervals err more often than one."""
LEAST_CASES = 30
"""Fewer cases prove nothing."""


class GateRefusedError(RuntimeError):
    """Which gates refused the release, and by how much."""


class Gate(msgspec.Struct, frozen=True):
    """One demand: a value and its bound."""

    name: str
    value: float
    bound: float
    is_most: bool = False

    @property
    def refusal(self) -> str:
        """'' where it is met."""
        if self.is_most:
            is_met, word = self.value <= self.bound, "more"
        else:
            is_met, word = self.value >= self.bound, "less"
        if is_met:
            return ""
        return f"gate {self.name} refused the release: {self.value:.4g} is {word} than {self.bound:.4g}"


def judge(
    parts: Mapping[str, Path], encoder: Artefact, evaluation: Evaluation, live: Manifest | None,
    live_folder: Path | None,
) -> dict[str, float]:  # fmt: skip
    """Measures all gates; raises GateRefusedError with every one that is not met."""
    snapshot, index = Snapshot(parts["snapshot"]), LocalIndex(parts["index"])
    reader, probed = Encoder(parts["encoder"]), probe(parts)
    measured = {
        "encoder_mean_cosine": float(str(encoder.facts["int8_mean_cosine"])),
        "index_recall": recall_of(snapshot, index, reader),
        "known_item_ndcg": known_item_ndcg(snapshot, index, reader),
        "products": float(len(snapshot)),
        "constraint_violations": probed["violations"],
        "probe_prompts": probed["prompts"],
        "coverage": evaluation.coverage,
    }
    gates = [
        Gate("constraint_violations", probed["violations"], 0, is_most=True),
        Gate("encoder_mean_cosine", measured["encoder_mean_cosine"], MIN_MEAN_COSINE),
        Gate("index_recall", measured["index_recall"], MIN_RECALL),
        Gate("known_item_ndcg", measured["known_item_ndcg"], MIN_KNOWN_ITEM),
    ]
    # Another shop (hardly a product in common) is compared with nothing.
    live_snapshot = Snapshot(live_folder / "snapshot") if live_folder else None
    if live is not None and live_snapshot is not None and len(live_snapshot) >= PROBES:
        kept = len(live_snapshot.rows_of(product.id for product in snapshot))
        if kept >= SAME_SHOP * min(len(snapshot), len(live_snapshot)):
            gates.append(Gate("kept_share_of_the_catalogue", kept / len(live_snapshot), MIN_COVERAGE))
            if "known_item_ndcg" in live.gates:
                least = live.gates["known_item_ndcg"] - KNOWN_ITEM_LOSS
                gates.append(Gate("known_item_ndcg", measured["known_item_ndcg"], least))
            gates += not_worse(evaluation)
    whole = evaluation.figure("NDCG@10")
    measured |= {"ndcg_at_10": whole.value} if whole is not None else {}
    refusals = list(dict.fromkeys(gate.refusal for gate in gates if gate.refusal))
    if refusals:
        raise GateRefusedError("; ".join(refusals))
    return {name: round(value, 4) for name, value in measured.items()}


def not_worse(evaluation: Evaluation) -> list[Gate]:
    """Against the live release: the upper end of the paired interval of NDCG@10 is not below 0, and answers still reach
    the catalogue."""
    gates = []
    for one in evaluation.figures:
        if one.measure != "NDCG@10" or one.segment != ALL or one.difference_high is None or one.cases < LEAST_CASES:
            continue
        name, least = ("ndcg_at_10", 0.0) if one.task == ALL else (f"ndcg_at_10 of {one.task}", -TASK_LOSS)
        gates.append(Gate(f"{name} (upper end of the difference {one.difference:+.4f})", one.difference_high, least))
    if evaluation.live_coverage and sum(evaluation.cases.values()) >= LEAST_CASES:
        gates.append(Gate("coverage", evaluation.coverage, MIN_COVERAGE * evaluation.live_coverage))
    return gates


def probe(parts: Mapping[str, Path]) -> dict[str, float]:
    """What `python -m online.probe` counts: the service's own code, in its own process, asks the parts."""
    try:
        with trial_folder(parts) as folder:
            counted: dict[str, float] = json.loads(run_module("online.probe", folder))
    except TrialFailedError as error:
        reason = f"gate answers refused the release: the service could not answer from it ({error})"
        raise GateRefusedError(reason) from error
    return counted


def recall_of(snapshot: Snapshot, index: LocalIndex, encoder: Encoder) -> float:
    """Share of the 100 nearest by an exact scan that the index finds, over 100 prompts made of titles' words."""
    if not len(snapshot):
        return 1.0
    rows = np.random.default_rng(2).choice(len(snapshot), min(PROBES // 2, len(snapshot)), replace=False)
    prompts = [" ".join(snapshot[int(row)].title.split()[:4]) or "a" for row in rows]
    return index_recall(index, encoder.encode(prompts))


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
