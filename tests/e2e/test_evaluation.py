"""A release carries what was measured of it; the same inputs give the same card; a worse index is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from built_once import files_of
from e2e_support import build, built_shop

from orchestration.artefacts import ArtefactStore
from orchestration.assets.evaluation import ask, evaluate, read_evaluation
from orchestration.candidate import FOLDERS
from orchestration.gates import LEAST_CASES, not_worse
from orchestration.held_out import Case
from orchestration.policy_values import Places
from orchestration.replayed_orders import live_order_values
from orchestration.sample_shop import generate
from setwise.catalogue import indexed_text
from setwise.exploration import explored_list
from setwise.index import LocalIndex, build_index
from setwise.release import Releases
from setwise.settings import Settings
from setwise.snapshot import Snapshot

CARD = "card/model_card.md"
MEASURED = "evaluation/evaluation.json"


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a sample shop whose queries were judged."""
    made = tmp_path_factory.mktemp("judged") / "sample"
    generate(made, products=150, shoppers=30, orders=300)
    judge_queries(made)
    return made


@pytest.fixture(scope="module")
def folder(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the usual shop's release."""
    settings = Settings.from_env(built_shop(files_of(shop), tmp_path_factory.mktemp("evaluated")))
    return live_folder(Path(settings.storage.data_dir))


@pytest.fixture(scope="module")
def judged(sample: Path) -> Path:
    """The folder of the release of the shop whose queries were judged."""
    return release_of(sample, "one")


def release_of(sample: Path, name: str) -> Path:
    """The folder of a release that is made of these files, in a data folder of its own and from nothing."""
    data_dir = sample.parent / name
    environ = {"SETWISE_DATA_DIR": str(data_dir)}
    for file in ("feed", "orders", "sets", "judgements"):
        environ[f"SETWISE_{file.upper()}"] = str(sample / f"{file}.jsonl")
    done = build(environ, from_nothing=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return live_folder(data_dir)


def live_folder(data_dir: Path) -> Path:
    releases = Releases(str(data_dir / "releases"), data_dir / "cache")
    live = releases.current_id()
    assert live is not None
    return releases.fetch(live)[1]


def judge_queries(folder: Path) -> None:
    """Of each kind and style: 3 for what is both, 1 for the rest of the kind, 0 for some that are neither."""
    rows = [json.loads(line) for line in (folder / "feed.jsonl").read_text().splitlines()]
    kinds = {row["id"]: row["product_type"].rsplit(" > ", 1)[-1] for row in rows}
    with (folder / "judgements.jsonl").open("w") as file:
        for kind, style in sorted({(kinds[row["id"]], row["custom_label_0"]) for row in rows}):
            others = [row["id"] for row in rows if kinds[row["id"]] != kind][:5]
            grades = {row["id"]: 1 + 2 * (row["custom_label_0"] == style) for row in rows if kinds[row["id"]] == kind}
            line = {"query": f"{style} {kind.lower()}", "grades": grades | dict.fromkeys(others, 0)}
            file.write(json.dumps(line) + "\n")


@pytest.mark.long  # a build from nothing
def test_judged_queries_teach_the_ranker_and_every_fourth_judges_the_release(judged) -> None:
    found = read_evaluation(judged / "evaluation")
    assert found.cases["judged query"] >= 10
    figure = found.figure("NDCG@10", "judged query")
    assert (
        figure is not None
        and figure.value > 0.5
        and f"| judged query | {figure.segment} |" in (judged / CARD).read_text()
    )
    artefact = ArtefactStore(judged.parents[1] / "artefacts").latest("ranker")
    assert artefact is not None
    told = {one["kind"]: one for one in json.loads((artefact.path / "judged.json").read_text())}
    learned_from = json.loads((judged / "ranker/list/ranker.json").read_text())["trained_on"]
    assert told["list"]["questions"] >= 40 and (told["list"]["chosen"] == "own") == ("this shop" in learned_from)
    assert told["search"]["judged_by"] >= 40


def test_a_release_carries_its_figures_its_gates_and_a_card(folder) -> None:
    found, card = read_evaluation(folder / "evaluation"), (folder / CARD).read_text()
    assert sum(found.cases.values()) >= LEAST_CASES and found.cut
    whole = found.figure("NDCG@10")
    assert whole is not None and whole.low <= whole.value <= whole.high
    gates = json.loads((folder / "manifest.json").read_text())["gates"]
    assert gates["ndcg_at_10"] == whole.value and gates["index_recall"] >= 0.97
    assert f"# Release {folder.name}" in card and f"- ndcg_at_10: {whole.value:g}" in card


@pytest.mark.long  # two builds from nothing; that they give one release, test_release_life sees too
def test_the_same_inputs_give_the_same_release_the_same_figures_and_the_same_card(judged, sample) -> None:
    one, two = judged, release_of(sample, "two")
    assert one.name == two.name
    for file in (CARD, MEASURED, "summary/summary.json"):
        assert (one / file).read_bytes() == (two / file).read_bytes(), file


def test_an_index_of_other_products_is_refused_by_how_much_it_answers_worse(folder, tmp_path) -> None:
    parts = {part: folder / part for part in FOLDERS}
    snapshot, vectors = Snapshot(folder / "snapshot"), LocalIndex(folder / "index").vectors()
    mixed = np.random.default_rng(0).permutation(len(snapshot))
    (tmp_path / "index").mkdir()
    build_index(vectors[mixed], [indexed_text(snapshot[int(row)]) for row in mixed], tmp_path / "index")
    said: list[str] = []
    same = evaluate(parts, ("r-live", folder), [], [], [], said.append)
    worse = evaluate(parts | {"index": tmp_path / "index"}, ("r-live", folder), [], [], [], said.append)
    assert not said and not any(gate.refusal for gate in not_worse(same))
    whole, before = worse.figure("NDCG@10"), same.figure("NDCG@10")
    assert before is not None and before.value > 0.9 and whole is not None and whole.difference is not None
    assert whole.difference < -0.5
    refusals = [gate.refusal for gate in not_worse(worse) if gate.refusal]
    assert refusals and f"difference {whole.difference:+.4f}" in refusals[0]


def test_a_live_release_that_can_no_longer_be_asked_is_compared_with_nothing(folder, tmp_path) -> None:
    parts, said = {part: folder / part for part in FOLDERS}, list[str]()
    for part in FOLDERS:
        (tmp_path / part).mkdir()
        for file in (folder / part).rglob("*"):
            if file.is_file() and part != "encoder":
                (tmp_path / part / file.relative_to(folder / part)).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / part / file.relative_to(folder / part)).write_bytes(file.read_bytes())
    found = evaluate(parts, ("r-live", tmp_path), [], [], [], said.append)
    assert said and "cannot be asked" in said[0]
    assert found.live_release == "" and found.figure("NDCG@10").difference is None


def test_the_live_releases_order_of_what_was_shown_is_found_again_and_valued(folder) -> None:
    snapshot, share, shown = Snapshot(folder / "snapshot"), 0.5, 4
    prompts = {f"a{n}": f"{snapshot[n].title.split()[-1]} {snapshot[n].title.split()[0]}" for n in range(60)}
    asked = [Case(name, "", {"prompt": prompt, "k": shown + 5}, [], []) for name, prompt in prompts.items()]
    replies = ask({part: folder / part for part in FOLDERS}, asked).values()
    own = {answer.id: answer.products for answer in replies}
    rows = []
    for name, products in own.items():
        drawn = explored_list(name, shown, len(products), share)
        clicks = [float(rank == 1) for rank in drawn.ranks]
        for place, (rank, p) in enumerate(zip(drawn.ranks, drawn.propensities, strict=True), 1):
            rows.append((name, products[rank - 1], place, rank, share, p, clicks[place - 1]))
    answers, things, position, rank, shares, propensity, clicks = zip(*rows, strict=True)
    places = Places(
        list(answers), list(things), np.asarray(position), np.asarray(rank), np.asarray(shares),
        np.asarray(propensity), {"click": np.asarray(clicks), "purchase": np.zeros(len(clicks))},
    )  # fmt: skip
    values = {(one.reward, one.method): one.estimate for one in live_order_values(places, prompts, folder)}
    found = values["click", "ips"]
    assert found is not None and found.answers == 60
    assert found.low <= 1.0 <= found.high and found.value > 0.5, "whoever shows the best first is clicked every time"
