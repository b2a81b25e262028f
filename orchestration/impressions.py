"""What shoppers clicked and bought in lists, as questions to learn from; what is seen less often counts more."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
import numpy as np
from numpy.typing import NDArray

from orchestration import ranker_training as training
from orchestration.policy_values import Places, read_places
from orchestration.warehouse.rows import naive
from orchestration.warehouse.stores import Warehouse
from setwise.events import Served
from setwise.ranking import FEATURES, KINDS

LEARNED_FROM = timedelta(days=90)
MOST_LISTS = 2_000
"""The newest: 100 MB of rows at most while a build reads them."""
LEAST_MOVED = 30
"""Clicks on products that exploring had moved: with fewer it is not known how seldom a place is looked at."""
STEEPEST = 3.0
MOST_WEIGHT = 5.0
"""A click counts as many times more as its place is looked at less often than the first one, up to this: a few lucky
clicks far below would decide otherwise."""
CLICK, PURCHASE = 2, 6
"""Gains at the first place: a weighted purchase stays below the most that trees know."""
NEWEST = "SELECT max(time) FROM raw.served"
LISTS = "SELECT data FROM raw.served WHERE time >= ? AND CAST(data AS TEXT) LIKE ? ORDER BY time DESC, id LIMIT ?"
RANKED = '%"ranked_as"%'
CLICKED = (
    "SELECT request_id, product_id FROM staging.stg_interaction_items WHERE kind = 'click' AND request_id <> '' "
    "AND bundle_id = '' AND NOT is_unserved AND NOT is_machine AND occurred_at >= ?"
)
BOUGHT = (
    "SELECT credited_request_id, product_id FROM marts.fct_orders WHERE credited_request_id IS NOT NULL "
    "AND coalesce(credited_bundle_id, '') = '' AND NOT is_machine AND ordered_at >= ?"
)
MADE = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'marts' AND table_name = 'fct_places'"
Ints = NDArray[np.int64]
Questioned = tuple[training.Questions, Ints]
"""Questions, and the place of each one's kind in KINDS."""


class Listed(msgspec.Struct, frozen=True):
    """One list as it was shown: its kind, and of each place from 1 on the feature row, 1 where it was clicked, 1 where
    it was bought."""

    kind: str
    features: NDArray[np.float32]
    clicked: Ints
    bought: Ints


def questions_of_lists(warehouse: Warehouse) -> Questioned | None:
    """Questions, oldest first, and the place of each one's kind in KINDS. None before there are marts, and where too
    little was explored to know what a low place means. Raises WarehouseDownError."""
    ((newest,),) = warehouse.rows(NEWEST)
    if newest is None or not warehouse.rows(MADE)[0][0]:
        return None
    since = newest - LEARNED_FROM
    fall = fall_of_attention(read_places(warehouse, "product", since, newest + timedelta(seconds=1)))
    lists = [] if fall is None else read_lists(warehouse, since)
    found = [one for one in lists if one.clicked.any() or one.bought.any()]
    return None if fall is None or not found else as_questions(found, fall)


def read_lists(warehouse: Warehouse, since: datetime) -> list[Listed]:
    """Lists whose records say what their products were ranked by, oldest first. Raises WarehouseDownError."""
    clicked = set(warehouse.rows(CLICKED, [naive(since)]))
    bought = set(warehouse.rows(BOUGHT, [naive(since)]))
    found = []
    for (data,) in reversed(warehouse.rows(LISTS, [naive(since), RANKED, MOST_LISTS])):
        served = msgspec.json.decode(data, type=Served) if isinstance(data, str) else msgspec.convert(data, Served)
        # A further page does not begin at the first place.
        shown = [item for item in served.products if item.features]
        if served.ranked_as not in KINDS or len(shown) < 2 or shown[0].position != 1:
            continue
        keys = [(served.request_id, item.product_id) for item in shown]
        found.append(Listed(
            served.ranked_as,
            np.asarray([_row(item.features) for item in shown], dtype=np.float32),
            np.asarray([key in clicked for key in keys], dtype=np.int64),
            np.asarray([key in bought for key in keys], dtype=np.int64),
        ))  # fmt: skip
    return found


def fall_of_attention(places: Places) -> float | None:
    """How attention falls with the place: it is 1 / place ** this. By clicks on the same rank at places that exploring
    gave it, which what it is worth cannot explain; None of too few.

    The likeliest one, given how often each rank was shown at each place."""
    is_moved = places.rank != places.position
    clicks = places.rewards["click"]
    if clicks[is_moved].sum() < LEAST_MOVED:
        return None
    pairs, at = np.unique(np.stack([places.rank, places.position]), axis=1, return_inverse=True)
    shown, counts = np.bincount(at).astype(np.float64), np.bincount(at, clicks)
    ranks, positions = pairs

    def likelihood(fall: float) -> float:
        expected = shown * positions**-fall
        share = expected / np.bincount(ranks, expected)[ranks]
        return float((counts * np.log(share)).sum())

    steps = np.linspace(0.0, STEEPEST, 301)
    return float(steps[int(np.argmax([likelihood(step) for step in steps]))])


def as_questions(lists: Sequence[Listed], fall: float) -> Questioned:
    """Gains are whole numbers: a click or a purchase, as many times more as its place is looked at less often."""
    gains = [gains_of(one, fall) for one in lists]
    counts = np.asarray([len(one) for one in gains], dtype=np.int64)
    ideal = np.asarray([training.ideal_of(one.astype(np.float64).tolist()) for one in gains])
    features = np.concatenate([one.features for one in lists])
    kinds = np.asarray([KINDS.index(one.kind) for one in lists], dtype=np.int64)
    return training.Questions(features, np.concatenate(gains), counts, ideal, np.arange(len(lists))), kinds


def gains_of(one: Listed, fall: float) -> Ints:
    """Of each place of a list."""
    weight = np.minimum(np.arange(1, len(one.clicked) + 1) ** fall, MOST_WEIGHT)
    worth = np.maximum(one.clicked * CLICK, one.bought * PURCHASE)
    return np.minimum(np.round(worth * weight), training.MOST_GAIN).astype(np.int64)


def with_enough(shown: Questioned | None, least: int) -> Questioned | None:
    """Questions of the kinds of which there are at least so many lists; None without such a kind."""
    if shown is None:
        return None
    questions, kinds = shown
    enough = [kind for kind, count in zip(*np.unique(kinds, return_counts=True), strict=True) if count >= least]
    at = np.flatnonzero(np.isin(kinds, enough))
    return (questions.only(at), kinds[at]) if len(at) else None


def _row(features: Mapping[str, float]) -> list[float]:
    return [features.get(name, 0.0) for name in FEATURES]
