"""Shopify's product export: the rows of one Handle are one product's variants and pictures."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from setwise.catalogue import Product
from setwise.feeds.delimited import delimiter_of, records
from setwise.feeds.fields import Fields, taken
from setwise.feeds.report import Refusal, Rejection
from setwise.feeds.text import clean, opened
from setwise.feeds.values import money

MAX_ROWS = 5_000
"""Rows of one Handle that are read together; Shopify allows 2,048 variants and 250 pictures."""

_G = "google shopping / "
# Header in lower case -> the name used here; both the classic export and the one of 2025.
_COLUMNS = {
    **{name: name for name in ("title", "vendor", "type", "status", "option1 name", "option2 name", "option3 name")},
    **{name: name for name in ("option1 value", "option2 value", "option3 value")},
    **dict.fromkeys(("handle", "url handle"), "handle"),
    **dict.fromkeys(("body (html)", "description"), "description"),
    **dict.fromkeys(("product category", "standard product type"), "category"),
    **dict.fromkeys(("published", "published on online store"), "published"),
    **dict.fromkeys(("variant sku", "sku"), "sku"),
    **dict.fromkeys(("variant price", "price"), "price"),
    **dict.fromkeys(("variant compare at price", "compare-at price"), "compare"),
    **dict.fromkeys(("variant inventory qty", "inventory quantity"), "stock"),
    **dict.fromkeys(("variant inventory tracker", "inventory tracker"), "tracker"),
    **dict.fromkeys(("variant inventory policy", "continue selling when out of stock"), "policy"),
    **dict.fromkeys(("variant barcode", "barcode"), "gtin"),
    **dict.fromkeys(("variant grams", "weight value (grams)"), "grams"),
    **dict.fromkeys(("image src", "product image url"), "image"),
    **dict.fromkeys(("variant image", "variant image url"), "variant image"),
    "cost per item": "cost",
    _G + "google product category": "google_product_category",
    **{_G + name.replace("_", " "): name for name in ("gender", "age_group", "mpn", "condition")},
    **{f"{_G}custom label {number}": f"custom_label_{number}" for number in range(5)},
}
_LABELS = tuple(f"custom_label_{number}" for number in range(5))
_PASSED_ON = ("description", "google_product_category", "gender", "age_group", "mpn", "condition", *_LABELS)
_OPTIONS = {
    **dict.fromkeys(("color", "colour", "farbe", "couleur"), "color"),
    **dict.fromkeys(("size", "größe", "taille"), "size"),
    **dict.fromkeys(("material", "fabric"), "material"),
    "pattern": "pattern",
}
_REMEDIES = {
    "the price is missing": "fill in Variant Price, such as 1499.00",
    "the currency is missing": "set SETWISE_CURRENCY, as Shopify's file names none",
}
_Row = dict[str, str]


def is_shopify(columns: set[str]) -> bool:
    """True for a header (in lower case) that only Shopify writes."""
    return "id" not in columns and "title" in columns and not columns.isdisjoint({"handle", "url handle"})


def read_shopify(path: Path, header: str, currency: str | None) -> Iterator[Product | Rejection]:
    """One product a variant: its id is the SKU, else handle-n; its item group is the handle."""
    with opened(path) as stream:
        names: list[str] = []
        group: list[tuple[int, _Row]] = []
        for number, cells in records(path, stream, delimiter_of(header)):
            if isinstance(cells, Refusal):
                yield cells.rejection(number)
                continue
            if not names:
                names = [_COLUMNS.get(clean(column).lower(), "") for column in cells]
                continue
            row = {name: clean(cell) for name, cell in zip(names, cells, strict=False) if name}
            # A blank tracker says something (stock is not counted), any other blank says nothing.
            row = {name: text for name, text in row.items() if text or name == "tracker"}
            if group and (row.get("handle") != group[0][1].get("handle") or len(group) >= MAX_ROWS):
                yield from _variants(group, currency)
                group = []
            group.append((number, row))
        yield from _variants(group, currency)


def _variants(group: list[tuple[int, _Row]], currency: str | None) -> Iterator[Product | Rejection]:
    """What the first row says of the product holds for all; a row with nothing but a picture is no variant."""
    if not group:
        return
    product = group[0][1]
    images = tuple(dict.fromkeys(row["image"] for _, row in group if "image" in row))
    # A first row that lacks everything is still reported.
    sold = [(n, row) for n, row in group if row is product or {"sku", "price", "option1 value"} & row.keys()]
    for number, (line, row) in enumerate(sold, start=1):
        made = taken(line, _fields(product, row, number, images, currency), currency)
        yield _in_its_words(made) if isinstance(made, Rejection) else made


def _in_its_words(rejection: Rejection) -> Rejection:
    """What helps in Shopify's file, where amounts stand without a currency."""
    remedy = _REMEDIES.get(rejection.reason, rejection.remedy.replace("1499.00 USD", "1499.00"))
    return msgspec.structs.replace(rejection, remedy=remedy)


def _fields(product: _Row, row: _Row, number: int, images: tuple[str, ...], currency: str | None) -> Fields:
    fields: dict[str, str | list[str]] = {name: product[name] for name in _PASSED_ON if name in product}
    options, unnamed = _options(product, row)
    title = product.get("title", "")
    image = row.get("variant image") or next(iter(images), "")
    types = [product[name] for name in ("category", "type") if name in product]
    handle = product.get("handle", "")
    fields.update(options)
    fields.update(
        id=row.get("sku", "").lstrip("'") or (f"{handle}-{number}" if handle else ""),
        title=f"{title} ({', '.join(unnamed)})" if title and unnamed else title,
        item_group_id=handle,
        brand=product.get("vendor", ""),
        product_type=types,
        image_link=image,
        additional_image_link=[link for link in images if link != image],
        gtin=row.get("gtin", "").lstrip("'"),
        cost_of_goods_sold=row.get("cost", ""),
        **_prices(row, currency),
        **_stock(product, row),
    )
    if row.get("grams", "0").strip("0."):
        fields["product_weight"] = f"{row['grams']} g"
    return fields


def _options(product: _Row, row: _Row) -> tuple[dict[str, str], list[str]]:
    """Options that have a field of their own, and the values of the others, which go into the title."""
    named: dict[str, str] = {}
    unnamed = []
    for option in ("option1", "option2", "option3"):
        name, value = product.get(f"{option} name", "").lower(), row.get(f"{option} value", "")
        if value and name in _OPTIONS:
            named[_OPTIONS[name]] = value
        elif value and value.lower() != "default title":
            unnamed.append(value)
    return named, unnamed


def _prices(row: _Row, currency: str | None) -> dict[str, str]:
    """A higher compare-at price is the price, and the price is then the sale price."""
    price, compare = row.get("price", ""), row.get("compare", "")
    try:
        if compare and money("price", compare, currency) > money("price", price, currency):
            return {"price": compare, "sale_price": price}
    except Refusal:
        # The price's own fault is reported when it is read; an unreadable compare-at price is the sale's.
        return {"price": price, "sale_price": compare}
    return {"price": price}


def _stock(product: _Row, row: _Row) -> dict[str, str]:
    """Drafts and unpublished products are not sold; stock counts where Shopify tracks it and stops at zero."""
    is_active = product.get("status", "active").lower() == "active"
    is_live = is_active and product.get("published", "true").lower() != "false"
    stock = row.get("stock", "")
    if row.get("tracker") == "" or row.get("policy", "").lower() in ("continue", "true"):
        stock = ""
    is_sold_out = stock.startswith("-") or (stock != "" and not stock.strip("0."))
    return {"availability": "in_stock" if is_live and not is_sold_out else "out_of_stock", "stock": stock}
