"""How good a candidate's answers are on the shop's own held-out weeks, beside those of the live release."""

import base64
import tempfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

import dagster as dg
import msgspec

from orchestration.artefacts import Artefact, result
from orchestration.assets.history import JUDGEMENTS_FILE, SETS_FILE
from orchestration.assets.input_checks import drift_result
from orchestration.assets.ranker import PRIOR
from orchestration.candidate import FOLDERS, candidate_of
from orchestration.held_out import JUDGED, Case, as_of_the_cut, cases_of, split
from orchestration.kept_rows import ORDERS_FILE, read_kept
from orchestration.live_release import live_one
from orchestration.measures import ALL, Answer, Evaluation, evaluated
from orchestration.resources import Workplace
from orchestration.trial import TrialFailedError, run_module, trial_folder
from setwise.drift import drifts
from setwise.judgements import Judgement
from setwise.orders import MerchantSet, Order
from setwise.snapshot import Snapshot

EVALUATION_FILE = "evaluation.json"
PICTURE_FILE = "evaluation.png"
GROUP = "release"


@dg.asset(group_name=GROUP, kinds={"python"})
def offline_evaluation(
    context: dg.AssetExecutionContext,
    workplace: Workplace,
    products: Artefact,
    encoder: Artefact,
    product_embeddings: Artefact,
    product_index: Artefact,
    product_collection: Artefact,
    typed_words: Artefact,
    complementarity: Artefact,
    attribute_weights: Artefact,
    product_stats: Artefact,
    ranker: Artefact,
    input_summary: Artefact,
    orders: Artefact,
    merchant_sets: Artefact,
    judgements: Artefact,
) -> dg.MaterializeResult[Artefact]:
    """The candidate asked about orders that it has not seen. One row = one measure of one task and segment."""
    candidate = candidate_of(
        products, encoder, product_embeddings, product_index, product_collection, typed_words, complementarity,
        attribute_weights, product_stats, ranker, input_summary,
    )  # fmt: skip
    manifest, path = live_one(workplace.releases, candidate.release_id)
    live = (str(manifest.release_id), path) if manifest is not None and path is not None else None

    def build(folder: Path) -> dict[str, object]:
        past = read_kept(orders.path / ORDERS_FILE, Order)
        sets = read_kept(merchant_sets.path / SETS_FILE, MerchantSet)
        judged = read_kept(judgements.path / JUDGEMENTS_FILE, Judgement)
        found = evaluate(candidate.parts, live, past, sets, judged, context.log.warning)
        (folder / EVALUATION_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(found, order="deterministic")))
        (folder / PICTURE_FILE).write_bytes(_drawn(found))
        return facts_of(found)

    inputs = ["3", candidate.keys, orders.key, merchant_sets.key, judgements.key, live[0] if live else ""]
    artefact = workplace.artefacts.make("offline_evaluation", inputs, build)
    picture = base64.b64encode((artefact.path / PICTURE_FILE).read_bytes()).decode()
    plots = dg.MetadataValue.md(f"![offline evaluation](data:image/png;base64,{picture})")
    return result(artefact, figures=_table(read_evaluation(artefact.path)), plots=plots)


@dg.asset_check(asset=offline_evaluation)
def scores_are_spread_as_before(workplace: Workplace, offline_evaluation: Artefact) -> dg.AssetCheckResult:
    """Scores and lengths of answers against those that the live release had when it was measured."""
    live = workplace.releases.current_id()
    text = workplace.releases.text(live, f"evaluation/{EVALUATION_FILE}") if live else ""
    if not text:
        return drift_result({})
    before, now = msgspec.json.decode(text, type=Evaluation), read_evaluation(offline_evaluation.path)
    return drift_result(drifts(before.spreads, now.spreads))


def evaluate(parts: Mapping[str, Path], live: tuple[str, Path] | None, orders, sets, judgements, warn) -> Evaluation:
    """Both releases on the same questions, each with statistics of the past alone. A live one that can no longer be
    asked is compared with nothing, and it is said."""
    found, snapshot = split(orders, sets), Snapshot(parts["snapshot"])
    live_parts = {part: live[1] / part for part in FOLDERS if (live[1] / part).is_dir()} if live else {}
    live_snapshot = Snapshot(live_parts["snapshot"]) if live_parts else None
    known = frozenset(snapshot.ids)
    if live_snapshot is not None and (common := known & frozenset(live_snapshot.ids)):
        known = common
    else:
        live_parts = {}  # another shop: there is nothing to compare
    cases = cases_of(found, snapshot, known, judgements)
    with tempfile.TemporaryDirectory() as folder:
        answers = ask_all(as_of_the_cut(parts, found, Path(folder) / "new"), cases)
        theirs: Mapping[str, Answer] = {}
        if live_parts:
            try:
                theirs = ask_all(as_of_the_cut(live_parts, found, Path(folder) / "live"), cases)
            except (TrialFailedError, OSError, ValueError) as error:
                warn(f"the live release cannot be asked ({error}); there is nothing to compare with")
    cut = found.cut.isoformat() if found.cut else ""
    return evaluated(cut, cases, answers, theirs, snapshot, live_snapshot, live[0] if live else "")


def ask_all(parts: Mapping[str, Path], cases: Sequence[Case]) -> dict[str, Answer]:
    """Judged queries are asked with the release's own trees, which learn from others; the past without them. Raises
    TrialFailedError."""
    judged = [case for case in cases if case.task == JUDGED]
    past = [case for case in cases if case.task != JUDGED]
    return (ask(unaware(parts), past) if past else {}) | (ask(parts, judged) if judged else {})


def unaware(parts: Mapping[str, Path]) -> dict[str, Path]:
    """With the ranker that is shipped: a shop's own trees have seen these weeks, and are judged where they grow, by
    questions that they have not seen."""
    return {part: PRIOR if part == "ranker" else path for part, path in parts.items()}


def ask(parts: Mapping[str, Path], cases: Sequence[Case]) -> dict[str, Answer]:
    """What the service's own code answers from these parts. Raises TrialFailedError."""
    with trial_folder(parts) as folder, tempfile.TemporaryDirectory() as files:
        asked, answers = Path(files) / "asked.jsonl", Path(files) / "answers.jsonl"
        lines = [{"id": case.id, "products": case.body, "known": case.known} for case in cases]
        asked.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
        run_module("online.replay", folder, asked, answers)
        found = [msgspec.json.decode(line, type=Answer) for line in answers.read_bytes().splitlines()]
    return {answer.id: answer for answer in found}


def read_evaluation(folder: Path) -> Evaluation:
    """Of an artefact or of a release."""
    return msgspec.json.decode((folder / EVALUATION_FILE).read_bytes(), type=Evaluation)


def facts_of(found: Evaluation) -> dict[str, object]:
    """For people who look at a run."""
    whole = found.figure("NDCG@10")
    facts: dict[str, object] = {"cases": sum(found.cases.values()), "coverage": found.coverage}
    if whole is not None:
        facts |= {"ndcg_at_10": whole.value}
        facts |= {"against_live": whole.difference} if whole.difference is not None else {}
    return facts


def _table(found: Evaluation) -> dg.TableMetadataValue:
    names = ("task", "segment", "measure", "cases", "value", "interval", "against live", "its interval")
    rows = []
    for one in found.figures:
        less = "" if one.difference is None else f"{one.difference:+.4f}"
        its = "" if one.difference is None else f"[{one.difference_low:+.4f}, {one.difference_high:+.4f}]"
        value, within = f"{one.value:.4f}", f"[{one.low:.4f}, {one.high:.4f}]"
        said = (one.task, one.segment, one.measure, str(one.cases), value, within)
        rows.append(dg.TableRecord(dict(zip(names, (*said, less, its), strict=True))))
    return dg.MetadataValue.table(rows, dg.TableSchema([dg.TableColumn(name) for name in names]))


def _drawn(found: Evaluation) -> bytes:
    """NDCG@10 of each task and segment, and how often a fifth of the scores was meant; a picture as PNG."""
    from matplotlib.figure import Figure as Drawing

    drawing = Drawing(figsize=(9, 4), layout="constrained")
    left, right = drawing.subplots(1, 2)
    shown = [one for one in found.figures if one.measure == "NDCG@10"]
    labels = [one.task if one.segment == ALL else f"{one.task}, {one.segment}" for one in shown]
    spread = [[one.value - one.low for one in shown], [one.high - one.value for one in shown]]
    left.barh(labels, [one.value for one in shown], xerr=spread if shown else None, color="tab:blue")
    left.set_title("NDCG@10 and its 95 % interval")
    right.plot([mean for mean, _, _ in found.calibration], [share for _, share, _ in found.calibration], marker="o")
    right.set_title("what was meant, by score")
    right.set_xlabel("mean score of a fifth")
    file = BytesIO()
    drawing.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()
