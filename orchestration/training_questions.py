"""Questions whose answers a shop knows: the next order of a shopper, the missing one of a cart, a set by its title, a
query that people judged. Each with what was known before, and nothing later."""

import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from setwise.judgements import JudgedQuery
from setwise.names import ProductId, UserId
from setwise.orders import MerchantSet, Order

MOST = 400
"""Questions of each sort: what a build can ask in half a minute."""
ASKED_FOR = timedelta(days=30)
MOST_OF_THE_PAST = 0.2
"""The newest orders that are asked for: of the last month, at most this share of all."""
K = 100
LONGEST_PROMPT, LONGEST_BASKET, LONGEST_EXCLUDE, LONGEST_LIST = 512, 200, 2_000, 1_000


class Question(msgspec.Struct, frozen=True):
    """One request with the products that were meant and what each is worth; `at` orders questions in time, only those
    of orders have one."""

    request: dict[str, Any]
    meant: Mapping[ProductId, int]
    at: datetime | None = None


def cutoff_of(orders: Sequence[Order]) -> datetime | None:
    """From when on orders are asked for; what is known is what was before. None without orders."""
    if not orders:
        return None
    times = sorted(order.ordered_at for order in orders)
    return max(times[-1] - ASKED_FOR, times[int(len(times) * (1 - MOST_OF_THE_PAST))])


def bought(order: Order, known: Mapping[ProductId, Any] | frozenset[ProductId]) -> list[ProductId]:
    """The distinct products of an order that the catalogue has, in its order."""
    return list(
        dict.fromkeys(line.product_id for line in order.lines if line.quantity > 0 and line.product_id in known)
    )


def of_orders(orders: Sequence[Order], cutoff: datetime, products: frozenset[ProductId]) -> list[Question]:
    """The first order of each known shopper from the cutoff on, all of it and what of it is new to them; and of orders
    of several products each without one."""
    history: dict[UserId, dict[ProductId, None]] = {}
    for order in orders:
        if order.user_id is not None and order.ordered_at < cutoff:
            history.setdefault(order.user_id, {}).update(dict.fromkeys(bought(order, products)))
    later = sorted((o for o in orders if o.ordered_at >= cutoff), key=lambda o: (o.ordered_at, o.order_id))
    firsts: dict[UserId, Order] = {}
    for order in later:
        if order.user_id is not None and history.get(order.user_id) and bought(order, products):
            firsts.setdefault(order.user_id, order)
    rng, found = random.Random(0), []  # noqa: S311 - a sample, no secret
    for user_id, order in _some(rng, sorted(firsts.items(), key=lambda item: item[1].ordered_at)):
        meant, own = bought(order, products), history[user_id]
        asked: dict[str, Any] = {"user_id": user_id, "k": K}
        found.append(Question(asked, dict.fromkeys(meant, 1), order.ordered_at))
        if new := {product_id: 1 for product_id in meant if product_id not in own}:
            found.append(Question({**asked, "exclude": list(own)[-LONGEST_EXCLUDE:]}, new, order.ordered_at))
    for order in _some(rng, [order for order in later if len(bought(order, products)) > 1]):
        ids = bought(order, products)
        held = rng.choice(ids)
        basket = [product_id for product_id in ids if product_id != held][:LONGEST_BASKET]
        found.append(Question({"basket": basket, "k": K}, {held: 1}, order.ordered_at))
    return found


def of_sets(sets: Iterable[MerchantSet], products: frozenset[ProductId]) -> tuple[list[Question], list[MerchantSet]]:
    """Sets asked for by their titles; and the sets that are asked for, which must not be known meanwhile.

    Not for their missing product: trees learned what sells again from sets that were taken out of the past, a second
    time after `learned`, and on later sets hit rate at 10 fell from .246 to .196."""
    usable = [one for one in sets if one.title.strip() and sum(i in products for i in one.product_ids) > 1]
    rng, found = random.Random(0), []  # noqa: S311 - a sample, no secret
    asked = _some(rng, usable, len(usable) // 3)
    for one in asked:
        ids = [product_id for product_id in dict.fromkeys(one.product_ids) if product_id in products]
        found.append(Question({"prompt": one.title[:LONGEST_PROMPT], "k": K}, dict.fromkeys(ids, 1)))
    return found, asked


def of_judgements(queries: Iterable[JudgedQuery]) -> list[Question]:
    """Judged queries, each as a search and, where several products were judged, as a list of these to be ordered."""
    rng, found = random.Random(0), []  # noqa: S311 - a sample, no secret
    for one in _some(rng, [one for one in queries if not one.is_held_out]):
        found.append(Question({"prompt": one.text, "k": K}, one.grades))
        judged = list(one.grades)[:LONGEST_LIST]
        if len(judged) > 1:
            found.append(Question({"prompt": one.text, "candidates": judged}, {i: one.grades[i] for i in judged}))
    return found


def without_traces(orders: Iterable[Order], asked: Sequence[MerchantSet]) -> list[Order]:
    """The orders that say nothing of these sets: none that holds half of one, and two of its products."""
    of_product: dict[ProductId, list[int]] = {}
    for at, one in enumerate(asked):
        for product_id in dict.fromkeys(one.product_ids):
            of_product.setdefault(product_id, []).append(at)
    kept = []
    for order in orders:
        shared: dict[int, int] = {}
        for product_id in {line.product_id for line in order.lines}:
            for at in of_product.get(product_id, ()):
                shared[at] = shared.get(at, 0) + 1
        if not any(n >= 2 and 2 * n >= len(asked[at].product_ids) for at, n in shared.items()):
            kept.append(order)
    return kept


def _some(rng: random.Random, rows: Sequence[Any], most: int = MOST) -> list[Any]:
    """A sample of them, in their order."""
    most = min(most, MOST)
    return [rows[at] for at in sorted(rng.sample(range(len(rows)), most))] if len(rows) > most else list(rows)
