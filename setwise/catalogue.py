"""The product: one canonical struct whatever feed it came from, and the exact text that is embedded."""

import hashlib
from datetime import datetime

import msgspec

from setwise.names import ProductId

AVAILABILITIES = ("in_stock", "out_of_stock", "preorder", "backorder")
TEXT_CHARS = 1_000
"""The encoder reads at most 128 tokens; text beyond this many characters never reaches it."""


class Sale(msgspec.Struct, frozen=True, omit_defaults=True):
    """A sale price in minor units and when it holds; None = open on that side. `starts_at <= now < ends_at`."""

    price_cents: int
    starts_at: datetime | None = None
    ends_at: datetime | None = None


class Product(msgspec.Struct, frozen=True, omit_defaults=True):
    """A sellable item as the merchant's feed describes it. Money in minor units of `currency`; times are UTC."""

    id: ProductId
    title: str
    price_cents: int
    currency: str
    description: str = ""
    link: str = ""
    image_link: str = ""
    additional_image_links: tuple[str, ...] = ()
    availability: str = "in_stock"
    sale: Sale | None = None
    cost_cents: int | None = None
    brand: str = ""
    gtin: str = ""
    mpn: str = ""
    google_product_category: str = ""
    product_types: tuple[str, ...] = ()
    """Category paths from broad to narrow, levels joined by ' > '."""
    item_group_id: str = ""
    color: str = ""
    material: str = ""
    pattern: str = ""
    size: str = ""
    size_system: str = ""
    gender: str = ""
    age_group: str = ""
    product_length: str = ""
    product_width: str = ""
    product_height: str = ""
    product_weight: str = ""
    condition: str = ""
    custom_labels: tuple[str, ...] = ()
    expiration_date: datetime | None = None
    stock: int | None = None
    rating: float | None = None


def price_now(product: Product, now: datetime) -> int:
    """Minor units a shopper pays at `now`: the sale price while the sale runs, else the price."""
    sale = product.sale
    if sale is None:
        return product.price_cents
    started = sale.starts_at is None or sale.starts_at <= now
    over = sale.ends_at is not None and sale.ends_at <= now
    return sale.price_cents if started and not over else product.price_cents


def is_sellable(product: Product, now: datetime, quantity: int = 1, allow_preorder: bool = False) -> bool:
    """In stock, not expired, and as many pieces as asked for where the stock is known."""
    available = product.availability == "in_stock" or (
        allow_preorder and product.availability in ("preorder", "backorder")
    )
    expired = product.expiration_date is not None and product.expiration_date <= now
    return available and not expired and (product.stock is None or product.stock >= quantity)


def leaf_category(product: Product) -> str:
    """The narrowest level of the first category path, or ''."""
    path = _category_path(product)
    return path[-1] if path else ""


def _category_paths(product: Product) -> list[list[str]]:
    paths = product.product_types or ((product.google_product_category,) if product.google_product_category else ())
    return [[level.strip() for level in path.split(" > ")] for path in paths]


def _category_path(product: Product) -> list[str]:
    return next(iter(_category_paths(product)), [])


def product_text(product: Product) -> str:
    """The text that is embedded: title first, then what the product is, then its description."""
    # The last two levels: "Living room Sofas" is found by the room as well as by the thing.
    category = " ".join(_category_path(product)[-2:])
    facts = [product.title, product.brand, category, product.color, product.material, product.pattern, product.size]
    head = ". ".join(fact for fact in facts if fact)
    return f"{head}. {product.description}"[:TEXT_CHARS].strip() if product.description else head[:TEXT_CHARS]


def indexed_text(product: Product) -> str:
    """The text whose words are indexed: what is embedded, and each further level of every category path."""
    # "Women" and "Men" stand high in a path, a second shelf in another one: worth .006 of the first fifteen products'
    text, path = product_text(product), _category_path(product)
    levels = dict.fromkeys(level for other in _category_paths(product) for level in other)
    further = " ".join(level for level in levels if level not in path[-2:])[:TEXT_CHARS]
    return f"{text} {further}" if further else text


def facts_of(product: Product) -> list[str]:
    """What the feed states about a product in few words: title, leaf category, attributes."""
    attributes = [product.brand, product.color, product.material, product.pattern, product.size]
    return [product.title, leaf_category(product), *attributes]


def text_hash(text: str) -> str:
    """32 hex digits that change with the text: the key under which its embedding is kept."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
