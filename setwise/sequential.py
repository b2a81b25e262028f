"""What may be said of an experiment at any look, however often one looks?"""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

ALPHA = 0.05
POWER = 0.8
DOUBT = 100.0
"""How sure the check of shares is of them: as if so many units had been seen."""


class Interval(NamedTuple):
    """`low` to `high` holds the true value at all looks together with 1 - alpha; `p` is good at any look likewise."""

    low: float
    high: float
    p: float


def confidence_sequence(
    estimate: float, error: float, units: int, planned: int, alpha: float = ALPHA
) -> Interval:  # fmt: skip
    """An asymptotic confidence sequence of an estimate with this standard error, by the normal mixture; tightest, for
    what is to be said by then, when there are as many `units` as were `planned`.

    Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas: Time-uniform central limit theory and asymptotic confidence
    sequences, Annals of Statistics 52 (2024), theorem 2.2 and section 2.4, written in standard errors."""
    mixed = _mixture(alpha) * units / planned
    widening = (1 + mixed) / mixed
    half = error * math.sqrt(2 * widening * math.log(math.sqrt(1 + mixed) / alpha))
    z = estimate / error
    p = min(1.0, math.sqrt(1 + mixed) * math.exp(-z * z / (2 * widening)))
    return Interval(estimate - half, estimate + half, p)


def _mixture(alpha: float) -> float:
    """Variance of the mixture, in squared standard errors of the planned number of units."""
    doubt = -2 * math.log(alpha)
    return doubt + math.log(doubt + 1)


def cost_of_looking(power: float = POWER, alpha: float = ALPHA) -> float:
    """How many times the units of a test with one look are planned, so that a sequence ends at the same effect."""
    normal = NormalDist()
    one_look = normal.inv_cdf(1 - alpha / 2)
    many = confidence_sequence(0.0, 1.0, 1, 1, alpha).high
    reached = normal.inv_cdf(power)
    return ((many + reached) / (one_look + reached)) ** 2


def share_mismatch(counts: Sequence[int], shares: Sequence[float]) -> float:
    """A p-value of these counts under the shares that were set, good at any look; small = units are lost or doubled.

    Lindon and Malek: Anytime-valid inference for multinomial count data, NeurIPS 2022: one over the Bayes factor of a
    Dirichlet prior around the shares."""
    log_factor = math.lgamma(DOUBT) - math.lgamma(DOUBT + sum(counts))
    for count, share in zip(counts, shares, strict=True):
        if share <= 0:
            if count:
                return 0.0
            continue
        log_factor += math.lgamma(DOUBT * share + count) - math.lgamma(DOUBT * share) - count * math.log(share)
    return min(1.0, math.exp(min(-log_factor, 0.0)))
