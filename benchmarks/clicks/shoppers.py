"""Shoppers of the sample shop with the tastes that were planted in it: they see lists, look less the lower a product
stands, click on what is worth it to them, and buy some of it."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from litestar.testing import TestClient

from orchestration.sample_shop.words import BRANDS, CATEGORIES
from setwise.catalogue import Product, leaf_category

LISTED = 20
BUYS = 0.3
"""Of what is clicked on."""
AT_ONCE = 500
FLOOR, CATEGORY, STYLE, COLOR, TIER = 0.03, 0.2, 0.25, 0.1, -0.15
"""Planted: the chance of a click on what is looked at is the floor and what speaks for it: category, style and colour,
less its distance from the shopper's price tier."""


class Wish(msgspec.Struct, frozen=True):
    """One shopper of truth.json, with the category that they ask for; '' where they say nothing."""

    shopper: Mapping[str, Any]
    category: str = ""

    @property
    def body(self) -> dict[str, Any]:
        """Of POST /v1/products."""
        said = {"prompt": self.category.lower().removesuffix("s")} if self.category else {}
        return {"user_id": self.shopper["user_id"], "k": LISTED, **said}

    @property
    def kind(self) -> str:
        """Of setwise.ranking.KINDS."""
        return "search" if self.category else "shopper"

    def worth(self, product: Product) -> float:
        """The chance of a click, if it is looked at."""
        leaf, tier = leaf_category(product), BRANDS.index(product.brand) / (len(BRANDS) - 1)
        is_wanted = leaf == self.category if self.category else leaf in self.shopper["categories"]
        found = FLOOR + CATEGORY * is_wanted + TIER * abs(tier - self.shopper["tier"])
        found += STYLE * (product.custom_labels[0] == self.shopper["style"])
        return max(FLOOR, found + COLOR * (product.color in self.shopper["colors"]))


def wishes(people: Sequence[Mapping[str, Any]], count: int, rng: random.Random) -> list[Wish]:
    """Half of them say nothing, half name a category: one of their own three times in four."""
    found = []
    for number in range(count):
        person = rng.choice(people)
        own = rng.choice(person["categories"]) if rng.random() < 0.75 else rng.choice(list(CATEGORIES))
        found.append(Wish(person, own if number % 2 else ""))
    return found


def attention(place: int, fall: float) -> float:
    """The chance that this place of a list is looked at, from 1 on."""
    return float(place**-fall)


def indifferent(wish: Wish, product: Product) -> float:
    """Worth of anything to who clicks on whatever is looked at: as many clicks as the others make, so that what was
    explored tells how attention falls."""
    return 0.3


def visit(
    client: TestClient, catalogue: Mapping[str, Product], asked: Sequence[Wish], fall: float, rng: random.Random,
    worth: Callable[[Wish, Product], float] = Wish.worth,
) -> dict[str, int]:  # fmt: skip
    """Each wish once, through the service's routes; how many lists, clicks and purchases there were, by kind."""
    events: list[dict[str, Any]] = []
    done = dict.fromkeys(("lists", "clicks", "purchases"), 0)
    for wish in asked:
        answer = client.post("/v1/products", json=wish.body).raise_for_status().json()
        done["lists"] += 1
        for event in _events_of(answer, wish, catalogue, fall, rng, worth):
            done["clicks"] += event["type"] == "setwise.click"
            done["purchases"] += event["type"] == "setwise.purchase"
            events.append(event)
        if len(events) > AT_ONCE - 2 * LISTED:
            _send(client, events)
    _send(client, events)
    return done


def _events_of(answer, wish, catalogue, fall, rng, worth) -> Iterator[dict[str, Any]]:
    request_id, user_id = answer["request_id"], wish.shopper["user_id"]

    def event(kind: str, name: str, data: dict[str, Any]) -> dict[str, Any]:
        known = {"specversion": "1.0", "id": f"{request_id}-{name}", "source": "clicks", "type": f"setwise.{kind}"}
        return {**known, "time": datetime.now(UTC).isoformat(), "data": {"user_id": user_id, **data}}

    shown = [{"product_id": item["product_id"]} for item in answer["products"]]
    if shown:
        yield event("impression", "seen", {"request_id": request_id, "items": shown})
    for place, item in enumerate(answer["products"], 1):
        product_id = item["product_id"]
        if rng.random() >= attention(place, fall) * worth(wish, catalogue[product_id]):
            continue
        clicked = {"request_id": request_id, "product_id": product_id, "position": place}
        yield event("click", f"click-{place}", clicked)
        if rng.random() < BUYS:
            line = {"product_id": product_id, "quantity": 1, "price_cents": item["price_cents"]}
            bought = {"order_id": f"{request_id}-{place}", "currency": item["currency"], "items": [line]}
            yield event("purchase", f"buy-{place}", bought)


def _send(client: TestClient, events: list[dict[str, Any]]) -> None:
    if events:
        told = client.post("/v1/events", json=events).raise_for_status().json()
        if told["accepted"] != len(events):
            raise RuntimeError(f"the service took {told['accepted']} of {len(events)} events")
        events.clear()
