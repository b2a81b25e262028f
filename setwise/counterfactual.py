"""What another order of the answers would have earned, from answers whose order was drawn with known probabilities.

A thing at a place earns what it earned there, whatever stands beside it (the item-position model): the value of a
policy is the sum over an answer's places of reward x (its probability there under the policy / under the one logged).
"""

from collections.abc import Sequence
from statistics import NormalDist
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

MAX_WEIGHT = 1_000.0
"""Heavier weights are clipped: a policy that shows what was hardly ever drawn is estimated too low, and `clipped` says
how much of it was cut."""
Method = Literal["ips", "snips"]
Floats = NDArray[np.float64]


class Logged(msgspec.Struct, frozen=True):
    """One row for each place of each answer; arrays of one length."""

    answer: NDArray[np.int64]
    """Answers numbered from 0 on, none left out."""
    propensity: Floats
    """Probability with which this thing stood there, above 0."""
    reward: Floats
    """What it earned there, at least 0: 1 for a click or a purchase."""

    def __post_init__(self) -> None:
        if not len(self.answer) == len(self.propensity) == len(self.reward):
            raise ValueError("answer, propensity and reward differ in length")
        if len(self.propensity) and (self.propensity.min() <= 0 or self.propensity.max() > 1 + 1e-9):
            raise ValueError("a propensity is above 0 and at most 1: what was shown could be shown")


class Estimate(msgspec.Struct, frozen=True):
    """Value of one answer under a policy, with an interval that holds the truth 95 times of 100."""

    value: float
    low: float
    high: float
    answers: int
    effective: float
    """Places of a log without weights that would say as much: (sum of weights)^2 / sum of squares."""
    clipped: float
    """Share of all weight that was cut at MAX_WEIGHT."""


def estimate(
    logged: Logged, target: Floats, method: Method, heaviest: float = 0.0, confidence: float = 0.95
) -> Estimate | None:
    """`target` = probability under the policy to be judged of each row's thing at its place; `heaviest` = the largest
    weight that could have been drawn, where it may be that none was. None where nothing was logged, and from SNIPS
    where nothing logged could come from the policy.

    IPS is unbiased; SNIPS divides by the weights that were drawn instead of those that were to be expected: a small
    bias, and less noise where rewards are common."""
    answers = int(logged.answer.max()) + 1 if len(logged.answer) else 0
    raw = target / logged.propensity if answers else np.empty(0)
    weights = np.minimum(raw, MAX_WEIGHT)
    if not answers or (method == "snips" and not weights.sum()):
        return None
    earned = np.bincount(logged.answer, weights * logged.reward, answers)
    drawn = np.bincount(logged.answer, weights, answers)
    most = min(max(heaviest, float(weights.max())), MAX_WEIGHT) * max(float(logged.reward.max()), 1e-12)
    if method == "ips":
        value, noise = float(earned.mean()), earned - earned.mean()
    else:
        # As many places are to be filled as were filled.
        scale = len(weights) / float(drawn.sum())
        value = scale * float(earned.mean())
        noise = scale * (earned - drawn * float(earned.sum()) / float(drawn.sum()))
    low, high = _gamma_interval(value * answers, float((noise**2).sum()), most, confidence)
    squares = float((weights**2).sum())
    return Estimate(
        value, low / answers, high / answers, answers, float(weights.sum()) ** 2 / squares if squares else 0.0,
        float(1.0 - weights.sum() / raw.sum()) if raw.sum() else 0.0,
    )  # fmt: skip


def heaviest_weight(logged: Logged, target: Floats) -> float:
    """The largest weight of a policy that puts anything anywhere: its surest place over the least likely that was
    drawn."""
    return float(target.max() / logged.propensity.min()) if len(target) else 0.0


def as_explored(logged: Logged, ranks: NDArray[np.int64], places: NDArray[np.int64], share: Floats) -> Floats:
    """The policy that explores every answer. It follows from the logged one, which does so in a share of them."""
    explored: Floats = (logged.propensity - (1.0 - share) * as_ranked(ranks, places)) / share
    return np.clip(explored, 0.0, 1.0)


def as_ranked(ranks: NDArray[np.int64], places: NDArray[np.int64]) -> Floats:
    """The policy that gives each answer one order: 1 where a thing stands at its rank, else 0."""
    return np.equal(ranks, places).astype(np.float64)


def _gamma_interval(total: float, variance: float, most: float, confidence: float) -> tuple[float, float]:
    """Of a weighted sum of rare events (Fay and Feuer 1997). Normal intervals of the same sums held the truth in 50 to
    90 of 100 days where few explored answers were clicked; the heaviest weight, seen or not, widens the upper end."""
    tail = (1.0 - confidence) / 2.0
    low = _chi_square(tail, 2 * total**2 / variance) * variance / (2 * total) if total > 0 and variance > 0 else 0.0
    above, wider = total + most, variance + most**2
    high = _chi_square(1.0 - tail, 2 * above**2 / wider) * wider / (2 * above) if above > 0 else 0.0
    return min(low, total), max(high, total)


def _chi_square(share: float, degrees: float) -> float:
    """Quantile by Wilson and Hilferty: within 1 % from 3 degrees of freedom on, 0 where it has none below."""
    part = 2.0 / (9.0 * degrees)
    cube: float = (1.0 - part + NormalDist().inv_cdf(share) * part**0.5) ** 3
    return max(0.0, degrees * cube)


def codes_of(answers: Sequence[str]) -> NDArray[np.int64]:
    """Numbers from 0 on for answers by their ids."""
    known: dict[str, int] = {}
    return np.asarray([known.setdefault(one, len(known)) for one in answers], dtype=np.int64)
