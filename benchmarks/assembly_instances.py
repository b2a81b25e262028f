"""Random assemblies with known structure; all values are whole ten-thousandths, pair terms after division too."""

import msgspec
import numpy as np

from setwise.bundle import Candidate, PairTerms, Slot
from setwise.names import ProductId

KINDS = ("shop", "uniform", "correlated")
"""shop: scores fall off, few prices are high, pair terms from styles, a category pair and a few co-purchases.
uniform: everything is drawn evenly. correlated: what is dear is good, and the budget decides."""


class Instance(msgspec.Struct, frozen=True):
    """One question to assemble()."""

    slots: list[Slot]
    candidates: list[list[Candidate]]
    pairs: PairTerms
    most: int | None
    least: int = 0
    max_per_brand: int | None = None


def rounded(values: np.ndarray, step: float = 1.0) -> np.ndarray:
    """To multiples of `step` ten-thousandths; -inf stays."""
    return np.round(values * 10_000 / step) * step / 10_000


def large(seed: int, kind: str, n: int = 5, size: int = 50) -> Instance:
    """n required slots of `size` candidates each, every pair of slots with pair terms, and a total budget."""
    rng = np.random.default_rng([seed, KINDS.index(kind), n, size])
    pair_slots = [(i, j) for j in range(n) for i in range(j)]
    if kind == "shop":
        scores = [np.sort(rng.beta(2, 3, size) * 2.5 + rng.normal(0, 0.1, size).clip(0))[::-1] for _ in range(n)]
        prices = [np.exp(rng.normal(np.log(rng.uniform(2e3, 6e4)), 0.6, size)).astype(int) + 1 for _ in range(n)]
        styles = [rng.dirichlet(np.full(6, 0.4), size) for _ in range(n)]
        fit = {}
        for i, j in pair_slots:
            bought = (rng.random((size, size)) < 0.05) * rng.random((size, size))
            fit[i, j] = 0.5 * styles[i] @ styles[j].T + 0.3 * bought + 0.2 * rng.random()
    elif kind == "uniform":
        scores, prices = [rng.random(size) for _ in range(n)], [rng.integers(1_000, 50_000, size) for _ in range(n)]
        fit = {pair: rng.random((size, size)) for pair in pair_slots}
    else:
        prices = [rng.integers(1_000, 50_000, size) for _ in range(n)]
        scores = [0.2 + price / 50_000 + rng.uniform(-0.1, 0.1, size) for price in prices]
        fit = {pair: 0.5 * rng.random((size, size)) for pair in pair_slots}
    least = sum(int(price.min()) for price in prices)
    wished = sum(int(price[score.argmax()]) for price, score in zip(prices, scores, strict=True))
    most = int(least + rng.uniform(0.05, 1.1) * max(wished - least, 1))
    candidates = [
        [
            Candidate(ProductId(f"{i}-{k}"), k, int(price), float(score), f"{i}-{k // 2}", f"brand {k % 12}")
            for k, (price, score) in enumerate(zip(prices[i], rounded(scores[i]), strict=True))
        ]
        for i in range(n)
    ]
    pairs = PairTerms({pair: rounded(block, n - 1) for pair, block in fit.items()})
    return Instance([Slot(f"slot {i}") for i in range(n)], candidates, pairs, most)


def small(seed: int) -> Instance:
    """Up to six slots of up to nine candidates with everything at once: shared products, groups, brands, quantities,
    locked and optional slots, excluded pairs, needs, a least total, equal and negative scores, tight budgets."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 7))
    products = int(rng.integers(n + 2, 40))
    prices = rng.integers(0 if rng.random() < 0.1 else 1, rng.choice([5, 60, 5_000]), products)
    style = rng.integers(4)
    score = [rng.random(products) * 2, np.ones(products), prices / (prices.max() + 1) + rng.random(products) / 5,
             rng.normal(0.2, 0.5, products)][style]  # fmt: skip
    variants, brands = int(rng.integers(1, 4)), int(rng.integers(2, 8))
    slots, candidates = [], []
    for i in range(n):
        locked = rng.random() < 0.12
        size = 1 if locked else int(rng.integers(1, min(10, products)))
        slots.append(Slot(f"slot {i}", int(rng.choice([1, 1, 1, 2, 4])), bool(rng.random() < 0.7), locked))
        ids = rng.choice(products, size, replace=False)
        candidates.append(
            [
                Candidate(ProductId(f"p{k}"), int(k), int(prices[k]), float(rounded(score[k] + rng.random() / 5)),
                          f"g{k // variants}" if variants > 1 and k % 5 else "", f"b{k % brands}" if k % 7 else "")
                for k in ids
            ]
        )  # fmt: skip
    dense, scale, excluded = rng.choice([0.0, 0.2, 1.0]), rng.choice([0.3, 1.0]), rng.choice([0.0, 0.0, 0.1, 0.5])
    fit = {}
    for j in range(n):
        for i in range(j):
            shape = len(candidates[i]), len(candidates[j])
            block = scale * (rng.random(shape) - 0.2 * (rng.random() < 0.3)) * (rng.random(shape) < dense)
            fit[i, j] = np.where(rng.random(shape) < excluded, -np.inf, rounded(block, max(n - 1, 1)))
    needs = {}
    if n > 1 and rng.random() < 0.3:
        i, j = (int(k) for k in rng.choice(n, 2, replace=False))
        needs[i, j] = rng.random(len(candidates[i])) < 0.5
    total = sum(min(c.price_cents for c in found) * s.quantity for s, found in zip(slots, candidates, strict=True))
    most = None if rng.random() < 0.15 else int(total * rng.choice([0.6, 1.0, 1.05, 1.3, 2.0, 4.0]))
    least = 0 if most is None or rng.random() < 0.7 else int(most * rng.choice([0.5, 0.9, 1.0]))
    return Instance(slots, candidates, PairTerms(fit, needs), most, least, rng.choice([None, None, 1, 2]))
