import gzip
import json
from datetime import datetime, timezone
from pathlib import Path

import pytest

from setwise.feeds import FeedError, Rejection, read_orders, read_sets
from setwise.orders import MerchantSet, Order, OrderLine

ITEM = {"product_id": "p-1", "quantity": 2, "unit_price": 2.55}
ORDER = {"order_id": "o-1", "user_id": "u-1", "timestamp": "2026-01-02T03:04:05", "items": [ITEM]}
EXPECTED = Order("o-1", datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc), "GBP", (OrderLine("p-1", 2, 255),), "u-1")


def orders(tmp_path: Path, content: str | bytes) -> list[Order | Rejection]:
    path = tmp_path / "orders"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_orders(path, "GBP"))


def test_orders_are_read_from_json_lines_plain_or_zipped(tmp_path: Path) -> None:
    line = json.dumps(ORDER)
    assert orders(tmp_path, line) == [EXPECTED]
    assert orders(tmp_path, gzip.compress(line.encode())) == [EXPECTED]


def test_an_order_has_its_own_currency_and_may_lack_a_user(tmp_path: Path) -> None:
    returned = {**ITEM, "quantity": -1, "unit_price": "2.55 USD"}
    (order,) = orders(tmp_path, json.dumps({**ORDER, "user_id": None, "currency": "usd", "items": [returned]}))
    assert (order.user_id, order.currency, order.lines) == (None, "USD", (OrderLine("p-1", -1, 255),))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"order_id": None}, "order_id"),
        ({"order_id": ["o"]}, "order_id"),
        ({"user_id": "u" * 65}, "user_id"),
        ({"timestamp": 1704061212030}, "timestamp"),
        ({"currency": "POUND"}, "currency"),
        ({"items": []}, "items"),
        ({"items": "p-1"}, "items"),
        ({"items": [{**ITEM, "quantity": 0}]}, "quantity"),
        ({"items": [{**ITEM, "quantity": 1.5}]}, "quantity"),
        ({"items": [{**ITEM, "quantity": True}]}, "quantity"),
        ({"items": [{**ITEM, "unit_price": -1}]}, "unit_price"),
        ({"items": [{**ITEM, "unit_price": "1 EUR"}]}, "unit_price"),
        ({"items": [ITEM, {**ITEM, "product_id": ""}]}, "product_id"),
    ],
)
def test_an_order_with_a_wrong_field_is_rejected_whole(tmp_path: Path, fields: dict, field: str) -> None:
    results = orders(tmp_path, json.dumps({**ORDER, **fields}) + "\n{broken\n" + json.dumps(ORDER))
    assert [(r.row, r.field) for r in results[:2]] == [(1, field), (2, "")]
    assert results[2] == EXPECTED


CSV = "order_id,user_id,timestamp,currency,product_id,quantity,unit_price\n"


def test_consecutive_rows_of_a_csv_form_an_order(tmp_path: Path) -> None:
    rows = "o-1,u-1,2026-01-02T03:04:05,,p-1,2,2.55\no-2,,2026-01-03,USD,p-1,1,5\no-2,,2026-01-03,USD,p-2,1,7.00\n"
    first, second = orders(tmp_path, CSV + rows)
    assert first == EXPECTED
    assert (second.currency, second.user_id, [line.product_id for line in second.lines]) == (
        "USD",
        None,
        ["p-1", "p-2"],
    )


def test_a_broken_csv_row_rejects_the_order_around_it_and_no_other(tmp_path: Path) -> None:
    rows = "o-1,,2026-01-02,,p-1,2,2.55\no-1,,2026-01-02,,p-2,1,5,99\no-2,,2026-01-02,,p-3,1,5\no-3,,soon,,p-3,1,5\n"
    results = orders(tmp_path, CSV + rows)
    assert [(r.row, r.id, r.field) for r in results if isinstance(r, Rejection)] == [
        (3, "", ""),
        (2, "o-1", "items"),
        (5, "o-3", "timestamp"),
    ]
    assert [r.order_id for r in results if isinstance(r, Order)] == ["o-2"]


def test_a_file_that_holds_no_orders_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="unit_price"):
        orders(tmp_path, "order_id,timestamp,product_id,quantity\n")
    with pytest.raises(FeedError, match="ISO 4217"):
        read_orders(tmp_path / "orders", "pounds")


def test_sets_are_read_and_a_set_of_one_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "sets.jsonl"
    rows = [
        {"set_id": "s-1", "title": "Room", "product_ids": ["a", "b", "a", 7], "link": "https://s.example/s-1"},
        {"set_id": "s-2", "title": "One", "product_ids": ["a", "a"]},
        {"set_id": "s-3", "title": "", "product_ids": ["a", "b"]},
        {"set_id": "s-4", "title": "x", "product_ids": "a, b"},
        ["a", "b"],
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    results = list(read_sets(path))
    assert results[0] == MerchantSet("s-1", "Room", ("a", "b", "7"), "", "https://s.example/s-1")
    assert [(r.row, r.id, r.field) for r in results[1:]] == [
        (2, "s-2", "product_ids"),
        (3, "s-3", "title"),
        (4, "s-4", "product_ids"),
        (5, "", ""),
    ]


def test_sets_in_another_form_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "sets.csv"
    path.write_text("set_id,title\n")
    with pytest.raises(FeedError, match="JSON Lines"):
        read_sets(path)
