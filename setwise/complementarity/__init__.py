"""What goes with what: bought together, put together by the merchant, or of kinds, style and price that fit."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from setwise.complementarity import prior
from setwise.complementarity.build import ARRAYS, META_FILE, Meta, build_complementarity
from setwise.terms import mapped

__all__ = ["WEIGHTS", "Complementarity", "build_complementarity"]

HALF_STRENGTH = 0.05
"""A product in one of twenty of the other's baskets, all else held: as good a reason as a fit of one half."""
WEIGHTS = {"kinds": 0.5, "style": 0.3, "price": 0.2}
"""Shares of what decides for products that nobody bought together; they add up to 1. Chosen by hand, for shops whose
past has too little to learn them from."""
KINDS_THAT_FIT = 1.5
STYLE_THAT_FITS = 0.5
DENSE_BELOW = 200_000
"""Products up to which a column of all of them is quicker than sorting a few thousand partners."""
Reason = Literal["in a set", "bought together", "categories", "style"]

Rows = NDArray[np.int64]


class Complementarity:
    """Read-only, memory-mapped, by the snapshot's rows. Safe to call from several threads."""

    def __init__(self, meta: Meta, arrays: dict[str, NDArray[Any]], weights: Mapping[str, float] = WEIGHTS) -> None:
        self.meta = meta
        self._weights = weights
        self.groups: NDArray[np.int32] = arrays["group"]
        """Row -> category code of the snapshot, or cluster code where the catalogue has no categories."""
        self._offsets, self._partners = arrays["offsets"], arrays["partners"]
        self._strengths, self._in_set = arrays["strengths"], arrays["in_set"]
        self._lift, self._style, self._place = arrays["lift"], arrays["style"], arrays["place"]
        self._resale = arrays.get("resale", np.zeros(len(self.groups))).astype(np.float32)
        self._resale -= self._resale.min() if len(self._resale) else 0.0
        self._members, self._member_offsets = arrays["members"], arrays["member_offsets"]
        lift = self._lift.astype(np.float32)
        # What two kinds add to a fit, with all that does not depend on the products.
        self._kinds = weights["kinds"] * lift / (1.0 + lift) + np.float32(weights["style"] / 2 + weights["price"])

    @classmethod
    def open(cls, folder: Path, weights: Mapping[str, float] = WEIGHTS) -> Self:
        """Opens what build_complementarity wrote. Raises OSError or ValueError where a file is absent or damaged.

        `weights` are shares of a fit, as WEIGHTS has them."""
        meta = msgspec.json.decode((folder / META_FILE).read_bytes(), type=Meta)
        # Releases that were built earlier say nothing of what sells again.
        known = [name for name in ARRAYS if name != "resale" or (folder / "resale.npy").exists()]
        return cls(meta, {name: mapped(folder / f"{name}.npy") for name in known}, weights)

    @property
    def likeness(self) -> float:
        """0..1: whether this shop's orders and sets hold things of one kind (1) or of different ones (0)."""
        return self.meta.likeness

    @property
    def likeness_of_a_kind(self) -> float:
        """The same where a shopper named one kind and left open how many: a shop without a past has another prior."""
        return self.meta.likeness + self.meta.likeness_doubt * (prior.LIKENESS_OF_A_KIND - prior.LIKENESS)

    def sizes(self, count: int, *, is_kind: bool) -> list[int]:
        """How many products each of `count` bundles holds, rising: spread as the sizes of the merchant's sets are.

        `is_kind`: the shopper named one kind, as in likeness_of_a_kind."""
        known = np.asarray(prior.SIZES_OF_A_KIND if is_kind else prior.SIZES, dtype=np.float64) * prior.SIZE_DOUBT
        if self.meta.set_sizes:
            known += self.meta.set_sizes
        shares = np.cumsum(known) / known.sum()
        return [int(size) for size in np.searchsorted(shares, (np.arange(count) + 0.5) / count)]

    def group_name(self, code: int) -> str:
        """The category's name, or the typical words of a cluster."""
        return self.meta.groups[code]

    def members(self, code: int, limit: int) -> Rows:
        """Rows of one group, most bought first."""
        start = int(self._member_offsets[code])
        stop = min(int(self._member_offsets[code + 1]), start + limit)
        return np.asarray(self._members[start:stop]).astype(np.int64)

    def partners(self, rows: Rows, limit: int) -> tuple[Rows, NDArray[np.float64]]:
        """What goes with this basket by orders and sets, best first, the basket left out; strengths add up."""
        found, strengths = self.summed(rows, np.ones(len(rows)))
        kept = ~np.isin(found, rows)
        found, strengths = found[kept], strengths[kept]
        order = np.lexsort((found, -strengths))[:limit]
        return found[order], strengths[order]

    def summed(self, rows: Rows, weights: NDArray[np.float64]) -> tuple[Rows, NDArray[np.float64]]:
        """All partners of these rows, themselves where they are each other's, rising, and the sum of weight times
        strength."""
        places = self._places(rows)
        counts = self._offsets[rows + 1] - self._offsets[rows]
        each: NDArray[np.float64] = np.repeat(weights, counts) * self._strengths[places].astype(np.float64)
        if len(self.groups) <= DENSE_BELOW:
            column = np.bincount(self._partners[places], each, len(self.groups)).astype(np.float64)
            bought: Rows = np.flatnonzero(column).astype(np.int64)
            return bought, column.take(bought)
        found, place = np.unique(self._partners[places], return_inverse=True)
        return found.astype(np.int64), np.bincount(place, each, len(found)).astype(np.float64)

    def resale(self, rows: Rows) -> NDArray[np.float64]:
        """Log odds of each row to be bought (again), by how often it was bought, from the shop's lowest up."""
        found: NDArray[np.float64] = self._resale[rows].astype(np.float64)
        return found

    def strengths(self, rows_a: Rows, rows_b: Rows) -> NDArray[np.float64]:
        """Directed strength of b as a partner of a, shape (len a, len b); 0 where nobody bought both."""
        found = np.zeros((len(rows_a), len(rows_b)))
        of_a, of_b, known = self._bought(rows_a, rows_b)
        found[of_a, of_b] = known
        return found

    def _bought(self, rows_a: Rows, rows_b: Rows) -> tuple[Rows, Rows, NDArray[np.float32]]:
        """Where b is a partner of a, and how strong a one: few of all pairs. A row may stand in either twice."""
        column, every = np.full(len(self.groups), -1, np.int32), np.arange(len(rows_b))
        column[rows_b] = every
        places = self._places(rows_a)
        counts = self._offsets[rows_a + 1] - self._offsets[rows_a]
        of_b = column[self._partners[places]]
        known = np.flatnonzero(of_b >= 0)
        of_a, of_b = np.repeat(np.arange(len(rows_a)), counts)[known], of_b[known]
        strengths = self._strengths[places[known]].astype(np.float32)
        last = column[rows_b]
        if (last != every).any():
            alike, times = last.argsort(), np.bincount(last, minlength=len(rows_b))
            each = times[of_b]
            of_b = alike[_runs((times.cumsum() - times)[of_b], each)]
            of_a, strengths = np.repeat(of_a, each), np.repeat(strengths, each)
        return of_a, of_b, strengths

    def fit(self, rows_a: Rows, rows_b: Rows) -> NDArray[np.float32]:
        """How well products go together, 0..1, shape (len a, len b), symmetric.

        What was bought together counts most; kinds, style and price tier decide where nobody bought both."""
        fit = self.likely_fit(rows_a, rows_b)
        of_a, of_b, strengths = self._bought(rows_a, rows_b)
        to_b, to_a, back = (of_a, of_b, strengths) if rows_a is rows_b else self._bought(rows_b, rows_a)
        # Few pairs were bought: only these are touched. The stronger direction of both counts, as it is written last.
        at, bought = np.append(of_a * len(rows_b) + of_b, to_a * len(rows_b) + to_b), np.append(strengths, back)
        rising = bought.argsort()
        at, bought, flat = at[rising], bought[rising], fit.reshape(-1)
        flat[at] = 1.0 - HALF_STRENGTH / (bought + HALF_STRENGTH) * (1.0 - flat[at])
        return fit

    def likely_fit(self, rows_a: Rows, rows_b: Rows) -> NDArray[np.float32]:
        """The fit by kinds, style and price tier alone, 0..1, shape (len a, len b)."""
        # Three passes over all pairs in single precision: with one temporary for each term it took three times as long.
        found: NDArray[np.float32] = self._kinds[self.groups[rows_a]].take(self.groups[rows_b], axis=1)
        style, place = self._style_and_price(rows_a)
        to_style, to_place = (style, place) if rows_a is rows_b else self._style_and_price(rows_b)
        found += (self._weights["style"] / 2 * style) @ to_style.T
        apart = np.subtract.outer(place, to_place)
        found -= np.abs(apart, out=apart)
        return np.clip(found, 0.0, 1.0, out=found)

    def _style_and_price(self, rows: Rows) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return _unit(self._style[rows]), self._weights["price"] * self._place[rows].astype(np.float32)

    def price_places(self, rows: Rows) -> NDArray[np.float64]:
        """The place of each row's price within its kind, 0 cheapest to 1 dearest."""
        found: NDArray[np.float64] = self._place[rows].astype(np.float64)
        return found

    def likely_parts(self, row: int, rows: Rows) -> NDArray[np.float64]:
        """What weights make a likely fit of, each 0..1: kinds, style, price; shape (rows, 3)."""
        lift = self._lift[self.groups[row], self.groups[rows]].astype(np.float64)
        style = _unit(self._style[rows]) @ _unit(self._style[row][None])[0]
        price = 1.0 - np.abs(self._place[rows].astype(np.float64) - float(self._place[row]))
        return np.stack([lift / (1.0 + lift), (1.0 + style) / 2, price], axis=1)

    def kind_lift(self, rows_a: Rows, rows_b: Rows) -> NDArray[np.float64]:
        """How many times more often than by chance the kinds of a and b go together, shape (len a, len b)."""
        found: NDArray[np.float64] = self._lift[self.groups[rows_a][:, None], self.groups[rows_b]].astype(np.float64)
        return found

    def category_partners(self, codes: list[int], limit: int) -> list[tuple[int, float]]:
        """Groups that go with all of these more often than by chance, themselves left out; (code, mean lift)."""
        if not codes:
            return []
        lift = self._lift[codes].astype(np.float64)
        mean = np.exp(np.log(np.maximum(lift, 1e-3)).mean(axis=0))
        mean[codes] = 0.0
        sized = np.diff(self._member_offsets) > 0
        order = np.lexsort((np.arange(len(mean)), -mean))
        return [(code, float(mean[code])) for code in order.tolist() if mean[code] > 1.0 and sized[code]][:limit]

    def reason(self, row_a: int, row_b: int) -> Reason | None:
        """The strongest thing that is known to join the two, or None."""
        for one, other in ((row_a, row_b), (row_b, row_a)):
            start, stop = int(self._offsets[one]), int(self._offsets[one + 1])
            found = np.flatnonzero(self._partners[start:stop] == other)
            if len(found):
                return "in a set" if self._in_set[start + int(found[0])] else "bought together"
        if self._lift[self.groups[row_a], self.groups[row_b]] >= KINDS_THAT_FIT:
            return "categories"
        style = float(self._style[row_a].astype(np.float32) @ self._style[row_b].astype(np.float32))
        return "style" if style >= STYLE_THAT_FITS else None

    def _places(self, rows: Rows) -> Rows:
        """Positions in the CSR arrays of all partners of these rows, row by row."""
        starts = self._offsets[rows].astype(np.int64)
        return _runs(starts, self._offsets[rows + 1].astype(np.int64) - starts)


def _runs(starts: Rows, counts: Rows) -> Rows:
    """`counts` numbers from each start on, one run after the other."""
    first = np.repeat(starts - (np.cumsum(counts) - counts), counts)
    return first + np.arange(int(counts.sum()))


def _unit(vectors: NDArray[np.float16]) -> NDArray[np.float32]:
    """Half precision makes vectors of length 1 up to .1 % longer or shorter; those of length 0 stay so."""
    found = vectors.astype(np.float32)
    found /= np.maximum(np.sqrt(np.einsum("ij,ij->i", found, found)), 1e-6)[:, None]
    return found
