"""The tree of partial choices, slot by slot and many states at once.

`open_terms` (options of the open slots, states) holds what each open option would add to each state, -inf where it is
excluded. A state's value and the best of each open slot bound what it can become.
"""

from typing import Protocol

import msgspec
import numpy as np

from setwise.bundle.arrays import Floats, Ints
from setwise.bundle.exchange import Limits
from setwise.bundle.problem import EMPTY, Problem


class Incumbent(Protocol):
    """Who keeps the best choice."""

    def to_beat(self) -> float:
        """What an open choice must be able to exceed."""

    def offer(self, choice: Ints) -> None:
        """Takes a choice that keeps all limits."""


class _States(msgspec.Struct, frozen=True):
    """K partial choices of the first `depth` slots: tree options (depth, K); what they use, (K,), shared (E, K)."""

    chosen: Ints
    value: Floats
    penalty: Floats
    cost: Floats
    filled: Ints
    shared: Ints
    open_terms: Floats


class _Children(msgspec.Struct):
    """Children of states not made yet, best bound first: flat places in (options of the next slot, K)."""

    states: _States
    places: Ints
    bounds: Floats


class Tree:
    """Options in the order of branching: locked slots first, then those with the fewest options."""

    def __init__(
        self, problem: Problem, limits: Limits, options: Ints, unary: Floats, penalty: Floats, fit: Floats, merges: bool
    ) -> None:  # fmt: skip
        self.merges = merges
        self.problem, self.limits = problem, limits
        self.n = n = problem.n
        sizes = np.bincount(problem.slot[options], minlength=n)
        locked = np.asarray([slot.locked for slot in problem.slots])
        slots = np.lexsort((sizes, ~locked))
        depth = np.empty(n, dtype=np.int64)
        depth[slots] = np.arange(n)
        depths = depth[problem.slot[options]]
        order = depths.argsort(kind="stable")
        self.options, self.depth = options[order], depths[order]
        self.unary, self.penalty, self.fit = unary[order], penalty[order], fit[order[:, None], order]
        self.starts = np.concatenate(([0], np.cumsum(sizes[slots]))).tolist()
        self.by_slot = depth
        self.price = problem.price[self.options]
        self.brand = problem.brand[self.options]
        self.unlocked = problem.unlocked[self.options]
        self.counts = (problem.filled & (problem.unlocked if len(limits.earlier) else True))[self.options].astype(
            np.int64
        )
        self.shares = limits.earlier[:, self.options] if len(limits.earlier) else np.zeros((0, len(options)), bool)
        self.has_optional = not problem.filled[self.options].all() or not self.counts.any()
        least = np.minimum.reduceat(self.price, self.starts[:-1])
        most = np.maximum.reduceat(self.price, self.starts[:-1])
        # What the slots from a depth on cost at least and at most, and how far an option is from its slot's bounds.
        self.floor = np.concatenate((np.cumsum(least[::-1])[::-1], [0.0]))
        self.ceiling = np.concatenate((np.cumsum(most[::-1])[::-1], [0.0]))
        self.above_least, self.below_most = self.price - least[self.depth], most[self.depth] - self.price

    def search(self, incumbent: Incumbent, width: int, cells: float) -> float:
        """Offers ever better choices; a bound on all choices. After `cells` of open terms it stops where it is."""
        none = np.zeros(1)
        root = self._excluded(
            _States(
                np.zeros((0, 1), np.int64), none, none, none, np.zeros(1, np.int64),
                np.zeros((len(self.shares), 1), np.int64), self.unary[:, None].copy(),
            )
        )  # fmt: skip
        stack: list[_Children] = []
        self._open(root, stack, incumbent)
        while stack and cells > 0:
            top = stack[-1]
            alive = int(np.searchsorted(-top.bounds, -incumbent.to_beat()))
            if alive > width:
                stack[-1] = _Children(top.states, top.places[width:alive], top.bounds[width:alive])
            else:
                stack.pop()
            if alive:
                states = self._grown(top.states, top.places[: min(width, alive)])
                cells -= states.open_terms.size
                if self.merges:
                    states = self._merged(states)
                self._open(states, stack, incumbent)
        return max([incumbent.to_beat(), *(float(open_.bounds[0]) for open_ in stack)])

    def _open(self, states: _States, stack: list[_Children], incumbent: Incumbent) -> None:
        depth = len(states.chosen)
        own = self.starts[depth + 1] - self.starts[depth]
        if depth == self.n - 1:
            self._finish(states, incumbent)
            return
        rest = np.zeros(len(states.value)) + states.value
        for first, end in zip(self.starts[depth + 1 : -1], self.starts[depth + 2 :], strict=True):
            rest += states.open_terms[first - self.starts[depth] : end - self.starts[depth]].max(axis=0)
        bounds = (states.open_terms[:own] + rest).ravel()
        places = np.flatnonzero(bounds > incumbent.to_beat())
        if len(places):
            bounds = bounds[places]
            order = (-bounds).argsort(kind="stable")
            stack.append(_Children(states, places[order], bounds[order]))

    def _grown(self, parents: _States, places: Ints) -> _States:
        depth, k = len(parents.chosen), len(parents.value)
        row, parent = np.divmod(places, k)
        first = self.starts[depth]
        own, added = self.starts[depth + 1] - first, row + first
        open_terms = parents.open_terms[own:].take(parent, axis=1)
        open_terms += self.fit[self.starts[depth + 1] :].take(added, axis=1)
        return self._excluded(
            _States(
                np.concatenate((parents.chosen[:, parent], added[None])),
                parents.value[parent] + parents.open_terms[row, parent],
                parents.penalty[parent] + self.penalty[added],
                parents.cost[parent] + self.price[added],
                parents.filled[parent] + self.counts[added],
                parents.shared[:, parent] + self.shares[:, added],
                open_terms,
            )
        )

    def _merged(self, states: _States) -> _States:
        """Of states that exclude the same options from here on only the cheapest: the rest of the tree is theirs alike.

        Without this, ten slots over nine item groups take 9! states to see that there is no choice."""
        if len(states.value) == 1:
            return states
        future = [
            np.packbits(states.open_terms == -np.inf, axis=0),
            np.minimum(states.filled, 1)[None].astype(np.uint8),
        ]
        if self.problem.is_capped:
            future.append(self._same_brand(states).astype(np.uint8))
        by_cost = states.cost.argsort(kind="stable")
        _, first = np.unique(np.concatenate(future)[:, by_cost], axis=1, return_index=True)
        kept = np.sort(by_cost[first])
        if len(kept) == len(states.value):
            return states
        return _States(*(getattr(states, name)[..., kept] for name in _States.__struct_fields__))

    def _same_brand(self, states: _States) -> Ints:
        """How many of a state's products have an open option's brand, shape (open options, K)."""
        brand = self.brand[self.starts[len(states.chosen)] :, None]
        same: Ints = (self.brand[states.chosen][:, None] == brand).sum(axis=0)
        return same

    def _excluded(self, states: _States) -> _States:
        """Excludes from the open terms what the limits no longer allow."""
        depth = len(states.chosen)
        terms, limits, open_ = states.open_terms, self.limits, slice(self.starts[depth], None)
        if limits.most < np.inf:
            left = limits.most - self.floor[depth] - states.cost
            above = self.above_least[open_]
            if above.max() > left.min():
                np.putmask(terms, above[:, None] > left, -np.inf)
        if limits.least > 0:
            spare = self.ceiling[depth] + states.cost - limits.least
            np.putmask(terms, self.below_most[open_][:, None] > spare, -np.inf)
        if len(self.shares):
            full = states.shared >= limits.most_shared[:, None]
            if full.any():
                np.putmask(terms, (self.shares[:, open_].T.astype(np.float32) @ full.astype(np.float32)) > 0, -np.inf)
        if self.problem.is_capped and depth:
            brand = self.brand[open_][:, None]
            capped = self._same_brand(states) >= (self.problem.max_per_brand or 0)
            capped &= (brand != EMPTY) & self.unlocked[open_][:, None]
            np.putmask(terms, capped, -np.inf)
        return states

    def _finish(self, states: _States, incumbent: Incumbent) -> None:
        """The last slot: every complete choice's own value, without what limits were priced with."""
        first = self.starts[-2]
        values = states.open_terms + (states.value + states.penalty) + self.penalty[first:, None]
        if self.has_optional:
            filled = states.filled + self.counts[first:, None]
            values[filled == 0] = -np.inf
            for shares, shared in zip(self.shares, states.shared, strict=True):
                values[2 * (shared + shares[first:, None]) > filled] = -np.inf
        row, at = np.divmod(int(values.argmax()), len(states.value))
        if values[row, at] > -np.inf:
            chosen = self.options[np.append(states.chosen[:, at], first + row)]
            incumbent.offer(chosen[self.by_slot])
