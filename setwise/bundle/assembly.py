"""Bundles that differ, best first, or why there are none."""

from collections.abc import Sequence

import msgspec
import numpy as np

from setwise.bundle.arrays import Floats, Ints
from setwise.bundle.cheapest import blocking, cheapest, least_of_slots
from setwise.bundle.exchange import exchanges
from setwise.bundle.limits import Limits, limits_of, unlike
from setwise.bundle.messages import Assembly, Bundle, Candidate, Infeasible, Item, PairTerms, Slot
from setwise.bundle.problem import Problem
from setwise.bundle.search import Found, IsLate, Search
from setwise.names import ProductId

PRICE_LEANING = 0.8
"""What the cheapest candidate of a slot gains over the dearest in 'best value', and the dearest in 'step up'."""
SAID_BEFORE = 0.5
"""What a product loses in a bundle for each earlier one that has it. Without it five bundles of two named products held
6.4 different ones on average: one hit of each pair was repeated as long as the limit let it."""
ALTERNATIVES = 5


def assemble(
    slots: Sequence[Slot],
    candidates: Sequence[Sequence[Candidate]],
    *,
    max_total_cents: int | None,
    min_total_cents: int | None = None,
    n_bundles: int = 3,
    pairs: PairTerms | None = None,
    max_per_brand: int | None = None,
    is_late: IsLate = lambda: False,
) -> Assembly:
    """Up to n bundles; feasibility is exact: a budget of cheapest_total_cents gives a bundle, one less gives none.
    Once `is_late`, what is found by then is answered: one bundle at least, wherever there is one.

    The value of a bundle is the sum of its candidates' scores and of its pair terms / (slots - 1). The first bundle is
    the best; the second is the best of those that share at most half with it, where low prices count up to
    PRICE_LEANING a slot; the third likewise for high prices; each further one is the best of what is left. A product
    that earlier bundles have loses SAID_BEFORE for each of them.
    """
    empty = tuple(
        slot.name
        for slot, found in zip(slots, candidates, strict=True)
        if (slot.required or slot.locked) and not found
    )  # fmt: skip
    if empty or not any(candidates):
        return Assembly([], Infeasible("nothing_found", None, empty))
    problem = Problem(slots, candidates, pairs, max_per_brand)
    is_too_dear = max_total_cents is not None and float(least_of_slots(problem).sum()) > max_total_cents
    found = [] if is_too_dear else several(problem, max_total_cents, min_total_cents, n_bundles, is_late)
    if not found:
        least = cheapest(problem)
        if least is None:
            locked = tuple(slot.name for slot in slots if slot.locked)
            return Assembly([], Infeasible("conflict" if locked else "nothing_found", None, locked))
        total = problem.total(least)
        if max_total_cents is not None and total > max_total_cents:
            bundle = bundle_of(problem, Found(least, 0.0, 0.0), limits_of(problem), min_total_cents, "cheapest")
            return Assembly([], Infeasible("budget", total, blocking(problem, least, max_total_cents), bundle))
        # The search ran into its bound on work before it met a choice that fits: this one does.
        found = [Found(least, problem.value(problem.score, least), np.inf)]
    kept = limits_of(problem, max_total_cents)
    bundles = [bundle_of(problem, one, kept, min_total_cents) for one in found]
    return Assembly(labelled(sorted(bundles, key=rank_of)))


def proposed(
    slots: Sequence[Slot],
    candidates: Sequence[Sequence[Candidate]],
    products: Sequence[ProductId],
    *,
    max_total_cents: int | None,
    min_total_cents: int | None = None,
    pairs: PairTerms | None = None,
    max_per_brand: int | None = None,
) -> Bundle | None:
    """The bundle with this product in each slot, or None where it breaks a limit or a product is no candidate."""
    places = [
        next((at for at, candidate in enumerate(found) if candidate.product_id == product), -1)
        for found, product in zip(candidates, products, strict=True)
    ]
    if min(places, default=-1) < 0:
        return None
    problem = Problem(slots, candidates, pairs, max_per_brand)
    choice = problem.choice_of(places)
    value, limits = problem.value(problem.score, choice), limits_of(problem, max_total_cents, min_total_cents)
    if value == -np.inf or (limits.use[:, choice].sum(axis=1) > limits.most).any():
        return None
    return bundle_of(problem, Found(choice, value, value), limits_of(problem, max_total_cents), min_total_cents)


def leanings(count: int) -> list[float]:
    """What each of `count` bundles leans to: the best, low prices, high prices, then the best of what is left."""
    return [0.0, -PRICE_LEANING, PRICE_LEANING, *[0.0] * max(count - 3, 0)][:count]


def several(
    problem: Problem, most: int | None, least: int | None, count: int, is_late: IsLate = lambda: False
) -> list[Found]:
    """A choice for each leaning, the best of those that differ from the earlier ones; fewer where there are none."""
    found: list[Found] = []
    said = np.zeros(problem.size)
    limits = limits_of(problem, most, least)
    relaxed = limits_of(problem, most) if least else None
    for leaning in leanings(count):
        if found and is_late():
            break
        unary = problem.score + lean(problem, leaning, most) - SAID_BEFORE * said
        one = Search(problem, unary, limits, is_late=is_late).run()
        if one.choice is None and relaxed:
            one = Search(problem, unary, relaxed, is_late=is_late).run()
        if one.choice is None:
            break
        found.append(one)
        if not (problem.filled & problem.unlocked)[one.choice].any():
            break  # all of it is locked: there is no second one
        said += problem.filled & problem.unlocked & problem.is_one_of(one.choice)
        limits = unlike(problem, limits, one.choice)
        relaxed = unlike(problem, relaxed, one.choice) if relaxed else None
    return found


def lean(problem: Problem, leaning: float, most: int | None) -> Floats:
    """Up to |leaning| for the dearest candidate of a slot, or for the cheapest where it is negative, shape (T,)."""
    if not leaning:
        return np.zeros(problem.size)
    starts, slot, price = problem.starts[:-1], problem.slot, problem.price
    floor = np.minimum.reduceat(price, starts)
    # What the budget could not pay in any bundle is no measure of what is dear.
    usable = problem.filled & (price - floor[slot] <= (np.inf if most is None else most - floor.sum()))
    low = np.minimum.reduceat(np.where(usable, price, np.inf), starts)
    high = np.maximum.reduceat(np.where(usable, price, -np.inf), starts)
    width = np.where(high > low, high - low, np.inf)[slot]
    above = price - np.where(high > low, low, 0.0)[slot]
    share = above / width if leaning > 0 else 1.0 - above / width
    return np.where(usable & (width < np.inf), abs(leaning) * share, 0.0)


def bundle_of(problem: Problem, found: Found, limits: Limits, least: int | None, label: str = "") -> Bundle:
    """A choice as it is answered."""
    choice = found.choice
    assert choice is not None
    total = problem.total(choice)
    parts = {"relevance": float(problem.score[choice].sum())}
    if problem.has_pairs:
        parts["fit"] = float(problem.fit[choice[:, None], choice].sum() / 2)
    alternatives = _alternatives(problem, choice, limits)
    items, open_slots = [], []
    for i, (slot, option) in enumerate(zip(problem.slots, choice.tolist(), strict=True)):
        if problem.filled[option]:
            chosen = problem.candidates[i][int(problem.candidate[option])]
            items.append(Item(slot, chosen, () if slot.locked else alternatives[i]))
        else:
            open_slots.append(slot.name)
    below = least is not None and total < least
    gap = max(found.bound - found.value, 0.0) / abs(found.value) if found.value else 0.0
    return Bundle(tuple(items), total, sum(parts.values()), parts, label, tuple(open_slots), below, gap)


def _alternatives(problem: Problem, choice: Ints, limits: Limits) -> list[tuple[ProductId, ...]]:
    """Per slot the candidates that would add most in place of the chosen one, and keep the bundle valid."""
    adds, may = exchanges(problem, problem.score, choice, limits)
    may &= problem.filled
    may[choice] = False
    best = np.lexsort((-adds, ~may, problem.slot))
    counts = np.add.reduceat(may, problem.starts[:-1], dtype=np.int64)
    chosen = []
    for found, first, count in zip(problem.candidates, problem.starts.tolist(), counts.tolist(), strict=False):
        own = problem.candidate[best[first : first + min(count, ALTERNATIVES)]]
        chosen.append(tuple(found[k].product_id for k in own.tolist()))
    return chosen


def rank_of(bundle: Bundle) -> tuple[bool, float, int, tuple[str, ...]]:
    return bundle.is_below_min, -bundle.score, bundle.total_cents, tuple(i.candidate.product_id for i in bundle.items)


def labelled(bundles: list[Bundle]) -> list[Bundle]:
    """The first is the best match; the cheapest and the dearest of the others are named so if they really are."""
    labels = ["best match"] + ["alternative"] * (len(bundles) - 1)
    others = range(1, len(bundles))
    if others:
        cheapest_one = min(others, key=lambda i: bundles[i].total_cents)
        if bundles[cheapest_one].total_cents < bundles[0].total_cents:
            labels[cheapest_one] = "best value"
        dearest = max(others, key=lambda i: bundles[i].total_cents)
        if bundles[dearest].total_cents > bundles[0].total_cents:
            labels[dearest] = "step up"
    return [msgspec.structs.replace(bundle, label=label) for bundle, label in zip(bundles, labels, strict=True)]
