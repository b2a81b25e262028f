"""One run: a copy of a built shop is used by shoppers, its log becomes tables, and a build learns from them."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from benchmarks.clicks.measuring import Outcome, outcome
from benchmarks.clicks.shoppers import Wish, visit
from benchmarks.evaluate.asking import open_data
from benchmarks.evaluate.shops import ROOT
from benchmarks.examples.service import serve
from orchestration import ranker_training as training
from orchestration.artefacts import ArtefactStore
from orchestration.assets.ranker import JUDGED_FILE, Judged, grown, judge
from orchestration.impressions import LEARNED_FROM, Listed, as_questions, fall_of_attention, read_lists
from orchestration.policy_values import read_places
from orchestration.warehouse.stores import Warehouse, build_warehouse
from setwise.names import RANKER_SERVICE
from setwise.ranker import open_rankers
from setwise.ranking import KINDS, SEARCH, SHOPPER
from setwise.settings import Settings

WATCHED = {"SETWISE_EXPLORE_SHARE": "0.2", "SETWISE_EVENTS_FEATURES_SHARE": "1"}
"""A shop would explore 1 % and record 5 % and wait some weeks; the lists are the same."""
NEWEST = "SELECT max(time) FROM raw.served"
Worth = Callable[[Wish, Any], float]


class Learned(msgspec.Struct, frozen=True):
    """What the tables say of one run's lists."""

    fall: float | None
    """How attention falls, by what exploring moved."""
    lists: list[Listed]
    """Those that were clicked in, oldest first."""

    def count(self, kind: str) -> int:
        """Lists of this kind."""
        return sum(one.kind == kind for one in self.lists)


def environ_of(data_dir: Path) -> dict[str, str]:
    """Settings of a shop on embedded defaults, and nothing of this process's own shop."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("SETWISE_", "DAGSTER_"))}
    return clean | {"SETWISE_DATA_DIR": str(data_dir.absolute()), "PYTHONWARNINGS": "ignore"}


def run_module(module: str, data_dir: Path, *arguments: str, more: Mapping[str, str] | None = None) -> None:
    """Raises RuntimeError with what it said."""
    command = [sys.executable, "-m", module, *arguments]
    environ = environ_of(data_dir) | (more or {})
    done = subprocess.run(command, cwd=ROOT, env=environ, check=False, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{module} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def copy_of(built: Path, folder: Path) -> Path:
    """A built shop's data folder once more: files that never change are linked, stores are copied."""

    def copied(source: str, target: str) -> object:
        is_store = ".db" in Path(source).name or ".duckdb" in Path(source).name
        return shutil.copy2(source, target) if is_store else os.link(source, target)

    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(built, folder, copy_function=copied)
    return folder


def collect(
    data_dir: Path, asked: Sequence[Wish], fall: float, seed: int, worth: Worth = Wish.worth,
    more: Mapping[str, str] | None = None,
) -> dict[str, int]:  # fmt: skip
    """Shoppers use the live release through its routes, the log is loaded, and the marts are made."""
    settings = Settings.from_env({"SETWISE_DATA_DIR": str(data_dir.absolute()), **WATCHED, **(more or {})})
    with serve(settings) as client:
        catalogue = {product.id: product for product in client.app.state.watch.live.snapshot}
        done = visit(client, catalogue, asked, fall, random.Random(seed), worth)
    run_module("orchestration.loader", data_dir, "--once")
    run_module("orchestration.marts", data_dir, "run", "--quiet")
    return done


def learned_from(data_dir: Path) -> Learned:
    """What a build would learn from."""
    warehouse = build_warehouse(Settings.from_env({"SETWISE_DATA_DIR": str(data_dir.absolute())}))
    try:
        return _read(warehouse)
    finally:
        warehouse.close()


def _read(warehouse: Warehouse) -> Learned:
    ((newest,),) = warehouse.rows(NEWEST)
    since = newest - LEARNED_FROM
    fall = fall_of_attention(read_places(warehouse, "product", since, newest + LEARNED_FROM))
    return Learned(fall, [one for one in read_lists(warehouse, since) if one.clicked.any() or one.bought.any()])


def ungated(lists: Sequence[Listed], fall: float, folder: Path) -> Path:
    """Trees of every kind, grown as a build grows them and taken whatever the gate would say."""
    questions, kinds = as_questions(lists, fall)
    for kind in (SEARCH, SHOPPER):
        mine = questions.only(np.flatnonzero(kinds == KINDS.index(kind)))
        recipe = training.RECIPES[kind].of(len(mine))
        trees, count, *_ = grown(mine, recipe, have_time=True)
        training.write_ranker(trees, recipe, folder / kind, RANKER_SERVICE, f"{count} lists", {})
    return folder


def judged_by_gate(lists: Sequence[Listed], fall: float, folder: Path) -> dict[str, Judged]:
    """What the build's own step makes of the lists: of each kind the trees that it would serve, and why."""
    questions, kinds = as_questions(lists, fall)
    return {
        kind: judge(kind, questions.only(np.flatnonzero(kinds == KINDS.index(kind))), folder / kind, have_time=True)
        for kind in (SEARCH, SHOPPER)
    }


def asked_of(data_dir: Path, asked: Sequence[Wish], fall: float, rankers: Path | None = None) -> Outcome:
    """The live release's lists, with its own trees or with those of a folder in their place."""
    live, dependencies = open_data(Settings.from_env({"SETWISE_DATA_DIR": str(data_dir.absolute())}))
    if rankers is not None:
        others = {kind: ranker for kind, ranker in live.rankers.items() if kind not in (SEARCH, SHOPPER)}
        live = msgspec.structs.replace(live, rankers={**others, **open_rankers(rankers)})
    return outcome(live, dependencies, asked, fall)


def judged_of(data_dir: Path) -> dict[str, Judged]:
    """What the newest build's gates said, by kind."""
    artefact = ArtefactStore(data_dir.absolute() / "artefacts").latest("ranker")
    if artefact is None:
        raise RuntimeError(f"nothing was built in {data_dir}")
    found = msgspec.json.decode((artefact.path / JUDGED_FILE).read_bytes(), type=list[Judged])
    return {one.kind: one for one in found}


def shoppers_of(data_dir: Path) -> list[dict[str, Any]]:
    """The planted shoppers of a sample shop."""
    found: list[dict[str, Any]] = json.loads((data_dir / "sample/truth.json").read_text())["shoppers"]
    return found
