"""Slots, candidates and pair terms as arrays: an option is a candidate in a slot, or an optional slot left empty."""

from collections.abc import Sequence

import numpy as np

from setwise.bundle.arrays import Bools, Floats, Ints
from setwise.bundle.bounds import moved_once
from setwise.bundle.messages import Candidate, PairTerms, Slot

EMPTY = -1


class Problem:
    """All options of all slots in one row of T, slot after slot; `fit` (T, T) is symmetric, -inf forbids a pair.

    A choice is an array of n options, one per slot in the order of the slots.
    """

    def __init__(
        self, slots: Sequence[Slot], candidates: Sequence[Sequence[Candidate]], pairs: PairTerms | None = None,
        max_per_brand: int | None = None,
    ) -> None:  # fmt: skip
        self.slots, self.candidates, self.max_per_brand = slots, candidates, max_per_brand
        self.n = n = len(slots)
        can_be_empty = [not slot.required and not slot.locked for slot in slots]
        sizes = [len(found) + empty for found, empty in zip(candidates, can_be_empty, strict=True)]
        self.starts: Ints = np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)))
        self.size = int(self.starts[-1])
        self.slot: Ints = np.repeat(np.arange(n), sizes)
        self.candidate: Ints = np.arange(self.size) - self.starts[self.slot]
        for i, empty in enumerate(can_be_empty):
            if empty:
                self.candidate[self.starts[i + 1] - 1] = EMPTY
        self.filled: Bools = self.candidate != EMPTY
        self.has_empty = any(can_be_empty)
        every = [c for found in candidates for c in found]
        quantity = np.asarray([slot.quantity for slot in slots], dtype=np.float64)
        self.price: Floats = np.zeros(self.size)
        self.price[self.filled] = [c.price_cents for c in every]
        self.price *= quantity[self.slot]
        self.score: Floats = np.zeros(self.size)
        self.score[self.filled] = [c.score for c in every]
        self.product = self._coded([c.product_id for c in every])
        # A product without a group is a group of its own; '\0' keeps its id apart from group names.
        self.key = self._coded([c.group or f"\0{c.product_id}" for c in every])
        self.brand = self._coded([c.brand for c in every]) if max_per_brand is not None else self.product
        self.unlocked: Bools = np.asarray([not slot.locked for slot in slots], dtype=bool)[self.slot]
        self.has_pairs = pairs is not None and bool(pairs.fit)
        self.set_fit(self._fit(pairs))

    def _coded(self, names: list[str]) -> Ints:
        """A number for each name, EMPTY for '' and for slots left empty, shape (T,)."""
        codes: dict[str, int] = {"": EMPTY}
        coded = np.full(self.size, EMPTY, dtype=np.int64)
        coded[self.filled] = [codes.setdefault(name, len(codes)) for name in names]
        return coded

    def set_fit(self, fit: Floats) -> None:
        """Takes (T, T) pair terms; `movable` (T,) sums half of an option's best pair term with each slot."""
        self.fit = fit
        self.movable: Floats = moved_once(fit, self.starts).sum(axis=0)

    def choice_of(self, places: Sequence[int | None]) -> Ints:
        """Options from each slot's place in its candidates, None for empty; ValueError where a slot cannot be empty."""
        choice = [int(self.starts[i]) + (len(self.candidates[i]) if k is None else k) for i, k in enumerate(places)]
        if any(option >= self.starts[i + 1] for i, option in enumerate(choice)):
            raise ValueError("a slot that must be filled has no choice")
        return np.asarray(choice, dtype=np.int64)

    def _fit(self, pairs: PairTerms | None) -> Floats:
        fit = np.zeros((self.size, self.size))
        share = 1.0 / max(self.n - 1, 1)
        for (i, j), block in (pairs.fit if pairs else {}).items():
            a, b = (slice(self.starts[k], self.starts[k] + len(self.candidates[k])) for k in (i, j))
            np.multiply(block, share, out=fit[a, b])
            fit[b, a] = fit[a, b].T
        for (i, j), needed in (pairs.needs if pairs else {}).items():
            of = self.starts[i] + np.flatnonzero(needed)
            empty = np.flatnonzero((self.slot == j) & ~self.filled)
            fit[np.ix_(of, empty)] = fit[np.ix_(empty, of)] = -np.inf
        # Options of different slots that are one product, or variants of one, exclude each other.
        of_slot = np.zeros((int(self.key.max(initial=EMPTY)) + 1, self.n), dtype=bool)
        of_slot[self.key[self.filled], self.slot[self.filled]] = True
        twice = np.flatnonzero(self.filled)
        twice = twice[of_slot.sum(axis=1)[self.key[twice]] > 1]
        if len(twice):
            key, slot = self.key[twice], self.slot[twice]
            one, other = np.nonzero((key[:, None] == key) & (slot[:, None] != slot))
            fit[twice[one], twice[other]] = -np.inf
        return fit

    def is_one_of(self, options: Ints) -> Bools:
        """True for the options, of whatever slot, that have the product of one of these, shape (T,)."""
        marked = np.zeros(self.size + 1, dtype=bool)
        marked[self.product[options]] = True
        return marked[self.product]

    def value(self, unary: Floats, choice: Ints) -> float:
        """The objective of one choice: its unary terms and its pair terms."""
        return float(unary[choice].sum() + self.fit[choice[:, None], choice].sum() / 2)

    def total(self, choice: Ints) -> int:
        """Minor units of all chosen pieces."""
        return int(self.price[choice].sum())
