"""Bundles that differ, best first, or why there are none."""

from collections.abc import Sequence

import msgspec
import numpy as np

from setwise.bundle.arrays import Bools, Floats
from setwise.bundle.cheapest import blocking, cheapest
from setwise.bundle.exchange import exchanges
from setwise.bundle.limits import limits_of
from setwise.bundle.messages import Assembly, Bundle, Candidate, Infeasible, Item, PairTerms, Slot
from setwise.bundle.problem import Problem
from setwise.bundle.search import Found, Search
from setwise.names import ProductId

PRICE_LEANING = 0.8
"""What the cheapest candidate of a slot gains over the dearest in 'best value', and the dearest in 'step up'."""
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
) -> Assembly:
    """Up to n bundles; feasibility is exact: a budget of cheapest_total_cents gives a bundle, one less gives none.

    The value of a bundle is the sum of its candidates' scores and of its pair terms / (slots - 1). The first bundle is
    the best; the second is the best of those that share at most half with it, where low prices count up to
    PRICE_LEANING a slot; the third likewise for high prices; each further one is the best of what is left.
    """
    empty = tuple(
        slot.name
        for slot, found in zip(slots, candidates, strict=True)
        if (slot.required or slot.locked) and not found
    )  # fmt: skip
    if empty or not any(candidates):
        return Assembly([], Infeasible("nothing_found", None, empty))
    problem = Problem(slots, candidates, pairs, max_per_brand)
    found = several(problem, max_total_cents, min_total_cents, n_bundles)
    if not found:
        least = cheapest(problem)
        if least is None:
            locked = tuple(slot.name for slot in slots if slot.locked)
            return Assembly([], Infeasible("conflict" if locked else "nothing_found", None, locked))
        total = problem.total(least)
        if max_total_cents is not None and total > max_total_cents:
            bundle = _bundle(problem, Found(least, 0.0, 0.0), None, min_total_cents, "cheapest")
            return Assembly([], Infeasible("budget", total, blocking(problem, least, max_total_cents), bundle))
        # The search ran into its bound on work before it met a choice that fits: this one does.
        found = [Found(least, problem.value(problem.score, least), np.inf)]
    bundles = [_bundle(problem, one, max_total_cents, min_total_cents) for one in found]
    return Assembly(_labelled(sorted(bundles, key=_rank)))


def leanings(count: int) -> list[float]:
    """What each of `count` bundles leans to: the best, low prices, high prices, then the best of what is left."""
    return [0.0, -PRICE_LEANING, PRICE_LEANING, *[0.0] * max(count - 3, 0)][:count]


def several(problem: Problem, most: int | None, least: int | None, count: int) -> list[Found]:
    """A choice for each leaning, each the best of those that differ from the earlier ones; fewer where there are none."""
    found: list[Found] = []
    for leaning in leanings(count):
        unary = tilted(problem, leaning, most)
        earlier = [one.choice for one in found if one.choice is not None]
        one = Search(problem, unary, limits_of(problem, most, least, earlier)).run()
        if one.choice is None and least:
            one = Search(problem, unary, limits_of(problem, most, None, earlier)).run()
        if one.choice is None:
            break
        found.append(one)
        if not (problem.filled & problem.unlocked)[one.choice].any():
            break  # all of it is locked: there is no second one
    return found


def tilted(problem: Problem, leaning: float, most: int | None) -> Floats:
    """Scores (T,) and up to |leaning| more for the dearest candidate of a slot, or the cheapest where it is negative."""
    if not leaning:
        return problem.score
    unary, floor = problem.score.copy(), np.minimum.reduceat(problem.price, problem.starts[:-1])
    spare = np.inf if most is None else most - floor.sum()
    # What the budget could not pay in any bundle is no measure of what is dear.
    usable = problem.filled & (problem.price - floor[problem.slot] <= spare)
    for i in range(problem.n):
        own = np.arange(problem.starts[i], problem.starts[i + 1])[usable[problem.starts[i] : problem.starts[i + 1]]]
        price = problem.price[own]
        if len(own) and price.min() < price.max():
            share = (price - price.min()) / (price.max() - price.min())
            unary[own] += abs(leaning) * (share if leaning > 0 else 1.0 - share)
    return unary


def _bundle(problem: Problem, found: Found, most: int | None, least: int | None, label: str = "") -> Bundle:
    choice = found.choice
    assert choice is not None
    total = problem.total(choice)
    parts = {"relevance": float(problem.score[choice].sum())}
    if problem.has_pairs:
        parts["fit"] = float(problem.fit[choice[:, None], choice].sum() / 2)
    adds, may = exchanges(problem, problem.score, choice, limits_of(problem, most))
    items, open_slots = [], []
    for i, (slot, option) in enumerate(zip(problem.slots, choice.tolist(), strict=True)):
        if not problem.filled[option]:
            open_slots.append(slot.name)
            continue
        chosen = problem.candidates[i][int(problem.candidate[option])]
        items.append(Item(slot, chosen, () if slot.locked else _alternatives(problem, i, chosen, adds, may)))
    below = least is not None and total < least
    gap = max(found.bound - found.value, 0.0) / abs(found.value) if found.value else 0.0
    return Bundle(tuple(items), total, sum(parts.values()), parts, label, tuple(open_slots), below, gap)


def _alternatives(problem: Problem, i: int, chosen: Candidate, adds: Floats, may: Bools) -> tuple[ProductId, ...]:
    first, end = problem.starts[i : i + 2].tolist()
    own = first + np.flatnonzero(may[first:end] & problem.filled[first:end])
    best = own[(-adds[own]).argsort(kind="stable")[: ALTERNATIVES + 1]]
    ids = dict.fromkeys(problem.candidates[i][at].product_id for at in problem.candidate[best].tolist())
    return tuple(one for one in ids if one != chosen.product_id)[:ALTERNATIVES]


def _rank(bundle: Bundle) -> tuple[bool, float, int, tuple[str, ...]]:
    return bundle.is_below_min, -bundle.score, bundle.total_cents, tuple(i.candidate.product_id for i in bundle.items)


def _labelled(bundles: list[Bundle]) -> list[Bundle]:
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
