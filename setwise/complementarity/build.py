"""From orders and merchant-made sets to the files of a release's complementarity."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from setwise.complementarity.affinity import group_lifts, price_places, style_vectors
from setwise.complementarity.copurchase import Basket, PairCounts, count_pairs, find_partners
from setwise.complementarity.groups import Groups, find_groups
from setwise.complementarity.prior import LARGEST_SET
from setwise.complementarity.resale import resale_odds
from setwise.orders import MerchantSet, Order
from setwise.snapshot import Snapshot

META_FILE = "complementarity.json"
ARRAYS = (
    "offsets",
    "partners",
    "strengths",
    "in_set",
    "lift",
    "group",
    "members",
    "member_offsets",
    "style",
    "place",
    "resale",
)
HALF_LIFE = timedelta(days=180)
"""What was bought half a year ago counts half: recall of UCI p3 .364 without, .370 with."""
MIN_SUBSTITUTES = 2
"""Orders that two products of one category must share before they count as partners: one may be a choice of size."""


class Meta(msgspec.Struct, frozen=True):
    """Names of the groups, what they are, and how much alike things are that go together (0..1)."""

    groups: list[str]
    are_categories: bool
    likeness: float
    pairs: int
    likeness_doubt: float = 0.0
    """The share of the prior in the likeness, 0..1; releases that were built earlier do not say it."""
    set_sizes: list[int] = []
    """How many of the merchant's sets hold 0, 1, 2 .. LARGEST_SET products; larger ones count as the largest."""


def build_complementarity(
    snapshot: Snapshot,
    vectors: NDArray[np.float16],
    orders: Iterable[Order],
    sets: Iterable[MerchantSet],
    newest: datetime,
    folder: Path,
) -> dict[str, object]:
    """Writes memory-mappable arrays by the snapshot's rows; works without orders, sets or categories."""
    groups = find_groups(snapshot, vectors)
    made = [snapshot.rows_of(one.product_ids) for one in sets]
    times = np.zeros(len(snapshot), np.int64)
    counts = count_pairs((*_set_baskets(made), *_order_baskets(orders, snapshot, newest, times)), len(snapshot))
    set_keys = count_pairs(_set_baskets(made), len(snapshot)).keys
    partners = find_partners(counts, _substitutes(counts, groups, set_keys))
    sources = np.repeat(np.arange(len(snapshot)), np.diff(partners.offsets))
    targets = partners.rows.astype(np.int64)
    keys = np.minimum(sources, targets) << 32 | np.maximum(sources, targets)
    lift, likeness = group_lifts(counts, groups)
    members = np.lexsort((-counts.totals, groups.codes)).astype(np.int32)
    arrays: dict[str, NDArray[np.generic]] = {
        "offsets": partners.offsets,
        "partners": partners.rows,
        "strengths": partners.strengths,
        "in_set": np.isin(keys, set_keys),
        "lift": lift.astype(np.float16),
        "group": groups.codes,
        "members": members,
        "member_offsets": np.searchsorted(groups.codes[members], np.arange(len(groups.names) + 1)),
        "style": style_vectors(vectors, groups),
        "place": price_places(snapshot, groups.codes),
        "resale": resale_odds(times),
    }
    for name in ARRAYS:
        np.save(folder / f"{name}.npy", arrays[name])
    sizes = _set_sizes(made)
    meta = Meta(groups.names, groups.are_categories, likeness.value, len(counts.keys), likeness.doubt, sizes)
    (folder / META_FILE).write_bytes(msgspec.json.encode(meta))
    return {
        "groups": len(groups.names),
        "groups_are_categories": groups.are_categories,
        "pairs_seen": len(counts.keys),
        "partners": len(partners.rows),
        "products_with_partners": int((np.diff(partners.offsets) > 0).sum()),
        "likeness": round(likeness.value, 3),
        "set_sizes": meta.set_sizes,
    }


def _set_sizes(made: list[list[int]]) -> list[int]:
    sizes = np.minimum([len(set(rows)) for rows in made if len(rows) > 1], LARGEST_SET).astype(np.int64)
    counts: list[int] = np.bincount(sizes, minlength=LARGEST_SET + 1).tolist()
    return counts


def _set_baskets(made: list[list[int]]) -> Iterator[Basket]:
    return (Basket(rows, 1.0) for rows in made)


def _order_baskets(
    orders: Iterable[Order], snapshot: Snapshot, newest: datetime, times: NDArray[np.int64]
) -> Iterator[Basket]:
    """Counts in `times` on the way how many orders had each row."""
    for order in orders:
        rows = snapshot.rows_of(line.product_id for line in order.lines if line.quantity > 0)
        times[list(set(rows))] += 1
        yield Basket(rows, 0.5 ** ((newest - order.ordered_at) / HALF_LIFE))


def _substitutes(counts: PairCounts, groups: Groups, set_keys: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Pairs of one category that too few orders and no merchant put together."""
    if not groups.are_categories:
        return np.zeros(len(counts.keys), dtype=bool)
    same = groups.codes[counts.keys >> 32] == groups.codes[counts.keys & 0xFFFFFFFF]
    mask: NDArray[np.bool_] = same & (counts.times < MIN_SUBSTITUTES) & ~np.isin(counts.keys, set_keys)
    return mask
