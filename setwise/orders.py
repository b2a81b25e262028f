"""What was bought together: orders, and sets that the merchant made."""

from datetime import datetime

import msgspec

from setwise.names import ProductId, UserId


class OrderLine(msgspec.Struct, frozen=True):
    """`quantity` pieces of a product at `unit_cents` minor units each; a negative quantity is a return."""

    product_id: ProductId
    quantity: int
    unit_cents: int


class Order(msgspec.Struct, frozen=True):
    """One order. Times are UTC; `currency` is the catalogue's main one where the source left it out."""

    order_id: str
    ordered_at: datetime
    currency: str
    lines: tuple[OrderLine, ...]
    user_id: UserId | None = None


class MerchantSet(msgspec.Struct, frozen=True):
    """A set the merchant put together (shop the look, room set, kit)."""

    set_id: str
    title: str
    product_ids: tuple[ProductId, ...]
    description: str = ""
    link: str = ""
