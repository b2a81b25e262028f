"""What the release has learned of weights: those of baskets, and those of typed attributes that help."""

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import dagster as dg
import msgspec

from orchestration.artefacts import Artefact, result
from orchestration.assets import features
from orchestration.assets.encoder import SERVING
from orchestration.assets.history import SETS_FILE
from orchestration.assets.ranker import PRIOR
from orchestration.kept_rows import read_kept
from orchestration.later_purchases import LEAST_CASES, MOST_CASES, Compared, compared, in_time
from orchestration.resources import Workplace
from orchestration.typed_attributes import (
    Choice,
    choices_of_purchases,
    choices_of_sets,
    shares_of,
    weights_of,
    with_a_kind,
)
from orchestration.warehouse.stores import WarehouseDownError, opened_warehouse
from setwise.learned import LEARNED_FILE, read_learned
from setwise.orders import MerchantSet
from setwise.settings import Settings
from setwise.snapshot import Snapshot
from setwise.vocabulary import Vocabulary, read_vocabulary


class Tried(msgspec.Struct, frozen=True):
    """What the held-out choices said of the weights that the earlier ones taught."""

    weights: dict[str, float] = {}
    """Those that the release has: none where the trial failed."""
    shown: Compared | None = None
    reason: str = ""
    """Why there are none."""

    @property
    def said(self) -> str:
        """For the model card."""
        if self.shown is None or not self.weights:
            return f"as shipped, {self.reason}"
        weights = ", ".join(f"{kind} x {weight:.2f}" for kind, weight in self.weights.items())
        return f"{weights}; NDCG@10 of {self.shown.cases} later choices after them {self.shown.said}"


@dg.asset(group_name="features", kinds={"python"})
def attribute_weights(
    context: dg.AssetExecutionContext, workplace: Workplace, products: Artefact, encoder: Artefact,
    product_index: Artefact, typed_words: Artefact, complementarity: Artefact, product_stats: Artefact,
    merchant_sets: Artefact, learned: Artefact,
) -> dg.MaterializeResult[Artefact]:  # fmt: skip
    """The learned weights of the release. One row = one kind of attribute: how much a typed colour, material, style,
    size or brand counts, by how often it is kept in what was bought after it, if the newest purchases say that it
    answers better. Titles of sets say it where no purchases do."""
    snapshot, vocabulary = Snapshot(products.path), read_vocabulary(typed_words.path)
    bought = _bought(context, workplace.settings, snapshot, vocabulary)
    parts = {
        "snapshot": products.path, "encoder": encoder.path / SERVING, "index": product_index.path,
        "vocabulary": typed_words.path, "complementarity": complementarity.path,
        "statistics": product_stats.path / features.SERVING, "ranker": PRIOR, "learned": learned.path,
    }  # fmt: skip

    def build(folder: Path) -> dict[str, object]:
        sets = () if weights_of(bought) else read_kept(merchant_sets.path / SETS_FILE, MerchantSet)
        choices = choices_of_sets(sets, snapshot, vocabulary) or bought
        tried = try_weights(parts, choices)
        found = msgspec.structs.replace(read_learned(learned.path), wishes=tried.weights)
        (folder / LEARNED_FILE).write_bytes(msgspec.json.encode(found))
        # Of kinds that few people typed nothing is told: it would be theirs.
        enough = weights_of(choices)
        kept = {kind: share for kind, share in shares_of(choices).items() if kind in enough}
        return {"typed": tried.said, "choices": len(choices), "kept": kept}

    digest = hashlib.sha256(msgspec.json.encode(bought)).hexdigest()[:16]
    made_from = [products, encoder, product_index, typed_words, complementarity, product_stats, merchant_sets, learned]
    return result(workplace.artefacts.make("attribute_weights", ["1", *(one.key for one in made_from), digest], build))


def _bought(
    context: dg.AssetExecutionContext, settings: Settings, snapshot: Snapshot, vocabulary: Vocabulary
) -> list[Choice]:
    """A warehouse that is away fails no build: the weights are those that are shipped then, or that sets say."""
    try:
        with opened_warehouse(settings) as warehouse:
            return choices_of_purchases(warehouse, snapshot, vocabulary)
    except WarehouseDownError as error:
        context.log.warning(f"no weights are learned from purchases ({error}); the next build tries again")
        return []


def try_weights(parts: Mapping[str, Path], choices: Sequence[Choice]) -> Tried:
    """Learns from the earlier choices, asks about the newest quarter with and without what was learned, and keeps the
    weights of all where that is better. Raises TrialFailedError."""
    earlier, later = in_time(choices)
    learned = weights_of(earlier)
    if not learned:
        return Tried(reason="as no kind of attribute was typed by enough people who could have bought without it")
    held = list(with_a_kind(later, learned))[-MOST_CASES:]
    if len(held) < LEAST_CASES:
        return Tried(reason=f"as only {len(held)} later choices could say whether they help")
    with tempfile.TemporaryDirectory() as folder:
        changed = msgspec.structs.replace(read_learned(parts["learned"]), wishes=learned)
        (Path(folder) / LEARNED_FILE).write_bytes(msgspec.json.encode(changed))
        shown = compared(parts, {"learned": Path(folder)}, held)
    if shown.is_better:
        return Tried({kind: weight for kind, weight in weights_of(choices).items() if kind in learned}, shown)
    less = f"as later choices are not found better by them ({shown.difference[0]:+.4f} of NDCG@10)"
    return Tried({}, shown, less)
