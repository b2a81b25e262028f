"""What kinds of product go together, and how alike in style and price tier two products are."""

import msgspec
import numpy as np
from numpy.typing import NDArray

from setwise.complementarity.copurchase import PairCounts
from setwise.complementarity.groups import CHUNK, Groups
from setwise.complementarity.prior import LIKENESS
from setwise.snapshot import Snapshot

PRIOR_PAIRS = 1.0
"""Pairs of doubt, at the rate of the kinds above, that are added to what was seen and to what chance gives."""
SAME_KIND = 0.5
"""Lift of two products of one kind before anything was bought: a second sofa is a substitute."""
STYLE_DIMENSIONS = 32
LIKENESS_DOUBT = 20.0
"""Pairs of doubt that are added at the prior's likeness."""

Floats = NDArray[np.float64]


def pair_matrix(counts: PairCounts, codes: NDArray[np.int32], count: int) -> Floats:
    """Pairs seen between groups, in mean baskets' pairs; shape (count, count), symmetric."""
    one, other = codes[counts.keys >> 32].astype(np.int64), codes[counts.keys & 0xFFFFFFFF].astype(np.int64)
    weights = counts.weights / counts.mean_weight if counts.mean_weight else counts.weights
    flat = np.bincount(np.concatenate([one * count + other, other * count + one]), np.tile(weights, 2), count * count)
    square: Floats = flat.astype(np.float64).reshape(count, count)
    return square


def lifts(pairs: Floats, prior: Floats) -> Floats:
    """How many times more often than by chance two groups go together, shrunk towards `prior`."""
    margins = pairs.sum(axis=1)
    total = margins.sum()
    expected = np.outer(margins, margins) / total if total else np.zeros_like(pairs)
    found: Floats = (pairs + PRIOR_PAIRS * prior) / (expected + PRIOR_PAIRS)
    return found


class Likeness(msgspec.Struct, frozen=True):
    """How much more often than by chance one order has two of a kind, 0..1, and the prior's share in it, 0..1."""

    value: float
    doubt: float


def group_lifts(counts: PairCounts, groups: Groups) -> tuple[Floats, Likeness]:
    """Lift of each pair of groups, backing off to their parents', and the likeness: the prior's where nothing is
    known."""
    count = len(groups.names)
    pairs = pair_matrix(counts, groups.codes, count)
    above = np.zeros((count, int(groups.parents.max(initial=0)) + 1))
    above[np.arange(count), groups.parents] = 1.0
    parents = lifts(above.T @ pairs @ above, np.ones((above.shape[1],) * 2))
    prior = above @ parents @ above.T
    prior[np.diag_indices(count)] *= SAME_KIND
    return lifts(pairs, prior), likeness_of(pairs)


def likeness_of(pairs: Floats) -> Likeness:
    """The likeness of what pair_matrix counted."""
    margins, seen = pairs.sum(axis=1), pairs.sum() / 2
    by_chance = float((margins**2).sum() / margins.sum()) if seen else 0.0
    lift = (float(np.trace(pairs)) + 1.0) / (by_chance + 1.0)
    known = max(0.0, 1.0 - 1.0 / lift)
    doubt = float(LIKENESS_DOUBT / (seen + LIKENESS_DOUBT))
    return Likeness(known + doubt * (LIKENESS - known), doubt)


def style_vectors(vectors: NDArray[np.float16], groups: Groups) -> NDArray[np.float16]:
    """What a text says beyond its kind: the difference to the kind's mean, in few dimensions, of length 1 or 0."""
    dimensions = vectors.shape[1]
    covariance = np.zeros((dimensions, dimensions))
    for start in range(0, len(vectors), CHUNK):
        rest = _rest(vectors, groups, start).astype(np.float64)
        covariance += rest.T @ rest
    # eigh gives rising eigenvalues; an axis may point either way, which no cosine of two rows sees.
    axes = np.linalg.eigh(covariance)[1][:, ::-1][:, :STYLE_DIMENSIONS].astype(np.float32)
    style = np.empty((len(vectors), axes.shape[1]), np.float16)
    for start in range(0, len(vectors), CHUNK):
        low = _rest(vectors, groups, start) @ axes
        lengths = np.linalg.norm(low, axis=1, keepdims=True)
        # A product that is alone in its kind has no style that could be told from the kind.
        style[start : start + CHUNK] = np.where(lengths > 1e-3, low / np.maximum(lengths, 1e-9), 0.0)
    return style


def _rest(vectors: NDArray[np.float16], groups: Groups, start: int) -> NDArray[np.float32]:
    codes = groups.codes[start : start + CHUNK]
    own = groups.centroids[codes]
    chunk = vectors[start : start + CHUNK].astype(np.float32)
    along = np.einsum("ij,ij->i", chunk, own)[:, None]
    rest: NDArray[np.float32] = chunk - along * own
    return rest


def price_places(snapshot: Snapshot, codes: NDArray[np.int32]) -> NDArray[np.float16]:
    """The place of a product's price within its kind and currency: 0 cheapest, 1 dearest, .5 alone."""
    kinds = codes.astype(np.int64) << 16 | np.asarray(snapshot.currency).astype(np.int64)
    prices = snapshot.list_prices()
    order = np.lexsort((prices, kinds))
    _, start, size = np.unique(kinds[order], return_index=True, return_counts=True)
    first = np.repeat(start, size)
    place = (np.arange(len(order)) - first) / np.maximum(np.repeat(size, size) - 1, 1)
    places = np.empty(len(order), np.float16)
    places[order] = np.where(np.repeat(size, size) > 1, place, 0.5)
    return places
