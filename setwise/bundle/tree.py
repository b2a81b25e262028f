"""The tree of partial choices, slot by slot and many states at once.

`open_terms` (options of the open slots, states) holds what each open option would add to each state, -inf where it is
excluded. A state's value and the best of each open slot bound what it can become.
"""

from typing import Protocol

import msgspec
import numpy as np

from setwise.bundle.arrays import Floats, Ints
from setwise.bundle.limits import Limits
from setwise.bundle.problem import Problem

PATIENCE = 10


class Incumbent(Protocol):
    """Who keeps the best choice."""

    def to_beat(self) -> float:
        """What an open choice must be able to exceed."""

    def offer(self, choice: Ints) -> None:
        """Takes a choice that keeps all limits."""

    def has_to_do(self) -> bool:
        """True where there is a choice and no time to look for a better one."""


class _States(msgspec.Struct, frozen=True):
    """K partial choices of the first slots: tree options (depth, K), value and penalty (K,), use of limits (R, K)."""

    chosen: Ints
    value: Floats
    penalty: Floats
    used: Floats
    open_terms: Floats


class _Children(msgspec.Struct):
    """Children of states not made yet, best bound first: flat places in (options of the next slot, K)."""

    states: _States
    places: Ints
    bounds: Floats


class Tree:
    """Options in the order of branching: slots with few options first.

    `worth` is what each option adds to a choice where pair terms only exclude: then states are told apart by what they
    leave open."""

    def __init__(
        self, problem: Problem, limits: Limits, options: Ints, unary: Floats, penalty: Floats, fit: Floats,
        worth: Floats | None = None,
    ) -> None:  # fmt: skip
        self.n = n = problem.n
        sizes = np.bincount(problem.slot[options], minlength=n)
        slots = sizes.argsort(kind="stable")
        self.depth_of_slot = slots.argsort()
        depth = self.depth_of_slot[problem.slot[options]]
        order = depth.argsort(kind="stable")
        depth = depth[order]
        self.options, self.unary, self.penalty = options[order], unary[order], penalty[order]
        self.fit = fit[order[:, None], order]
        starts = np.concatenate(([0], np.cumsum(sizes[slots])))
        self.starts = starts.tolist()
        self.use, self.most = limits.use[:, self.options], limits.most
        # What the slots from a depth on use at least, and what an option uses beyond the least of its slot.
        least = np.minimum.reduceat(self.use, starts[:-1], axis=1)
        floor = np.cumsum(least[:, ::-1], axis=1)[:, ::-1]
        self.left = np.concatenate((self.most[:, None] - floor, self.most[:, None]), axis=1)
        self.beyond = self.use - least[:, depth]
        self.most_beyond = np.maximum.accumulate(
            np.maximum.reduceat(self.beyond, starts[:-1], axis=1)[:, ::-1], axis=1
        )[:, ::-1]
        self.worth = None if worth is None else worth[order]
        self.seen: dict[tuple[int, bytes, bytes], float] = {}

    def search(self, incumbent: Incumbent, width: int, cells: float) -> float:
        """Offers ever better choices; a bound on all choices.

        After `cells` of open terms it stops where it is, or at PATIENCE times as many if nothing was found yet."""
        patience = PATIENCE * cells
        none = np.zeros(1)
        used = np.zeros((len(self.use), 1))
        root = _States(np.zeros((0, 1), np.int64), none, none, used, self.unary[:, None].copy())
        stack: list[_Children] = []
        self._open(self._excluded(root), stack, incumbent)
        while stack and (cells if incumbent.to_beat() > -np.inf else patience) > 0 and not incumbent.has_to_do():
            top = stack[-1]
            alive = int(np.searchsorted(-top.bounds, -incumbent.to_beat()))
            if alive > width:
                stack[-1] = _Children(top.states, top.places[width:alive], top.bounds[width:alive])
            else:
                stack.pop()
            if alive:
                states = self._grown(top.states, top.places[: min(width, alive)])
                cells -= states.open_terms.size
                patience -= states.open_terms.size
                if self.worth is not None:
                    states = self._new(states, self.worth)
                if len(states.value):
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
                parents.used[:, parent] + self.use[:, added],
                open_terms,
            )
        )

    def _new(self, states: _States, worth: Floats) -> _States:
        """Leaves out states that exclude the same open options as an earlier one that is worth as much.

        Without this, ten slots over nine item groups take 9! states to see that there is no choice."""
        depth = len(states.chosen)
        excluded = np.ascontiguousarray(np.packbits(states.open_terms == -np.inf, axis=0).T)
        used, worths = np.ascontiguousarray(states.used.T), worth[states.chosen].sum(axis=0).tolist()
        kept = []
        for k, value in enumerate(worths):
            key = depth, excluded[k].tobytes(), used[k].tobytes()
            if self.seen.get(key, -np.inf) < value:
                self.seen[key] = value
                kept.append(k)
        return _States(*(getattr(states, name)[..., kept] for name in _States.__struct_fields__))

    def _excluded(self, states: _States) -> _States:
        """Excludes from the open terms what the limits no longer allow."""
        depth = len(states.chosen)
        left = self.left[:, depth, None] - states.used
        for row in np.flatnonzero(self.most_beyond[:, depth] > left.min(axis=1)).tolist():
            beyond = self.beyond[row, self.starts[depth] :, None]
            np.putmask(states.open_terms, beyond > left[row], -np.inf)
        return states

    def _finish(self, states: _States, incumbent: Incumbent) -> None:
        """The last slot: every complete choice's own value, without what limits were priced with."""
        first = self.starts[-2]
        values = states.open_terms + (states.value + states.penalty) + self.penalty[first:, None]
        row, at = np.divmod(int(values.argmax()), len(states.value))
        if values[row, at] > -np.inf:
            chosen = self.options[np.append(states.chosen[:, at], first + row)]
            incumbent.offer(chosen[self.depth_of_slot])
