"""Shoppers whose tastes are known, from the service's own exploration through the marts to an estimate."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from benchmarks.counterfactual import OTHER, START, Shop, covered, load_days
from orchestration.marts import dbt
from orchestration.policy_values import policy_values, read_places
from orchestration.warehouse.stores import build_warehouse
from setwise.settings import Settings

DAYS, ANSWERS = 12, 250
ROOT = Path(__file__).parents[2]
SHOW = """
import json
from orchestration.resources import Workplace
from orchestration.warehouse.watching import policy_value_report, prompts_are_spread_as_before

found, check = policy_value_report(Workplace()).metadata, prompts_are_spread_as_before(Workplace())
rows = [row.data for row in found["values of one answer"].records]
print(json.dumps([found["explored answers"], rows, check.passed, list(check.metadata)]))
"""


def test_what_was_explored_and_clicked_tells_what_other_orders_are_worth(tmp_path: Path) -> None:
    settings, shop = Settings.from_env({"SETWISE_DATA_DIR": str(tmp_path)}), Shop.made(40, 5)
    warehouse = build_warehouse(settings)
    load_days(warehouse, shop, DAYS, ANSWERS, 0.2)
    assert dbt(settings, os.environ, "build", "--quiet", "--select", "+fct_places", "+fct_served") == 0
    found = covered(warehouse, shop, DAYS)
    assert len(found) == 12 and all(share >= 0.75 for share in found.values()), found
    assert sum(found.values()) / len(found) >= 0.9, found
    every = read_places(warehouse, "bundle", START, START + timedelta(days=DAYS))
    assert len(every.answers) == DAYS * ANSWERS * 3
    told = {(one.policy, one.reward, one.method): one.estimate for one in policy_values(every, shop.policies())}
    truths = shop.truths()
    assert truths[OTHER, "click"] > truths["best first", "click"] > truths["every answer explored", "click"]
    for (policy, reward, method), estimate in told.items():
        assert estimate is not None and estimate.clipped == 0.0
        assert estimate.value == pytest.approx(truths[policy, reward], rel=0.25), (policy, reward, method)
    warehouse.close()
    told_by_dagster(tmp_path)


def told_by_dagster(data_dir: Path) -> None:
    """The report and the check of these days."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(("SETWISE_", "DAGSTER_"))}
    own |= {"SETWISE_DATA_DIR": str(data_dir), "PYTHONWARNINGS": "ignore", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", SHOW], capture_output=True, text=True, env=own, cwd=ROOT, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4_000:]
    answers, rows, passed, spreads = json.loads(done.stdout.splitlines()[-1])
    assert answers == DAYS * ANSWERS
    said = {(row["of"], row["policy"], row["estimator"]): row["value"] for row in rows}
    assert float(said["bundles", "best first", "IPS"]) > 0
    assert said["products", "best first", "SNIPS"] == "nothing was logged"
    assert passed and set(spreads) == {"language", "characters of a prompt", "things found"}
