"""Weights from choices that were made: one product among all that might have been taken (conditional logit)."""

import msgspec
import numpy as np
from numpy.typing import NDArray

ROUNDS = 30
PULL = 10.0
"""How strongly weights are drawn to the prior's, in choices: with few of them they stay where they were."""
PARTS = 4
Floats = NDArray[np.float64]


class Choices(msgspec.Struct, frozen=True):
    """`features` shape (choices, offered, features), the chosen one first; `log_counts` (choices, offered): how many
    products each offered one stands for, as logarithm, -inf where there is none; `units` (choices,): what came from one
    basket has one number."""

    features: Floats
    log_counts: Floats
    units: NDArray[np.int64]

    def only(self, which: NDArray[np.bool_]) -> "Choices":
        """These choices."""
        return Choices(self.features[which], self.log_counts[which], self.units[which])


def fit(choices: Choices, prior: Floats) -> Floats:
    """The most likely weights, drawn to the prior's direction; a feature that never differs keeps the prior's weight.

    The result is scaled so that the prior would come out as it is. A weight never turns against its prior (what is
    bought together tells for a product, whatever else explains it better): it is 0 then, and the others are fitted
    again. Where the prior is 0, both signs may be."""
    spread, scale = _spread(choices), _scale(choices, prior)
    found, moving = prior.copy(), spread > 0
    while moving.any():
        start = (prior * scale * spread)[moving]
        standard = Choices(choices.features[:, :, moving] / spread[moving], choices.log_counts, choices.units)
        found[moving] = _newton(standard, start, start, PULL) / spread[moving] / scale
        turned = moving & (found * prior < 0)
        if not turned.any():
            break
        # What does not move counts 0 in the others' fit: a weight that turned, or a feature that never differs.
        found[turned], moving = 0.0, moving & ~turned
    return found


def fit_new(choices: Choices, prior: Floats) -> Floats:
    """Weights of the features that the prior does not count, beside the prior as it is."""
    is_new = prior == 0
    known = (choices.features @ prior)[:, :, None]
    few = Choices(np.concatenate([known, choices.features[:, :, is_new]], axis=2), choices.log_counts, choices.units)
    found = fit(few, np.concatenate([[1.0], np.zeros(int(is_new.sum()))]))
    weights = prior * found[0]
    weights[is_new] = found[1:]
    # As large as the prior is, so that both can be added to what else counts.
    return weights / found[0] if found[0] > 0 else prior


def learn(choices: Choices, prior: Floats) -> tuple[Floats | None, float, float]:
    """The better of both fits, or None where it is not better than the prior on choices that it was not fitted on; the
    mean reciprocal ranks there of the prior and of what was learned.

    All weights are not always better than a few: a likelihood counts every product, a rank those at the top."""
    if not len(choices.units):
        return None, 0.0, 0.0
    part = choices.units % PARTS
    ways = (fit, fit_new) if (prior == 0).any() else (fit,)
    before, after = _reciprocal_ranks(choices, prior), np.zeros((len(ways), len(part)))
    for out in range(PARTS):
        held = part == out
        for number, way in enumerate(ways):
            if held.any() and not held.all():
                after[number, held] = _reciprocal_ranks(choices.only(held), way(choices.only(~held), prior))
    best = int(after.mean(axis=1).argmax())
    gain = after[best] - before
    sure = gain.mean() > gain.std() / len(gain) ** 0.5
    return ways[best](choices, prior) if sure else None, float(before.mean()), float(after[best].mean())


def _spread(choices: Choices) -> Floats:
    known = choices.log_counts > -np.inf
    centred = choices.features - choices.features[:, :1]
    found: Floats = np.sqrt((centred[known] ** 2).mean(axis=0)) if known.any() else np.zeros(choices.features.shape[2])
    return np.where(found > 1e-9, found, 0.0)


def _scale(choices: Choices, prior: Floats) -> float:
    """How many nats one point of the prior's score is."""
    scores = Choices((choices.features @ prior)[:, :, None], choices.log_counts, choices.units)
    return max(float(_newton(scores, np.zeros(1), np.zeros(1), 1e-6)[0]), 1e-3)


def _newton(choices: Choices, start: Floats, prior: Floats, pull: float) -> Floats:
    weights = start.copy()
    best = _loss(choices, weights, prior, pull)
    for _ in range(ROUNDS):
        share = _shares(choices, weights)
        mean = np.einsum("ij,ijk->ik", share, choices.features)
        gradient = (mean - choices.features[:, 0]).sum(axis=0) + pull * (weights - prior)
        # Of sum(share x x') - mean mean' one matrix product is many times as fast as an einsum of three.
        weighted = (choices.features * np.sqrt(share)[:, :, None]).reshape(-1, len(weights))
        curve = weighted.T @ weighted - mean.T @ mean + (pull + 1e-9) * np.eye(len(weights))
        step, part = np.linalg.solve(curve, gradient), 1.0
        while part > 1e-4 and (loss := _loss(choices, weights - part * step, prior, pull)) > best:
            part /= 2
        if part <= 1e-4 or best - loss < 1e-7 * abs(best):
            break
        weights, best = weights - part * step, loss
    return weights


def _scores(choices: Choices, weights: Floats) -> Floats:
    found: Floats = choices.features @ weights + choices.log_counts
    return found - found.max(axis=1, keepdims=True)


def _shares(choices: Choices, weights: Floats) -> Floats:
    odds = np.exp(_scores(choices, weights))
    found: Floats = odds / odds.sum(axis=1, keepdims=True)
    return found


def _loss(choices: Choices, weights: Floats, prior: Floats, pull: float) -> float:
    scores = _scores(choices, weights)
    missed = np.log(np.exp(scores).sum(axis=1)) - scores[:, 0]
    return float(missed.sum() + pull / 2 * ((weights - prior) ** 2).sum())


def _reciprocal_ranks(choices: Choices, weights: Floats) -> Floats:
    """1 / (1 + products that are scored higher), each offered one counted as often as it stands for others."""
    scores = choices.features @ weights
    above = np.where(scores > scores[:, :1], np.exp(choices.log_counts), 0.0).sum(axis=1)
    found: Floats = 1.0 / (1.0 + above)
    return found
