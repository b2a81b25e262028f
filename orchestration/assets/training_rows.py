"""What a ranker learns from: questions that the shop knows answers to, ranked by the very code that serves."""

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import dagster as dg
import numpy as np

from orchestration import ranker_training as training
from orchestration.artefacts import Artefact, result
from orchestration.assets import features
from orchestration.assets.embeddings import VECTORS_FILE
from orchestration.assets.encoder import SERVING
from orchestration.assets.features import newest_order
from orchestration.assets.history import JUDGEMENTS_FILE, SETS_FILE
from orchestration.impressions import Questioned, questions_of_lists, with_enough
from orchestration.kept_rows import ORDERS_FILE, read_kept
from orchestration.point_in_time import profiles_then
from orchestration.ranked_rows import ranked_rows
from orchestration.resources import Workplace
from orchestration.training_questions import Question, cutoff_of, of_judgements, of_orders, of_sets, without_traces
from orchestration.warehouse.stores import WarehouseDownError, opened_warehouse
from setwise import statistics
from setwise.complementarity import build_complementarity
from setwise.judgements import Judgement, by_query
from setwise.names import SHOPPER_PROFILES_VIEW, UserId
from setwise.orders import MerchantSet, Order
from setwise.point_in_time import leaks
from setwise.profiles import shopper_profiles
from setwise.ranking import FEATURES, KINDS
from setwise.settings import Settings
from setwise.snapshot import Snapshot

QUESTIONS_FILE = "questions.npz"
LISTS_FILE = "lists.npz"
"""Of the kinds of which enough lists were clicked in: learned from first, and the others where that is of no use."""


@dg.asset(group_name="models", kinds={"feast", "numpy"})
def training_rows(
    context: dg.AssetExecutionContext,
    workplace: Workplace,
    products: Artefact,
    encoder: Artefact,
    product_embeddings: Artefact,
    product_index: Artefact,
    typed_words: Artefact,
    attribute_weights: Artefact,
    orders: Artefact,
    merchant_sets: Artefact,
    judgements: Artefact,
    complementarity: Artefact,
    product_stats: Artefact,
) -> dg.MaterializeResult[Artefact]:
    """One row = one candidate of one question, with the features it would have been served by; of kinds of which enough
    lists were clicked in, one product of one list with those that it was served by."""
    lists = clicked_lists(context, workplace.settings)
    parts = {
        "snapshot": products.path,
        "encoder": encoder.path / SERVING,
        "index": product_index.path,
        "vocabulary": typed_words.path,
        # A handful of weights, as answers have them: what they were fitted on cannot be read back from them.
        "learned": attribute_weights.path,
    }

    def build(folder: Path) -> dict[str, object]:
        snapshot = Snapshot(products.path)
        past = list(read_kept(orders.path / ORDERS_FILE, Order))
        sets = list(read_kept(merchant_sets.path / SETS_FILE, MerchantSet))
        known = frozenset(snapshot.ids)
        vectors = np.load(product_embeddings.path / VECTORS_FILE, mmap_mode="r")
        found: list[tuple[training.Questions, np.ndarray]] = []
        cutoff = cutoff_of(past)
        if cutoff is not None and (asked := of_orders(past, cutoff, known)):
            before = [order for order in past if order.ordered_at < cutoff]
            refuse_leaks(asked, before)
            evidence = write_evidence(snapshot, vectors, before, sets, cutoff, folder / "orders")
            found.append(ranked(workplace.settings, parts | evidence, asked, snapshot, past, cutoff))
            shutil.rmtree(folder / "orders")
        for part in of_sets(sets, past, known):
            held = set(part.held)
            others = [one for one in sets if one not in held]
            kept = without_traces(past, part.held)
            evidence = write_evidence(snapshot, vectors, kept, others, newest_order(orders), folder / "sets")
            found.append(ranked(workplace.settings, parts | evidence, part.questions, snapshot, kept, None))
            shutil.rmtree(folder / "sets")
        graded: list[tuple[training.Questions, np.ndarray]] = []
        if asked := of_judgements(by_query(read_kept(judgements.path / JUDGEMENTS_FILE, Judgement), known)):
            # Beside the others and never in their place: a person's grades say what clicks cannot.
            today = {"complementarity": complementarity.path, "statistics": product_stats.path / features.SERVING}
            graded.append(ranked(workplace.settings, parts | today, asked, snapshot, (), None))
        clicked = with_enough(lists, training.LEAST_LISTS)
        facts: dict[str, object] = {"cutoff": str(cutoff or "")}
        for file, sources in ((QUESTIONS_FILE, found + graded), (LISTS_FILE, [clicked, *graded] if clicked else [])):
            if sources:
                questions, kinds = mixed(sources)
                training.save(questions, kinds, folder / file)
                facts |= facts_of(file.removesuffix(".npz"), questions, kinds)
        return facts

    made_from = [
        products, encoder, product_embeddings, product_index, typed_words, attribute_weights, orders, merchant_sets,
    ]  # fmt: skip
    if judgements.facts["rows"]:
        # Only what people judged is ranked by what is known today.
        made_from += [judgements, complementarity, product_stats]
    inputs = ["7", FEATURES, *(artefact.key for artefact in made_from), digest_of(lists)]
    return result(workplace.artefacts.make("training_rows", inputs, build))


def clicked_lists(context: dg.AssetExecutionContext, settings: Settings) -> Questioned | None:
    """What the warehouse knows of lists. One that is away fails no build: orders and sets are asked then."""
    try:
        with opened_warehouse(settings) as warehouse:
            return questions_of_lists(warehouse)
    except WarehouseDownError as error:
        context.log.warning(f"nothing is learned from clicks ({error}); the next build tries again")
        return None


def digest_of(lists: Questioned | None) -> str:
    """The same lists are the same rows."""
    digest = hashlib.sha256()
    for array in () if lists is None else (lists[0].features, lists[0].gains, lists[0].counts, lists[1]):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def refuse_leaks(asked: Sequence[Question], evidence: Sequence[Order]) -> None:
    """Raises dg.Failure where a question's answer may be in what is known when it is asked."""
    newest = max((order.ordered_at for order in evidence), default=None)
    moments = [(str(number), one.at, {"orders": newest}) for number, one in enumerate(asked) if one.at is not None]
    if found := leaks(moments):
        raise dg.Failure(f"rows to learn from know their own future: {'; '.join(map(str, found[:3]))}")


def facts_of(name: str, questions: training.Questions, kinds: np.ndarray) -> dict[str, object]:
    """How many there are, in all and of each kind."""
    of_kinds = {f"{name} of {kind}": int((kinds == at).sum()) for at, kind in enumerate(KINDS)}
    return {name: len(questions), f"{name} rows": len(questions.gains), **of_kinds}


def mixed(found: Sequence[tuple[training.Questions, np.ndarray]]) -> tuple[training.Questions, np.ndarray]:
    """The questions of all sources, of each kind in the sources' own order and evenly mixed: the last part of a kind
    has the latest of each."""
    questions = training.joined([one for one, _ in found])
    kinds = np.concatenate([kinds for _, kinds in found])
    place = np.zeros(len(questions))
    sources = np.repeat(np.arange(len(found)), [len(one) for one, _ in found])
    for source in range(len(found)):
        for kind in np.unique(kinds):
            mine = np.flatnonzero((sources == source) & (kinds == kind))
            place[mine] = np.arange(len(mine)) / max(len(mine), 1)
    order = np.argsort(place, kind="stable")
    return questions.only(order), kinds[order]


def write_evidence(
    snapshot: Snapshot, vectors: np.ndarray, orders: Sequence[Order], sets: Sequence[MerchantSet], as_of: datetime,
    folder: Path,
) -> dict[str, Path]:  # fmt: skip
    """The parts of a release that say what was bought, from these orders and sets alone. What goes together is counted
    anew here as in `learned` and in `offline_evaluation`: each holds back something else, so no two could be shared."""
    for name in ("statistics", "complementarity"):
        (folder / name).mkdir(parents=True)
    rows = statistics.product_stats(orders, as_of)
    statistics.write_popularity(rows, snapshot.ids, folder / "statistics")
    build_complementarity(snapshot, vectors, orders, sets, as_of, folder / "complementarity")
    return {name: folder / name for name in ("statistics", "complementarity")}


def ranked(
    settings: Settings, parts: Mapping[str, Path], asked: Sequence[Question], snapshot: Snapshot,
    orders: Sequence[Order], cutoff: datetime | None,
) -> tuple[training.Questions, np.ndarray]:  # fmt: skip
    """The questions' feature rows with what was meant, and the place of each one's kind in KINDS."""
    profiles = known_then(settings, asked, snapshot, orders, cutoff) if cutoff else [None] * len(asked)
    known = [{SHOPPER_PROFILES_VIEW: profile} if profile else {} for profile in profiles]
    lines = [{"request": one.request, "known": rows} for one, rows in zip(asked, known, strict=True)]
    found = ranked_rows(parts, lines)
    of = np.repeat(np.arange(len(asked)), found.counts)
    ids = [snapshot.ids[row] for row in found.rows.tolist()]
    gains = [asked[q].meant.get(product, 0) for q, product in zip(of.tolist(), ids, strict=True)]
    ideal = np.asarray([training.ideal_of(list(one.meant.values())) for one in asked])
    number_of: dict[int | str, int] = {}
    units = [number_of.setdefault(str(at) if q.unit is None else q.unit, len(number_of)) for at, q in enumerate(asked)]
    return training.Questions(
        found.features, np.asarray(gains, dtype=np.int64), found.counts, ideal, np.asarray(units, dtype=np.int64)
    ), found.kinds


def known_then(
    settings: Settings, asked: Sequence[Question], snapshot: Snapshot, orders: Sequence[Order], cutoff: datetime
) -> list[dict[str, object] | None]:
    """Each shopper's profile as of the cutoff. The one of today is in the store too: a retrieval that looked beyond
    its time would be seen at once, as the questions' own orders would be in it."""
    catalogue = {product.id: product for product in snapshot}
    newest = max(order.ordered_at for order in orders) + statistics.RECENT
    snapshots = [(at, shopper_profiles(orders, catalogue, at)) for at in (cutoff, newest)]
    users = [(at, UserId(one.request["user_id"])) for at, one in enumerate(asked) if "user_id" in one.request]
    profiles: list[dict[str, object] | None] = [None] * len(asked)
    rows = profiles_then(settings, snapshots, [(user, cutoff) for _, user in users])
    for (at, _), row in zip(users, rows, strict=True):
        profiles[at] = row
    return profiles
