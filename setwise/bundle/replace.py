"""A bundle that was chosen before: which candidates may take one of its slots over, and what it is then."""

from collections.abc import Sequence

from setwise.bundle.arrays import Bools
from setwise.bundle.assembly import bundle_of
from setwise.bundle.exchange import exchanges
from setwise.bundle.limits import limits_of
from setwise.bundle.messages import Bundle, Candidate, PairTerms, Slot
from setwise.bundle.problem import Problem
from setwise.bundle.search import Found


class Replacing:
    """`choice` has each slot's place in its candidates, None where it is empty."""

    def __init__(
        self, slots: Sequence[Slot], candidates: Sequence[Sequence[Candidate]], choice: Sequence[int | None], *,
        pairs: PairTerms | None = None, max_per_brand: int | None = None,
    ) -> None:  # fmt: skip
        self._problem = Problem(slots, candidates, pairs, max_per_brand)
        self._choice = self._problem.choice_of(choice)

    def fitting(self, position: int, max_total_cents: int | None) -> Bools:
        """Which candidates of the slot make a valid bundle with what the other slots have, shape (candidates,)."""
        problem = self._problem
        _, may = exchanges(problem, problem.score, self._choice, limits_of(problem, max_total_cents))
        own: Bools = may[problem.starts[position] : problem.starts[position + 1]]
        return own[: len(problem.candidates[position])]

    def replaced(self, position: int, candidate: int, max_total_cents: int | None, label: str) -> Bundle:
        """The bundle with this candidate in the slot; the alternatives of every item are those of the new bundle."""
        choice = self._choice.copy()
        choice[position] = self._problem.starts[position] + candidate
        value = self._problem.value(self._problem.score, choice)
        return bundle_of(
            self._problem, Found(choice, value, value), limits_of(self._problem, max_total_cents), None, label
        )
