"""Baskets that were held out as choices: one product of each against all that might have been chosen."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from orchestration.choices import Choices
from orchestration.held_baskets import Basket
from setwise import completion
from setwise.complementarity import Complementarity
from setwise.encoder import Encoder
from setwise.index import LocalIndex, as_shares
from setwise.names import ProductId
from setwise.snapshot import Snapshot
from setwise.terms import Analyzer

MAX_CHOICES = 800
PER_BASKET = 3
MAX_GIVEN = 10
HITS = 200
"""Rows that an intent is answered from: online.pipeline retrieves as many."""
OTHERS = 100
"""Rows that stand for all the others."""
FOUND = ("found", "resale")
"""Columns of an intent's choices: lexical and semantic share added, and setwise.complementarity's resale."""
FIT = ("kinds", "style", "price")
NEAR = 100
"""Rows that are near in meaning: what is much like a product may stand beside it, or in its place."""
Rows = NDArray[np.int64]


class Shop(msgspec.Struct, frozen=True):
    """The parts of a release that choices are looked at with; `goes_with` knows nothing of what was held out."""

    snapshot: Snapshot
    index: LocalIndex
    goes_with: Complementarity
    encoder: Encoder
    analyzer: Analyzer = msgspec.field(default_factory=Analyzer)

    @classmethod
    def open(cls, snapshot: Path, index: Path, goes_with: Path, encoder: Path) -> "Shop":
        """Opens the folders that builds wrote."""
        return cls(Snapshot(snapshot), LocalIndex(index), Complementarity.open(goes_with), Encoder(encoder))


def completions(shop: Shop, baskets: Sequence[Basket]) -> Choices:
    """Which product completed the others of its basket, in the direction of its title; the columns of completion."""
    rng = np.random.default_rng(0)
    titles = list(dict.fromkeys(basket.title for basket in baskets if basket.title))
    vectors = dict(zip(titles, shop.encoder.encode(titles), strict=True)) if titles else {}
    offered, units = list[tuple[NDArray[np.float64], int]](), list[int]()
    for basket, rows, at in _cases(shop, baskets, 2, rng):
        given = np.delete(rows, at)[:MAX_GIVEN]
        terms = [shop.analyzer.terms(shop.snapshot[row].title) for row in given.tolist()]
        said = shop.analyzer.query_terms(basket.title) if basket.title else []
        asked = completion.look_up(shop.index, given, terms, said, vectors.get(basket.title))
        pool = completion.candidates(asked, shop.index, shop.goes_with)
        every = _with_others(rows[at], np.setdiff1d(pool, rows), rows, len(shop.snapshot), rng)
        offered.append((completion.features(every, asked, shop.index, shop.goes_with), len(every) - OTHERS))
        units.append(basket.unit)
    return _laid_out(offered, units, len(shop.snapshot), len(completion.FEATURES))


def intents(shop: Shop, baskets: Sequence[Basket]) -> Choices:
    """Which products people put together under a title; columns as in FOUND."""
    rng = np.random.default_rng(0)
    offered, units = list[tuple[NDArray[np.float64], int]](), list[int]()
    titled = [basket for basket in baskets if basket.title]
    for basket, rows, at in _cases(shop, titled, 1, rng):
        vector = shop.encoder.encode([basket.title])[0]
        hits = shop.index.hybrid(shop.analyzer.query_terms(basket.title), vector, HITS)
        every = _with_others(rows[at], np.setdiff1d(hits.rows, rows), rows, len(shop.snapshot), rng)
        words, *_ = hits.of(every)
        meaning = as_shares(shop.index.similarity(vector, every))
        offered.append((np.stack([words + meaning, shop.goes_with.resale(every)], axis=1), len(every) - OTHERS))
        units.append(basket.unit)
    return _laid_out(offered, units, len(shop.snapshot), len(FOUND))


def pairs(shop: Shop, baskets: Sequence[Basket]) -> Choices:
    """Which product stands beside another one of its basket; the columns of Complementarity.likely_parts."""
    rng = np.random.default_rng(0)
    offered, units = list[tuple[NDArray[np.float64], int]](), list[int]()
    for basket, rows, at in _cases(shop, baskets, 2, rng):
        beside = int(rows[at - 1])
        near = shop.index.nearest(shop.index.vectors(rows[[at - 1]])[0], NEAR)[0]
        every = _with_others(rows[at], np.setdiff1d(near, rows), rows, len(shop.snapshot), rng)
        offered.append((shop.goes_with.likely_parts(beside, every), len(every) - OTHERS))
        units.append(basket.unit)
    return _laid_out(offered, units, len(shop.snapshot), len(FIT))


def _cases(
    shop: Shop, baskets: Sequence[Basket], least: int, rng: np.random.Generator
) -> Iterator[tuple[Basket, Rows, int]]:
    """Baskets in random order, each with a few of its products, MAX_CHOICES in all."""
    left = MAX_CHOICES
    for number in rng.permutation(len(baskets)).tolist():
        rows = np.asarray(shop.snapshot.rows_of(map(ProductId, dict.fromkeys(baskets[number].products))), np.int64)
        rows = rng.permutation(rows)
        if len(rows) >= least and len(rows) + OTHERS < len(shop.snapshot):
            for at in range(min(PER_BASKET, len(rows), left)):
                yield baskets[number], rows, at
                left -= 1


def _with_others(chosen: int, pool: Rows, basket: Rows, products: int, rng: np.random.Generator) -> Rows:
    """The chosen row, the pool, and OTHERS of the rest; the basket's own products are no alternatives."""
    rest = np.setdiff1d(np.arange(products), np.concatenate([pool, basket]))
    others = rng.choice(rest, OTHERS) if len(rest) else np.resize(pool, OTHERS)
    return np.concatenate([[chosen], pool, others]).astype(np.int64)


def _laid_out(
    offered: Sequence[tuple[NDArray[np.float64], int]], units: Sequence[int], products: int, columns: int
) -> Choices:  # fmt: skip
    """Pads choices to one width. The number beside each is of those rows that stand for themselves alone."""
    width = max((len(values) for values, _ in offered), default=1)
    features, log_counts = np.zeros((len(offered), width, columns)), np.full((len(offered), width), -np.inf)
    for number, (values, alone) in enumerate(offered):
        features[number, : len(values)] = values
        log_counts[number, :alone] = 0.0
        log_counts[number, alone : len(values)] = np.log(max(products - alone, 1) / OTHERS)
    return Choices(features, log_counts, np.asarray(units, dtype=np.int64))
