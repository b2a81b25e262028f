from datetime import UTC, datetime, timedelta

import pytest

from setwise.catalogue import Product
from setwise.drift import (
    DRIFTED,
    drifts,
    read_summary,
    size_label,
    stability_index,
    summarise,
    summarise_orders,
    write_summary,
)
from setwise.names import ProductId, UserId
from setwise.orders import Order, OrderLine
from setwise.snapshot import Snapshot, write_snapshot

START = datetime(2026, 3, 1, tzinfo=UTC)


def order(number: int, *products: str, user: str = "") -> Order:
    lines = tuple(OrderLine(ProductId(product), 1, 500) for product in products)
    return Order(f"o-{number}", START + timedelta(hours=number), "USD", lines, UserId(user) if user else None)


def test_spreads_that_are_alike_have_an_index_of_0_and_others_more() -> None:
    usual = {"a": 500, "b": 300, "c": 200}
    assert stability_index(usual, {"a": 50, "b": 30, "c": 20}) < 0.02
    assert stability_index(usual, {"a": 450, "b": 330, "c": 220}) < 0.1
    assert stability_index(usual, {"a": 100, "b": 300, "c": 600}) > DRIFTED
    assert stability_index(usual, {"d": 1_000}) > DRIFTED


def test_few_things_say_nothing_about_drift() -> None:
    assert stability_index({"a": 1_000}, {"b": 5}) == 0.0


@pytest.mark.parametrize(("value", "label"), [(0, "0"), (1, "1"), (2, "2-3"), (9, "8-15"), (1024, "1024-2047")])
def test_sizes_are_counted_by_powers_of_two(value: int, label: str) -> None:
    assert size_label(value) == label


def test_a_summary_says_what_is_common_and_reads_back_the_same(tmp_path) -> None:
    products = [Product(ProductId(f"p{n}"), f"Lamp {n}", 1_000 + n, "USD") for n in range(8)]
    write_snapshot(products, tmp_path)
    orders = [order(n, "p1", f"p{n % 8}", user=f"u-{n % 3}") for n in range(12)]
    found = summarise(Snapshot(tmp_path), orders)
    assert (found.products, found.orders.orders, found.orders.top_product) == (8, 12, "p1")
    assert found.orders.top_product_share == 1.0 and found.orders.top_shopper_share == pytest.approx(1 / 3)
    assert found.spreads["price"] == {"512-1023 USD": 8}
    write_summary(found, tmp_path)
    assert read_summary(tmp_path) == found
    assert drifts(found.spreads, found.spreads) == dict.fromkeys(found.spreads, 0.0)


def test_new_orders_are_those_after_the_newest_known_one() -> None:
    orders = [order(n, f"p{n}") for n in range(10)]
    new = summarise_orders(orders, START + timedelta(hours=6))
    assert (new.orders, new.newest) == (3, START + timedelta(hours=9))
    assert summarise_orders([]).top_product == ""
