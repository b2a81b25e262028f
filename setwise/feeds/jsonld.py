"""schema.org Product in JSON-LD -> fields by their Google Merchant names."""

from collections.abc import Iterator
from typing import Any

from setwise.feeds.fields import Fields
from setwise.feeds.report import Refusal

_GTINS = ("gtin", "gtin14", "gtin13", "gtin12", "gtin8")
_SIZES = {"product_length": "depth", "product_width": "width", "product_height": "height", "product_weight": "weight"}
_UNITS = {"CMT": "cm", "MTR": "m", "MMT": "mm", "INH": "in", "FOT": "ft", "KGM": "kg", "GRM": "g", "LBR": "lb"}
MAX_DEPTH = 8
Node = dict[str, Any]


def is_jsonld(node: Node) -> bool:
    """True for an object with JSON-LD's own keys."""
    return not node.keys().isdisjoint(("@type", "@graph", "@context"))


def products_in(node: Any, depth: int = 0) -> Iterator[Node]:
    """Every Product in the node: itself, in an array, @graph, ItemList, or a ProductGroup's variants (completed)."""
    if isinstance(node, list):
        for part in node:
            yield from products_in(part, depth)
    elif isinstance(node, dict) and depth < MAX_DEPTH:
        kinds = {str(kind).rsplit("/", 1)[-1].removeprefix("schema:") for kind in _many(node.get("@type"))}
        variants = node.get("hasVariant")
        if "ProductGroup" in kinds and variants:
            shared = {key: value for key, value in node.items() if key not in ("hasVariant", "@type", "@id", "sku")}
            group = {"inProductGroupWithID": _text(node.get("productGroupID")) or _text(node.get("@id"))}
            for variant in products_in(variants, depth + 1):
                yield {**shared, **group, **variant}
        elif not kinds.isdisjoint(("Product", "ProductGroup", "IndividualProduct", "ProductModel")):
            yield node
        else:
            for key in ("@graph", "itemListElement", "item", "mainEntity"):
                if key in node:
                    yield from products_in(node[key], depth + 1)


def fields_of(node: Node) -> Fields:
    """The product's fields; raises Refusal where its offers contradict each other."""
    offer = _offer(node.get("offers"))
    group = next((part for part in _many(node.get("isVariantOf")) if isinstance(part, dict)), {})
    ids = (node.get("sku"), node.get("productID"), offer.get("sku"), node.get("identifier"), node.get("@id"))
    images = [_text(image, "url", "contentUrl") for image in _many(node.get("image"))]
    audience = node.get("audience")
    fields: dict[str, str | list[str]] = {
        "id": _first(ids),
        "title": _text(node.get("name")),
        "description": _text(node.get("description")),
        "link": _first((node.get("url"), offer.get("url"))),
        "image_link": next(iter(images), ""),
        "additional_image_link": images[1:],
        "availability": _text(offer.get("availability")),
        "price": _price(offer),
        "brand": _text(node.get("brand"), "name"),
        "gtin": _first(tuple(node.get(key) for key in _GTINS)),
        "mpn": _text(node.get("mpn")),
        "product_type": [_text(part, "name") for part in _many(node.get("category"))],
        "item_group_id": _first((node.get("inProductGroupWithID"), group.get("productGroupID"), group.get("@id"))),
        "condition": _first((offer.get("itemCondition"), node.get("itemCondition"))),
        "stock": _text(offer.get("inventoryLevel"), "value"),
        "rating": _rating(node.get("aggregateRating")),
        "gender": _text(audience.get("suggestedGender")) if isinstance(audience, dict) else "",
    }
    fields.update({name: _text(node.get(name), "name") for name in ("color", "material", "pattern", "size")})
    fields.update({name: _measure(node.get(key)) for name, key in _SIZES.items()})
    return fields


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _text(value: Any, *keys: str) -> str:
    """The text of a value, of the first of several, or of an object's first key that has one ('@value' always)."""
    if isinstance(value, list):
        return next((text for text in (_text(part, *keys) for part in value if not isinstance(part, list)) if text), "")
    if isinstance(value, dict):
        return next((text for key in (*keys, "@value") if isinstance(text := value.get(key), str) and text), "")
    return value if isinstance(value, str) else ""


def _first(values: tuple[Any, ...]) -> str:
    return next((text for text in (_text(value, "value", "name") for value in values) if text), "")


def _offer(offers: Any) -> Node:
    """The one offer. Several are one only where they agree on the price; then one that is in stock stands for all."""
    found: list[Node] = []
    for part in _many(offers):
        nested = _many(part.get("offers")) if isinstance(part, dict) else []
        found.extend(offer for offer in nested or [part] if isinstance(offer, dict))
    if len({_price(offer) for offer in found}) > 1:
        prices = " | ".join(sorted({_price(offer) for offer in found}))
        raise Refusal("price", prices, "the offers have different prices", "keep one offer, or one Product a variant")
    in_stock = (offer for offer in found if _text(offer.get("availability")).endswith("InStock"))
    return next(in_stock, found[0] if found else {})


def _price(offer: Node) -> str:
    """'1499.00 USD' from price and priceCurrency, here or in priceSpecification; a range (lowPrice) is no price."""
    specifications = [part for part in _many(offer.get("priceSpecification")) if isinstance(part, dict)]
    holders = [holder for holder in (offer, *specifications) if _text(holder.get("price"))]
    if not holders:
        return ""
    if holders[0] is not offer and len(holders) > 1:
        raise Refusal("price", "", "there are several price specifications", "give the offer its own price")
    price = _text(holders[0].get("price")).strip()
    currency = (_text(holders[0].get("priceCurrency")) or _text(offer.get("priceCurrency"))).strip()
    # A price that names its currency again is left to the money reader, which knows whether they agree.
    return price if not currency or price.endswith(currency) or price.startswith(currency) else f"{price} {currency}"


def _rating(value: Any) -> str:
    """Only a rating on the scale to 5 is comparable with the others."""
    is_of_five = isinstance(value, dict) and _text(value.get("bestRating")) in ("", "5", "5.0")
    return _text(value.get("ratingValue")) if is_of_five else ""


def _measure(value: Any) -> str:
    """'180 cm' from a text or a QuantitativeValue."""
    if not isinstance(value, dict):
        return _text(value)
    unit = _text(value.get("unitText")) or _text(value.get("unitCode"))
    return f"{_text(value.get('value'))} {_UNITS.get(unit, unit)}".strip() if _text(value.get("value")) else ""
