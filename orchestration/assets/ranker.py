"""What is learned of ranking: trees on top of the weighted sum, for each kind of request, taken only if not worse."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import msgspec
import numpy as np

from orchestration import ranker_training as training
from orchestration.artefacts import Artefact, result
from orchestration.assets.training_rows import LISTS_FILE, QUESTIONS_FILE
from orchestration.resources import Workplace
from setwise.names import RANKER_SERVICE
from setwise.ranker import CARD_FILE, Ranker
from setwise.ranking import BASKET, FEATURES, KINDS, SHOPPER
from setwise.release import sha256_of

if TYPE_CHECKING:
    import lightgbm

SERVING = "serving"
"""The part of the artefact that goes into the release."""
JUDGED_FILE = "judged.json"
PRIOR = Path(__file__).parents[1] / "prior_ranker"
"""What a shop with too little data keeps; `python -m benchmarks.prior_ranker` makes it."""
LEARNED_FROM, STOPPED_BY = 0.6, 0.75
"""Shares of many questions: trees grow from the first, stop by the next, and are judged by the last, which are the
latest ones where questions have a time."""
SURE = 0.9
"""How sure it must be, by bootstrap, that own trees, or the sum alone, are better than what they replace: what only may
be is noise."""
DATED = (BASKET, SHOPPER)
"""What orders are asked for. Titles of sets and judged queries, of the other kinds, have no time."""
MOST_DIFFERENCE = 1e-4
"""Between the trees' scores and the served file's."""


class Judged(msgspec.Struct, frozen=True):
    """NDCG@10 of one kind on questions that nothing was learned from, and what was chosen: sum, prior or own."""

    kind: str
    chosen: str
    questions: int
    judged_by: int = 0
    ndcg_sum: float = 0.0
    ndcg_prior: float | None = None
    ndcg_own: float | None = None
    difference: tuple[float, float, float] | None = None
    """Own - what they would replace (the prior, or the sum where that is better), with its paired 95 % interval."""
    importances: dict[str, float] = {}
    refused: str = ""
    """Why trees that rank better are not served, if they are not."""


@dg.asset(group_name="models", kinds={"lightgbm", "onnx"})
def ranker(workplace: Workplace, training_rows: Artefact) -> dg.MaterializeResult[Artefact]:
    """Trees for each kind of request. One row = one kind."""

    def build(folder: Path) -> dict[str, object]:
        teachers = [of_kinds(training_rows.path / file) for file in (LISTS_FILE, QUESTIONS_FILE)]
        judged = [judge_in_turn(kind, [one.get(kind) for one in teachers], folder / SERVING / kind) for kind in KINDS]
        (folder / SERVING).mkdir(exist_ok=True)
        (folder / JUDGED_FILE).write_bytes(msgspec.json.encode(judged))
        return {one.kind: one.chosen for one in judged}

    prior = {str(path.relative_to(PRIOR)): sha256_of(path) for path in sorted(PRIOR.glob("*/*"))}
    artefact = workplace.artefacts.make("ranker", ["10", FEATURES, prior, training_rows.key], build)
    judged = msgspec.json.decode((artefact.path / JUDGED_FILE).read_bytes(), type=list[Judged])
    return result(artefact, judged_on_held_out_questions=_table(judged), what_decides=_importances(judged))


def of_kinds(path: Path) -> dict[str, training.Questions]:
    """The questions of a file by their kind; none without the file."""
    if not path.is_file():
        return {}
    questions, kinds = training.load(path)
    return {KINDS[at]: questions.only(np.flatnonzero(kinds == at)) for at in np.unique(kinds)}


def judge_in_turn(kind: str, teachers: Sequence[training.Questions | None], folder: Path) -> Judged:
    """Learns from the first teacher whose trees are better: what the next one taught is not lost for it. All but the
    last teach by lists that were clicked in."""
    for questions in teachers[:-1]:
        if questions is not None and (judged := judge(kind, questions, folder, have_time=True)).chosen == "own":
            return judged
        shutil.rmtree(folder, ignore_errors=True)
    return judge(kind, teachers[-1], folder, have_time=kind in DATED)


def judge(kind: str, questions: training.Questions | None, folder: Path, *, have_time: bool = False) -> Judged:
    """Grows trees from a kind's questions, and writes the better one: these, the prior, or none. `have_time`: they are
    in the order of their time."""
    has_prior = (PRIOR / kind / CARD_FILE).is_file()
    # Where nothing that was meant is among the candidates there is no order to learn.
    found = None if questions is None else questions.only(np.flatnonzero(_has_gain(questions)))
    count = 0 if found is None else len(found)
    recipe = training.RECIPES[kind].of(count)
    if found is None or len(np.unique(found.units)) < recipe.least_questions:
        _copy_prior(kind, folder)
        return Judged(kind, "prior" if has_prior else "sum", count)
    trees, grown_from, held, own = grown(found, recipe, have_time=have_time)
    sums = held.sums()
    scores = {"sum": sums, "own": sums + own}
    if has_prior:
        scores["prior"] = sums + Ranker(PRIOR / kind).score(held.features.astype(np.float64))
    ndcg = {name: training.ndcg_of(held, values) for name, values in scores.items()}
    means = {name: round(float(values.mean()), 4) for name, values in ndcg.items()}
    is_sum_better = not has_prior or training.sure_above(ndcg["sum"] - ndcg["prior"], held.units) >= SURE
    base = "sum" if is_sum_better else "prior"
    gain = ndcg["own"] - ndcg[base]
    difference = training.bootstrap(gain, held.units)
    chosen = "own" if training.sure_above(gain, held.units) >= SURE else base
    refused = ""
    if chosen == "own":
        metrics = {"ndcg_at_10": means["own"], "ndcg_at_10_sum": means["sum"]}
        said = f"{grown_from} questions of this shop"
        training.write_ranker(trees, recipe, folder, RANKER_SERVICE, said, metrics)
        off, is_same = training.parity(trees, recipe, folder, held)
        if off > MOST_DIFFERENCE or not is_same:
            shutil.rmtree(folder)
            chosen, refused = base, f"the file scores otherwise than its trees do, by up to {off:.1e}"
    if chosen == "prior":
        _copy_prior(kind, folder)
    rounded = (round(difference[0], 4), round(difference[1], 4), round(difference[2], 4))
    return Judged(
        kind, chosen, count, len(held), means["sum"], means.get("prior"), means["own"], rounded,
        training.importances(trees), refused,
    )  # fmt: skip


def grown(
    found: training.Questions, recipe: training.Recipe, *, have_time: bool = False
) -> tuple["lightgbm.Booster", int, training.Questions, np.ndarray]:
    """Trees, of how many questions, and their part of the scores of questions that they, or others grown alike, have
    not seen: of the latest quarter of many that have a time, else of each fold."""
    count = len(found)
    if not have_time or count < training.MANY_QUESTIONS:
        return training.fit(found, recipe), count, found, training.learned_by_folds(found, recipe)
    ends = [int(count * LEARNED_FROM), int(count * STOPPED_BY)]
    learn, stop, held = (found.only(part) for part in np.split(np.arange(count), ends))
    trees = training.fit(learn, recipe, held_out=stop)
    return trees, len(learn), held, training.learned_by(trees, recipe, held)


def _has_gain(questions: training.Questions) -> np.ndarray:
    of = np.repeat(np.arange(len(questions)), questions.counts)
    return np.bincount(of, questions.gains, len(questions)) > 0


def _copy_prior(kind: str, folder: Path) -> None:
    if (PRIOR / kind / CARD_FILE).is_file():
        shutil.copytree(PRIOR / kind, folder)


def _table(judged: list[Judged]) -> dg.TableMetadataValue:
    """For a person: what was chosen for each kind, and by how much."""
    rows = [
        dg.TableRecord({
            "kind": one.kind, "chosen": one.chosen, "questions": one.questions, "held out": one.judged_by,
            "sum": one.ndcg_sum if one.judged_by else "", "prior": one.ndcg_prior or "", "own": one.ndcg_own or "",
            "difference [95 %]": "{:+.4f} [{:+.4f}, {:+.4f}]".format(*one.difference) if one.difference else "",
        })
        for one in judged
    ]  # fmt: skip
    columns = ["kind", "chosen", "questions", "held out", "sum", "prior", "own", "difference [95 %]"]
    return dg.MetadataValue.table(
        [dg.TableRecord({name: str(value) for name, value in row.data.items()}) for row in rows],
        dg.TableSchema([dg.TableColumn(name) for name in columns]),
    )


def _importances(judged: list[Judged]) -> dg.MarkdownMetadataValue:
    lines = [
        f"- {one.kind}: " + ", ".join(f"{name} {share:.2f}" for name, share in one.importances.items() if share >= 0.02)
        for one in judged
        if one.importances
    ]
    return dg.MetadataValue.md("\n".join(lines) or "no trees were grown: too few questions")


@dg.asset_check(asset=ranker)
def every_ranker_ranks_no_worse_than_what_it_replaces(ranker: Artefact) -> dg.AssetCheckResult:
    """A kind whose own trees were refused keeps the prior or the weighted sum; by how much is said."""
    judged = msgspec.json.decode((ranker.path / JUDGED_FILE).read_bytes(), type=list[Judged])
    refused = {one.kind: one.refused or one.difference[0] for one in judged if one.difference and one.chosen != "own"}
    return dg.AssetCheckResult(
        passed=not refused, severity=dg.AssetCheckSeverity.WARN, metadata={"refused": dg.MetadataValue.json(refused)}
    )
