"""What a choice must keep beside pairs that exclude each other: each limit is on a sum of what its options use."""

from collections.abc import Sequence

import msgspec
import numpy as np

from setwise.bundle.arrays import Bools, Floats, Ints
from setwise.bundle.problem import EMPTY, Problem

Row = tuple[Floats | Bools, float]


class Limits(msgspec.Struct, frozen=True):
    """What each of T options uses of R limits, `use` (R, T), and what a choice may use in sum, `most` (R,)."""

    use: Floats
    most: Floats

    def and_(self, rows: Sequence[Row]) -> "Limits":
        """These limits and more."""
        if not rows:
            return self
        use = np.vstack((self.use, *(row for row, _ in rows)))
        return Limits(use, np.append(self.most, [limit for _, limit in rows]))


def limits_of(problem: Problem, most: int | None = None, least: int | None = None) -> Limits:
    """least <= total <= most, at most so many of a brand, and at least one item."""
    rows = _brand_rows(problem)
    if most is not None:
        rows.append((problem.price, most))
    if least:
        rows.append((-problem.price, -least))
    rows += _at_least_one(problem, problem.filled)
    return Limits(np.zeros((0, problem.size)), np.zeros(0)).and_(rows)


def unlike(problem: Problem, limits: Limits, choice: Ints) -> Limits:
    """Beside these limits: at most half of the unlocked products of `choice`, and of the other choice, are in both."""
    unlocked = problem.filled & problem.unlocked
    theirs = choice[unlocked[choice]]
    marked = np.zeros(problem.size + 1, dtype=bool)
    marked[problem.product[theirs]] = True
    shared = unlocked & marked[problem.product]
    slots = problem.n - sum(slot.locked for slot in problem.slots)
    rows: list[Row] = [(shared, min(len(theirs), slots) // 2)]
    if problem.has_empty:
        rows += [(2.0 * shared - unlocked, 0), *_at_least_one(problem, unlocked)]
    return limits.and_(rows)


def _at_least_one(problem: Problem, counted: Bools) -> list[Row]:
    needed = np.logical_and.reduceat(counted, problem.starts[:-1]).any()
    return [] if needed else [(-1.0 * counted, -1)]


def _brand_rows(problem: Problem) -> list[Row]:
    """A row for each brand that could be chosen too often. What is locked is taken as it is, and counts."""
    if problem.max_per_brand is None:
        return []
    branded = np.unique(np.stack((problem.brand, problem.slot))[:, problem.brand != EMPTY], axis=1)[0]
    brands, slots = np.unique(branded, return_counts=True)
    rows = [problem.brand == brand for brand in brands[slots > problem.max_per_brand].tolist()]
    return [(row, max(problem.max_per_brand, int((row & ~problem.unlocked).sum()))) for row in rows]
