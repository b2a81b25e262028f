"""A small share of answers is shown in another order, so that what stands low is seen too and any order can be judged.

What is drawn follows from the answer's id alone, and the probability of what was drawn is known exactly."""

import hashlib
import random
from collections.abc import Sequence

import msgspec

PLACES = 10
"""In a list one of the first so many places is explored ..."""
REACH = 5
"""... with one of the so many products behind it."""


class Exploration(msgspec.Struct, frozen=True):
    """How an answer came to its order; all lists are by place, from the first on."""

    share: float
    """Share of such answers that are explored."""
    ranks: list[int]
    """Place that the best order would have given, from 1 on; beyond the last for what came in from behind."""
    propensities: list[float]
    """Probability with which this thing stands at this place, over all that could have been drawn."""


def explored_order(request_id: str, count: int, share: float) -> Exploration:
    """A few things that are seen together, as the bundles of an answer: all orders are as likely in the explored
    share."""
    draw, ranks = _draw(request_id), list(range(1, count + 1))
    if draw.random() < share:
        draw.shuffle(ranks)
    return Exploration(share, ranks, order_propensities(ranks, share))


def order_propensities(ranks: Sequence[int], share: float) -> list[float]:
    """Those of `explored_order`: 1 - share at its own place, and an equal part of the share at each."""
    return [share / len(ranks) + (1.0 - share) * (rank == place) for place, rank in enumerate(ranks, 1)]


def explored_list(request_id: str, shown: int, known: int, share: float) -> Exploration:
    """A list of which `shown` of `known` ranked things are shown: in the explored share one of the first PLACES changes
    places with one of the REACH behind it."""
    draw, ranks = _draw(request_id), list(range(1, known + 1))
    places = _places(shown, known)
    if draw.random() < share and places:
        place = draw.randrange(places)
        other = place + 1 + draw.randrange(_behind(place, known))
        ranks[place], ranks[other] = ranks[other], ranks[place]
    return Exploration(share, ranks[:shown], list_propensities(ranks[:shown], known, share))


def list_propensities(ranks: Sequence[int], known: int, share: float) -> list[float]:
    """Those of `explored_list`, for what stands at the places from 1 on."""
    near = ranks[: PLACES + REACH]  # nothing behind is ever moved
    first = [_list_propensity(rank - 1, place, len(ranks), known, share) for place, rank in enumerate(near)]
    return first + [1.0 * (rank - 1 == place) for place, rank in enumerate(ranks[len(near) :], len(near))]


def more_for_list(shown: int) -> int:
    """How many things behind the last one have to be known for `explored_list`."""
    return max(0, min(shown, PLACES) + REACH - shown)


def _list_propensity(rank: int, place: int, shown: int, known: int, share: float) -> float:
    """Places and ranks from 0 on."""
    places = _places(shown, known)
    if not places:
        return float(rank == place)
    if rank != place:
        low, high = min(rank, place), max(rank, place)
        reached = low < places and high - low <= _behind(low, known)
        return share / places / _behind(low, known) if reached else 0.0
    lower = range(max(0, place - REACH), min(place, places))
    goes = sum(1.0 / _behind(low, known) for low in lower if place - low <= _behind(low, known))
    return 1.0 - share * (goes + (place < places)) / places


def _places(shown: int, known: int) -> int:
    return max(0, min(PLACES, shown, known - 1))


def _behind(place: int, known: int) -> int:
    return min(REACH, known - 1 - place)


def _draw(request_id: str) -> random.Random:
    seed = hashlib.blake2b(request_id.encode(), digest_size=8, person=b"exploration").digest()
    return random.Random(int.from_bytes(seed))  # noqa: S311 - a draw that can be repeated, no secret
