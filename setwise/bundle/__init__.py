"""Assembly: one product per slot, never over the budget, never the same product or item group twice.

`problem` lays slots, candidates and pair terms out as arrays, and `limits` what a choice may use.
`search` and its `tree` find the best choice with a proven bound (`bounds`); `cheapest` says exactly what fits at all.
`assembly` makes bundles that differ, `ideas` those of a wish that names no products;
`exchange` and `replace` put one product in another's place.
"""

from setwise.bundle.assembly import assemble
from setwise.bundle.ideas import AlikeOf, assemble_ideas
from setwise.bundle.messages import Assembly, Bundle, Candidate, Infeasible, Item, PairTerms, Slot
from setwise.bundle.replace import Replacing

__all__ = [
    "AlikeOf",
    "Assembly",
    "Bundle",
    "Candidate",
    "Infeasible",
    "Item",
    "PairTerms",
    "Replacing",
    "Slot",
    "assemble",
    "assemble_ideas",
]
