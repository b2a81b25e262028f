"""`python -m benchmarks.clicks` in short: shoppers use a shop, a build learns from it, and both releases are asked."""

import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from built_once import files_of
from e2e_support import build

from benchmarks.clicks.__main__ import ARMS, MEASURES, SAID, UNLIKE, report
from benchmarks.clicks.runs import asked_of, shoppers_of
from benchmarks.clicks.seeds import run, run_indifferent
from benchmarks.clicks.shoppers import wishes
from orchestration.warehouse.stores import opened_warehouse
from setwise.settings import Settings

LISTS, ASKED, FALL = 120, 20, 1.0


@pytest.mark.long
def test_a_seed_is_used_learned_from_built_again_and_asked_and_leaves_its_base_as_it_was(shop, tmp_path: Path) -> None:
    base = tmp_path / "base"
    done = build(files_of(shop) | {"SETWISE_DATA_DIR": str(base)})
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.copytree(shop, base / "sample", dirs_exist_ok=True)
    current = (base / "releases/current").read_bytes()
    asked = wishes(shoppers_of(base)[1::2], ASKED, random.Random("held out"))
    before = asked_of(base, asked, FALL)
    found = run(base, tmp_path, 1, LISTS, FALL, asked, files_of(shop))
    unlike = run_indifferent(base, tmp_path, LISTS, FALL, asked)
    assert set(found.arms) == set(ARMS) and set(found.counts) == set(SAID) and min(found.counts.values()) > 0
    for outcome in (before, found.after, unlike, *found.arms.values()):
        assert len(outcome.purchases) == len(outcome.products) == ASKED
        assert np.isfinite(outcome.purchases).all() and outcome.purchases.mean() > 0
    # Too few lists to learn from: what is released answers as before.
    assert found.judged.keys() >= set(SAID) and np.array_equal(found.after.purchases, before.purchases)
    text = report(before, [found], unlike, asked)
    assert all(text.count(f"| {said} ") == len(MEASURES) + 1 + len(ARMS) + 1 for said in SAID.values())
    assert UNLIKE in text
    assert (base / "releases/current").read_bytes() == current and not _served(base) and _served(tmp_path / "seed-1")


def _served(data_dir: Path) -> int:
    """Rows of answers in a shop's warehouse."""
    with opened_warehouse(Settings.from_env({"SETWISE_DATA_DIR": str(data_dir)})) as warehouse:
        ((count,),) = warehouse.rows("SELECT count(*) FROM raw.served")
    return int(count)
