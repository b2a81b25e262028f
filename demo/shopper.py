"""How does a shopper of the sample shop behave? What is planted here is what boards and experiments have to find."""

import random
from typing import Any

from setwise_client.events import EventSender, Item

SEEN = (1.0, 0.7, 0.5)
"""Planted: the chance that a shopper looks at the first, second and third bundle."""
CLICKS, BUYS, IN_PART, BACK = 0.25, 0.3, 0.4, 0.15
"""Planted: clicks on a product seen; buys from a bundle clicked; not all of it; sends one product back."""
TREATED = 2.0
"""Planted: under variant `treatment` of any experiment a shopper buys so many times as often."""
Bundle = dict[str, Any]


def buys(experiment: dict[str, str]) -> float:
    """The chance that a bundle which was clicked on is bought from, by the answer's variants."""
    return min(BUYS * (TREATED if "treatment" in experiment.values() else 1.0), 1.0)


class Shopper:
    """One visit; `who` are the ids that its events name."""

    def __init__(self, events: EventSender, rng: random.Random, who: dict[str, str]) -> None:
        self._events, self._random, self._who = events, rng, who

    def look(self, request_id: str, bundle: Bundle) -> list[dict[str, Any]]:
        """The bundle comes into view; the items that are clicked on."""
        named = {**self._who, "request_id": request_id, "bundle_id": bundle["bundle_id"]}
        self._events.track("impression", **named)  # type: ignore[arg-type]
        clicked = [item for item in bundle["items"] if self._random.random() < CLICKS]
        for item in clicked:
            self._events.track("click", **named, items=[Item(item["product_id"], slot=item["slot"])])  # type: ignore[arg-type]
        return clicked

    def buy(self, bundle: Bundle) -> list[tuple[str, int, int]]:
        """Some of its products or all, one of which may come back: id, pieces kept, and the price of one."""
        items = bundle["items"]
        some = items[: self._random.randint(1, len(items))] if self._random.random() < IN_PART else items
        order = {**self._who, "currency": bundle["currency"], "order_id": f"{bundle['bundle_id']}-order"}
        lines = [Item(item["product_id"], item["quantity"], item["price_cents"]) for item in some]
        self._events.track("purchase", **order, items=lines)
        kept = {item["product_id"]: item["quantity"] for item in some}
        if self._random.random() < BACK:
            self._events.track("refund", **order, items=[Item(some[0]["product_id"], 1)])
            kept[some[0]["product_id"]] -= 1
        return [(item["product_id"], kept[item["product_id"]], item["price_cents"]) for item in some]

    def put_into_cart(self, request_id: str, bundle: Bundle) -> None:
        """All of the bundle, before it is bought."""
        lines = [Item(item["product_id"], item["quantity"], slot=item["slot"]) for item in bundle["items"]]
        named = {**self._who, "request_id": request_id, "bundle_id": bundle["bundle_id"]}
        self._events.track("add_to_cart", **named, items=lines)  # type: ignore[arg-type]
