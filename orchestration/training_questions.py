"""Questions whose answers a shop knows: the next order of a shopper, the missing one of a cart, a set by its title, a
query that people judged. Each with what was known before, and nothing later."""

import random
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any

import msgspec

from orchestration.held_baskets import holding_orders
from setwise.judgements import JudgedQuery
from setwise.names import ProductId, UserId
from setwise.orders import MerchantSet, Order

MOST = 400
"""Questions of each sort: what a build can ask in half a minute."""
PARTS_OF_SETS = 3
MOST_SETS = 1_500
"""Sets that are asked for, a third at a time: what is asked is not known meanwhile, the other two thirds are."""
MANY_SETS = 600
"""From so many on every third is asked; of fewer sets the last one, as trees of few titles bring next to nothing."""
ASKED_FOR = timedelta(days=30)
MOST_OF_THE_PAST = 0.2
"""The newest orders that are asked for: of the last month, at most this share of all."""
K = 100
LONGEST_PROMPT, LONGEST_BASKET, LONGEST_EXCLUDE, LONGEST_LIST = 512, 200, 2_000, 1_000


class Question(msgspec.Struct, frozen=True):
    """One request with the products that were meant and what each is worth; `at` orders questions in time, only those
    of orders have one. Questions of one `unit` came of one basket: trees learn from all of them, or none."""

    request: dict[str, Any]
    meant: Mapping[ProductId, int]
    at: datetime | None = None
    unit: int | None = None


class Part(msgspec.Struct, frozen=True):
    """Questions that are asked at a time, and the sets that must not be known meanwhile."""

    questions: list[Question]
    held: list[MerchantSet]


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


def of_sets(sets: Sequence[MerchantSet], orders: Iterable[Order], products: frozenset[ProductId]) -> list[Part]:
    """Sets asked for by their titles, each once, in parts: sets that one order holds are in one part.

    Not for their missing product: trees learned what sells again from sets that were taken out of the past, a second
    time after `learned`, and on later sets hit rate at 10 fell from .246 to .196."""
    holder = holding_orders(orders, sets)
    baskets: dict[str | int, list[MerchantSet]] = {}
    for number, one in enumerate(sets):
        baskets.setdefault(holder.get(number, number), []).append(one)
    units = [(held, _asked_for(held, products, unit)) for unit, held in enumerate(baskets.values())]
    units = [unit for unit in units if unit[1]]
    random.Random(0).shuffle(units)  # noqa: S311 - a sample, no secret
    totals = list(accumulate(len(asked) for _, asked in units))
    units = units[: bisect_right(totals, MOST_SETS)]
    parts = [units[at::PARTS_OF_SETS] for at in range(PARTS_OF_SETS)]
    return [
        Part([one for _, asked in part for one in asked], [one for held, _ in part for one in held])
        for part in (parts if sum(len(asked) for _, asked in units) >= MANY_SETS else parts[-1:])
        if part
    ]


def _asked_for(sets: Iterable[MerchantSet], products: frozenset[ProductId], unit: int) -> list[Question]:
    """A question for each set that has a title and several products that are sold."""
    found = []
    for one in sets:
        meant = {product_id: 1 for product_id in one.product_ids if product_id in products}
        if one.title.strip() and len(meant) > 1:
            found.append(Question({"prompt": one.title[:LONGEST_PROMPT], "k": K}, meant, unit=unit))
    return found


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


def _some(rng: random.Random, rows: Sequence[Any]) -> list[Any]:
    """A sample of them, in their order."""
    return [rows[at] for at in sorted(rng.sample(range(len(rows)), MOST))] if len(rows) > MOST else list(rows)
