"""What lists are worth to planted shoppers who were never seen clicking."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import numpy as np
from numpy.typing import NDArray

from benchmarks.clicks.shoppers import BUYS, LISTED, Wish, attention
from benchmarks.planted import taste_of
from online.gather import Dependencies
from online.live import LiveRelease
from online.messages import ProductsRequest
from online.pipeline import recommend_products
from setwise.names import ProductId

Floats = NDArray[np.float64]


class Outcome(msgspec.Struct, frozen=True):
    """Of each wish, one release's list: all arrays have the wishes' length."""

    purchases: Floats
    """Expected purchases, under the attention that was planted."""
    worth: Floats
    """Mean chance of a click on a product of the list that is looked at: where it stands does not count."""
    category: Floats
    """Share of the list that is of a category of the shopper, or of the one that was named."""
    color: Floats
    style: Floats
    products: list[list[str]]


def outcome(live: LiveRelease, dependencies: Dependencies, asked: Sequence[Wish], fall: float) -> Outcome:
    """Asks the release for every wish, by the service's own code."""
    seen = np.asarray([attention(place, fall) for place in range(1, LISTED + 1)])
    rows, products = [], []
    for wish in asked:
        request = msgspec.convert(wish.body, ProductsRequest)
        listed = recommend_products(request, live, dependencies, datetime.now(UTC)).products
        ids = [ProductId(item.product_id) for item in listed]
        found = [live.snapshot[row] for row in live.snapshot.rows_of(ids)]
        worth = np.asarray([wish.worth(product) for product in found])
        wanted = {wish.category} if wish.category else set(wish.shopper["categories"])
        tastes = [taste_of(product) for product in found]
        rows.append((
            BUYS * float(worth @ seen[: len(worth)]), _mean(worth),
            _mean([category in wanted for category, _, _ in tastes]),
            _mean([color in wish.shopper["colors"] for _, color, _ in tastes]),
            _mean([style == wish.shopper["style"] for _, _, style in tastes]),
        ))  # fmt: skip
        products.append(list(map(str, ids)))
    purchases, worth, category, color, style = np.asarray(rows, dtype=np.float64).T
    return Outcome(purchases, worth, category, color, style, products)


def in_common(one: Outcome, other: Outcome, first: int = 10) -> float:
    """Mean share of the first products that both lists have."""
    pairs = zip(one.products, other.products, strict=True)
    return _mean([len(set(a[:first]) & set(b[:first])) / first for a, b in pairs])


def _mean(values: Sequence[float] | Floats) -> float:
    return float(np.mean(values)) if len(values) else 0.0
