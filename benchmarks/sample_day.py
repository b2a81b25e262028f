"""python -m benchmarks.sample_day: shoppers of the sample shop use a running service, and what they did is known.

They ask, see, click, buy and send back, all through HTTP; with --check the loader and dbt run afterwards, the marts are
held against what the shoppers did, and the ten questions are answered."""

import argparse
import json
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec

from benchmarks.serving.machine import ROOT
from benchmarks.serving.prompts import made_prompts
from demo.shopper import SEEN, Shopper, buys
from orchestration.tables import questions
from orchestration.warehouse.stores import Warehouse, build_warehouse
from setwise.settings import Settings
from setwise_client.events import EventSender, RefusedCallError


class Done(msgspec.Struct):
    """What the shoppers did, by no table; money in minor units."""

    answers: int = 0
    without: int = 0
    seen: Counter[int] = msgspec.field(default_factory=Counter)
    clicks: Counter[int] = msgspec.field(default_factory=Counter)
    revenue: Counter[int] = msgspec.field(default_factory=Counter)
    """By the bundle's position, what came back taken off."""
    by: Counter[str] = msgspec.field(default_factory=Counter)
    """Lines bought, by what they are to be credited to."""
    parts: Counter[str] = msgspec.field(default_factory=Counter)
    """Bundles by how much of them was bought: `2 of 3` products."""
    shown_slots: set[str] = msgspec.field(default_factory=set)
    clicked_slots: set[str] = msgspec.field(default_factory=set)


class Day:
    """One shopper after the other, each known by a visitor id of this run alone."""

    def __init__(self, url: str, key: str, seed: int) -> None:
        self._random, self._prompts, self._run = random.Random(seed), made_prompts(seed), f"{seed}-{os.getpid()}"
        self._http = httpx.Client(base_url=url, timeout=30, headers={"Authorization": f"Bearer {key}"} if key else {})
        self._events = EventSender(url, key, source="sample-day")
        self.done = Done()

    def live(self, shoppers: int) -> Iterator[int]:
        """Yields the number of each shopper after its visit."""
        for number in range(1, shoppers + 1):
            self._visit(f"{self._run}-{number}", number)
            yield number
        if self._events.close(60):
            raise RuntimeError("the service did not take all events")

    def _visit(self, visitor: str, number: int) -> None:
        # Events name the visitor alone: what the same user did in an earlier run is credited nothing in this one.
        who = {"visitor_id": visitor}
        asked = {"prompt": next(self._prompts), "user_id": f"u-{number}", **who}
        answer = self._http.post("/v1/bundles", json=asked).raise_for_status().json()
        self.done.answers += 1
        self.done.without += not answer["bundles"]
        shopper, chance = Shopper(self._events, self._random, who), buys(answer["experiment"])
        clicked, seen, bought = dict[str, int](), dict[str, int](), set[tuple[int, str]]()
        for position, (bundle, is_seen) in enumerate(zip(answer["bundles"], SEEN, strict=False), 1):
            if self._random.random() >= is_seen:
                continue
            seen |= dict.fromkeys((item["product_id"] for item in bundle["items"]), position)
            now = shopper.look(answer["request_id"], bundle)
            self._note(position, bundle, now)
            clicked |= dict.fromkeys((item["product_id"] for item in now), position)
            if now and self._random.random() < chance:
                for product_id, kept, cents in shopper.buy(bundle):
                    by, at = ("click", clicked) if product_id in clicked else ("impression", seen)
                    self.done.by[by] += 1
                    self.done.revenue[at[product_id]] += kept * cents
                    bought.add((at[product_id], product_id))
        for position, count in Counter(position for position, _ in bought).items():
            self.done.parts[f"{count} of {len(answer['bundles'][position - 1]['items'])}"] += 1

    def _note(self, position: int, bundle: dict[str, Any], clicked: list[dict[str, Any]]) -> None:
        self.done.seen[position] += 1
        self.done.clicks[position] += len(clicked)
        self.done.shown_slots |= {item["slot"] for item in bundle["items"]}
        self.done.clicked_slots |= {item["slot"] for item in clicked}


def differences(warehouse: Warehouse, done: Done, since: datetime) -> Iterator[str]:
    """Each figure that the marts of this run should have, and where they say otherwise."""
    own = f"answered.served_at >= TIMESTAMP '{since:%Y-%m-%d %H:%M:%S}'"
    of = f"FROM marts.fct_bundle_outcomes AS b JOIN marts.fct_served AS answered USING (request_id) WHERE {own}"
    yield from _unlike(
        "answers", warehouse, f"SELECT count(*) FROM marts.fct_served AS answered WHERE {own}", done.answers
    )
    for name, column, found in (
        ("impressions", "impressions", done.seen),
        ("clicks", "clicks", done.clicks),
        ("revenue less refunds", "revenue_cents", done.revenue),
    ):
        for position in (1, 2, 3):
            statement = f"SELECT coalesce(sum(b.{column}), 0) {of} AND b.position = {position}"
            yield from _unlike(f"{name} of bundle {position}", warehouse, statement, found[position])
    for part, count in sorted(done.parts.items()):
        bought, items = part.split(" of ")
        statement = f"SELECT count(*) {of} AND b.items = {items} AND b.products_bought = {bought}"
        yield from _unlike(f"bundles with {part} bought", warehouse, statement, count)
    for by, count in sorted(done.by.items()):
        statement = (
            "SELECT count(*) FROM marts.fct_orders AS o JOIN marts.fct_served AS answered "
            f"ON answered.request_id = o.credited_request_id WHERE {own} AND o.credited_by = '{by}'"
        )
        yield from _unlike(f"lines credited by a {by}", warehouse, statement, count)


def _unlike(name: str, warehouse: Warehouse, statement: str, expected: int) -> Iterator[str]:
    found = int(warehouse.rows(statement)[0][0])
    print(f"  {name}: {found:,}" + ("" if found == expected else f", but the shoppers did {expected:,}"))
    if found != expected:
        yield name


def check(done: Done, since: datetime) -> int:
    """Loads, builds the marts, compares, prints the ten answers; 1 where something differs."""
    environ = {**os.environ, "PYTHONWARNINGS": "ignore"}
    for command in (["orchestration.loader", "--once"], ["orchestration.marts", "build", "--quiet"]):
        subprocess.run([sys.executable, "-m", *command], cwd=ROOT, env=environ, check=True, stdout=subprocess.DEVNULL)
    warehouse = build_warehouse(Settings.from_env(os.environ))
    wrong = list(differences(warehouse, done, since))
    print(f"  never clicked: {', '.join(sorted(done.shown_slots - done.clicked_slots)) or 'no slot'}")
    for number, one in enumerate(questions(), 1):
        rows = warehouse.rows(one.sql)
        print(f"\n{number}. {one.question} ({len(rows)} rows)")
        for row in rows[:5]:
            print("  ", *row)
    warehouse.close()
    return int(bool(wrong))


def main() -> int:
    """Prints what the shoppers did, as JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sample_day", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="where the service of the sample shop answers")
    parser.add_argument("--key", default="", help="API key, if the service asks for one")
    parser.add_argument("--shoppers", type=int, default=300, help="how many visits (default 300)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed asks the same prompts (default 1)")
    parser.add_argument("--check", action="store_true", help="load and build the marts, and compare them")
    chosen = parser.parse_args()
    day, since = Day(chosen.url, chosen.key, chosen.seed), datetime.now(UTC)
    try:
        for number in day.live(chosen.shoppers):
            if sys.stderr.isatty() or number % 100 == 0:
                print(f"\r{number} of {chosen.shoppers} shoppers", end="", file=sys.stderr, flush=True)
    except httpx.TransportError:
        print(f"setwise: nothing answers at {chosen.url}; run `make demo` first, or say --url", file=sys.stderr)
        return 1
    except (httpx.HTTPStatusError, RefusedCallError) as error:
        print(f"setwise: the service refused: {error}; say --key if it asks for one", file=sys.stderr)
        return 1
    print(file=sys.stderr)
    print(json.dumps(msgspec.to_builtins(day.done, str_keys=True, order="sorted"), indent=1))
    return check(day.done, since) if chosen.check else 0


if __name__ == "__main__":
    sys.exit(main())
