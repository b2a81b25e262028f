"""What a purchase is credited to, by the rule of dbt's int_credits: the last click on the product in the seven days
before it, else the last impression in the 24 hours before, by the same user or visitor."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, cast

import msgspec

from setwise.events import InteractionEvent

CLICK, IMPRESSION = timedelta(hours=168), timedelta(hours=24)
"""As click_hours and impression_hours in dbt/dbt_project.yml."""
_US = timedelta(microseconds=1)
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_WITHIN_US = {"click": CLICK // _US, "impression": IMPRESSION // _US}
_MACHINES = frozenset(("bot", "flood"))


class Touch(msgspec.Struct, frozen=True, array_like=True):
    """A click on a product of an answer, or its impression; `product_id` '' = each product of the bundle."""

    kind: Literal["click", "impression"]
    at_us: int
    source: str
    event_id: str
    request_id: str
    bundle_id: str
    product_id: str
    user: str
    visitor: str


class Line(msgspec.Struct, frozen=True, array_like=True):
    """A line of an order; what was paid for one piece in minor units of the order's currency."""

    product_id: str
    quantity: int
    price_cents: int


class Order(msgspec.Struct, frozen=True, array_like=True):
    """A purchase. Of several with one `order_id` the first that came counts: that with the least `came`."""

    order_id: str
    came: tuple[int, str, str]
    """When the log took it, then its source and id."""
    at_us: int
    user: str
    visitor: str
    currency: str
    is_machine: bool
    lines: tuple[Line, ...]


class Refund(msgspec.Struct, frozen=True, array_like=True):
    """Pieces that came back, by product; empty = the whole order."""

    order_id: str
    pieces: dict[str, int]


def at_us_of(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - _EPOCH) // _US


def is_by_a_person(event: InteractionEvent) -> bool:
    """False for bots and floods, and for what follows an answer that was never given."""
    return _MACHINES.isdisjoint(event.data.marks) and "unserved" not in event.data.marks


def touches_of(event: InteractionEvent) -> list[Touch]:
    """What a purchase may be credited to; nothing for machines, organic events and answers that were never given."""
    data = event.data
    if data.kind not in ("click", "impression") or not data.request_id or not is_by_a_person(event):
        return []
    kind = cast(Literal["click", "impression"], data.kind)
    named = [(item.bundle_id or data.bundle_id, item.product_id) for item in data.items]
    if kind == "impression" and not named and data.bundle_id:
        named = [(data.bundle_id, "")]
    at_us = at_us_of(event.time)
    return [
        Touch(kind, at_us, event.source, event.id, data.request_id, bundle, product, data.user, data.visitor)
        for bundle, product in named
    ]


def order_of(event: InteractionEvent, came_at: datetime) -> Order | None:
    """None for what is no purchase. `came_at` = when the log took it."""
    data = event.data
    if data.kind != "purchase":
        return None
    lines = tuple(Line(item.product_id, item.quantity, item.price_cents or 0) for item in data.items)
    came = (at_us_of(came_at), event.source, event.id)
    is_machine = not _MACHINES.isdisjoint(data.marks)
    return Order(
        data.order_id, came, at_us_of(event.time), data.user, data.visitor, data.currency, is_machine, lines
    )  # fmt: skip


def refund_of(event: InteractionEvent) -> Refund | None:
    """None for what is no refund."""
    data = event.data
    if data.kind != "refund":
        return None
    pieces: dict[str, int] = {}
    for item in data.items:
        pieces[item.product_id] = pieces.get(item.product_id, 0) + item.quantity
    return Refund(data.order_id, pieces)


def resolved(touches: Iterable[Touch], shown: Mapping[tuple[str, str], Iterable[str]]) -> list[Touch]:
    """Impressions of whole bundles as one for each product; `shown` = the products of (request_id, bundle_id)."""
    found: list[Touch] = []
    for touch in touches:
        if touch.product_id:
            found.append(touch)
            continue
        for product in shown.get((touch.request_id, touch.bundle_id), ()):
            found.append(msgspec.structs.replace(touch, product_id=product))
    return found


def credits_of(order: Order, touches: Iterable[Touch]) -> list[Touch | None]:
    """For each line the one touch that it is credited to. Touches in any order, those of other people too."""
    best: dict[str, Touch] = {}
    for touch in touches:
        is_theirs = (touch.user and touch.user == order.user) or (touch.visitor and touch.visitor == order.visitor)
        if is_theirs and 0 <= order.at_us - touch.at_us <= _WITHIN_US[touch.kind]:
            other = best.get(touch.product_id)
            best[touch.product_id] = touch if other is None else min(touch, other, key=_order)
    return [best.get(line.product_id) for line in order.lines]


def _order(touch: Touch) -> tuple[bool, int, str, str, str]:
    return touch.kind != "click", -touch.at_us, touch.source, touch.event_id, touch.bundle_id


def refunded(lines: Sequence[Line], refunds: Iterable[Refund]) -> list[int]:
    """Pieces of each line that came back: those of a product are taken from its lines in their order."""
    back: dict[str, int] = {}
    for refund in refunds:
        if not refund.pieces:
            return [line.quantity for line in lines]
        for product, pieces in refund.pieces.items():
            back[product] = back.get(product, 0) + pieces
    found: list[int] = []
    for line in lines:
        pieces = min(line.quantity, back.get(line.product_id, 0))
        back[line.product_id] = back.get(line.product_id, 0) - pieces
        found.append(pieces)
    return found
