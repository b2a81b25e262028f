"""Who is known, who is new, and what neither may change: on both profiles."""

import json
from collections import Counter
from pathlib import Path

import pytest

# Asks nothing of a store that the suites of the stores do not ask.
pytestmark = pytest.mark.long_on("servers")


@pytest.fixture(scope="module")
def bought(shop: Path) -> dict[str, Counter[str]]:
    """How many orders of each shopper had each product."""
    found: dict[str, Counter[str]] = {}
    for line in (shop / "orders.jsonl").read_text().splitlines():
        order = json.loads(line)
        if order.get("user_id"):
            kept = {item["product_id"] for item in order["items"] if item["quantity"] > 0}
            found.setdefault(order["user_id"], Counter()).update(kept)
    return found


@pytest.fixture(scope="module")
def regular(bought: dict[str, Counter[str]], shop_rows: dict[str, dict]) -> str:
    """The shopper who bought most products that are in stock still."""
    return max(bought, key=lambda user: sum(_is_sold(shop_rows, product) for product in bought[user]))


def _is_sold(rows: dict[str, dict], product: str) -> bool:
    return rows.get(product, {}).get("availability") == "in_stock"


def listed(client, **body) -> list[str]:
    answer = client.post("/v1/products", json={"k": 10, **body}).json()
    assert answer["served_by"] == "full", answer["degraded"]
    return [product["product_id"] for product in answer["products"]]


def test_a_known_shopper_who_says_nothing_sees_own_products_and_new_ones_where_those_are_left_out(
    client, bought, regular
) -> None:
    own = bought[regular]
    assert len(own.keys() & set(listed(client, user_id=regular))) >= 3
    new = listed(client, user_id=regular, exclude=list(own))
    assert len(new) == 10 and own.keys().isdisjoint(new)


def test_a_new_shopper_is_answered_in_full_with_what_is_bought_and_so_is_everybody_else_who_is_new(
    client, bought, regular
) -> None:
    first = listed(client, user_id="nobody-ever")
    assert len(first) == 10
    assert first == listed(client, user_id="nobody-either")
    assert first == listed(client, user_id=regular, consent=False) != listed(client, user_id=regular)
    sold = Counter(product for counts in bought.values() for product in counts.elements())
    assert sum(sold[product] for product in first) / 10 > sum(sold.values()) / len(sold)


def test_a_past_never_changes_what_was_asked_for(client, shop_rows, regular) -> None:
    kinds = Counter(r["product_type"].split(" > ")[-1] for r in shop_rows.values() if r["availability"] == "in_stock")
    for kind, _ in kinds.most_common(5):
        answer = client.post("/v1/bundles", json={"prompt": f"two {kind.lower()}", "user_id": regular}).json()
        for bundle in answer["bundles"]:
            assert all(shop_rows[item["product_id"]]["product_type"].endswith(kind) for item in bundle["items"])


def test_filters_and_budgets_hold_where_nothing_else_was_said(client, shop_rows, regular) -> None:
    brand = Counter(row["brand"] for row in shop_rows.values() if row["availability"] == "in_stock").most_common(1)[0][
        0
    ]
    found = listed(client, user_id=regular, filters={"brand": [brand]})
    assert found and {shop_rows[product]["brand"] for product in found} == {brand}
    answer = client.post("/v1/products", json={"user_id": regular, "prompt": "under $50", "k": 10}).json()
    assert answer["products"] and all(product["price_cents"] <= 5_000 for product in answer["products"])
