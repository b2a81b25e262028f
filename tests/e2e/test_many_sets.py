"""A shop with many sets: every set teaches how words are ranked, asked while it is not known."""

import itertools
import json
from pathlib import Path

import pytest
from built_once import files_of
from e2e_support import build

from orchestration.artefacts import Artefact, ArtefactStore
from orchestration.training_questions import MANY_SETS
from setwise.ranker import MODEL_FILE
from setwise.release import Releases

CHEAP = 4
pytestmark = pytest.mark.long
"""What is asked, and what trees may learn from it, is tested without a build: tests/unit/test_training_questions.py."""


@pytest.fixture(scope="module")
def environ(shop: Path, tmp_path_factory) -> dict[str, str]:
    """The settings of a shop whose merchant made sets of the cheapest products of each kind, built."""
    folder = tmp_path_factory.mktemp("many-sets")
    kinds: dict[str, list[tuple[float, str]]] = {}
    for row in map(json.loads, (shop / "feed.jsonl").read_text().splitlines()):
        if row["availability"] == "in_stock":
            price = float(row["price"].removesuffix(" USD"))
            kinds.setdefault(row["product_type"].rsplit(" > ", 1)[-1], []).append((price, row["id"]))
    cheap = {kind: [i for _, i in sorted(rows)[:CHEAP]] for kind, rows in kinds.items() if len(rows) > 2 * CHEAP}
    pairs = [(kind, pair) for kind, ids in cheap.items() for pair in itertools.combinations(ids, 2)]
    with (folder / "sets.jsonl").open("w") as file:
        for number, (kind, ids) in zip(range(MANY_SETS), itertools.cycle(pairs), strict=False):
            file.write(json.dumps({"set_id": f"s{number}", "title": kind.lower(), "product_ids": ids}) + "\n")
    files = files_of(shop) | {"SETWISE_SETS": str(folder / "sets.jsonl")}
    found = files | {"SETWISE_DATA_DIR": str(folder / "data")}
    done = build(found)
    assert done.returncode == 0, done.stdout + done.stderr
    return found


def latest(environ: dict[str, str], name: str) -> Artefact:
    found = ArtefactStore(Path(environ["SETWISE_DATA_DIR"]) / "artefacts").latest(name)
    assert found is not None
    return found


def test_every_set_is_asked_once_and_teaches_the_trees_that_are_served(environ, tmp_path) -> None:
    assert latest(environ, "training_rows").facts["questions of search"] == MANY_SETS
    judged = {one["kind"]: one for one in json.loads((latest(environ, "ranker").path / "judged.json").read_text())}
    assert judged["search"]["judged_by"] == judged["search"]["questions"] > MANY_SETS * 0.9
    assert judged["search"]["chosen"] == "own" and judged["search"]["difference"][1] > 0
    releases = Releases(f"{environ['SETWISE_DATA_DIR']}/releases", tmp_path)
    _, folder = releases.fetch(releases.current_id())
    card = json.loads((folder / "ranker/search/ranker.json").read_text())
    assert card["trained_on"] == f"{judged['search']['questions']} questions of this shop"


def test_the_same_sets_asked_again_give_the_same_trees(environ) -> None:
    store = ArtefactStore(Path(environ["SETWISE_DATA_DIR"]) / "artefacts")
    before, key = (
        (latest(environ, "ranker").path / "serving/search" / MODEL_FILE).read_bytes(),
        latest(environ, "ranker").key,
    )
    for name in ("training_rows", "ranker"):
        store.drop(latest(environ, name))
    done = build(environ)
    assert done.returncode == 0, done.stdout + done.stderr
    again = latest(environ, "ranker")
    assert again.key == key and (again.path / "serving/search" / MODEL_FILE).read_bytes() == before
