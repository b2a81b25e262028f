"""Branch and bound over all options of all slots: the best choice, or one within a stated share of it.

All choices of a few leading options give a choice to beat. Options that cannot be part of a better one are dropped, and
the tree over the rest is searched until nothing is left that could beat it by more than the tolerance.
"""

from collections.abc import Callable
from itertools import pairwise

import msgspec
import numpy as np

from setwise.bundle.arrays import Floats, Ints
from setwise.bundle.bounds import best_of_slots, moved, multiplier
from setwise.bundle.exchange import improved
from setwise.bundle.limits import Limits
from setwise.bundle.problem import Problem
from setwise.bundle.tree import Tree

TOLERANCE = 0.009
"""The share of its value by which what is found may miss the optimum; 1 % is promised."""
WHOLE = 0.5
"""Exact values are whole numbers: what is not better by more than this is not better."""
CELLS = 1_000_000
"""Open options x states after which the best found is returned with a looser bound. 300,000 left a proven gap of 9 % on
one of 30 assemblies of 5 slots x 50 where price and score go together."""
ALL_CHOICES = 12_000
"""Up to here every choice is looked at, in a sixth less time than by branching (447 searches of 200 prompts)."""
LEADING_CHOICES, FEW_CHOICES = 300, 600
"""How many choices are cheaper to look at one and all than to branch over: before the search, and at its end."""
LEADING = 10
"""Options a slot for a first dive where none of the leading choices keeps the limits."""
DIVE_WIDTH, WIDTH = 12, 128
"""States looked at together: few while a first choice is wanted, many while what is left is ruled out."""
IsLate = Callable[[], bool]
"""True from the moment on when what was found so far has to do."""
ROUNDS = 2
"""Rounds of moving pair terms before branching; a third gained nothing."""


class Found(msgspec.Struct, frozen=True):
    """The best choice found, its value, and a bound that no choice exceeds; None where no choice was found."""

    choice: Ints | None
    value: float
    bound: float


class Search:
    """Maximises unary plus pair terms of a problem's choices under limits, within TOLERANCE of the best.

    `exact`: the terms are whole numbers and only -inf excludes pairs; finds the best itself, however long it takes.
    Late, it ends as soon as it has a choice: whether there is one is never left open.
    """

    def __init__(
        self, problem: Problem, unary: Floats, limits: Limits, *, exact: bool = False, is_late: IsLate = lambda: False
    ) -> None:
        self.problem, self.unary, self.limits, self.exact = problem, unary, limits, exact
        self._is_late = is_late
        self.cells = np.inf if exact else CELLS
        self.choice: Ints | None = None
        self.value = -np.inf

    def run(self) -> Found:
        """The best choice, its value, and the proof."""
        problem = self.problem
        able = np.flatnonzero(problem.movable > -np.inf)
        slot = problem.slot[able]
        starts = np.searchsorted(slot, np.arange(problem.n + 1))
        if (starts[1:] == starts[:-1]).any():
            return Found(None, -np.inf, -np.inf)
        if np.diff(starts).prod(dtype=np.float64) <= ALL_CHOICES:
            self._enumerate(able)
            return Found(self.choice, self.value, self.value)
        base = (self.unary + problem.movable)[able]
        penalty = self._penalty(base, starts, able)
        priced = base - penalty
        best = best_of_slots(priced, starts)
        root = float(best.sum())
        behind = best[slot] - priced
        self._enumerate(able[_leading(behind, slot, problem.n, LEADING_CHOICES)])
        if self.choice is None and len(able) > LEADING * problem.n:
            lead = _leading(behind, slot, problem.n, float(LEADING) ** problem.n)
            self._branch(able[lead], penalty[lead], DIVE_WIDTH, CELLS // 100)
        if self.has_to_do():
            return Found(self.choice, self.value, max(self.value, root))
        kept = np.flatnonzero(behind < root - self.to_beat())
        bound = self._branch(able[kept], penalty[kept], WIDTH, self.cells)
        return Found(self.choice, self.value, max(self.value, min(root, bound)))

    def has_to_do(self) -> bool:
        """True where there is a choice and no time to look for a better one."""
        return self.choice is not None and not self.exact and self._is_late()

    def to_beat(self) -> float:
        """What an open choice must be able to exceed to be worth a look."""
        if self.choice is None:
            return -np.inf
        return self.value + (WHOLE if self.exact else TOLERANCE * abs(self.value))

    def offer(self, choice: Ints) -> None:
        """Takes a choice that keeps the limits, improved by exchanges, if it beats the best one."""
        if self.problem.value(self.unary, choice) <= self.value:
            return
        choice = improved(self.problem, self.unary, choice, self.limits)
        self.choice, self.value = choice, self.problem.value(self.unary, choice)

    def _penalty(self, unary: Floats, starts: Ints, options: Ints) -> Floats:
        """Per option what its use of the limits costs; summed over a choice that keeps them it is never positive."""
        penalty = np.zeros(len(options))
        slots = list(pairwise(starts.tolist()))
        for row, most in zip(self.limits.use, self.limits.most.tolist(), strict=True):
            use, priced = row[options], unary - penalty
            # Where the best options keep a limit together, its price is 0.
            if sum(float(use[first + int(priced[first:end].argmax())]) for first, end in slots) > most:
                price = multiplier(priced, starts, use, most)
                penalty += price * (use - most / self.problem.n)
        return penalty

    def _enumerate(self, options: Ints) -> None:
        """Looks at every choice of these options."""
        problem, limits = self.problem, self.limits
        starts = np.searchsorted(problem.slot[options], np.arange(problem.n + 1)).tolist()
        unary, use = self.unary[options], limits.use[:, options]
        fit = problem.fit[options[:, None], options]
        # As in the tree, but all states of a slot at once: what each open option would add, (open options, states).
        terms, values, used = unary[:, None], np.zeros(1), np.zeros((len(use), 1))
        for first, end in pairwise(starts):
            own = end - first
            values = (values + terms[:own]).ravel()
            used = (used[:, None] + use[:, first:end, None]).reshape(len(use), len(values))
            terms = (terms[own:, None] + fit[end:, first:end, None]).reshape(len(terms) - own, len(values))
        for row, most in zip(used, limits.most.tolist(), strict=True):
            values[row > most] = -np.inf
        best = int(values.argmax())
        if values[best] > -np.inf:
            places = np.unravel_index(best, np.diff(starts)[::-1])[::-1]
            self.offer(options[np.add(starts[:-1], places)])

    def _branch(self, options: Ints, penalty: Floats, width: int, cells: float) -> float:
        """Searches these options; a bound on every choice among them."""
        problem = self.problem
        unary = self.unary[options] - penalty
        fit = problem.fit[options[:, None], options]
        for number in range(ROUNDS):
            slot = problem.slot[options]
            sizes = np.bincount(slot, minlength=problem.n)
            choices = float(sizes.prod(dtype=np.float64))
            if choices <= FEW_CHOICES:
                if choices:
                    self._enumerate(options)
                return self.to_beat()
            starts = np.concatenate(([0], np.cumsum(sizes)))
            unary, fit = moved(unary, fit, slot, starts)
            if number:
                newer = self._penalty(unary + penalty, starts, options)
                unary, penalty = unary + penalty - newer, newer
            best = best_of_slots(unary, starts)
            spare = float(best.sum()) - self.to_beat()
            if not spare > 0:
                return self.to_beat()
            kept = np.flatnonzero(best[slot] - unary < spare)
            if len(kept) < len(options):
                options, unary, penalty = options[kept], unary[kept], penalty[kept]
                fit = fit[kept[:, None], kept]
        tree = Tree(problem, self.limits, options, unary, penalty, fit, self.unary[options] if self.exact else None)
        return tree.search(self, width, cells)


def _leading(behind: Floats, slot: Ints, n: int, choices: float) -> Ints:
    """The options that are least behind their slot's best, so many that they make up to `choices` choices."""
    sizes, product, empty, kept = [0] * n, 1.0, n, []
    order = behind.argsort(kind="stable")
    for option, i in zip(order.tolist(), slot[order].tolist(), strict=True):
        if not sizes[i]:
            empty -= 1
        elif product * (sizes[i] + 1) > choices * sizes[i]:
            if empty:
                continue
            break
        product *= (sizes[i] + 1) / max(sizes[i], 1)
        sizes[i] += 1
        kept.append(option)
    return np.sort(np.asarray(kept, dtype=np.int64))
