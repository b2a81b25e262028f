"""What past orders say of each shopper, as it was known at one moment."""

import itertools
import math
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from setwise.catalogue import Product, leaf_category
from setwise.names import ProductId, UserId
from setwise.orders import Order
from setwise.statistics import MAX_LISTED, pieces_of, within

TASTE_HALF_LIFE = timedelta(days=120)
"""What a shopper bought this long ago says half as much of them: recall of UCI p1's past .1572, with 30 days .1514."""
MAX_BOUGHT = 150
"""Most products of a shopper's own history that a row keeps, some 3 kB."""
RHYTHM_ORDERS = 3
"""Orders of one product from which there is a rhythm."""
MAX_WORDS = 5
"""Most words in a list."""

_Name = TypeVar("_Name", bound=str)


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
    category_weights: tuple[float, ...] = ()
    """Shares 0..1 of what was bought, recent purchases weighing more, in the order of top_categories."""
    brand_weights: tuple[float, ...] = ()
    color_weights: tuple[float, ...] = ()
    tier_weights: tuple[float, ...] = ()
    """Such shares of the cheapest, the middle and the dearest third of their categories; empty = unknown."""
    bought_products: tuple[ProductId, ...] = ()
    """Up to 150 products, the largest of bought_weights first, ties by id; the next four are in its order."""
    bought_weights: tuple[float, ...] = ()
    """Orders of the product, each worth half as much for every 120 days of age."""
    bought_orders: tuple[int, ...] = ()
    bought_days_ago: tuple[float, ...] = ()
    """Days since it was bought last, at the moment of the row."""
    rhythm_days: tuple[float, ...] = ()
    """Median days from one order of it to the next; 0 where it was bought in fewer than three."""
    days_since_order: float = 0.0
    """Days since the last order, at the moment of the row."""
    repeat_share: float = 0.0
    """Of the products in all orders but the first, the share that had been bought before."""


class _Bought(msgspec.Struct):
    moments: list[datetime] = []
    net: int = 0

    @property
    def orders(self) -> int:
        return len(self.moments)

    @property
    def last_at(self) -> datetime:
        return max(self.moments)

    def weight(self, as_of: datetime) -> float:
        # Summed in one order, whatever the order of the rows.
        return math.fsum(0.5 ** ((as_of - moment) / TASTE_HALF_LIFE) for moment in self.moments)

    def rhythm_days(self) -> float:
        if self.orders < RHYTHM_ORDERS:
            return 0.0
        return statistics.median(_days(b - a) for a, b in itertools.pairwise(sorted(self.moments)))


class _Cart(msgspec.Struct):
    items: dict[ProductId, _Bought] = {}
    orders: list[tuple[datetime, int]] = []
    """Of each order that bought something, when and how many products."""


def shopper_profiles(
    orders: Iterable[Order], products: Mapping[ProductId, Product], as_of: datetime
) -> dict[UserId, ShopperProfile]:
    """The rows as one would have seen them at `as_of`. Products that the catalogue lacks have no taste in them."""
    carts: dict[UserId, _Cart] = {}
    prices: dict[ProductId, tuple[datetime, int, str]] = {}
    for order in within(orders, as_of):
        for line in order.lines:
            known = prices.get(line.product_id)
            if line.quantity > 0 and (known is None or known[0] <= order.ordered_at):
                prices[line.product_id] = (order.ordered_at, line.unit_cents, order.currency)
        if order.user_id is None:
            continue
        bought, returned = pieces_of(order)
        cart = carts.setdefault(order.user_id, _Cart())
        if bought:
            cart.orders.append((order.ordered_at, len(bought)))
        for product_id, pieces in bought.items():
            item = cart.items.setdefault(product_id, _Bought())
            item.moments.append(order.ordered_at)
            item.net += pieces
        for product_id, pieces in returned.items():
            cart.items.setdefault(product_id, _Bought()).net -= pieces
    tiers = price_tiers({key: (cents, currency) for key, (_, cents, currency) in prices.items()}, products)
    return {user: _profile(cart, products, tiers, as_of) for user, cart in carts.items() if cart.orders}


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


def _profile(
    cart: _Cart, products: Mapping[ProductId, Product], tiers: Mapping[ProductId, float], as_of: datetime
) -> ShopperProfile:
    kept = {product_id: item for product_id, item in cart.items.items() if item.orders and item.net > 0}
    weights = {product_id: item.weight(as_of) for product_id, item in kept.items()}
    categories, brands, colors = _Liked(), _Liked(), _Liked()
    for product_id in sorted(kept):
        if product := products.get(product_id):
            item, weight = kept[product_id], weights[product_id]
            categories.add(leaf_category(product), item.orders, weight)
            brands.add(product.brand, item.orders, weight)
            for color in sorted({part.strip() for part in product.color.lower().split("/")}):
                colors.add(color, item.orders, weight)
    priced = sorted(product_id for product_id in kept if product_id in tiers)
    weight = sum(kept[product_id].orders for product_id in priced)
    by_date = sorted(kept, key=lambda product_id: (-kept[product_id].last_at.timestamp(), product_id))
    by_weight = sorted(kept, key=lambda product_id: (-weights[product_id], product_id))[:MAX_BOUGHT]
    usual = {product_id: item.orders for product_id, item in kept.items() if item.orders > 1}
    first_at = min(moment for moment, _ in cart.orders)
    again = sum(count for moment, count in cart.orders if moment > first_at)
    repeats = sum(len({m for m in item.moments if m > min(item.moments)}) for item in kept.values())
    return ShopperProfile(
        orders_365d=len(cart.orders),
        mean_price_tier=sum(tiers[one] * kept[one].orders for one in priced) / weight if weight else 0.5,
        top_categories=(top_categories := categories.top()),
        top_brands=(top_brands := brands.top()),
        top_colors=(top_colors := colors.top()),
        recent_products=tuple(by_date[:MAX_LISTED]),
        usual_products=_most(usual, MAX_LISTED),
        category_weights=categories.shares(top_categories),
        brand_weights=brands.shares(top_brands),
        color_weights=colors.shares(top_colors),
        tier_weights=_tier_shares([(tiers[one], weights[one]) for one in priced]),
        bought_products=tuple(by_weight),
        bought_weights=tuple(weights[one] for one in by_weight),
        bought_orders=tuple(kept[one].orders for one in by_weight),
        bought_days_ago=tuple(_days(as_of - kept[one].last_at) for one in by_weight),
        rhythm_days=tuple(kept[one].rhythm_days() for one in by_weight),
        days_since_order=_days(as_of - max(moment for moment, _ in cart.orders)),
        repeat_share=min(1.0, repeats / again) if again else 0.0,
    )


class _Liked:
    """Words of what a shopper bought: in how many orders, and how much they weigh."""

    def __init__(self) -> None:
        self._orders, self._weights = Counter[str](), Counter[str]()
        self._total = 0.0

    def add(self, word: str, orders: int, weight: float) -> None:
        self._orders[word] += orders
        self._weights[word] += weight  # type: ignore[assignment]
        self._total += weight

    def top(self) -> tuple[str, ...]:
        return _most(self._orders, MAX_WORDS)

    def shares(self, words: Iterable[str]) -> tuple[float, ...]:
        return tuple(self._weights[word] / self._total for word in words)


def _tier_shares(tiers: Iterable[tuple[float, float]]) -> tuple[float, ...]:
    thirds = [0.0, 0.0, 0.0]
    for tier, weight in tiers:
        thirds[int(tier_third(np.asarray(tier)))] += weight
    total = sum(thirds)
    return tuple(third / total for third in thirds) if total else ()


def tier_third(tiers: NDArray[np.float64]) -> NDArray[np.int64]:
    """0, 1, 2: the third of its category that a price tier of 0..1 lies in."""
    return np.minimum((tiers * 3).astype(np.int64), 2)


def _days(span: timedelta) -> float:
    return span / timedelta(days=1)


def _most(counts: Mapping[_Name, int], limit: int) -> tuple[_Name, ...]:
    return tuple(sorted((name for name in counts if name), key=lambda name: (-counts[name], name))[:limit])
