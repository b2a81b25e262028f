"""What a shopper did lately: acts that merge into a state in any order, and the row that answers read of it."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal, NewType

import msgspec

from setwise.events import InteractionEvent
from setwise.names import ProductId

ShopperKey = NewType("ShopperKey", str)
"""A pseudonym of a user, a visitor or a session; their prefixes tell them apart."""
Doing = Literal["viewed", "added", "removed", "bought"]

WINDOW = timedelta(hours=24)
"""Acts older than this before the newest one are forgotten, and so is a row whose newest act is so old."""
MOST_ACTS = 60
"""Kept of each kind for one key, the newest: two hundred clicks push nothing out of the cart."""
MAX_CLICKED = 20
MAX_HELD = 50
"""Products in the cart, and products bought, that a row names; the newest."""
MAX_OF_ONE = 50
"""Products of one act that count."""
_DOINGS: dict[str, Doing] = {
    "click": "viewed",
    "view_item": "viewed",
    "add_to_cart": "added",
    "remove_from_cart": "removed",
    "purchase": "bought",
}
_KIND = {"viewed": 0, "added": 1, "removed": 1, "bought": 2}
_NOT_A_SHOPPER = frozenset(("bot", "flood", "unserved"))
_US = timedelta(microseconds=1)
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


class Act(msgspec.Struct, frozen=True, array_like=True, order=True):
    """One event of a shopper. `event` = hash of its (source, id); of several with one hash the least counts."""

    at_us: int
    event: bytes
    doing: Doing
    products: tuple[ProductId, ...]


class ShopperSession(msgspec.Struct, frozen=True):
    """One row = one user, visitor or session that did something in the last 24 hours."""

    last_at_s: int
    """Unix second of the newest act."""
    clicked_products: tuple[ProductId, ...]
    """Up to 20 products that were clicked on or looked at, last first."""
    cart_products: tuple[ProductId, ...]
    """Up to 50 products that were put into the cart and neither taken out nor bought since, last first."""
    bought_products: tuple[ProductId, ...]
    """Up to 50 products that were bought, last first."""


def act_of(event: InteractionEvent) -> Act | None:
    """None for what says nothing of products, and for bots, floods and answers that were never given."""
    doing, data = _DOINGS.get(event.data.kind), event.data
    if doing is None or not data.items or not _NOT_A_SHOPPER.isdisjoint(data.marks):
        return None
    identity = hashlib.blake2b(f"{event.source}\0{event.id}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    products = dict.fromkeys(ProductId(item.product_id) for item in data.items[:MAX_OF_ONE])
    return Act((event.time - _EPOCH) // _US, identity, doing, tuple(products))


def keys_of(event: InteractionEvent) -> list[ShopperKey]:
    """Whose rows the event belongs into: user, visitor and session, those that it has; none without consent."""
    data = event.data
    return [ShopperKey(key) for key in (data.user, data.visitor, data.session) if key]


def merged(known: Iterable[Act], more: Iterable[Act]) -> list[Act]:
    """Sorted. The same whatever the order of events that each say one thing, and however often they come."""
    first: dict[bytes, Act] = {}
    for act in (*known, *more):
        other = first.get(act.event)
        first[act.event] = act if other is None else min(act, other)
    acts = sorted(first.values())
    oldest = acts[-1].at_us - WINDOW // _US if acts else 0
    kept: list[Act] = []
    for kind in range(3):
        kept += [act for act in acts if _KIND[act.doing] == kind and act.at_us >= oldest][-MOST_ACTS:]
    return sorted(kept)


def row_of(acts: Sequence[Act]) -> ShopperSession:
    """What the acts, as `merged` gives them, say; at least one."""
    clicked: dict[ProductId, None] = {}
    bought: dict[ProductId, None] = {}
    last: dict[ProductId, Doing] = {}
    for act in reversed(acts):
        for product in act.products:
            if act.doing == "viewed":
                clicked.setdefault(product)
                continue
            last.setdefault(product, act.doing)
            if act.doing == "bought":
                bought.setdefault(product)
    cart = [product for product, doing in last.items() if doing == "added"]
    second = acts[-1].at_us // 1_000_000
    return ShopperSession(
        second, tuple(clicked)[:MAX_CLICKED], tuple(cart[:MAX_HELD]), tuple(bought)[:MAX_HELD]
    )  # fmt: skip
