"""never_together and always_with over the slots of an assembly: which choices exclude or need each other."""

from collections.abc import Collection, Sequence
from itertools import combinations

import msgspec
import numpy as np
from numpy.typing import NDArray

from setwise.catalogue import Product
from setwise.names import ProductId
from setwise.rules.book import ActiveRules

Slots = Sequence[Sequence[Product]]


class PairRules(msgspec.Struct, frozen=True):
    """What an assembly has to keep to. Slots are numbered as given, a row is a candidate's position in its slot."""

    forbidden: dict[tuple[int, int], NDArray[np.bool_]]
    """(i, j), i < j -> shape (n_i, n_j): True where the two may not be in one bundle."""
    needs: dict[tuple[int, int], NDArray[np.bool_]]
    """(i, j), i != j -> shape (n_i,): True where a candidate of slot i is chosen only where slot j is filled."""
    hopeless: list[NDArray[np.bool_]]
    """Per slot, shape (n_i,): True where no slot could hold what the candidate must come with."""


def companions_without_slot(active: ActiveRules, slots: Slots, present: Collection[ProductId] = ()) -> list[ProductId]:
    """What has to become a slot of its own before `pair_rules`: companions that no other slot has a candidate for.

    `present` is there anyway (in the shopper's cart)."""
    needs, holding = _needs(active, slots, present), _holding(slots)
    return list(dict.fromkeys(c for home, _, c in needs if _slot_of(c, home, holding, slots) is None))


def pair_rules(
    active: ActiveRules, slots: Slots, present: Collection[ProductId] = (), added: Collection[int] = ()
) -> PairRules:
    """The pairs of these slots; empty dictionaries where no rule speaks of pairs.

    `added` slots are there for a companion alone: where one slot needs it, nothing else brings it into a bundle."""
    found = PairRules({}, {}, [np.zeros(len(products), dtype=bool) for products in slots])
    sides = [active.sides(products) for products in slots]
    for i, j in combinations(range(len(slots)), 2):
        for row, mine in sides[i].items():
            for column, theirs in sides[j].items():
                if any(a != b and rule == other for rule, a in mine for other, b in theirs):
                    _mask(found, i, j, slots)[row, column] = True
    holding = _holding(slots)
    homes: dict[int, set[int]] = {}
    for home, row, companion in _needs(active, slots, present):
        other = _slot_of(companion, home, holding, slots)
        if other is None:
            found.hopeless[home][row] = True
            continue
        away = np.asarray([candidate.id != companion for candidate in slots[other]])
        if home < other:
            _mask(found, home, other, slots)[row] |= away
        else:
            _mask(found, other, home, slots)[:, row] |= away
        homes.setdefault(other, set()).add(home)
        found.needs.setdefault((home, other), np.zeros(len(slots[home]), dtype=bool))[row] = True
    for slot in added:
        for home in homes.get(slot, set()) if len(homes.get(slot, ())) == 1 else ():
            found.needs[slot, home] = np.ones(len(slots[slot]), dtype=bool)
            idle = ~found.needs[home, slot]
            mask = _mask(found, min(home, slot), max(home, slot), slots)
            mask |= idle[:, None] if home < slot else idle[None, :]
    return found


def _mask(found: PairRules, i: int, j: int, slots: Slots) -> NDArray[np.bool_]:
    return found.forbidden.setdefault((i, j), np.zeros((len(slots[i]), len(slots[j])), dtype=bool))


def _needs(
    active: ActiveRules, slots: Slots, present: Collection[ProductId]
) -> list[tuple[int, int, ProductId]]:  # fmt: skip
    """Slot, row and companion of every candidate that must not come alone."""
    return [
        (home, row, companion)
        for home, products in enumerate(slots)
        for row, product in enumerate(products)
        for companion in sorted(active.companions(product))
        if companion not in present
    ]


def _holding(slots: Slots) -> dict[ProductId, list[int]]:
    holding: dict[ProductId, list[int]] = {}
    for number, products in enumerate(slots):
        for product in products:
            holding.setdefault(product.id, []).append(number)
    return holding


def _slot_of(companion: ProductId, home: int, holding: dict[ProductId, list[int]], slots: Slots) -> int | None:
    """The other slot that is to hold it: the one with the least choice."""
    others = [number for number in holding.get(companion, ()) if number != home]
    return min(others, key=lambda number: (len(slots[number]), number), default=None)
