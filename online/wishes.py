"""Colours, materials, styles, brands and sizes that were wished: which rows meet them, which gives way first."""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from online.live import LiveRelease
from online.pools import Pools
from setwise.prompt import SlotWish, Understanding
from setwise.terms import Codes, codes_of

GIVE_WAY = ("styles", "colors", "materials", "sizes", "brands")
"""The order in which wishes are given up where nothing meets them all. Never budget, stock or exclusions."""


class Wish(msgspec.Struct, frozen=True):
    """A wished word with the terms that a product which meets it has."""

    kind: str
    word: str
    codes: Codes


def wishes_of(live: LiveRelease, read: Understanding, named: SlotWish | None = None) -> list[Wish]:
    """A named product's own wishes, and those that were said of no product in particular."""
    claimed = {word for other in read.named for word in other.wishes}
    own = set(named.wishes) if named is not None else set()
    return [
        Wish(kind, word, codes_of(live.analyzer.terms(word)))
        for kind in GIVE_WAY
        for word in getattr(read, kind)
        if word in own or word not in claimed or named is None
    ]


def met_of_each(live: LiveRelease, pools: Pools, wishes: Sequence[Sequence[Wish]]) -> list[NDArray[np.float64]]:
    """Of each pool, shape (its rows, its wishes): 1 where title or attributes say it, .5 where only the description
    does."""
    every = {wish.word: wish.codes for own in wishes for wish in own}
    if not every:
        return [np.zeros((own.stop - own.start, 0)) for own in pools.slices]
    names, place = list(every.values()), {word: at for at, word in enumerate(every)}
    degrees = live.snapshot.meets(pools.rows, names)
    return [
        degrees[own][:, [place[wish.word] for wish in wished]]
        for own, wished in zip(pools.slices, wishes, strict=True)
    ]  # fmt: skip


def match(live: LiveRelease, degrees: NDArray[np.float64], wishes: Sequence[Wish]) -> NDArray[np.float64]:
    """Shape (rows,): the mean degree, each kind counting as much as the release learned that it is kept."""
    found: NDArray[np.float64] = degrees.sum(axis=1) / len(wishes)
    if learned := live.learned.wishes:
        found = degrees @ np.asarray([learned.get(wish.kind, 1.0) for wish in wishes]) / len(wishes)
    return found


def narrowed(
    degrees: NDArray[np.float64], wishes: Sequence[Wish], given_up: int
) -> tuple[NDArray[np.bool_], list[str]]:
    """Rows that meet the wishes which are left after `given_up` kinds gave way, and the words that gave way.

    Where no row meets them, further kinds give way; a title that says it comes before a description that does."""
    kinds = np.asarray([GIVE_WAY.index(wish.kind) for wish in wishes], dtype=np.int64)
    for step in range(given_up, len(GIVE_WAY) + 1):
        held = kinds >= step
        gone = [wish.word for wish, is_held in zip(wishes, held, strict=True) if not is_held]
        for least in (1.0, 0.5):
            mask: NDArray[np.bool_] = np.all(degrees[:, held] >= least, axis=1)
            if mask.any():
                return mask, gone
    return np.ones(len(degrees), dtype=bool), [wish.word for wish in wishes]
