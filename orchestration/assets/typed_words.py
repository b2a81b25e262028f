"""The catalogue's words, and those of its shoppers that help."""

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import dagster as dg
import msgspec

from orchestration.artefacts import Artefact, result
from orchestration.assets import features
from orchestration.assets.encoder import SERVING
from orchestration.assets.ranker import PRIOR
from orchestration.later_purchases import LEAST_CASES, MOST_CASES, Compared, compared, in_time
from orchestration.resources import Workplace
from orchestration.typed_words import Typed, Words, kinds_of_words, purchases_of, taught, with_a_word
from orchestration.warehouse.stores import WarehouseDownError, opened_warehouse
from setwise.settings import Settings
from setwise.snapshot import Snapshot
from setwise.vocabulary import Vocabulary, read_vocabulary, write_vocabulary


class Tried(msgspec.Struct, frozen=True):
    """What the held-out purchases said of the words that the earlier ones taught."""

    words: Words = {}
    """Those that the release has: none where the trial failed."""
    shown: Compared | None = None
    """None where too few later purchases were after such words."""
    reason: str = ""
    """Why there are none."""

    @property
    def said(self) -> str:
        """For the model card."""
        if self.shown is None or not self.words:
            return f"none, {self.reason}"
        by = f"NDCG@10 of {self.shown.cases} later purchases after them {self.shown.said}"
        return f"{', '.join(sorted(self.words))}; {by}"


@dg.asset(group_name="index", kinds={"python"})
def typed_words(
    context: dg.AssetExecutionContext, workplace: Workplace, products: Artefact, encoder: Artefact,
    product_index: Artefact, vocabulary: Artefact, complementarity: Artefact, product_stats: Artefact,
) -> dg.MaterializeResult[Artefact]:  # fmt: skip
    """The vocabulary of the release. One row = one name: the catalogue's own, and words that at least five people typed
    before they bought one kind, if the newest purchases say that knowing them answers better."""
    mined = read_vocabulary(vocabulary.path)
    bought = _bought(context, workplace.settings, Snapshot(products.path), mined)
    parts = {
        "snapshot": products.path, "encoder": encoder.path / SERVING, "index": product_index.path,
        "vocabulary": vocabulary.path, "complementarity": complementarity.path,
        "statistics": product_stats.path / features.SERVING, "ranker": PRIOR,
    }  # fmt: skip

    def build(folder: Path) -> dict[str, object]:
        tried = try_words(parts, mined, bought)
        write_vocabulary(taught(mined, tried.words), folder)
        shown = tried.shown
        return {
            "typed": tried.said,
            "words": len(tried.words),
            "cases": shown.cases if shown else 0,
            "difference": list(shown.difference) if shown else [],
        }

    digest = hashlib.sha256(msgspec.json.encode(bought)).hexdigest()[:16]
    made_from = [vocabulary, *([products, encoder, product_index, complementarity, product_stats] if bought else [])]
    inputs = ["1", *(artefact.key for artefact in made_from), digest]
    return result(workplace.artefacts.make("typed_words", inputs, build))


def _bought(
    context: dg.AssetExecutionContext, settings: Settings, snapshot: Snapshot, vocabulary: Vocabulary
) -> list[Typed]:
    """A warehouse that is away fails no build: the release has the catalogue's words alone then."""
    try:
        with opened_warehouse(settings) as warehouse:
            return purchases_of(warehouse, snapshot, vocabulary)
    except WarehouseDownError as error:
        context.log.warning(f"no words are learned from purchases ({error}); the next build tries again")
        return []


def try_words(parts: Mapping[str, Path], mined: Vocabulary, bought: Sequence[Typed]) -> Tried:
    """Learns from the earlier purchases, asks about the newest quarter with and without what was learned, and keeps
    the words of all where that is better. Raises TrialFailedError."""
    earlier, later = in_time(bought)
    learned = kinds_of_words(earlier)
    if not learned:
        return Tried(reason="as no unknown word was typed by enough people who bought the same kind")
    held = with_a_word(later, learned)[-MOST_CASES:]
    if len(held) < LEAST_CASES:
        return Tried(reason=f"as only {len(held)} later purchases could say whether they help")
    with tempfile.TemporaryDirectory() as folder:
        write_vocabulary(taught(mined, learned), Path(folder))
        shown = compared(parts, {"vocabulary": Path(folder)}, held)
    words = {word: kinds for word, kinds in kinds_of_words(bought).items() if word in learned}
    if shown.is_better:
        return Tried(words, shown)
    less = f"as later purchases are not found better by them ({shown.difference[0]:+.4f} of NDCG@10)"
    return Tried({}, shown, less)
