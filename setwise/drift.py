"""How a shop's data are spread, kept with each release, and how far a later day's are from it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from math import log
from pathlib import Path

import msgspec

from setwise.catalogue import leaf_category
from setwise.orders import Order
from setwise.snapshot import Snapshot

SUMMARY_FILE = "summary.json"
DRIFTED = 0.25
"""From this index on two spreads differ by more than a shop's usual change (below .1 nothing has, by common use)."""
LEAST_COUNTED = 100
"""Fewer things than this make no spread."""
LABELS = 20
"""Most labels of a spread; the others count as one."""
Spread = dict[str, int]


class OrdersSummary(msgspec.Struct, frozen=True):
    """Orders of some time: how many, by how many, and how much of them is one product's or one shopper's."""

    orders: int = 0
    lines: int = 0
    newest: datetime | None = None
    top_product: str = ""
    top_product_share: float = 0.0
    """Share of the orders that hold the product most of them hold."""
    top_shopper_share: float = 0.0
    """Share of the orders of known shoppers that one of them made."""


class Summary(msgspec.Struct, frozen=True):
    """What a release was built from."""

    products: int
    orders: OrdersSummary
    spreads: dict[str, Spread]


def size_label(value: float) -> str:
    """Sizes by powers of two: '8-15'."""
    if value < 1:
        return "0"
    low = 1 << (int(value).bit_length() - 1)
    return f"{low}-{2 * low - 1}" if low > 1 else "1"


def summarise(snapshot: Snapshot, orders: Iterable[Order]) -> Summary:
    """Reads both once."""
    spreads: dict[str, Counter[str]] = {
        name: Counter() for name in ("price", "category", "title words", "order lines", "paid for a piece")
    }
    for product in snapshot:
        spreads["price"][f"{size_label(product.price_cents)} {product.currency}"] += 1
        spreads["category"][leaf_category(product)] += 1
        spreads["title words"][size_label(len(product.title.split()))] += 1

    bought, buying = Counter[str](), Counter[str]()

    def seen() -> Iterable[Order]:
        for order in orders:
            spreads["order lines"][size_label(len(order.lines))] += 1
            bought.update({line.product_id for line in order.lines})
            if order.user_id is not None:
                buying[order.user_id] += 1
            for line in order.lines:
                spreads["paid for a piece"][f"{size_label(line.unit_cents)} {order.currency}"] += 1
            yield order

    found = summarise_orders(seen())
    # What is learned from: how often products are bought, and how much is known of shoppers.
    spreads["orders of a product"] = Counter(size_label(times) for times in bought.values())
    spreads["orders of a shopper"] = Counter(size_label(times) for times in buying.values())
    return Summary(len(snapshot), found, {name: dict(counts) for name, counts in spreads.items()})


def summarise_orders(orders: Iterable[Order], after: datetime | None = None) -> OrdersSummary:
    """Of those that are newer than `after`, or of all."""
    count, lines, newest = 0, 0, None
    products, shoppers = Counter[str](), Counter[str]()
    for order in orders:
        if after is not None and order.ordered_at <= after:
            continue
        count, lines = count + 1, lines + len(order.lines)
        newest = order.ordered_at if newest is None else max(newest, order.ordered_at)
        products.update({line.product_id for line in order.lines})
        if order.user_id is not None:
            shoppers[order.user_id] += 1
    (top, times), *_ = products.most_common(1) or [("", 0)]
    _, most = (shoppers.most_common(1) or [("", 0)])[0]
    return OrdersSummary(count, lines, newest, top, times / max(count, 1), most / max(shoppers.total(), 1))


def write_summary(summary: Summary, folder: Path) -> None:
    """Readable JSON, the same bytes for the same data."""
    (folder / SUMMARY_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(summary, order="deterministic")))


def read_summary(folder: Path) -> Summary | None:
    """None for a release that was built without one."""
    file = folder / SUMMARY_FILE
    return msgspec.json.decode(file.read_bytes(), type=Summary) if file.is_file() else None


def stability_index(before: Mapping[str, int], now: Mapping[str, int]) -> float:
    """Population stability index of two spreads: 0 where they are alike. Half a thing is added to each label, so that
    an empty one is finite; 0 too where either has too few things to say."""
    totals = sum(before.values()), sum(now.values())
    if min(totals) < LEAST_COUNTED:
        return 0.0
    common = [label for label, _ in Counter(before).most_common(LABELS)]
    spreads = [_shares(counts, common) for counts in (before, now)]
    return float(sum((b - a) * log(b / a) for a, b in zip(*spreads, strict=True)))


def _shares(counts: Mapping[str, int], labels: list[str]) -> list[float]:
    known = [counts.get(label, 0) for label in labels]
    parts = [part + 0.5 for part in (*known, sum(counts.values()) - sum(known))]
    return [part / sum(parts) for part in parts]


def drifts(before: Mapping[str, Spread], now: Mapping[str, Spread]) -> dict[str, float]:
    """The index of each spread that both have."""
    return {name: round(stability_index(before[name], now[name]), 4) for name in before if name in now}
