"""What past orders say about products and shoppers: the feature rows, as they were known at one moment."""

import itertools
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from setwise.catalogue import Product, leaf_category
from setwise.names import (
    PRODUCT_ENTITY_KEY,
    PRODUCT_STATS_VIEW,
    SESSION_ENTITY_KEY,
    SHOPPER_ENTITY_KEY,
    SHOPPER_PROFILES_VIEW,
    SHOPPER_SESSIONS_VIEW,
    ProductId,
    UserId,
)
from setwise.orders import Order
from setwise.sessions import ShopperSession

WINDOW = timedelta(days=365)
"""Only orders with `as_of - WINDOW <= ordered_at < as_of` count, for every feature here."""
RECENT = timedelta(days=30)
HALF_LIFE = timedelta(days=30)
MAX_LISTED = 20
"""Most products in a list; lists of words have at most MAX_WORDS."""
MAX_WORDS = 5
MAX_BASKET = 50
"""An order of more products than this (a shop that restocks) says nothing about what goes together."""

POPULARITY_FILE = "popularity.npy"
"""What a release serves of the rows: each product's popularity in the order of its snapshot, 4 bytes a product."""

_Name = TypeVar("_Name", bound=str)


class ProductStats(msgspec.Struct, frozen=True):
    """One row = one product that was bought at least once in the window."""

    orders_30d: int
    """Orders in the last 30 days that bought it."""
    orders_365d: int
    """Orders in the window that bought it."""
    popularity: float
    """Those orders, each worth half as much for every 30 days of age."""
    return_rate: float
    """Pieces sent back / pieces bought in the window, at most 1."""
    co_bought: tuple[ProductId, ...]
    """Up to 20 products that shared most orders with it, most first, ties by id."""


class ShopperProfile(msgspec.Struct, frozen=True):
    """One row = one shopper who bought in the window. Products that all went back count only as orders."""

    orders_365d: int
    """Orders in the window that bought something."""
    mean_price_tier: float
    """0 = buys the cheapest of each category, 1 = the dearest: mean over purchases of `price_tiers`; .5 = unknown."""
    top_categories: tuple[str, ...]
    """Up to 5 leaf categories, most bought first, ties in alphabetical order; names as in the catalogue."""
    top_brands: tuple[str, ...]
    """Up to 5 brands, likewise."""
    top_colors: tuple[str, ...]
    """Up to 5 colours, likewise; lower-case, `White/Blue` is two."""
    recent_products: tuple[ProductId, ...]
    """Up to 20 products, bought last first."""
    usual_products: tuple[ProductId, ...]
    """Up to 20 products bought in two orders or more, most orders first."""


class View(msgspec.Struct, frozen=True):
    """A feature view: the key its rows are found by, and the struct that one row is."""

    entity_key: str
    row: type[ProductStats] | type[ShopperProfile] | type[ShopperSession]
    is_streamed: bool = False
    """Written row by row from events as they come, not from a build's parquet file; answers do well without it."""

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the features, in the order of the struct."""
        return self.row.__struct_fields__


VIEWS = {
    PRODUCT_STATS_VIEW: View(PRODUCT_ENTITY_KEY, ProductStats),
    SHOPPER_PROFILES_VIEW: View(SHOPPER_ENTITY_KEY, ShopperProfile),
    SHOPPER_SESSIONS_VIEW: View(SESSION_ENTITY_KEY, ShopperSession, is_streamed=True),
}


class _Sold(msgspec.Struct):
    recent: int = 0
    orders: int = 0
    popularity: float = 0.0
    bought: int = 0
    returned: int = 0


class _Bought(msgspec.Struct):
    last_at: datetime
    orders: int = 0
    net: int = 0


def product_stats(orders: Iterable[Order], as_of: datetime) -> dict[ProductId, ProductStats]:
    """The rows as one would have seen them at `as_of`. Orders in any order, read once."""
    sold: dict[ProductId, _Sold] = {}
    codes: dict[ProductId, int] = {}
    pairs = array("q")
    for order in _within(orders, as_of):
        age = as_of - order.ordered_at
        weight = 0.5 ** (age / HALF_LIFE)
        bought, returned = _pieces(order)
        for product_id, pieces in bought.items():
            row = sold.setdefault(product_id, _Sold())
            row.orders += 1
            row.recent += age <= RECENT
            row.popularity += weight
            row.bought += pieces
        for product_id, pieces in returned.items():
            sold.setdefault(product_id, _Sold()).returned += pieces
        if 2 <= len(bought) <= MAX_BASKET:
            numbers = sorted(codes.setdefault(product_id, len(codes)) for product_id in bought)
            pairs.extend(low << 32 | high for low, high in itertools.combinations(numbers, 2))
    partners = _partners(pairs, list(codes))
    return {
        product_id: ProductStats(
            row.recent,
            row.orders,
            row.popularity,
            min(1.0, row.returned / row.bought),
            partners.get(product_id, ()),
        )
        for product_id, row in sold.items()
        if row.orders
    }


def write_popularity(rows: Mapping[ProductId, ProductStats], ids: Iterable[ProductId], folder: Path) -> None:
    """Writes the popularity of these products, 0 for those that nobody bought."""
    folder.mkdir(parents=True, exist_ok=True)
    values = [rows[product_id].popularity if product_id in rows else 0.0 for product_id in ids]
    np.save(folder / POPULARITY_FILE, np.asarray(values, dtype=np.float32))


def read_popularity(folder: Path) -> NDArray[np.float32] | None:
    """Shape (products,), memory-mapped; None where the release was built without it."""
    file = folder / POPULARITY_FILE
    return np.load(file, mmap_mode="r").view(np.ndarray) if file.is_file() else None


def shopper_profiles(
    orders: Iterable[Order], products: Mapping[ProductId, Product], as_of: datetime
) -> dict[UserId, ShopperProfile]:
    """The rows as one would have seen them at `as_of`. Products that the catalogue lacks have no taste in them."""
    counts: Counter[UserId] = Counter()
    carts: dict[UserId, dict[ProductId, _Bought]] = {}
    prices: dict[ProductId, tuple[datetime, int, str]] = {}
    for order in _within(orders, as_of):
        for line in order.lines:
            known = prices.get(line.product_id)
            if line.quantity > 0 and (known is None or known[0] <= order.ordered_at):
                prices[line.product_id] = (order.ordered_at, line.unit_cents, order.currency)
        if order.user_id is None:
            continue
        bought, returned = _pieces(order)
        counts[order.user_id] += bool(bought)
        cart = carts.setdefault(order.user_id, {})
        for product_id, pieces in bought.items():
            item = cart.setdefault(product_id, _Bought(order.ordered_at))
            item.last_at = max(item.last_at, order.ordered_at)
            item.orders += 1
            item.net += pieces
        for product_id, pieces in returned.items():
            cart.setdefault(product_id, _Bought(order.ordered_at)).net -= pieces
    tiers = price_tiers({key: (cents, currency) for key, (_, cents, currency) in prices.items()}, products)
    return {user: _profile(counts[user], cart, products, tiers) for user, cart in carts.items() if counts[user]}


def price_tiers(
    prices: Mapping[ProductId, tuple[int, str]], products: Mapping[ProductId, Product]
) -> dict[ProductId, float]:
    """The place of a product's last price within its leaf category and currency: 0 lowest, 1 highest, .5 alone."""
    groups: dict[tuple[str, str], list[tuple[ProductId, int]]] = {}
    for product_id, (cents, currency) in prices.items():
        if product := products.get(product_id):
            groups.setdefault((leaf_category(product), currency), []).append((product_id, cents))
    tiers: dict[ProductId, float] = {}
    for group in groups.values():
        cents_of = np.array([cents for _, cents in group])
        ordered = np.sort(cents_of)
        # Equal prices share the middle of their places.
        below, up_to = np.searchsorted(ordered, cents_of, "left"), np.searchsorted(ordered, cents_of, "right") - 1
        places = (below + up_to) / 2 / (len(group) - 1) if len(group) > 1 else np.full(1, 0.5)
        tiers.update(zip((product_id for product_id, _ in group), places.tolist(), strict=True))
    return tiers


def _within(orders: Iterable[Order], as_of: datetime) -> Iterable[Order]:
    start = as_of - WINDOW
    return (order for order in orders if start <= order.ordered_at < as_of)


def _pieces(order: Order) -> tuple[dict[ProductId, int], dict[ProductId, int]]:
    bought: dict[ProductId, int] = {}
    returned: dict[ProductId, int] = {}
    for line in order.lines:
        side = bought if line.quantity > 0 else returned
        side[line.product_id] = side.get(line.product_id, 0) + abs(line.quantity)
    return bought, returned


def _partners(pairs: "array[int]", ids: list[ProductId]) -> dict[ProductId, tuple[ProductId, ...]]:
    keys, counts = np.unique(np.array(pairs, dtype=np.int64), return_counts=True)
    if not len(keys):
        return {}
    low, high = keys >> 32, keys & 0xFFFFFFFF
    first, second, count = np.concatenate([low, high]), np.concatenate([high, low]), np.tile(counts, 2)
    place = np.empty(len(ids), dtype=np.int64)
    place[sorted(range(len(ids)), key=ids.__getitem__)] = np.arange(len(ids))
    order = np.lexsort((place[second], -count, first))
    first, second = first[order], second[order]
    starts = np.flatnonzero(np.diff(first, prepend=-1))
    groups = np.split(second, starts[1:])
    return {
        ids[first[start]]: tuple(ids[number] for number in group[:MAX_LISTED])
        for start, group in zip(starts, groups, strict=True)
    }


def _profile(
    orders: int,
    cart: Mapping[ProductId, _Bought],
    products: Mapping[ProductId, Product],
    tiers: Mapping[ProductId, float],
) -> ShopperProfile:
    kept = {product_id: item for product_id, item in cart.items() if item.orders and item.net > 0}
    categories, brands, colors = Counter[str](), Counter[str](), Counter[str]()
    for product_id, item in kept.items():
        if product := products.get(product_id):
            categories[leaf_category(product)] += item.orders
            brands[product.brand] += item.orders
            for color in {part.strip() for part in product.color.lower().split("/")}:
                colors[color] += item.orders
    known = [(tiers[product_id], item.orders) for product_id, item in kept.items() if product_id in tiers]
    weight = sum(times for _, times in known)
    by_date = sorted(kept, key=lambda product_id: (-kept[product_id].last_at.timestamp(), product_id))
    usual = {product_id: item.orders for product_id, item in kept.items() if item.orders > 1}
    return ShopperProfile(
        orders,
        sum(tier * times for tier, times in known) / weight if weight else 0.5,
        _most(categories, MAX_WORDS),
        _most(brands, MAX_WORDS),
        _most(colors, MAX_WORDS),
        tuple(by_date[:MAX_LISTED]),
        _most(usual, MAX_LISTED),
    )


def _most(counts: Mapping[_Name, int], limit: int) -> tuple[_Name, ...]:
    return tuple(sorted((name for name in counts if name), key=lambda name: (-counts[name], name))[:limit])
