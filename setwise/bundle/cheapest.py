"""What fits at all: the exact least total, and which slots are in the way of a budget."""

import copy

import numpy as np

from setwise.bundle.arrays import Floats, Ints
from setwise.bundle.limits import limits_of
from setwise.bundle.problem import Problem
from setwise.bundle.search import Search


def cheapest(problem: Problem) -> Ints | None:
    """The choice with the least total, exactly; None where the options exclude each other whatever they cost."""
    bare = copy.copy(problem)
    bare.set_fit(np.where(problem.fit == -np.inf, -np.inf, 0.0))
    return Search(bare, -problem.price, limits_of(problem), exact=True).run().choice


def blocking(problem: Problem, choice: Ints, most: int) -> tuple[str, ...]:
    """The filled slots without any of which the rest would fit; the dearest one where that is none."""
    filled = [int(i) for i in np.flatnonzero(problem.filled[choice])]
    total, price = problem.total(choice), problem.price[choice]
    enough = [i for i in filled if total - price[i] <= most or _least_without(problem, i, most) <= most]
    if not enough:
        enough = [max(filled, key=lambda i: price[i])]
    return tuple(problem.slots[i].name for i in enough)


def least_of_slots(problem: Problem) -> Floats:
    """The least price of each slot, shape (n,): their sum is more than a budget only where nothing fits."""
    least: Floats = np.minimum.reduceat(problem.price, problem.starts[:-1])
    return least


def _least_without(problem: Problem, slot: int, most: int) -> float:
    """The least total of the other slots; some total above `most` where none of them is as low."""
    others = problem.slot != slot
    floor = float(np.delete(least_of_slots(problem), slot).sum())
    if floor > most or ((problem.fit[others][:, others] > -np.inf).all() and problem.max_per_brand is None):
        return floor
    free = copy.copy(problem)
    free.price = np.where(others, problem.price, 0.0)
    free.brand = np.where(others, problem.brand, -1)
    free.set_fit(np.where(others & others[:, None], problem.fit, 0.0))
    choice = cheapest(free)
    return np.inf if choice is None else float(free.total(choice))
