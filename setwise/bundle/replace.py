"""A swap: one slot anew, all others kept."""

from collections.abc import Sequence

import numpy as np

from setwise.bundle.arrays import Bools
from setwise.bundle.exchange import exchanges
from setwise.bundle.limits import limits_of
from setwise.bundle.messages import Candidate, PairTerms, Replacement, Slot
from setwise.bundle.problem import Problem


def replace(
    slots: Sequence[Slot],
    candidates: Sequence[Sequence[Candidate]],
    choice: Sequence[int | None],
    position: int,
    allowed: Bools,
    *,
    max_total_cents: int | None,
    pairs: PairTerms | None = None,
    max_per_brand: int | None = None,
) -> Replacement:
    """The best of the `allowed` candidates (shape: candidates of the slot) in place of the chosen one, never itself.

    `choice` has each slot's place in its candidates, None where it is empty. With no candidate, `total_cents` is what
    the cheapest would make the bundle cost where the budget is the reason.
    """
    problem = Problem(slots, candidates, pairs, max_per_brand)
    first = int(problem.starts[position])
    taken = problem.choice_of(choice)
    now = choice[position]
    others = np.asarray(allowed, dtype=bool).copy()
    if now is not None:
        kept_out = candidates[position][now].product_id
        others &= np.asarray([c.product_id != kept_out for c in candidates[position]], dtype=bool)
    own = first + np.flatnonzero(others)
    if not len(own):
        return Replacement(None, None, "not_allowed")
    adds, may = exchanges(problem, problem.score, taken, limits_of(problem))
    own = own[may[own]]
    if not len(own):
        return Replacement(None, None, "conflict")
    totals = problem.price[taken].sum() - problem.price[taken[position]] + problem.price[own]
    within = totals <= (np.inf if max_total_cents is None else max_total_cents)
    if not within.any():
        return Replacement(None, int(totals.min()), "budget")
    best = int(np.where(within, adds[own], -np.inf).argmax())
    return Replacement(int(problem.candidate[own[best]]), int(totals[best]))
