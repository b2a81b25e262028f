"""One option of a choice for another of its slot, all other slots kept: what each would be worth, and whether it may."""

import msgspec
import numpy as np

from setwise.bundle.problem import EMPTY, Bools, Floats, Ints, Problem


class Limits(msgspec.Struct, frozen=True):
    """What a choice must keep beside pairs that exclude each other: `least` <= total <= `most`, and to be different.

    Of the options that row e of `earlier` (E, T) marks it takes at most `most_shared[e]`, and at most half as many as
    the unlocked slots that it fills, which are more than none.
    """

    most: float = np.inf
    least: float = 0.0
    earlier: Bools = np.zeros((0, 0), dtype=bool)
    most_shared: Ints = np.zeros(0, dtype=np.int64)


def allowed(problem: Problem, choices: Ints, limits: Limits) -> Bools:
    """Which of K choices, shape (n, K), keep the limits and the brand cap; whether pairs exclude each other is apart."""
    total = problem.price[choices].sum(axis=0)
    may: Bools = (total <= limits.most) & (total >= limits.least)
    if problem.is_capped:
        brands = problem.brand[choices]
        counts = (brands[:, None] == brands).sum(axis=1)
        may &= ((counts <= problem.max_per_brand) | (brands == EMPTY) | ~problem.unlocked[choices]).all(axis=0)
    if problem.has_empty:
        may &= problem.filled[choices].any(axis=0)
    if len(limits.earlier):
        mine = (problem.filled & problem.unlocked)[choices].sum(axis=0)
        may &= mine > 0
        for earlier, most in zip(limits.earlier, limits.most_shared, strict=True):
            shared = earlier[choices].sum(axis=0)
            may &= (shared <= most) & (2 * shared <= mine)
    return may


def exchanges(problem: Problem, unary: Floats, choice: Ints, limits: Limits) -> tuple[Floats, Bools]:
    """Per option: what it adds to the value of the rest of the choice (-inf: excluded), and whether limits allow it."""
    slot = problem.slot
    adds = unary + problem.fit[choice].sum(axis=0)
    total = problem.price[choice].sum() - problem.price[choice][slot] + problem.price
    may = (total <= limits.most) & (total >= limits.least) & (adds > -np.inf)
    if problem.is_capped:
        may &= ~_above_cap(problem, choice)
    if problem.has_empty:
        filled = problem.filled[choice]
        may &= problem.filled | (filled.sum() - filled[slot] > 0)
    if len(limits.earlier):
        counts = problem.filled & problem.unlocked
        mine = counts[choice].sum() - counts[choice][slot] + counts
        shared = limits.earlier[:, choice].sum(axis=1)[:, None] - limits.earlier[:, choice][:, slot] + limits.earlier
        may &= ((shared <= limits.most_shared[:, None]) & (2 * shared <= mine)).all(axis=0) & (mine > 0)
    return adds, may


def improved(problem: Problem, unary: Floats, choice: Ints, limits: Limits) -> Ints:
    """The choice after the best exchanges, one by one, until none makes it better."""
    choice = choice.copy()
    for _ in range(2 * problem.n):
        adds, may = exchanges(problem, unary, choice, limits)
        gains = np.where(may, adds - adds[choice][problem.slot], -np.inf)
        best = int(gains.argmax())
        if gains[best] <= 1e-9:
            break
        choice[problem.slot[best]] = best
    return choice


def _above_cap(problem: Problem, choice: Ints) -> Bools:
    brands = problem.brand[choice]
    same = (brands[:, None] == problem.brand) & (np.arange(problem.n)[:, None] != problem.slot)
    above: Bools = (same.sum(axis=0) >= problem.max_per_brand) & (problem.brand != EMPTY) & problem.unlocked
    return above
