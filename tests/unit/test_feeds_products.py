import json
from datetime import datetime, timezone
from pathlib import Path

import pytest

from setwise.catalogue import Product, Sale
from setwise.feeds import FeedError, Rejection, read_products

ROW = {"id": "p-1", "title": "Sofa", "price": "1499.00 USD", "availability": "in_stock"}


def read_row(tmp_path: Path, currency: str | None = None, **fields: object) -> Product | Rejection:
    path = tmp_path / "feed.jsonl"
    path.write_text(json.dumps({**ROW, **fields}))
    (result,) = read_products(path, currency)
    return result


def test_every_field_of_a_row_reaches_the_product(tmp_path: Path) -> None:
    product = read_row(
        tmp_path,
        description="Deep <b>seat</b>",
        link="https://shop.example/p-1",
        image_link="https://shop.example/1.jpg",
        additional_image_link=["https://shop.example/2.jpg", "https://shop.example/3.jpg"],
        sale_price="1299 USD",
        sale_price_effective_date="2026-11-27T00:00Z/2026-12-01T00:00Z",
        cost_of_goods_sold="700 USD",
        brand="Article",
        gtin=4006381333931,
        product_type="Home>Living room>Sofas | Sale",
        item_group_id="g-1",
        color="Green",
        gender="Female",
        condition="NewCondition",
        custom_label_0="summer",
        custom_label_2="margin",
        expiration_date="2027-01-01",
        quantity=3,
        average_rating=4.5,
        shipping={"price": "5 USD"},
    )
    assert product == Product(
        id="p-1",
        title="Sofa",
        price_cents=149_900,
        currency="USD",
        description="Deep seat",
        link="https://shop.example/p-1",
        image_link="https://shop.example/1.jpg",
        additional_image_links=("https://shop.example/2.jpg", "https://shop.example/3.jpg"),
        sale=Sale(129_900, datetime(2026, 11, 27, tzinfo=timezone.utc), datetime(2026, 12, 1, tzinfo=timezone.utc)),
        cost_cents=70_000,
        brand="Article",
        gtin="4006381333931",
        product_types=("Home > Living room > Sofas", "Sale"),
        item_group_id="g-1",
        color="Green",
        gender="female",
        condition="new",
        custom_labels=("summer", "", "margin"),
        expiration_date=datetime(2027, 1, 1, tzinfo=timezone.utc),
        stock=3,
        rating=4.5,
    )


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"id": ""}, "id"),
        ({"id": "x" * 65}, "id"),
        ({"title": " \u0000 "}, "title"),
        ({"title": {"en": "Sofa"}}, "title"),
        ({"price": None}, "price"),
        ({"price": "0 USD"}, "price"),
        ({"price": "0.004 USD"}, "price"),
        ({"price": 1499.0}, "price"),
        ({"price": ["10 USD", "12 USD"]}, "price"),
        ({"availability": "maybe"}, "availability"),
        ({"availability": None}, "availability"),
        ({"sale_price": "1500 USD"}, "sale_price"),
        ({"sale_price": "0 USD"}, "sale_price"),
        ({"sale_price": "1299 EUR"}, "sale_price"),
        ({"sale_price": "1299 USD", "sale_price_effective_date": "2026-01-01"}, "sale_price_effective_date"),
        ({"cost_of_goods_sold": "free"}, "cost_of_goods_sold"),
        ({"expiration_date": "never"}, "expiration_date"),
        ({"rating": "abc"}, "rating"),
        ({"stock": "many"}, "stock"),
        ({"link": "javascript:alert(1)"}, "link"),
    ],
)
def test_a_wrong_field_rejects_its_row_by_name_and_says_what_to_do(tmp_path: Path, fields: dict, field: str) -> None:
    rejection = read_row(tmp_path, **fields)
    assert isinstance(rejection, Rejection)
    assert (rejection.row, rejection.field) == (1, field)
    assert rejection.reason
    assert rejection.remedy


@pytest.mark.parametrize(("number", "cents"), [("0.1", 10), ("1499", 149_900), ("1.005", 101), ("1.15e2", 11_500)])
def test_a_json_number_is_read_digit_by_digit_in_the_default_currency(tmp_path: Path, number: str, cents: int) -> None:
    path = tmp_path / "feed.jsonl"
    path.write_text(f'{{"id": 7, "title": "x", "availability": "in_stock", "price": {number}}}')
    (product,) = read_products(path, "USD")
    assert (product.id, product.price_cents, product.currency) == ("7", cents, "USD")


def test_a_number_that_would_fill_memory_is_only_a_rejection(tmp_path: Path) -> None:
    path = tmp_path / "feed.jsonl"
    rows = ["1e999999999", "1e-999999999", "9" * 5_000, "1" * 30, "1e99999999999999999999999"]
    path.write_text("\n".join(f'{{"id": "a", "title": "x", "availability": "in_stock", "price": {n}}}' for n in rows))
    results = list(read_products(path, "USD"))
    assert [type(result) for result in results] == [Rejection] * len(rows)
    assert all(len(result.value) <= 80 for result in results)


def test_long_texts_are_cut_and_the_product_kept(tmp_path: Path) -> None:
    product = read_row(tmp_path, title="t" * 3_000, description="d" * 9_000)
    assert (len(product.title), len(product.description)) == (500, 5_000)


def test_a_rejection_shows_a_short_printable_value(tmp_path: Path) -> None:
    rejection = read_row(tmp_path, price="\u001b[31m" + "x" * 200)
    assert len(rejection.value) <= 80
    assert rejection.value.isprintable()


def test_a_default_currency_that_is_none_is_an_error_at_once(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match="ISO 4217"):
        read_products(tmp_path / "feed.jsonl", "usd")
