"""never_together, always_with and max_per_brand of the shop, in the terms of an assembly."""

from collections.abc import Collection, Sequence

import msgspec
import numpy as np

from online.candidates import Ranked, as_candidates
from online.eligibility import Rules, eligible
from online.live import LiveRelease
from online.merchandising import answerable
from online.plan import MAX_NAME, unique_name
from setwise.bundle import Candidate, PairTerms, Slot
from setwise.catalogue import Product, leaf_category
from setwise.names import ProductId
from setwise.ranking import FEATURES
from setwise.rules import ActiveRules
from setwise.rules.pairs import companions_without_slot, pair_rules

MAX_ADDED = 3
Pools = list[list[Candidate]]


class Companions(msgspec.Struct, frozen=True):
    """Slots that were not asked for, each with the one product that another candidate must come with."""

    slots: list[Slot]
    ranked: list[Ranked]
    candidates: Pools


def companions(
    live: LiveRelease, active: ActiveRules, rules: Rules, slots: Sequence[Slot], pools: Pools,
    basket: Collection[ProductId],
) -> Companions:  # fmt: skip
    """Optional slots for what always_with asks for and no slot has; what may not be sold gets none."""
    added = Companions([], [], [])
    if not active.has_companions:
        return added
    products = [_products(live, pool) for pool in pools]
    # What comes along may itself not come alone: a chain is followed as far as slots are added.
    for product_id in companions_without_slot(active, products, basket):
        queue = [product_id]
        while queue and len(added.slots) < MAX_ADDED:
            row = live.snapshot.row_of(queue.pop())
            rows, _ = eligible(live, np.asarray([] if row is None else [row], dtype=np.int64), 1, rules)
            rows = answerable(live, rows, active, rules.now)
            if len(rows):
                product = live.snapshot[int(rows[0])]
                name = (leaf_category(product) or " ".join(product.title.split()[:3])).lower()[:MAX_NAME]
                taken = [slot.name for slot in (*slots, *added.slots)]
                ranked = Ranked(rows, np.zeros((1, len(FEATURES))))
                added.slots.append(Slot(unique_name(name, taken), 1, required=False))
                added.ranked.append(ranked)
                added.candidates.append(as_candidates(live, ranked, rules.now))
                products.append([product])
                queue = [
                    i for i in companions_without_slot(active, products, basket) if i in active.companions(product)
                ]
    return added


def pair_terms(
    live: LiveRelease, active: ActiveRules, pools: Pools, basket: Collection[ProductId], n_added: int
) -> tuple[Pools, PairTerms]:
    """The candidates that some bundle could hold, and the terms of their pairs; the last `n_added` slots were added."""
    if not active.restricts_pairs:
        return pools, PairTerms()
    while True:
        products = [_products(live, pool) for pool in pools]
        found = pair_rules(active, products, basket, range(len(pools) - n_added, len(pools)))
        if not any(mask.any() for mask in found.hopeless):
            break
        pools = [
            [candidate for candidate, is_hopeless in zip(pool, mask.tolist(), strict=True) if not is_hopeless]
            for pool, mask in zip(pools, found.hopeless, strict=True)
        ]
    return pools, PairTerms({pair: np.where(mask, -np.inf, 0.0) for pair, mask in found.forbidden.items()}, found.needs)


def _products(live: LiveRelease, pool: Sequence[Candidate]) -> list[Product]:
    return [live.snapshot[candidate.row] for candidate in pool]
