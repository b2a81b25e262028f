"""python -m benchmarks.counterfactual: how often the intervals of counterfactual estimates hold the truth.

Made shoppers with known tastes see answers that the service's own code explores and records; loader and dbt bring them
into the marts, and each day's estimates are compared with what the tastes say."""

import argparse
import os
import random
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np

from online.exploring import Explorer
from online.messages import BundleAnswer, BundleOut, BundleRequest, ExcludeRead, ItemOut, Understood
from online.recording import Answered, served_event
from orchestration.marts import dbt
from orchestration.policy_values import POLICIES, Places, Policy, policy_values, read_places
from orchestration.warehouse.rows import batch_of
from orchestration.warehouse.stores import Warehouse, build_warehouse
from setwise.cloud_event import CloudEvent
from setwise.counterfactual import as_ranked
from setwise.events import Interaction, InteractionItem
from setwise.log import Record
from setwise.names import INTERACTIONS_TOPIC, SERVED_TOPIC
from setwise.pseudonyms import Pseudonyms
from setwise.settings import Settings

START = datetime(2026, 3, 1, tzinfo=UTC)
READ = Understood("en", None, [], {}, [], [], [], [], [], ExcludeRead([], [], [], [], [], []), [], [])
LOOKED_AT = (1.0, 0.6, 0.4)
"""How often each place is looked at."""
BOUGHT = 0.3
"""Share of clicks that become purchases."""
OTHER = "as a new release would"


class Shop(msgspec.Struct, frozen=True):
    """What shoppers ask for: for each of the prompts, how attractive the bundles are in the order that is served."""

    attraction: np.ndarray
    """Shape (prompts, 3): chance of a click at the first place."""
    other: np.ndarray
    """The same shape: the places that another release would give them."""

    @classmethod
    def made(cls, prompts: int, seed: int) -> "Shop":
        """The served order is better than chance and far from the best one."""
        rng = np.random.default_rng(seed)
        attraction = rng.beta(1.5, 6.0, (prompts, 3))
        served = np.argsort(-attraction * np.exp(rng.normal(0, 0.8, attraction.shape)), axis=1)
        attraction = np.take_along_axis(attraction, served, 1)
        better = np.argsort(-attraction * np.exp(rng.normal(0, 0.3, attraction.shape)), axis=1)
        return cls(attraction, np.argsort(better, axis=1) + 1)

    def truths(self) -> dict[tuple[str, str], float]:
        """What an answer earns under each policy, by policy and reward, over all prompts alike."""
        seen = np.asarray(LOOKED_AT)
        by_place = np.take_along_axis(self.attraction, np.argsort(self.other, axis=1), 1)
        clicks = {
            "best first": float((self.attraction * seen).sum(1).mean()),
            "every answer explored": float(self.attraction.sum(1).mean() * seen.mean()),
            OTHER: float((by_place * seen).sum(1).mean()),
        }
        return {(name, "click"): value for name, value in clicks.items()} | {
            (name, "purchase"): value * BOUGHT for name, value in clicks.items()
        }

    def policies(self) -> Mapping[str, Policy]:
        """Those of every shop, and the other release's order, known by the prompt in each bundle's id."""

        def other(places: Places) -> np.ndarray:
            prompts = np.asarray([int(thing.split("-")[1]) for thing in places.things], dtype=np.int64)
            return as_ranked(self.other[prompts, places.rank - 1], places.position)

        return {**POLICIES, OTHER: other}


def records_of_day(shop: Shop, day: int, answers: int, share: float) -> tuple[list[Record], list[Record]]:
    """What was served and what was done on one day."""
    rng, explorer, names = random.Random(day), Explorer(share), Pseudonyms(b"a made shop")
    served: list[Record] = []
    done: list[Record] = []

    def add(records: list[Record], topic: str, event: CloudEvent) -> None:
        records.append(
            Record(topic, 0, day * answers * 10 + len(records), event.subject, event.encoded(), {}, event.time)
        )

    for number in range(answers):
        moment = START + timedelta(days=day, seconds=number * 86_000 / answers)
        prompt, request_id = rng.randrange(len(shop.attraction)), f"{rng.getrandbits(128):032x}"
        asked = BundleRequest(prompt=f"prompt {prompt}", visitor_id=f"v-{day}-{number}")
        answer = explorer.explored(asked, _answer(request_id, prompt))
        add(served, SERVED_TOPIC, served_event(Answered("bundles", asked, answer, "shop", "r-1", moment, ""), names))
        visitor = names.visitor(asked.visitor_id)
        for place, bundle in enumerate(answer.bundles):
            rank, item = int(bundle.bundle_id.split("-")[2]), bundle.items[0]
            if rng.random() >= shop.attraction[prompt, rank - 1] * LOOKED_AT[place]:
                continue
            later = moment + timedelta(seconds=30 + place)
            clicked = Interaction(
                "click", later, 1, visitor=visitor, request_id=request_id, bundle_id=bundle.bundle_id,
                items=[InteractionItem(item.product_id)],
            )  # fmt: skip
            add(done, INTERACTIONS_TOPIC, CloudEvent(f"c-{bundle.bundle_id}", "setwise.click", later, clicked, "shop"))
            if rng.random() < BOUGHT:
                paid = Interaction(
                    "purchase", later + timedelta(minutes=5), 1, visitor=visitor, currency="USD",
                    items=[InteractionItem(item.product_id, 1, 100)], order_id=f"o-{bundle.bundle_id}",
                )  # fmt: skip
                add(
                    done,
                    INTERACTIONS_TOPIC,
                    CloudEvent(f"b-{bundle.bundle_id}", "setwise.purchase", later, paid, "shop"),
                )
    return served, done


def _answer(request_id: str, prompt: int) -> BundleAnswer:
    bundles = [
        BundleOut(
            f"{request_id}-{prompt}-{rank}", "", "", 100, "USD", 4.0 - rank, [], [],
            [ItemOut(f"p-{prompt}-{rank}", "slot", 1, 100, "", "", "", 1.0, [], [])],
        )
        for rank in (1, 2, 3)
    ]  # fmt: skip
    return BundleAnswer(request_id, "r-1", "full", [], {}, READ, bundles, None, {"total": 5.0})


def load_days(warehouse: Warehouse, shop: Shop, days: int, answers: int, share: float) -> None:
    """The records of so many days in the raw tables."""
    warehouse.migrate()
    for day in range(days):
        for topic, records in zip(("served", "interactions"), records_of_day(shop, day, answers, share), strict=True):
            for start in range(0, len(records), 2_000):
                at = START + timedelta(days=day + 1)
                warehouse.load(batch_of(topic, records[start : start + 2_000], at), None)


def covered(warehouse: Warehouse, shop: Shop, days: int) -> dict[tuple[str, str, str], float]:
    """Share of the days whose interval holds the truth, by policy, reward and estimator; no estimate holds nothing."""
    held: dict[tuple[str, str, str], int] = {}
    truths = shop.truths()
    for day in range(days):
        places = read_places(warehouse, "bundle", START + timedelta(days=day), START + timedelta(days=day + 1))
        for one in policy_values(places, shop.policies()):
            key, truth, found = (one.policy, one.reward, one.method), truths[one.policy, one.reward], one.estimate
            held[key] = held.get(key, 0) + (found is not None and found.low <= truth <= found.high)
    return {key: count / days for key, count in held.items()}


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.counterfactual", description=__doc__)
    parser.add_argument("--days", type=int, default=100)
    parser.add_argument("--answers", type=int, default=1_000, help="answers a day")
    parser.add_argument("--share", type=float, default=0.2)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.from_env({"SETWISE_DATA_DIR": str(Path(folder))})
        warehouse, shop = build_warehouse(settings), Shop.made(40, 5)
        load_days(warehouse, shop, chosen.days, chosen.answers, chosen.share)
        if dbt(settings, os.environ, "run", "--quiet"):
            return 1
        truths, found = shop.truths(), covered(warehouse, shop, chosen.days)
        warehouse.close()
    print("| policy | reward | truth | IPS | SNIPS |\n| --- | --- | --- | --- | --- |")
    for (policy, reward), truth in truths.items():
        shares = " | ".join(f"{found[policy, reward, method]:.2f}" for method in ("ips", "snips"))
        print(f"| {policy} | {reward} | {truth:.4f} | {shares} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
