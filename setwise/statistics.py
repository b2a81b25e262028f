"""What past orders say of each product: the feature row, as it was known at one moment."""

import itertools
from array import array
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from setwise.names import ProductId
from setwise.orders import Order

WINDOW = timedelta(days=365)
"""Only orders with `as_of - WINDOW <= ordered_at < as_of` count, for every feature of products and shoppers."""
RECENT = timedelta(days=30)
HALF_LIFE = timedelta(days=30)
TREND_HALF_LIFE = timedelta(days=7)
MAX_LISTED = 20
"""Most products in a list."""
MAX_BASKET = 50
"""An order of more products than this (a shop that restocks) says nothing about what goes together."""

POPULARITY_FILE = "popularity.npy"
TREND_FILE = "trend.npy"
"""What a release serves of the rows: popularity and trend of each product in the order of its snapshot, 8 bytes."""


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
    trend: float = 0.0
    """Orders in the window, each worth half as much for every 7 days of age."""


class _Sold(msgspec.Struct):
    recent: int = 0
    orders: int = 0
    popularity: float = 0.0
    trend: float = 0.0
    bought: int = 0
    returned: int = 0


def product_stats(orders: Iterable[Order], as_of: datetime) -> dict[ProductId, ProductStats]:
    """The rows as one would have seen them at `as_of`. Orders in any order, read once."""
    sold: dict[ProductId, _Sold] = {}
    codes: dict[ProductId, int] = {}
    pairs = array("q")
    for order in within(orders, as_of):
        age = as_of - order.ordered_at
        weight = 0.5 ** (age / HALF_LIFE)
        bought, returned = pieces_of(order)
        for product_id, pieces in bought.items():
            row = sold.setdefault(product_id, _Sold())
            row.orders += 1
            row.recent += age <= RECENT
            row.popularity += weight
            row.trend += 0.5 ** (age / TREND_HALF_LIFE)
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
            row.trend,
        )
        for product_id, row in sold.items()
        if row.orders
    }


def write_popularity(rows: Mapping[ProductId, ProductStats], ids: Iterable[ProductId], folder: Path) -> None:
    """Writes popularity and trend of these products, 0 for those that nobody bought."""
    folder.mkdir(parents=True, exist_ok=True)
    found = [(rows[one].popularity, rows[one].trend) if one in rows else (0.0, 0.0) for one in ids]
    values = np.asarray(found, dtype=np.float32).reshape(-1, 2)
    np.save(folder / POPULARITY_FILE, values[:, 0])
    np.save(folder / TREND_FILE, values[:, 1])


def read_popularity(folder: Path, file: str = POPULARITY_FILE) -> NDArray[np.float32] | None:
    """Shape (products,), memory-mapped; None where the release was built without it."""
    path = folder / file
    return np.load(path, mmap_mode="r").view(np.ndarray) if path.is_file() else None


def within(orders: Iterable[Order], as_of: datetime) -> Iterator[Order]:
    """The orders that count at `as_of`."""
    start = as_of - WINDOW
    return (order for order in orders if start <= order.ordered_at < as_of)


def pieces_of(order: Order) -> tuple[dict[ProductId, int], dict[ProductId, int]]:
    """Pieces bought, and pieces sent back, of each product."""
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
