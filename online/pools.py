"""The rows of several slots, one after the other: each look at an array of the release serves all of them."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]


class Pools(msgspec.Struct, frozen=True):
    """`rows` (n,) of k pools, none of them empty; `starts` (k + 1,) = where each begins; `of` (n,) = whose a row is."""

    rows: Rows
    starts: Rows
    of: Rows

    @classmethod
    def joined(cls, parts: Sequence[Rows]) -> Self:
        """These pools in this order."""
        sizes = [len(part) for part in parts]
        return cls(np.concatenate(parts), np.cumsum([0, *sizes]), np.arange(len(parts)).repeat(sizes))

    @property
    def slices(self) -> list[slice]:
        """Where the rows of each pool are."""
        return [slice(start, end) for start, end in pairwise(self.starts.tolist())]

    def spread(self, values: Sequence[float] | NDArray[Any]) -> NDArray[Any]:
        """A pool's value for each of its rows, shape (n,)."""
        return np.asarray(values).take(self.of)

    def shares(self, values: Floats) -> Floats:
        """Values as shares of their pool's best one, at least 0."""
        best = np.maximum.reduceat(values, self.starts[:-1])
        best[best <= 0] = np.inf
        return np.maximum(values, 0.0) / best.take(self.of)

    def places(self, values: Floats) -> Floats:
        """The place of each value in its pool by falling size, equal ones in the order given."""
        places = np.empty(len(values))
        places[np.lexsort((-values, self.of))] = np.arange(len(values)) - self.starts.take(self.of)
        return places

    def medians(self, values: Floats) -> Floats:
        """Shape (k,)."""
        rising, sizes = values[np.lexsort((values, self.of))], np.diff(self.starts)
        medians: Floats = (rising[self.starts[:-1] + (sizes - 1) // 2] + rising[self.starts[:-1] + sizes // 2]) / 2
        return medians
