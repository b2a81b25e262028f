"""What a day of data looks like that nothing may be built or learned from; each sentence says what is wrong."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from orchestration.warehouse.rows import naive
from orchestration.warehouse.stores import Warehouse
from setwise.drift import OrdersSummary
from setwise.snapshot import Snapshot

PRICE_FACTOR = 5.0
PRICE_SHARE = 0.2
"""A price of more than five times the live one, or less than a fifth, is a mistake of units where a fifth have one."""
SAME_SHOP = 0.5
"""From this share of common products on, two catalogues are one shop's."""
LEAST_PRODUCTS = 20
LEAST_ORDERS = 50
"""Fewer orders than this are no habit that a day could break."""
KEPT_ORDERS = 0.5
"""A past does not lose half of its orders."""
ONE_PRODUCT = 0.5
"""No product of a shop is in half of its new orders, unless it always was."""
LEAST_CLICKS = 100
ONE_CLICKER = 0.5
CLICKS_BY_PERSON = (
    "SELECT key, count(*) FROM raw.interactions WHERE data ->> 'kind' = 'click' AND time >= ? "
    "AND coalesce(data ->> 'marks', '') NOT LIKE '%bot%' AND coalesce(data ->> 'marks', '') NOT LIKE '%flood%' "
    "GROUP BY key ORDER BY 2 DESC"
)


def common_rows(snapshot: Snapshot, live: Snapshot) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the products that both have, in both; none where they are not one shop's."""
    pairs = [(row, live.row_of(product_id)) for row, product_id in enumerate(snapshot.ids)]
    found = [(row, other) for row, other in pairs if other is not None]
    if len(found) < max(LEAST_PRODUCTS, SAME_SHOP * min(len(snapshot), len(live))):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    rows = np.asarray(found, dtype=np.int64)
    return rows[:, 0], rows[:, 1]


def wrong_prices(snapshot: Snapshot, live: Snapshot) -> str:
    """'' where prices are those of the live release's products, give or take what prices do."""
    mine, theirs = common_rows(snapshot, live)
    if not len(mine):
        return ""
    factors = snapshot.list_prices()[mine] / np.maximum(live.list_prices()[theirs], 1)
    is_off = (factors > PRICE_FACTOR) | (factors < 1 / PRICE_FACTOR)
    share = float(is_off.mean())
    if share <= PRICE_SHARE:
        return ""
    return (
        f"{share:.0%} of {len(mine)} known products cost more than {PRICE_FACTOR:.0f} times their live price or less "
        f"than a fifth (median factor {np.median(factors[is_off]):.4g}, at most {PRICE_SHARE:.0%} may): "
        "check the unit of the feed's prices"
    )


def wrong_orders(now: OrdersSummary, live: OrdersSummary, new: OrdersSummary) -> str:
    """'' where the past is still there and the orders that came since (`new`) are of many products and shoppers."""
    if live.orders < LEAST_ORDERS:
        return ""
    if now.orders < KEPT_ORDERS * live.orders:
        return (
            f"{now.orders} orders, the live release had {live.orders}, at least {KEPT_ORDERS:.0%} must be left: "
            "check that the export wrote them"
        )
    if new.orders < LEAST_ORDERS:
        return ""
    if new.top_product_share > max(ONE_PRODUCT, 2 * live.top_product_share):
        return (
            f"{new.top_product_share:.0%} of {new.orders} new orders hold {new.top_product} (no product of the live "
            f"release was in more than {live.top_product_share:.0%}, at most {ONE_PRODUCT:.0%} may): check the export"
        )
    if new.top_shopper_share > max(ONE_PRODUCT, 2 * live.top_shopper_share):
        return f"{new.top_shopper_share:.0%} of {new.orders} new orders are one shopper's: check who that is"
    return ""


def wrong_clicks(clicks: Sequence[int]) -> str:
    """`clicks` = of each person, most first. '' where no one has made most of them."""
    total = sum(clicks)
    if total < LEAST_CLICKS or clicks[0] <= ONE_CLICKER * total:
        return ""
    return (
        f"{clicks[0] / total:.0%} of {total} clicks come from one of {len(clicks)} people (at most {ONE_CLICKER:.0%} "
        "may): a bot that says it is none; mark or remove its events"
    )


def clicks_since(warehouse: Warehouse, since: datetime) -> list[int]:
    """Clicks of each person, those marked as machines' left out. Raises WarehouseDownError."""
    return [int(count) for _, count in warehouse.rows(CLICKS_BY_PERSON, [naive(since)])]
