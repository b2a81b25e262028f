"""Whatever bytes or fields come in: products, rejections or a FeedError, and never a price that nobody wrote."""

import csv
import gzip
import io
import json
import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setwise.catalogue import Product
from setwise.feeds import FeedError, Rejection, read_judgements, read_orders, read_products, read_sets
from setwise.judgements import Judgement
from setwise.orders import MerchantSet, Order

STARTS = [
    b"",
    b"{",
    b"[",
    b"<",
    b"<rss><item>",
    b"id\ttitle\n",
    b"id,title\n",
    b"Handle,Title,Variant Price\n",
    b"\xef\xbb\xbf{",
]
STARTS += [
    b"order_id,timestamp,product_id,quantity,unit_price\n",
    b"query,product_id,grade\n",
    b'{"@type":"Product","offers":',
    b"\x1f\x8b\x08\x00",
]
FIELDS = (
    "id title price sale_price availability sale_price_effective_date product_type stock rating link custom_label_1"
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PIECES = st.sampled_from(
    ["in_stock", "5.00 USD", "1,499 USD", "2026-01-01/2026-01-02", '"', "\n", "\t", ",", "\r", "<b>", "&", "\0"]
)
VALUES = st.lists(TEXT | PIECES, max_size=3).map("".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | VALUES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "price", "@type", "value"]), inner)
    ),
    max_leaves=5,
)
LD = "@type @graph @context offers name sku brand image price category hasVariant isVariantOf audience width"


def read_all(data: bytes) -> list[object]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "feed"
        path.write_bytes(data)
        results: list[object] = []
        readers = (lambda p: read_products(p, "USD"), lambda p: read_orders(p, "USD"), read_sets, read_judgements)
        for reader in readers:
            try:
                results += reader(path)
            except FeedError as error:
                assert "\n" not in str(error).replace(str(path), "")
    assert all(isinstance(result, (Product, Rejection, Order, MerchantSet, Judgement)) for result in results)
    msgspec.json.encode(results)  # nothing in them is beyond UTF-8
    return results


@given(st.sampled_from(STARTS), st.lists(st.binary(max_size=40) | st.sampled_from(STARTS), max_size=6), st.booleans())
@settings(max_examples=300, deadline=None)
def test_random_bytes_are_read_or_refused(start: bytes, parts: list[bytes], zipped: bool) -> None:
    data = start + b"\n".join(parts)
    read_all(gzip.compress(data) if zipped else data)


def as_csv(row: dict[str, str], delimiter: str) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(["id", "title", *row])
    writer.writerow(["7", "Seven", *row.values()])
    return out.getvalue()


@given(st.dictionaries(st.sampled_from(FIELDS.split()[2:]), VALUES), st.integers(1, 10**9), st.sampled_from("jtc"))
@settings(max_examples=200, deadline=None)
def test_random_fields_never_change_a_price(fields: dict[str, str], cents: int, form: str) -> None:
    row = {**fields, "price": f"{cents // 100}.{cents % 100:02d} USD"}
    if form == "j":
        data = json.dumps({"id": "7", "title": "Seven", **row})
    else:
        data = as_csv(row, "\t" if form == "t" else ",")
    for result in read_all(data.encode()):
        if isinstance(result, Product):
            assert (result.id, result.price_cents, result.currency) == ("7", cents, "USD")


@given(
    st.dictionaries(
        st.sampled_from((FIELDS + " product_ids items order_id set_id timestamp query grade gold").split()), JSON
    )
)
@settings(max_examples=200, deadline=None)
def test_random_json_objects_are_read_or_rejected(row: dict[str, object]) -> None:
    read_all(json.dumps(row).encode())


@given(st.dictionaries(st.sampled_from(LD.split()), JSON))
@settings(max_examples=200, deadline=None)
def test_random_json_ld_is_read_or_rejected(node: dict[str, object]) -> None:
    read_all(json.dumps({"@type": "Product", **node}).encode())


@pytest.mark.parametrize("surrogate", ['{"id":"\\ud800","title":"a"}', '{"id":"1","title":"\\udc00x"}'])
def test_half_a_character_never_gets_through(surrogate: str) -> None:
    assert all(isinstance(result, Rejection) for result in read_all(surrogate.encode()))
