"""The shop's past in two: what came first, and what it is tried on."""

import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from setwise.names import ProductId
from setwise.orders import MerchantSet, Order

SHARE = 4
"""One of so many is held out: the newest orders, and sets."""
MAX_ORDERS = 2_000


class Basket(msgspec.Struct, frozen=True):
    """What went together; `title` is what a person called it, '' for an order. Baskets of one unit share products."""

    products: tuple[ProductId, ...]
    title: str
    unit: int


class HeldOut(msgspec.Struct, frozen=True):
    """`orders` reads the earlier orders anew each time; `sets` are the earlier sets; `baskets` what was held out."""

    orders: Callable[[], Iterator[Order]]
    sets: list[MerchantSet]
    baskets: list[Basket]


def hold_out(orders: Callable[[], Iterable[Order]], sets: Sequence[MerchantSet]) -> HeldOut:
    """Holds out the newest orders and all sets that one of them holds; sets that no order holds by their id."""
    newest = sorted(((order.ordered_at, order.order_id) for order in orders()), reverse=True)
    held = {order_id: unit for unit, (_, order_id) in enumerate(newest[: min(len(newest) // SHARE, MAX_ORDERS)])}
    holders = holding_orders(orders(), sets)
    baskets, earlier = list[Basket](), list[MerchantSet]()
    for number, one in enumerate(sets):
        holder = holders.get(number)
        unit = held.get(holder) if holder is not None else _unit_of(one, len(held) + number)
        if unit is None:
            earlier.append(one)
        else:
            baskets.append(Basket(one.product_ids, one.title, unit))
    for order in orders():
        if order.order_id in held:
            bought = tuple(dict.fromkeys(line.product_id for line in order.lines if line.quantity > 0))
            baskets.append(Basket(bought, "", held[order.order_id]))
    return HeldOut(lambda: (order for order in orders() if order.order_id not in held), earlier, baskets)


def _unit_of(one: MerchantSet, number: int) -> int | None:
    return None if zlib.crc32(one.set_id.encode()) % SHARE else number


def holding_orders(orders: Iterable[Order], sets: Sequence[MerchantSet]) -> dict[int, str]:
    """Set number -> the newest order that has all of its products; sets that no order holds are not in it."""
    with_product, sizes = defaultdict[ProductId, list[int]](list), [len(set(one.product_ids)) for one in sets]
    for number, one in enumerate(sets):
        for product in set(one.product_ids):
            with_product[product].append(number)
    found: dict[int, Order] = {}
    for order in orders:
        hits = Counter(
            n for product in {line.product_id for line in order.lines} for n in with_product.get(product, ())
        )
        for number, count in hits.items():
            is_newer = number not in found or order.ordered_at > found[number].ordered_at
            if count == sizes[number] and is_newer:
                found[number] = order
    return {number: order.order_id for number, order in found.items()}
