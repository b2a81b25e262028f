"""One option of a choice for another of its slot, all others kept: what it would add, and whether limits allow it."""

import numpy as np

from setwise.bundle.arrays import Bools, Floats, Ints
from setwise.bundle.limits import Limits
from setwise.bundle.problem import Problem


def exchanges(problem: Problem, unary: Floats, choice: Ints, limits: Limits) -> tuple[Floats, Bools]:
    """Per option what it adds to the rest of the choice, -inf where that excludes it, and whether limits allow it."""
    adds: Floats = problem.fit[choice].sum(axis=0)
    adds += unary
    chosen = limits.use[:, choice]
    left = limits.most[:, None] - chosen.sum(axis=1)[:, None] + chosen
    may: Bools = (limits.use <= left[:, problem.slot]).all(axis=0)
    may &= adds > -np.inf
    return adds, may


def improved(problem: Problem, unary: Floats, choice: Ints, limits: Limits) -> Ints:
    """The choice after the best exchanges, one by one, until none makes it better."""
    choice = choice.copy()
    for _ in range(2 * problem.n):
        adds, may = exchanges(problem, unary, choice, limits)
        gains = np.where(may, adds - adds[choice][problem.slot], -np.inf)
        best = int(gains.argmax())
        if not gains[best] > 1e-9:
            break
        choice[problem.slot[best]] = best
    return choice
