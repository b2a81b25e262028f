"""What the shop's always_with brings along: optional slots that nobody asked for."""

from collections.abc import Collection, Sequence

import numpy as np

from online.candidates import Ranked
from online.eligibility import Rules, eligible
from online.live import LiveRelease
from online.merchandising import answerable
from online.plan import MAX_NAME, unique_name
from online.slots import Filled
from setwise.bundle import Slot
from setwise.catalogue import leaf_category
from setwise.names import ProductId
from setwise.ranking import PARTS
from setwise.rules import ActiveRules
from setwise.rules.pairs import companions_without_slot

MAX_ADDED = 3


def companions(
    live: LiveRelease, active: ActiveRules, rules: Rules, slots: Sequence[Filled], basket: Collection[ProductId]
) -> list[Filled]:
    """Optional slots for what always_with asks for and no slot has; what may not be sold gets none."""
    added: list[Filled] = []
    if not active.has_companions:
        return added
    products = [[live.snapshot[row] for row in filled.ranked.rows.tolist()] for filled in slots]
    # What comes along may itself not come alone: a chain is followed as far as slots are added.
    for product_id in companions_without_slot(active, products, basket):
        queue = [product_id]
        while queue and len(added) < MAX_ADDED:
            row = live.snapshot.row_of(queue.pop())
            rows, _ = eligible(live, np.asarray([] if row is None else [row], dtype=np.int64), 1, rules)
            rows = answerable(live, rows, active, rules.now)
            if len(rows):
                product = live.snapshot[int(rows[0])]
                name = (leaf_category(product) or " ".join(product.title.split()[:3])).lower()[:MAX_NAME]
                name = unique_name(name, [filled.slot.name for filled in (*slots, *added)])
                ranked = Ranked(rows, np.zeros((1, len(PARTS))), np.zeros((1, 0)))
                added.append(Filled(Slot(name, 1, required=False), ranked, is_companion=True))
                products.append([product])
                asked = companions_without_slot(active, products, basket)
                queue = [i for i in asked if i in active.companions(product)]
    return added
