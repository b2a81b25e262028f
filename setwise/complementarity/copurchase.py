"""What was bought together, product by product: partners that others do not explain, with shrunk strengths."""

import itertools
from array import array
from collections.abc import Iterable

import msgspec
import numpy as np
from numpy.typing import NDArray

MAX_BASKET = 100
"""An order of more products than this (a shop that restocks) says nothing about what goes together."""
NEIGHBOURS = 64
"""Products that are weighed against each other for one partner; 50 to 200 gave the same recall (UCI p3 .355)."""
SHRINKAGE = 20.0
"""Mean baskets of doubt: a pair that was seen in one basket of a hundred hardly counts."""
MAX_PARTNERS = 128
_BUFFER = 4_000_000

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Basket(msgspec.Struct, frozen=True):
    """Distinct rows that went together, and how much this is worth."""

    rows: list[int]
    weight: float


class PairCounts(msgspec.Struct, frozen=True):
    """Summed weights: of pairs (`keys` = low row << 32 | high row, rising), of single rows, of a mean basket."""

    keys: Ints
    weights: Floats
    times: Ints
    """Baskets that held the pair."""
    totals: Floats
    mean_weight: float


class Partners(msgspec.Struct, frozen=True):
    """CSR: partners of row i are rows[offsets[i]:offsets[i+1]], strongest first."""

    offsets: Ints
    rows: NDArray[np.int32]
    strengths: NDArray[np.float16]


def count_pairs(baskets: Iterable[Basket], products: int) -> PairCounts:
    """Reads the baskets once; a basket weighs 1/sqrt(size) per pair, so that long ones do not outvote the others."""
    totals, seen, weight_sum = np.zeros(products), 0, 0.0
    keys, weights = array("q"), array("d")
    known = (np.empty(0, np.int64), np.empty(0), np.empty(0, np.int64))
    for basket in baskets:
        rows = sorted(set(basket.rows))
        if not 2 <= len(rows) <= MAX_BASKET:
            continue
        weight = basket.weight / len(rows) ** 0.5
        totals[rows] += weight
        seen, weight_sum = seen + 1, weight_sum + weight
        pairs = [low << 32 | high for low, high in itertools.combinations(rows, 2)]
        keys.extend(pairs)
        weights.extend(itertools.repeat(weight, len(pairs)))
        if len(keys) >= _BUFFER:
            known = _merge(known, keys, weights)
            keys, weights = array("q"), array("d")
    known = _merge(known, keys, weights)
    return PairCounts(*known, totals, weight_sum / seen if seen else 0.0)


def _merge(known: tuple[Ints, Floats, Ints], keys: "array[int]", weights: "array[float]") -> tuple[Ints, Floats, Ints]:
    fresh = np.frombuffer(keys, dtype=np.int64) if len(keys) else np.empty(0, np.int64)
    every = np.concatenate([known[0], fresh])
    distinct, place = np.unique(every, return_inverse=True)
    values = np.concatenate([known[1], np.frombuffer(weights) if len(weights) else np.empty(0)])
    times = np.concatenate([known[2], np.ones(len(fresh), np.int64)])
    summed: Floats = np.bincount(place, values, len(distinct)).astype(np.float64)
    return distinct, summed, np.bincount(place, times, len(distinct)).astype(np.int64)


def find_partners(counts: PairCounts, ignored: NDArray[np.bool_]) -> Partners:
    """Directed strengths: the weights of a ridge regression of each product on its nearest co-bought ones.

    What two products share only because both go with a third one is explained away; `ignored` masks pairs."""
    products = len(counts.totals)
    keys, weights = counts.keys[~ignored], counts.weights[~ignored]
    low, high = keys >> 32, keys & 0xFFFFFFFF
    targets, sources = np.concatenate([low, high]), np.concatenate([high, low])
    cosines = np.tile(weights / np.sqrt(counts.totals[low] * counts.totals[high]), 2)
    order = np.lexsort((sources, -cosines, targets))
    starts = np.searchsorted(targets[order], np.arange(products + 1))
    found_sources, found_targets, found = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0)]
    for row in np.flatnonzero(np.diff(starts)).tolist():
        near = np.sort(sources[order[starts[row] : starts[row + 1]][:NEIGHBOURS]])
        together = _together(counts, near)
        together[np.diag_indices(len(near))] += SHRINKAGE * counts.mean_weight
        own = np.full(len(near), row)
        solved: Floats = np.asarray(np.linalg.solve(together, _look_up(counts, near, own)), dtype=np.float64)
        kept = solved > 0
        found_sources.append(near[kept])
        found_targets.append(own[kept])
        found.append(solved[kept])
    return _as_rows(np.concatenate(found_sources), np.concatenate(found_targets), np.concatenate(found), products)


def _together(counts: PairCounts, near: Ints) -> Floats:
    matrix = np.diag(counts.totals[near])
    upper = np.triu_indices(len(near), 1)
    matrix[upper] = _look_up(counts, near[upper[0]], near[upper[1]])
    return matrix + np.triu(matrix, 1).T


def _look_up(counts: PairCounts, one: Ints, other: Ints) -> Floats:
    wanted = np.minimum(one, other) << 32 | np.maximum(one, other)
    places = np.minimum(np.searchsorted(counts.keys, wanted), len(counts.keys) - 1)
    found: Floats = np.where(counts.keys[places] == wanted, counts.weights[places], 0.0)
    return found


def _as_rows(sources: Ints, targets: Ints, strengths: Floats, products: int) -> Partners:
    order = np.lexsort((targets, -strengths, sources))
    sources, targets, strengths = sources[order], targets[order], strengths[order]
    starts = np.searchsorted(sources, np.arange(products + 1))
    kept = np.arange(len(sources)) - starts[sources] < MAX_PARTNERS
    offsets = np.concatenate([[0], np.cumsum(np.bincount(sources[kept], minlength=products))])
    return Partners(offsets, targets[kept].astype(np.int32), np.minimum(strengths[kept], 1.0).astype(np.float16))
