"""A feed's fields by their Google Merchant names -> a Product, or why not."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeAlias

from setwise.catalogue import Product, Sale
from setwise.feeds import values
from setwise.feeds.report import Refusal, Rejection
from setwise.feeds.text import clean, html_text
from setwise.names import ProductId

Fields: TypeAlias = Mapping[str, str | list[str]]
"""Known field name -> its text, or its texts where it is repeated."""

ID_CHARS = 64
TITLE_CHARS = 500
"""Longer titles are cut: nobody reads so far, and the encoder does not either."""
DESCRIPTION_CHARS = 5_000
TEXT_CHARS = 500
PATHS_CHARS = 2_000
"""Of one product_type; it also bounds the memory of remembered paths."""
COLUMN_CHARS = 64
"""No field that is read has a longer name; longer ones are not remembered either."""
MAX_IMAGES = 20

_TEXTS = frozenset(
    "brand gtin mpn google_product_category item_group_id color material pattern size size_system gender age_group "
    "product_length product_width product_height product_weight condition".split()
)
# Words of a closed list: compared in lower case, whatever the feed or schema.org spells.
_WORDS = frozenset({"gender", "age_group", "condition"})
_LABELS = tuple(f"custom_label_{number}" for number in range(5))
_KNOWN = frozenset(
    "id title description link image_link additional_image_link availability price currency sale_price "
    "sale_price_effective_date cost_of_goods_sold product_type expiration_date stock rating".split()
).union(_TEXTS, _LABELS)
_ALIASES = {
    **dict.fromkeys(("quantity", "inventory", "sell_on_google_quantity"), "stock"),
    **dict.fromkeys(("average_rating", "product_rating"), "rating"),
    "additional_image_links": "additional_image_link",
    "product_types": "product_type",
    "colour": "color",
}
_READERS: dict[str, Callable[[str, str], Any]] = {
    "stock": values.stock,
    "rating": values.rating,
    "expiration_date": values.time,
}
_BETWEEN_LINKS = re.compile(r",\s*(?=https?://|/)|\s+(?=https?://)")


@lru_cache(maxsize=4_096)
def field_name(column: str) -> str:
    """'g:Sale Price' -> 'sale_price'; '' for a column that is not read."""
    name = re.sub(r"[\s_-]+", "_", clean(column).lower().removeprefix("g:")).strip("_")
    name = _ALIASES.get(name, name)
    return name if name in _KNOWN else ""


def first_of(fields: Fields, name: str) -> str:
    """The first text of a field that is not blank, cleaned; ''."""
    value = fields.get(name, "")
    if isinstance(value, str):
        return clean(value)
    return next((text for text in map(clean, value) if text), "")


def only_of(fields: Fields, name: str) -> str:
    """The one text of a field that must not be told twice in two ways: picking one could be the wrong price."""
    value = fields.get(name, "")
    if isinstance(value, str):
        return clean(value)
    texts = dict.fromkeys(text for text in map(clean, value) if text)
    if len(texts) > 1:
        raise Refusal(name, " | ".join(texts), "the field is there twice with different values", "keep one of them")
    return next(iter(texts), "")


def id_of(field: str, text: str) -> str:
    """A clean id of 1 to 64 characters."""
    if not text:
        raise Refusal(field, text, "the id is missing", "give each one an id of 1 to 64 characters")
    if len(text) > ID_CHARS:
        raise Refusal(field, text, f"the id has {len(text)} characters", "use an id of 1 to 64 characters")
    return text


def taken(row: int, fields: Fields, currency: str | None, availability: str = "") -> Product | Rejection:
    """The product, or the report's line for it. `availability` is what a missing one means; '' = it must be there."""
    try:
        return product_of(fields, currency, availability)
    except Refusal as refusal:
        return refusal.rejection(row, first_of(fields, "id"))


def product_of(fields: Fields, default_currency: str | None, availability: str = "") -> Product:
    """The product that these fields describe; raises Refusal for the first field that is missing or wrong."""
    product_id = id_of("id", first_of(fields, "id"))
    title = first_of(fields, "title")
    if not title:
        raise Refusal("title", "", "the title is missing", "give each product a title")
    price_cents, currency, sale = _prices(fields, default_currency)
    said = only_of(fields, "availability")
    more = _others(fields)
    if cost := only_of(fields, "cost_of_goods_sold"):
        more["cost_cents"] = _same_currency("cost_of_goods_sold", cost, currency)
    return Product(
        id=ProductId(product_id),
        title=title[:TITLE_CHARS].rstrip(),
        price_cents=price_cents,
        currency=currency,
        availability=values.availability(said) if said or not availability else availability,
        sale=sale,
        **more,
    )


def _prices(fields: Fields, default_currency: str | None) -> tuple[int, str, Sale | None]:
    text = only_of(fields, "price")
    if not text:
        raise Refusal("price", "", "the price is missing", "write it as 1499.00 USD")
    price_cents, currency = values.money("price", text, only_of(fields, "currency") or default_currency)
    if price_cents == 0:
        raise Refusal("price", text, "the price is zero", "write what a shopper pays, or leave the product out")
    dates = only_of(fields, "sale_price_effective_date")
    starts_at, ends_at = values.period("sale_price_effective_date", dates) if dates else (None, None)
    sale_text = only_of(fields, "sale_price")
    if not sale_text:
        return price_cents, currency, None
    sale_cents = _same_currency("sale_price", sale_text, currency)
    # Ignoring a wrong sale price would quote a price that the shop does not charge: the row goes.
    if not 0 < sale_cents <= price_cents:
        reason = "the sale price is zero" if sale_cents == 0 else f"the sale price is above the price {text}"
        raise Refusal("sale_price", sale_text, reason, "write a sale price between 0 and the price, or leave it out")
    return price_cents, currency, Sale(sale_cents, starts_at, ends_at)


def _same_currency(field: str, text: str, currency: str) -> int:
    cents, its_currency = values.money(field, text, currency)
    if its_currency != currency:
        raise Refusal(field, text, f"its currency is not the price's ({currency})", f"write it in {currency}")
    return cents


def _others(fields: Fields) -> dict[str, Any]:
    """The optional fields that are there. A wrong one refuses the row, so that it is seen and mended."""
    found: dict[str, Any] = {}
    for name in fields:
        if name in _TEXTS:
            if text := first_of(fields, name):
                found[name] = _word(text) if name in _WORDS else text[:TEXT_CHARS]
        elif name == "description":
            found[name] = html_text(first_of(fields, name))[:DESCRIPTION_CHARS].rstrip()
        elif name in ("link", "image_link"):
            found[name] = values.link(name, first_of(fields, name))
        elif name == "product_type":
            found["product_types"] = _paths(fields[name])
        elif name == "additional_image_link":
            found["additional_image_links"] = _links(name, fields[name])
        elif (read := _READERS.get(name)) is not None and (text := first_of(fields, name)):
            found[name] = read(name, text)
    labels = [first_of(fields, label)[:TEXT_CHARS] for label in _LABELS if label in fields]
    if any(labels):
        # A label's place is its number, so blanks before the last one stay.
        labels = [first_of(fields, label)[:TEXT_CHARS] for label in _LABELS]
        while not labels[-1]:
            labels.pop()
        found["custom_labels"] = tuple(labels)
    return found


def _word(text: str) -> str:
    word = text.rsplit("/", 1)[-1].lower()
    return (word.removesuffix("condition").strip() or word)[:TEXT_CHARS]


def _paths(value: str | list[str]) -> tuple[str, ...]:
    if isinstance(value, str):
        return values.category_paths(clean(value)[:PATHS_CHARS])
    texts = (clean(text)[:PATHS_CHARS] for text in value)
    return tuple(dict.fromkeys(path for text in texts for path in values.category_paths(text)))


def _links(name: str, value: str | list[str]) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else value
    links = [clean(part) for text in texts for part in _BETWEEN_LINKS.split(clean(text))]
    return tuple(dict.fromkeys(values.link(name, link) for link in links if link))[:MAX_IMAGES]
