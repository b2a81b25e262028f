"""Past orders from the file to fct_orders: to the cent, once where they came as events too, replaced by a new file."""

import gzip
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from builds import dbt
from warehouses import warehouse_settings

from orchestration.warehouse.rows import batch_of
from orchestration.warehouse.shop import order_rows, product_rows, sold_by_currency, sold_in_table
from orchestration.warehouse.stores import Warehouse, build_warehouse
from setwise.catalogue import Product
from setwise.cloud_event import CloudEvent
from setwise.events import Interaction, InteractionItem
from setwise.feeds import read_orders
from setwise.log import Record
from setwise.names import INTERACTIONS_TOPIC, ProductId
from setwise.orders import Order
from setwise.pseudonyms import Pseudonyms
from setwise.settings import Settings

SHARED = Path(os.environ.get("SETWISE_SHARED") or Path(__file__).parents[2] / "../shared")
UCI = SHARED / "data/uci/baskets.jsonl.gz"
REAL_ORDERS = None if os.environ.get("FAULTS") == "long" else 2_000
"""All of them, 451,125 lines, take a minute."""
PSEUDONYMS = Pseudonyms(b"a secret of the test")
FILE: list[dict[str, Any]] = [
    {"order_id": "o-1", "user_id": "u-1", "timestamp": "2026-01-05T10:00:00Z",
     "items": [{"product_id": "p-1", "quantity": 2, "unit_price": 19.99},
               {"product_id": "p-2", "quantity": 1, "unit_price": 5}]},
    {"order_id": "o-2", "user_id": "u-1", "timestamp": "2026-01-06T10:00:00Z", "currency": "JPY",
     "items": [{"product_id": "p-1", "quantity": 3, "unit_price": 1200}]},
    {"order_id": "C-3", "user_id": None, "timestamp": "2026-01-07T10:00:00Z",
     "items": [{"product_id": "p-1", "quantity": -1, "unit_price": 19.99},
               {"product_id": "gone", "quantity": -4, "unit_price": 0.105}]},
    {"order_id": "o-1", "user_id": "u-1", "timestamp": "2026-01-09T10:00:00Z",
     "items": [{"product_id": "p-1", "quantity": -1, "unit_price": 19.99}]},
    {"order_id": "both", "user_id": "u-2", "timestamp": "2026-01-10T10:00:00Z",
     "items": [{"product_id": "p-2", "quantity": 5, "unit_price": 4.0},
               {"product_id": "p-2", "quantity": -2, "unit_price": 4.0}]},
]  # fmt: skip


@pytest.fixture(params=["duckdb", "postgres"])
def settings(request, leave_out: Callable, tmp_path: Path) -> Iterator[Settings]:
    with warehouse_settings(request.param, tmp_path, leave_out) as environ:
        yield Settings.from_env(environ)


@pytest.fixture
def warehouse(settings: Settings) -> Iterator[Warehouse]:
    made = build_warehouse(settings)
    made.migrate()
    yield made
    made.close()


def orders_of(path: Path, currency: str = "USD") -> list[Order]:
    return [one for one in read_orders(path, currency) if isinstance(one, Order)]


def written(rows: list[dict[str, Any]], folder: Path) -> Path:
    path = folder / "orders.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def summed(rows: list[dict[str, Any]], main: str = "USD") -> dict[str, tuple[int, int, int]]:
    """Lines, sold and returned minor units by currency: from the JSON alone, with none of our code."""
    sums: dict[str, tuple[int, int, int]] = {}
    for row in rows:
        currency = row.get("currency") or main
        for item in row["items"]:
            digits = Decimal(1) if currency == "JPY" else Decimal("0.01")
            price = Decimal(str(item["unit_price"])).quantize(digits, rounding=ROUND_HALF_UP)
            cents, (lines, sold, back) = item["quantity"] * int(price / digits), sums.get(currency, (0, 0, 0))
            sums[currency] = (lines + 1, sold + max(cents, 0), back + max(-cents, 0))
    return sums


def in_mart(warehouse: Warehouse) -> dict[str, tuple[int, int, int]]:
    found = warehouse.rows(
        "SELECT currency, count(*), sum(revenue_cents), sum(refunded_cents) FROM marts.fct_orders "
        "WHERE origin = 'history' GROUP BY currency"
    )
    return {currency: (int(lines), int(sold), int(back)) for currency, lines, sold, back in found}


def event(warehouse: Warehouse, event_id: str, kind: str, items: list[InteractionItem], order_id: str) -> None:
    at = datetime(2026, 1, 11, tzinfo=UTC)
    user = PSEUDONYMS.user("u-2")
    data = Interaction(kind, at, 1, user, items=items, currency="USD", order_id=order_id)
    value = CloudEvent(event_id, f"setwise.{kind}", at, data, "shop").encoded()
    warehouse.load(batch_of(INTERACTIONS_TOPIC, [Record(INTERACTIONS_TOPIC, 0, 0, user, value, {}, at)], at), None)


@pytest.mark.long_on("postgres")  # that both warehouses make the same of it, test_marts sees too
def test_the_file_is_in_the_marts_to_the_cent_and_an_order_that_is_an_event_too_counts_once(
    settings: Settings, warehouse: Warehouse, tmp_path: Path
) -> None:
    orders = orders_of(written(FILE, tmp_path))
    products = [
        Product(ProductId("p-1"), "A lamp", 2_500, "USD", cost_cents=1_000, product_types=("Home > Lamps",)),
        Product(ProductId("p-2"), "A vase", 600, "USD"),
    ]
    for _ in range(2):
        assert warehouse.replace("orders", order_rows(orders, PSEUDONYMS), "first") == 8
        assert warehouse.replace("products", product_rows(products, warehouse), "first") == 2
    assert sold_in_table(warehouse) == sold_by_currency(orders) == summed(FILE)
    event(warehouse, "e-1", "purchase", [InteractionItem("p-2", 5, 400)], "both")
    event(warehouse, "e-2", "refund", [InteractionItem("p-2", 1)], "both")
    assert dbt(settings, os.environ, "build", "--quiet") == 0
    assert in_mart(warehouse) == summed([row for row in FILE if row["order_id"] != "both"])
    lines = warehouse.rows(
        "SELECT order_id, line_number, quantity, refunded_quantity, revenue_cents, line_status, is_cancelled, "
        "margin_cents "
        "FROM marts.fct_orders ORDER BY order_id, line_number"
    )
    assert lines == [
        ("C-3", 1, 0, 1, 0, "returned", True, 1_000 - 1_999),
        ("C-3", 2, 0, 4, 0, "returned", True, None),
        ("both", 1, 5, 2, 2_000, "part returned", False, None),
        ("o-1", 1, 2, 0, 3_998, "kept", False, 3_998 - 2_000),
        ("o-1", 2, 1, 0, 500, "kept", False, None),
        ("o-1", 3, 0, 1, 0, "returned", False, 1_000 - 1_999),
        ("o-2", 1, 3, 0, 3_600, "kept", False, None),
    ]
    people = dict(warehouse.rows("SELECT person_key, orders FROM marts.dim_users"))
    assert people == {PSEUDONYMS.user("u-1"): 2, PSEUDONYMS.user("u-2"): 1}
    told = warehouse.rows("SELECT title, category, is_in_feed FROM marts.dim_products WHERE product_id = 'p-1'")
    assert told == [("A lamp", "Home > Lamps", True)]


def test_a_new_file_takes_the_place_of_the_old_one_and_a_product_that_is_gone_keeps_its_title(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    lamp, vase = (Product(ProductId(name), name, 100, "USD") for name in ("lamp", "vase"))
    for rows, products, key in ((FILE, [lamp, vase], "first"), (FILE[:2], [vase], "second")):
        warehouse.replace("orders", order_rows(orders_of(written(rows, tmp_path)), PSEUDONYMS), key)
        warehouse.replace("products", product_rows(products, warehouse), key)
    assert sold_in_table(warehouse) == summed(FILE[:2])
    found = warehouse.rows("SELECT title, is_in_feed FROM raw.products ORDER BY title")
    assert found == [("lamp", False), ("vase", True)]
    assert warehouse.rows("SELECT table_name, key, row_count FROM raw.builds ORDER BY 1") == [
        ("orders", "second", 3),
        ("products", "second", 2),
    ]


def test_rows_that_cannot_be_written_leave_the_table_as_it_was(warehouse: Warehouse, tmp_path: Path) -> None:
    rows = list(order_rows(orders_of(written(FILE, tmp_path)), PSEUDONYMS))
    warehouse.replace("orders", rows, "first")
    with pytest.raises(Exception, match=r"(?i)duplicate|constraint"):
        warehouse.replace("orders", [rows[0], rows[0]], "second")
    assert sold_in_table(warehouse) == summed(FILE)
    assert warehouse.rows("SELECT key FROM raw.builds WHERE table_name = 'orders'") == [("first",)]


@pytest.mark.parametrize("settings", ["duckdb"], indirect=True)
@pytest.mark.long_on("postgres")
def test_the_lines_of_a_real_shop_add_up(
    settings: Settings, warehouse: Warehouse, leave_out: Callable, tmp_path: Path
) -> None:
    if not UCI.is_file():
        leave_out("a real shop's past", f"{UCI} is not there")
    with gzip.open(UCI, "rt") as file:
        rows = [json.loads(line) for line in islice(file, REAL_ORDERS)]
    taken = [row for row in rows if all(item["unit_price"] >= 0 for item in row["items"])]
    orders = orders_of(written(rows, tmp_path), "GBP")
    warehouse.replace("orders", order_rows(orders, PSEUDONYMS), "uci")
    assert sold_in_table(warehouse) == summed(taken, "GBP")
    assert dbt(settings, os.environ, "run", "--quiet", "--select", "+fct_orders") == 0
    assert in_mart(warehouse) == summed(taken, "GBP")
    lines, sold, back = in_mart(warehouse)["GBP"]
    print(f"{len(rows):,} orders, {lines:,} lines, GBP {sold / 100:,.2f} sold, {back / 100:,.2f} returned")
    assert min(lines, sold, back) > 1_000
