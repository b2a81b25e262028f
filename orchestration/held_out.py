"""What a release is asked before it goes live: the shop's own last weeks, which nothing that answers has seen."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from setwise import statistics
from setwise.complementarity import build_complementarity
from setwise.index import LocalIndex
from setwise.judgements import Judgement, by_query
from setwise.names import SHOPPER_PROFILES_VIEW, ProductId
from setwise.orders import MerchantSet, Order
from setwise.profiles import shopper_profiles
from setwise.snapshot import Snapshot

HELD_OUT = timedelta(days=28)
MOST_HELD_OUT = 0.2
"""Of all orders; a shop whose past is short keeps most of it to answer from."""
SET_IN = 10
"""One set of so many is held out."""
MAX_CASES = 200
"""Of each task; chosen by a hash, so that the same shop is asked the same."""
FEW_CASES = 30
"""With fewer cases of the shop's own past, products are looked for by the words of their titles too."""
K = 50
MAX_BASKET = 200
JUDGED = "judged query"
HEAD = 0.1
"""Share of the catalogue that counts as head: the most ordered products."""


class Case(msgspec.Struct, frozen=True):
    """One question, what is known of who asks it, and the products that were meant."""

    id: str
    task: str
    body: dict[str, Any]
    relevant: list[str]
    segments: list[str]
    known: dict[str, Any] = {}
    grades: dict[str, int] = {}
    """What each of them is worth, where people said so."""

    @property
    def gains(self) -> dict[str, int]:
        """Of each product that was meant; 1 where nobody graded."""
        return self.grades or dict.fromkeys(self.relevant, 1)


class Split(msgspec.Struct, frozen=True):
    """Orders before `cut` are the past that answers are made from; those after it are asked."""

    cut: datetime | None
    past: list[Order]
    later: list[Order]
    past_sets: list[MerchantSet]
    later_sets: list[MerchantSet]


def split(orders: Iterable[Order], sets: Iterable[MerchantSet]) -> Split:
    """By time, sets by a hash of their ids."""
    ordered = sorted(orders, key=lambda order: (order.ordered_at, order.order_id))
    kept_sets: tuple[list[MerchantSet], list[MerchantSet]] = ([], [])
    for one in sets:
        kept_sets[_place(one.set_id) % SET_IN == 0].append(one)
    if not ordered:
        return Split(None, [], [], *kept_sets)
    least = ordered[min(int(len(ordered) * (1 - MOST_HELD_OUT)), len(ordered) - 1)].ordered_at
    cut = max(ordered[-1].ordered_at - HELD_OUT, least)
    past = [order for order in ordered if order.ordered_at < cut]
    return Split(cut, past, ordered[len(past) :], *kept_sets)


def cases_of(
    found: Split, snapshot: Snapshot, known: frozenset[ProductId], judgements: Iterable[Judgement] = ()
) -> list[Case]:
    """Questions about products of `known`, which every compared release sells."""
    times = Counter(line.product_id for order in found.past for line in order.lines)
    head = {product for product, _ in times.most_common(max(1, int(len(snapshot) * HEAD)))}

    def segment(products: list[str]) -> str:
        return "head product" if products[0] in head else "tail product"

    cases = [*_next_orders(found, snapshot, known, segment), *_baskets(found, known, segment)]
    for one in _some(found.later_sets, lambda one: one.set_id):
        relevant = [str(product) for product in one.product_ids if product in known]
        if relevant and one.title:
            cases.append(Case(f"set {one.set_id}", "set", {"prompt": one.title[:512], "k": K}, relevant, []))
    cases += _judged(judgements, known)
    if len(cases) < FEW_CASES:
        cases += _titles(snapshot, known)
    return cases


def _next_orders(found: Split, snapshot: Snapshot, known: frozenset[ProductId], segment: Any) -> Iterable[Case]:
    """What a shopper buys next, of all that is sold."""
    first: dict[str, Order] = {}
    for order in found.later:
        if order.user_id is not None:
            first.setdefault(order.user_id, order)
    if not first or found.cut is None:
        return
    products = {product.id: product for product in snapshot}
    profiles = shopper_profiles(found.past, products, found.cut)
    for user, order in _some(list(first.items()), lambda pair: pair[0]):
        relevant = _bought(order, known)
        if not relevant:
            continue
        profile = profiles.get(order.user_id)  # type: ignore[arg-type]
        shopper = "new shopper" if profile is None else "returning shopper"
        rows = {SHOPPER_PROFILES_VIEW: msgspec.to_builtins(profile)} if profile is not None else {}
        body = {"user_id": f"{_place(user):x}", "k": K}  # who it is, is in `known`
        yield Case(f"next {user}", "next order", body, relevant, [shopper, segment(relevant)], rows)


def _baskets(found: Split, known: frozenset[ProductId], segment: Any) -> Iterable[Case]:
    """The last product of an order, by the others."""
    carts = [(order, products) for order in found.later if len(products := _bought(order, known)) > 1]
    for order, products in _some(carts, lambda pair: pair[0].order_id):
        hidden = products[-1:]
        body = {"basket": products[:-1][:MAX_BASKET], "k": K}
        yield Case(f"basket {order.order_id}", "basket", body, hidden, [segment(hidden)])


def _titles(snapshot: Snapshot, known: frozenset[ProductId]) -> Iterable[Case]:
    """A product by the first words of its title; any product of the same title is meant."""
    same: dict[str, list[str]] = {}
    for product in snapshot:
        if product.id in known and product.title:
            same.setdefault(product.title, []).append(product.id)
    for title, products in _some(list(same.items()), lambda pair: pair[1][0]):
        prompt = " ".join(title.split()[:6])[:512]
        yield Case(f"title {products[0]}", "title", {"prompt": prompt, "k": K}, products, [])


def _judged(judgements: Iterable[Judgement], known: frozenset[ProductId]) -> Iterable[Case]:
    """The judged queries that no release learns from; a product that nobody judged counts nothing."""
    queries = [one for one in by_query(judgements, known) if one.is_held_out]
    for one in _some(queries, lambda one: one.text):
        grades = {str(product): grade for product, grade in one.grades.items() if grade}
        yield Case(f"judged {one.text}", JUDGED, {"prompt": one.text, "k": K}, list(grades), [], {}, grades)


def _bought(order: Order, known: frozenset[ProductId]) -> list[str]:
    return list(dict.fromkeys(str(x.product_id) for x in order.lines if x.quantity > 0 and x.product_id in known))


def _some(rows: list[Any], name: Any) -> list[Any]:
    return sorted(rows, key=lambda row: _place(str(name(row))))[:MAX_CASES]


def _place(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest())


def as_of_the_cut(parts: Mapping[str, Path], found: Split, folder: Path) -> dict[str, Path]:
    """The same parts, but those that are learned from orders and sets know only the past."""
    if found.cut is None and not found.later_sets:
        return dict(parts)
    snapshot, index = Snapshot(parts["snapshot"]), LocalIndex(parts["index"])
    past = {"complementarity": folder / "complementarity", "statistics": folder / "statistics"}
    for path in past.values():
        path.mkdir(parents=True)
    newest = found.cut or datetime.max
    vectors = index.vectors().astype(np.float16)
    build_complementarity(snapshot, vectors, found.past, found.past_sets, newest, past["complementarity"])
    if found.cut is not None:
        rows = statistics.product_stats(found.past, found.cut)
        statistics.write_popularity(rows, snapshot.ids, past["statistics"])
    else:
        past.pop("statistics")
    return {**parts, **{name: path for name, path in past.items() if name in parts}}
