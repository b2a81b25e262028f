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


def limits_of(
    problem: Problem, most: int | None = None, least: int | None = None, earlier: Sequence[Ints] = ()
) -> Limits:  # fmt: skip
    """least <= total <= most, at most so many of a brand, at least one item, and unlike each of the earlier choices:
    at most half of the unlocked products of the one that has fewer are in both."""
    rows: list[tuple[Floats | Bools, float]] = []
    if most is not None:
        rows.append((problem.price, most))
    if least:
        rows.append((-problem.price, -least))
    rows += _brand_rows(problem)
    differing = problem.filled & problem.unlocked if earlier else problem.filled
    fewest, largest = (fold.reduceat(differing, problem.starts[:-1]).sum() for fold in (np.logical_and, np.logical_or))
    if not fewest:
        rows.append((-1.0 * differing, -1))
    for choice in earlier:
        theirs = choice[differing[choice]]
        marked = np.zeros(problem.size + 1, dtype=bool)
        marked[problem.product[theirs]] = True
        shared = differing & marked[problem.product]
        rows.append((shared, min(len(theirs), largest) // 2))
        if fewest < len(theirs):
            rows.append((2.0 * shared - differing, 0))
    use = np.asarray([row for row, _ in rows], dtype=np.float64).reshape(len(rows), problem.size)
    return Limits(use, np.asarray([limit for _, limit in rows], dtype=np.float64))


def _brand_rows(problem: Problem) -> list[tuple[Bools, float]]:
    """A row for each brand that could be chosen too often. What is locked is taken as it is, and counts."""
    if problem.max_per_brand is None:
        return []
    branded = np.unique(np.stack((problem.brand, problem.slot))[:, problem.brand != EMPTY], axis=1)[0]
    brands, slots = np.unique(branded, return_counts=True)
    rows = [problem.brand == brand for brand in brands[slots > problem.max_per_brand].tolist()]
    return [(row, max(problem.max_per_brand, int((row & ~problem.unlocked).sum()))) for row in rows]
