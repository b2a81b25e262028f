"""Whether what was learned from earlier purchases finds later ones better: the newest quarter is held out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec
import numpy as np

from orchestration.assets.evaluation import ask
from orchestration.held_out import Case, K
from orchestration.measures import ndcg
from orchestration.ranker_training import bootstrap, sure_above
from setwise.names import ProductId

NEWEST = 4
"""The newest one of so many purchases is held out."""
LEAST_CASES, MOST_CASES = 10, 200
"""Held-out purchases: with fewer nothing is shown, more take longer than they are worth."""
SURE = 0.95
"""How sure it must be, by bootstrap, that their sentences are answered better."""
One = TypeVar("One")


class Purchase(Protocol):
    """A product that somebody bought after a sentence."""

    who: str
    prompt: str
    product: ProductId


class Compared(msgspec.Struct, frozen=True):
    """NDCG@10 of the products that were bought after sentences, without and with what was learned."""

    cases: int
    before: float
    after: float
    difference: tuple[float, float, float]
    """With its paired 95 % interval; what one person bought is drawn together."""
    is_better: bool

    @property
    def said(self) -> str:
        """For the model card."""
        return "{:+.4f} [{:+.4f}, {:+.4f}]".format(*self.difference)


def in_time(purchases: Sequence[One]) -> tuple[Sequence[One], Sequence[One]]:
    """The earlier ones, and the newest quarter."""
    at = len(purchases) - len(purchases) // NEWEST
    return purchases[:at], purchases[at:]


def compared(parts: Mapping[str, Path], changed: Mapping[str, Path], bought: Sequence[Purchase]) -> Compared:
    """Asks for each sentence with these parts and with those that are `changed`. Raises TrialFailedError."""
    cases = [
        Case(str(number), "typed", {"prompt": one.prompt, "k": K}, [str(one.product)], [])
        for number, one in enumerate(bought)
    ]
    before, after = _ndcg(parts, cases), _ndcg({**parts, **changed}, cases)
    people = [one.who for one in bought]
    difference, low, high = (round(value, 4) for value in bootstrap(after - before, people))
    was, now = (round(float(values.mean()), 4) for values in (before, after))
    is_better = sure_above(after - before, people) >= SURE
    return Compared(len(cases), was, now, (difference, low, high), is_better)


def _ndcg(parts: Mapping[str, Path], cases: Sequence[Case]) -> np.ndarray:
    answers = ask(parts, cases)
    return np.asarray([ndcg(answers[case.id].products, case.gains) for case in cases])
