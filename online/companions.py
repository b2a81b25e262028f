"""never_together and always_with over the candidates of an answer: slots for companions, and what cannot be."""

from collections.abc import Collection, Sequence

import msgspec
import numpy as np

from online.eligibility import Rules, eligible
from online.live import LiveRelease
from online.merchandising import answerable
from online.plan import MAX_NAME, unique_name
from setwise.bundle import Candidate, Slot
from setwise.catalogue import Product, leaf_category
from setwise.names import ProductId
from setwise.rules import ActiveRules
from setwise.rules.pairs import PairRules, companions_without_slot, pair_rules

MAX_ADDED = 3
Pools = list[list[Candidate]]


class Companion(msgspec.Struct, frozen=True):
    """An optional slot that nobody asked for, with the one row that another candidate must come with."""

    slot: Slot
    row: int


def companions(
    live: LiveRelease, active: ActiveRules, rules: Rules, slots: Sequence[Slot], pools: Pools,
    basket: Collection[ProductId],
) -> list[Companion]:  # fmt: skip
    """What always_with asks for and no slot has; what may not be sold gets no slot."""
    added: list[Companion] = []
    if not active.has_companions:
        return added
    products = [_products(live, pool) for pool in pools]
    tried: set[ProductId] = set()
    # What comes along may itself not come alone: looked at anew until nothing is missing.
    while missing := [i for i in companions_without_slot(active, products, basket) if i not in tried]:
        tried.update(missing)
        rows, _ = eligible(live, np.asarray(live.snapshot.rows_of(missing), dtype=np.int64), 1, rules)
        for row in answerable(live, rows, active, rules.now).tolist()[: MAX_ADDED - len(added)]:
            product = live.snapshot[row]
            name = (leaf_category(product) or " ".join(product.title.split()[:3])).lower()[:MAX_NAME]
            taken = [slot.name for slot in slots] + [companion.slot.name for companion in added]
            added.append(Companion(Slot(unique_name(name, taken), 1, required=False), row))
            products.append([product])
    return added


def possible(
    live: LiveRelease, active: ActiveRules, pools: Pools, basket: Collection[ProductId], n_added: int
) -> tuple[Pools, PairRules]:
    """The candidates that some bundle could hold, and the rules of their pairs; the last `n_added` slots were added."""
    if not active.restricts_pairs:
        return pools, PairRules({}, {}, [])
    while True:
        products = [_products(live, pool) for pool in pools]
        found = pair_rules(active, products, basket, range(len(pools) - n_added, len(pools)))
        if not any(mask.any() for mask in found.hopeless):
            return pools, found
        pools = [
            [candidate for candidate, is_hopeless in zip(pool, mask.tolist(), strict=True) if not is_hopeless]
            for pool, mask in zip(pools, found.hopeless, strict=True)
        ]


def _products(live: LiveRelease, pool: Sequence[Candidate]) -> list[Product]:
    return [live.snapshot[candidate.row] for candidate in pool]
