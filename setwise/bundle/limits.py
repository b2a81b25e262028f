"""What a choice must keep beside pairs that exclude each other: each limit is on a sum of what its options use."""

from collections.abc import Sequence

import msgspec
import numpy as np

from setwise.bundle.arrays import Bools, Floats, Ints
from setwise.bundle.problem import EMPTY, Problem


class Limits(msgspec.Struct, frozen=True):
    """What each of T options uses of R limits, `use` (R, T), and what a choice may use in sum, `most` (R,)."""

    use: Floats
    most: Floats

    def with_rows(self, rows: Sequence[tuple[Floats | Bools, float]]) -> "Limits":
        """These limits and more, each a use (T,) and its most."""
        if not rows:
            return self
        use: Floats = np.vstack((self.use, *(np.asarray(row, dtype=np.float64) for row, _ in rows)))
        return Limits(use, np.append(self.most, [most for _, most in rows]))


def limits_of(problem: Problem, most: int | None = None, least: int | None = None) -> Limits:
    """least <= total <= most, at most so many of a brand, and at least one item."""
    rows = _brand_rows(problem)
    if most is not None:
        rows.append((problem.price, most))
    if least:
        rows.append((-problem.price, -least))
    rows += _at_least_one(problem, problem.filled)
    return Limits(np.zeros((0, problem.size)), np.zeros(0)).with_rows(rows)


def unlike(problem: Problem, limits: Limits, choice: Ints) -> Limits:
    """Beside these limits: at most half of the unlocked products of `choice`, and of the other choice, are in both."""
    unlocked = problem.filled & problem.unlocked
    theirs = choice[unlocked[choice]]
    shared = unlocked & problem.is_one_of(theirs)
    slots = problem.n - sum(slot.locked for slot in problem.slots)
    rows: list[tuple[Floats | Bools, float]] = [(shared, min(len(theirs), slots) // 2)]
    if problem.has_empty:
        rows += [(np.subtract(2 * shared, unlocked, dtype=np.float64), 0), *_at_least_one(problem, unlocked)]
    return limits.with_rows(rows)


def _at_least_one(problem: Problem, counted: Bools) -> list[tuple[Floats | Bools, float]]:
    needed = np.logical_and.reduceat(counted, problem.starts[:-1]).any()
    return [] if needed else [(np.negative(counted, dtype=np.float64), -1)]


def _brand_rows(problem: Problem) -> list[tuple[Floats | Bools, float]]:
    """A row for each brand that could be chosen too often. What is locked is taken as it is, and counts."""
    if problem.max_per_brand is None:
        return []
    branded = np.unique(np.stack((problem.brand, problem.slot))[:, problem.brand != EMPTY], axis=1)[0]
    brands, slots = np.unique(branded, return_counts=True)
    rows = [problem.brand == brand for brand in brands[slots > problem.max_per_brand].tolist()]
    most = [max(problem.max_per_brand, int((row & ~problem.unlocked).sum())) for row in rows]
    # The rows' sum says at once that there are too few brands for the slots, which no single row does.
    together = [(np.sum(rows, axis=0, dtype=np.float64), float(sum(most)))] if len(rows) > 1 else []
    return [*zip(rows, most, strict=True), *together]
