"""Branch and bound over all options of all slots: the best choice, or one within a stated share of it.

A first dive over the leading options finds a choice to beat. Then options that cannot be part of a better one are
dropped, and the tree over the rest is searched until nothing is left that could beat it by more than the tolerance.
"""

import msgspec
import numpy as np

from setwise.bundle.arrays import Floats, Ints
from setwise.bundle.bounds import best_of_slots, moved, multiplier
from setwise.bundle.exchange import Limits, improved
from setwise.bundle.problem import Problem
from setwise.bundle.tree import Tree

LEADING, CHEAPEST = 10, 3
DIVE_WIDTH, WIDTH = 12, 128
ROUNDS = 2
TOLERANCE = 0.005
WHOLE = 0.5
"""Exact values are whole numbers: what is not better by more than this is not better."""
CELLS = 4_000_000
"""Options x states looked at before the best found is returned with a looser bound."""


class Found(msgspec.Struct, frozen=True):
    """The best choice found, its value, and a bound that no choice exceeds; None where no choice was found."""

    choice: Ints | None
    value: float
    bound: float


class Search:
    """Maximises unary plus pair terms of a problem's choices under limits, within TOLERANCE of the best.

    `exact`: the terms are whole numbers and only -inf excludes pairs; finds the best itself, however long it takes.
    """

    def __init__(self, problem: Problem, unary: Floats, limits: Limits, *, exact: bool = False) -> None:
        self.problem, self.unary, self.limits, self.exact = problem, unary, limits, exact
        self.cells = np.inf if exact else CELLS
        self.choice: Ints | None = None
        self.value = -np.inf

    def run(self) -> Found:
        """Dives, drops what cannot beat what it found, and branches over the rest."""
        problem = self.problem
        everything = np.arange(problem.size)
        base = self.unary + problem.movable
        penalty = self._penalty(base, problem.starts, everything)
        priced = base - penalty
        best = best_of_slots(priced, problem.starts)
        root = float(best.sum())
        if root == -np.inf:
            return Found(None, -np.inf, -np.inf)
        behind = best[problem.slot] - priced
        if problem.size > (LEADING + CHEAPEST) * problem.n:
            self._branch(self._leading(behind), penalty, 1, DIVE_WIDTH, CELLS // 100)
        kept = np.flatnonzero(behind < root - self.to_beat())
        bound = self._branch(kept, penalty, ROUNDS, WIDTH, self.cells)
        return Found(self.choice, self.value, max(self.value, min(root, bound)))

    def to_beat(self) -> float:
        """What an open choice must be able to exceed to be worth a look."""
        if self.choice is None:
            return -np.inf
        return self.value + (WHOLE if self.exact else TOLERANCE * abs(self.value))

    def offer(self, choice: Ints) -> None:
        """Takes a choice that keeps the limits, improved by exchanges, if it beats the best one."""
        choice = improved(self.problem, self.unary, choice, self.limits)
        value = self.problem.value(self.unary, choice)
        if value > self.value:
            self.choice, self.value = choice, value

    def _leading(self, behind: Floats) -> Ints:
        """The options of each slot that are least behind, and the cheapest ones."""
        kept = []
        for first, end in zip(self.problem.starts[:-1].tolist(), self.problem.starts[1:].tolist(), strict=True):
            by_value = behind[first:end].argsort(kind="stable")[:LEADING]
            by_price = self.problem.price[first:end].argsort(kind="stable")[:CHEAPEST]
            kept.append(np.union1d(by_value, by_price) + first)
        return np.concatenate(kept)

    def _penalty(self, unary: Floats, starts: Ints, options: Ints) -> Floats:
        """Per option what its use of the limits costs; summed over a choice that keeps them it is never positive."""
        n, limits = self.problem.n, self.limits
        price = self.problem.price[options]
        uses = [(price, limits.most)] if limits.most < np.inf else []
        uses += [(-price, -limits.least)] if limits.least > 0 else []
        uses += [
            (row[options].astype(np.float64), float(most))
            for row, most in zip(limits.earlier, limits.most_shared, strict=True)
        ]
        penalty = np.zeros(len(options))
        for use, limit in uses:
            by = multiplier(unary - penalty, starts, use, limit)
            if by:
                penalty += by * (use - limit / n)
        return penalty

    def _branch(self, options: Ints, penalty: Floats, rounds: int, width: int, cells: float) -> float:
        """Searches these options; a bound on every choice among them."""
        problem = self.problem
        penalty = penalty[options]
        unary = self.unary[options] - penalty
        fit = problem.fit[options[:, None], options]
        for number in range(rounds):
            slot = problem.slot[options]
            starts = np.searchsorted(slot, np.arange(problem.n + 1))
            if (starts[1:] == starts[:-1]).any():
                return self.to_beat()
            unary, fit = moved(unary, fit, slot, starts)
            if number or rounds == 1:
                newer = self._penalty(unary + penalty, starts, options)
                unary, penalty = unary + penalty - newer, newer
            best = best_of_slots(unary, starts)
            bound = float(best.sum())
            if bound <= self.to_beat():
                return self.to_beat()
            kept = np.flatnonzero(best[slot] - unary < bound - self.to_beat())
            if len(kept) < len(options):
                options, unary, penalty = options[kept], unary[kept], penalty[kept]
                fit = fit[kept[:, None], kept]
        tree = Tree(problem, self.limits, options, unary, penalty, fit, merges=self.exact)
        return tree.search(self, width, cells)
