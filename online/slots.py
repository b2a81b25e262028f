"""The slots of one answer: those that were named, and those that the best hits of an open wish suggest."""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from online.candidates import Ranked
from online.live import LiveRelease
from online.plan import MAX_NAME, unique_name
from online.wishes import Wish
from setwise.bundle import Slot

MAX_GROUPS = 12
"""Most categories that an open wish is spread over."""
COPIES = 3
"""A bundle may hold so many products of one category: "different styles of jeans" is answered with several."""
SEEDS = 4


class Filled(msgspec.Struct, frozen=True):
    """A slot with its scored rows; `group` is the category that it stands for in an open wish, -1 if it was named."""

    slot: Slot
    ranked: Ranked
    wishes: Sequence[Wish] = ()
    group: int = -1
    is_companion: bool = False
    """There only for a product that the shop lets not come alone."""


def open_slots(
    live: LiveRelease, ranked: Ranked, wishes: Sequence[Wish], taken: set[int], names: Sequence[str]
) -> list[Filled]:
    """Optional slots, those with the best products first. `taken` are categories that have a product already."""
    codes = live.snapshot.category[ranked.rows].astype(np.int64)
    has_categories = bool(len(codes)) and any(live.snapshot.meta.categories[code] for code in codes.tolist())
    groups = codes if has_categories else _likeness(live, ranked.rows)
    used, found = list(names), []
    for group in list(dict.fromkeys(groups.tolist())):
        own = ranked.only(groups == group)
        name = live.snapshot.meta.categories[group].lower()[:MAX_NAME] if has_categories else ""
        if group in taken and has_categories:
            continue
        name = name or " ".join(live.snapshot[int(own.rows[0])].title.split()[:3]).lower()[:MAX_NAME]
        for _ in range(min(COPIES, len(own.rows))):
            unique = unique_name(name, used)
            used.append(unique)
            found.append(Filled(Slot(unique, 1, required=False), own, wishes, group))
        if len({filled.group for filled in found}) == MAX_GROUPS:
            break
    return found


def _likeness(live: LiveRelease, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Without categories: seeds far from each other among the best rows, every row goes to its nearest seed."""
    if not len(rows):
        return np.empty(0, np.int64)
    vectors = live.index.vectors[rows].astype(np.float32)
    seeds = [0]
    while len(seeds) < min(SEEDS, len(vectors)):
        nearest = (vectors @ vectors[seeds].T).max(axis=1)
        seeds.append(int(nearest[:30].argmin()))
    found: NDArray[np.int64] = (vectors @ vectors[list(dict.fromkeys(seeds))].T).argmax(axis=1)
    return found
