"""Shoppers whose tastes are known, from the service's own exploration through the marts to an estimate."""

import json
import os
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from builds import dbt, python

from benchmarks.counterfactual import OTHER, READ, START, Shop, covered, load_days
from online.candidates import RankedBy
from online.exploring import Explorer
from online.messages import ProductOut, ProductsAnswer, ProductsRequest
from online.recording import Answered, served_event
from orchestration.impressions import CLICK, PURCHASE, fall_of_attention, questions_of_lists
from orchestration.policy_values import policy_values, read_places
from orchestration.warehouse.rows import batch_of
from orchestration.warehouse.stores import Warehouse, build_warehouse
from setwise.cloud_event import CloudEvent
from setwise.events import Interaction, InteractionItem
from setwise.log import Record
from setwise.names import INTERACTIONS_TOPIC, SERVED_TOPIC
from setwise.pseudonyms import Pseudonyms
from setwise.ranking import FEATURES, KINDS
from setwise.settings import Settings

DAYS, ANSWERS, LISTS = 12, 250, 900
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
    asked_of_lists(warehouse, expected := load_lists(warehouse))
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
    asked_of_lists(warehouse, expected, has_marts=True)
    warehouse.close()
    told_by_dagster(tmp_path)


def load_lists(warehouse: Warehouse) -> dict[str, dict[int, bool]]:
    """Lists of ten products that say what they were ranked by, their clicks and purchases. Of each list that was
    clicked in, the places that were, and whether they were bought."""
    rng, explorer, names = np.random.default_rng(7), Explorer(0.4), Pseudonyms(b"a made shop")
    served, done, expected = list[CloudEvent](), list[CloudEvent](), dict[str, dict[int, bool]]()
    for number in range(LISTS):
        moment, request_id = START + timedelta(minutes=number), f"{number:032x}"
        rows = {f"p-{number}-{rank}": np.full(len(FEATURES), 0.01 * rank) for rank in range(1, 16)}
        products = [ProductOut(name, 1.0, 100, "USD", "", "", "", []) for name in rows]
        asked = ProductsRequest(user_id=f"u-{number}", k=10)
        answer = ProductsAnswer(request_id, "full", [], READ, products, {"total": 5.0})
        answer = explorer.explored(asked, answer)
        said = Answered("products", asked, answer, "shop", "r-1", moment, "", ranked_by=RankedBy("shopper", rows))
        served.append(served_event(said, names))
        for place, product in enumerate(answer.products, 1):
            if rng.random() >= 0.6 / place:
                continue
            item = [InteractionItem(product.product_id, 1, 100)]
            user, later = names.user(asked.user_id), moment + timedelta(seconds=place)
            clicked = Interaction("click", later, 1, user=user, request_id=request_id, items=item)
            done.append(CloudEvent(f"c-{product.product_id}", "setwise.click", later, clicked, "shop"))
            expected.setdefault(request_id, {})[place] = is_bought = bool(rng.random() < 0.2)
            if is_bought:
                paid = Interaction(
                    "purchase", later, 1, user=user, currency="USD", items=item, order_id=f"o-{product.product_id}"
                )  # fmt: skip
                done.append(CloudEvent(f"b-{product.product_id}", "setwise.purchase", later, paid, "shop"))
    for topic, events in ((SERVED_TOPIC, served), (INTERACTIONS_TOPIC, done)):
        records = [Record(topic, 1, at, one.subject, one.encoded(), {}, one.time) for at, one in enumerate(events)]
        warehouse.load(batch_of(topic, records, START + timedelta(days=DAYS)), None)
    return expected


def asked_of_lists(warehouse: Warehouse, expected: dict[str, dict[int, bool]], has_marts: bool = False) -> None:
    """What a build would learn from them: nothing before dbt has run, then each list that was clicked in."""
    found = questions_of_lists(warehouse)
    assert (found is not None) == has_marts
    if found is None:
        return
    questions, kinds = found
    assert {KINDS[kind] for kind in kinds} == {"shopper"} and set(questions.counts) == {10}
    assert len(questions) == len(expected)
    gains = questions.gains.reshape(-1, 10)
    for one, places in zip(gains, expected.values(), strict=True):
        assert {int(at) + 1 for at in np.flatnonzero(one)} == set(places)
    first = {gain for one, places in zip(gains, expected.values(), strict=True) if 1 in places for gain in (one[0],)}
    assert first == {CLICK, PURCHASE}
    fall = fall_of_attention(read_places(warehouse, "product", START, START + timedelta(days=DAYS)))
    assert fall == pytest.approx(1.0, abs=0.35)
    lows = [one[9] for one, places in zip(gains, expected.values(), strict=True) if places.get(10) is False]
    assert lows and min(lows) > 2 * CLICK
    # Rows are those that were recorded, in the order that was shown.
    assert set(np.round(questions.features[:, 0] * 100).astype(int)) == set(range(1, 16))


def told_by_dagster(data_dir: Path) -> None:
    """The report and the check of these days."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(("SETWISE_", "DAGSTER_"))}
    own |= {"SETWISE_DATA_DIR": str(data_dir), "PYTHONWARNINGS": "ignore", "PYTHONPATH": str(ROOT)}
    done = python(own, SHOW)
    assert done.returncode == 0, done.stderr[-4_000:]
    answers, rows, passed, spreads = json.loads(done.stdout.splitlines()[-1])
    assert answers == DAYS * ANSWERS + LISTS
    said = {(row["of"], row["policy"], row["estimator"]): row["value"] for row in rows}
    assert float(said["bundles", "best first", "IPS"]) > 0
    assert float(said["products", "best first", "SNIPS"]) > 0
    assert passed and set(spreads) == {"language", "characters of a prompt", "things found"}
