import gzip
import json
import tracemalloc
from pathlib import Path

import pytest

from setwise.catalogue import Product
from setwise.feeds import FeedError, Rejection, read_products

HEADER = "id\ttitle\tprice\tavailability\tproduct type\n"
LINES = '{"id":"1","title":"A","price":"5 USD","availability":"in stock"}\n'


def read(tmp_path: Path, content: str | bytes, currency: str | None = None) -> list[Product | Rejection]:
    path = tmp_path / "feed"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_products(path, currency))


def products(results: list[Product | Rejection]) -> list[tuple[str, str, int]]:
    return [(result.id, result.title, result.price_cents) for result in results if isinstance(result, Product)]


def rejected(results: list[Product | Rejection]) -> list[tuple[int, str]]:
    return [(result.row, result.field) for result in results if isinstance(result, Rejection)]


@pytest.mark.parametrize("content", [HEADER + "1\tA\t5 USD\tin stock\tHome > Sofas\n", LINES])
def test_line_ends_byte_order_marks_and_gzip_change_nothing(tmp_path: Path, content: str) -> None:
    plain = read(tmp_path, content)
    assert products(plain) == [("1", "A", 500)]
    crlf = content.replace("\n", "\r\n").encode()
    for variant in (crlf, b"\xef\xbb\xbf" + crlf, gzip.compress(crlf), content.strip().encode(), b"\n \n" + crlf):
        assert read(tmp_path, variant) == plain


def test_tab_separated_rows_are_numbered_as_an_editor_does(tmp_path: Path) -> None:
    results = read(tmp_path, HEADER + '1\t"A\nB"\t5 USD\tin stock\n\n2\tC\tfree\tin stock\n3\tD\t6 USD\tin stock\n')
    assert products(results) == [("1", "A B", 500), ("3", "D", 600)]
    assert rejected(results) == [(5, "price")]


def test_commas_separate_where_the_header_has_no_tab(tmp_path: Path) -> None:
    results = read(
        tmp_path, 'g:id,Title,price,availability,x\n1,"Sofa, red",5 USD,in stock,y\n2,Sofa, red,5 USD,in stock,y\n'
    )
    assert products(results) == [("1", "Sofa, red", 500)]
    assert rejected(results) == [(3, "")]


def test_an_inch_mark_costs_no_row_and_never_moves_a_price(tmp_path: Path) -> None:
    titles = ['"Big" lamp', '"Old', 'New"', '17" bowl']
    rows = "".join(f"{n}\t{title}\t{n} USD\tin stock\t\n" for n, title in enumerate(titles, start=1))
    expected = [(str(n), title, n * 100) for n, title in enumerate(titles, start=1)]
    assert products(read(tmp_path, HEADER + rows)) == expected


def test_a_quote_that_is_never_closed_costs_one_row(tmp_path: Path) -> None:
    rows = '1,"A,5 USD,in stock\n' + "".join(f"{n},B,5 USD,in stock\n" for n in range(2, 40_000))
    results = read(tmp_path, "id,title,price,availability\n" + rows)
    assert rejected(results) == [(2, "")]
    assert len(results) == 39_999


def test_a_repeated_column_holds_several_values(tmp_path: Path) -> None:
    header = "id\ttitle\tprice\tavailability\tproduct_type\tproduct_type\n"
    (product,) = read(tmp_path, header + "1\tA\t5 USD\tin stock\tHome>Sofas\tSale\n")
    assert product.product_types == ("Home > Sofas", "Sale")


RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel><title>Shop</title><link>https://s.example</link>
<item><g:id>1</g:id><title>For readers</title><g:title>Sofa &amp; chair</g:title>
<description><![CDATA[<p>Soft</p>]]></description>
<g:price>1499.00 USD</g:price><g:availability>in stock</g:availability><g:shipping><g:price>5 USD</g:price></g:shipping>
<g:product_type>Home &gt; Sofas</g:product_type><g:product_type>Sale</g:product_type></item>
<item><g:id>2</g:id><title>Lamp</title><g:price>free</g:price><g:availability>in stock</g:availability></item>
</channel></rss>"""


def test_rss_items_are_read_with_their_own_price_and_not_that_of_the_shipping(tmp_path: Path) -> None:
    results = read(tmp_path, RSS)
    assert products(results) == [("1", "Sofa & chair", 149_900)]
    assert (results[0].description, results[0].product_types) == ("Soft", ("Home > Sofas", "Sale"))
    assert rejected(results) == [(2, "price")]


def test_atom_entries_are_read_too(tmp_path: Path) -> None:
    atom = (
        '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:x="http://base.google.com/ns/1.0"><entry><id>urn:1</id><title>A</title>'
        '<link href="https://s.example/1"/><summary>Soft</summary><x:id>1</x:id><x:price>5 USD</x:price>'
        "<x:availability>preorder</x:availability></entry></feed>"
    )
    (product,) = read(tmp_path, atom)
    assert (product.id, product.link, product.description) == ("1", "https://s.example/1", "Soft")
    assert product.availability == "preorder"


def test_broken_xml_keeps_what_was_read_and_names_the_line(tmp_path: Path) -> None:
    results = read(tmp_path, RSS.replace("<title>Lamp</title>", "<title>Lamp & shade</title>"))
    assert products(results) == [("1", "Sofa & chair", 149_900)]
    assert "line 7" in results[-1].reason


def test_xml_in_another_declared_encoding_is_read(tmp_path: Path) -> None:
    (product, _) = read(tmp_path, RSS.replace("UTF-8", "ISO-8859-1").replace("chair", "Möbel").encode("latin-1"))
    assert product.title == "Sofa & Möbel"


def test_entities_are_refused_before_they_can_grow(tmp_path: Path) -> None:
    bomb = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><rss><item>&c;</item></rss>'
    with pytest.raises(FeedError, match="DOCTYPE"):
        read(tmp_path, bomb)


SHOPIFY = (
    "Handle,Title,Body (HTML),Vendor,Product Category,Type,Option1 Name,Option1 Value,Option2 Name,Option2 Value,"
    "Variant SKU,Variant Price,Variant Compare At Price,Variant Inventory Qty,Image Src,Status\n"
    "tee,Tee,<p>Soft &amp; warm</p>,Acme,Apparel > Shirts,Tees,Color,Red,Length,Long,"
    "T-R,19.90,25.00,3,https://s.example/r.jpg,active\n"
    "tee,,,,,,,Blue,,Short,,19.90,,0,https://s.example/b.jpg,\n"
    "tee,,,,,,,,,,,,,,https://s.example/c.jpg,\n"
    "mug,Mug,,Acme,,,Title,Default Title,,,M-1,8,,-2,,draft\n"
)


def test_each_shopify_variant_is_a_product_of_its_handles_group(tmp_path: Path) -> None:
    red, blue, mug = read(tmp_path, SHOPIFY, "EUR")
    assert (red.id, red.item_group_id, red.price_cents, red.sale.price_cents) == ("T-R", "tee", 2_500, 1_990)
    assert (red.title, red.color, red.description, red.brand) == ("Tee (Long)", "Red", "Soft & warm", "Acme")
    assert (red.product_types, red.stock, red.currency) == (("Apparel > Shirts", "Tees"), 3, "EUR")
    assert red.additional_image_links == ("https://s.example/b.jpg", "https://s.example/c.jpg")
    assert (blue.id, blue.color, blue.availability, blue.sale) == ("tee-2", "Blue", "out_of_stock", None)
    assert (mug.id, mug.title, mug.stock, mug.availability) == ("M-1", "Mug", 0, "out_of_stock")


def test_shopifys_prices_need_a_default_currency(tmp_path: Path) -> None:
    found = read(tmp_path, SHOPIFY)
    assert [(r.row, r.field) for r in found] == [(2, "price"), (3, "price"), (5, "price")]
    assert {r.remedy for r in found} == {"set SETWISE_CURRENCY, as Shopify's file names none"}


@pytest.mark.parametrize(
    ("price", "remedy"), [("", "fill in Variant Price, such as 1499.00"), ("free", "write it as 1499.00")]
)
def test_a_price_that_shopifys_file_lacks_is_asked_for_in_its_own_form(tmp_path: Path, price: str, remedy: str) -> None:
    [refused] = read(tmp_path, f"Handle,Title,Variant SKU,Variant Price,Status\nmug,Mug,M-1,{price},active\n", "EUR")
    assert (refused.row, refused.field, refused.remedy) == (2, "price", remedy)


NODE = {
    "@context": "https://schema.org",
    "@type": "Product",
    "sku": "1",
    "name": "Sofa",
    "brand": {"@type": "Brand", "name": "Article"},
    "image": [{"@type": "ImageObject", "url": "https://s.example/1.jpg"}, "https://s.example/2.jpg"],
    "aggregateRating": {"ratingValue": 4.4},
    "offers": {"@type": "Offer", "price": 1499.1, "priceCurrency": "USD", "availability": "https://schema.org/InStock"},
}
FORMS = [NODE, [NODE], {"@context": "x", "@graph": [{"@type": "WebSite"}, NODE]}, {**NODE, "offers": [NODE["offers"]]}]


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("form", FORMS)
def test_json_ld_is_read_from_an_object_an_array_or_a_graph(tmp_path: Path, form: object, indent: int | None) -> None:
    (product,) = read(tmp_path, json.dumps(form, indent=indent))
    assert (product.id, product.title, product.price_cents, product.currency) == ("1", "Sofa", 149_910, "USD")
    assert (product.brand, product.rating, product.image_link) == ("Article", 4.4, "https://s.example/1.jpg")


def test_json_ld_one_object_a_line_and_the_variants_of_a_group_are_read(tmp_path: Path) -> None:
    offer = NODE["offers"]
    group = {"@type": "ProductGroup", "productGroupID": "g", "name": "Tee", "color": "Red"}
    group["hasVariant"] = [{"@type": "Product", "sku": sku, "offers": offer} for sku in ("a", "b")]
    results = read(tmp_path, json.dumps(NODE) + "\n" + json.dumps(group))
    assert [(p.id, p.title, p.item_group_id) for p in results] == [
        ("1", "Sofa", ""),
        ("a", "Tee", "g"),
        ("b", "Tee", "g"),
    ]


def test_json_ld_offers_that_disagree_or_give_a_range_are_no_price(tmp_path: Path) -> None:
    two = {**NODE, "offers": [{"price": "5", "priceCurrency": "USD"}, {"price": "6", "priceCurrency": "USD"}]}
    low = {**NODE, "offers": {"@type": "AggregateOffer", "lowPrice": 5, "priceCurrency": "USD"}}
    results = read(tmp_path, json.dumps(two) + "\n" + json.dumps(low))
    assert rejected(results) == [(1, "price"), (2, "price")]
    assert [result.id for result in results] == ["1", "1"]


@pytest.mark.parametrize("broken", ['{"id": ', "{", "nonsense", '"text"', "7", '{"id":"1"}x', '{"a":' * 5_000])
def test_a_broken_line_never_ends_the_reading(tmp_path: Path, broken: str) -> None:
    for number, content in ((1, broken + "\n" + LINES + LINES), (2, LINES + broken + "\n" + LINES)):
        if number == 2 or broken.startswith("{"):
            results = read(tmp_path, content)
            assert len(products(results)) == 2
            assert rejected(results) == [(number, "")]


def test_a_line_of_many_megabytes_is_rejected_and_not_loaded(tmp_path: Path) -> None:
    for content in (
        LINES + '{"id":"' + "x" * (20 << 20) + '"}\n' + LINES,
        HEADER + "1\t" + "x" * (20 << 20) + "\n" + "1\tA\t5 USD\tin stock",
    ):
        path = tmp_path / "feed.gz"
        path.write_bytes(gzip.compress(content.encode(), 1))
        tracemalloc.start()
        results = list(read_products(path))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert rejected(results) == [(2, "")]
        assert products(results)[-1:] == [("1", "A", 500)]
        assert peak < 16 << 20


def test_latin_1_is_named_with_its_byte(tmp_path: Path) -> None:
    for content in (HEADER + "1\tSofa é\t", LINES + '{"id":"é"}', RSS.replace("Sofa", "é")):
        data = content.encode("latin-1")
        with pytest.raises(FeedError, match=rf"position {data.index(0xE9)}\): it looks like Latin-1; save it as UTF-8"):
            read(tmp_path, data)


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"hello\nworld\n", "format that is not known"),
        (b"PK\x03\x04", "Excel"),
        (b"id,title\r1,A\r", "line feeds"),
        ("id\ttitle".encode("utf-16"), "UTF-16"),
        (gzip.compress(HEADER.encode() * 9_000, mtime=0)[:60], "gzip"),
        (b"<html><p>x</p></html>", "no complete <item>"),
        (b"<rss><item></rss>", "no complete <item>"),
        (b'[{"id": 1},', "not one JSON array"),
        (b'id\t"title\n1\tA\n', "broken header"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_in_one_sentence(tmp_path: Path, content: bytes, remedy: str) -> None:
    with pytest.raises(FeedError, match=remedy):
        read(tmp_path, content)


def test_a_missing_file_and_a_folder_are_feed_errors(tmp_path: Path) -> None:
    for path in (tmp_path / "none.tsv", tmp_path):
        with pytest.raises(FeedError, match=str(tmp_path)):
            read_products(path)
