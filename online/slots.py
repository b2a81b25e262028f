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
from setwise.complementarity.prior import LARGEST_SET
from setwise.rows import among, distinct

MAX_GROUPS = 12
"""Most categories that an open wish is spread over."""
COPIES, COPIES_OF_A_KIND = 3, LARGEST_SET
"""A bundle may hold so many products of one category: "different styles of jeans" is answered with several. Who named
one kind gets no other one to fill a bundle up."""
BEST, PARTNERS, ROWS_OF_PARTNERS = 10, 4, 30
"""Of how many best hits, how many further groups, and how many rows of each."""


class Filled(msgspec.Struct, frozen=True):
    """A slot with its scored rows; `group` is the category that it stands for in an open wish, -1 if it was named."""

    slot: Slot
    ranked: Ranked
    wishes: Sequence[Wish] = ()
    group: int = -1
    is_companion: bool = False
    """There only for a product that the shop lets not come alone."""


def open_slots(
    live: LiveRelease, ranked: Ranked, wishes: Sequence[Wish], taken: set[int], names: Sequence[str], *, is_kind: bool
) -> list[Filled]:
    """Optional slots, those with the best products first. `taken` are groups that have a product already, `is_kind`:
    one kind was named."""
    goes_with = live.complementarity
    groups = goes_with.groups[ranked.rows].astype(np.int64)
    used, found = list(names), []
    for group in [group for group in dict.fromkeys(groups.tolist()) if group not in taken][:MAX_GROUPS]:
        own = ranked.only(groups == group)
        name = goes_with.group_name(group) or " ".join(live.snapshot[int(own.rows[0])].title.split()[:3])
        for _ in range(min(COPIES_OF_A_KIND if is_kind else COPIES, len(own.rows))):
            unique = unique_name(name.lower()[:MAX_NAME], used)
            used.append(unique)
            found.append(Filled(Slot(unique, 1, required=False), own, wishes, group))
    return found


def with_partners(live: LiveRelease, rows: NDArray[np.int64], anchors: Sequence[int]) -> NDArray[np.int64]:
    """The hits of an open wish, and what goes with its anchors, or else products of what its best hits go with."""
    goes_with, known = live.complementarity, np.asarray(anchors, dtype=np.int64)
    of = known if len(known) else rows[:BEST]
    codes, counts = np.unique(goes_with.groups[of], return_counts=True)
    common = codes[np.argsort(-counts, kind="stable")][: len(known) or 1].tolist()
    more = [goes_with.members(code, ROWS_OF_PARTNERS) for code, _ in goes_with.category_partners(common, PARTNERS)]
    new = distinct(np.empty(0, np.int64), *more)
    return np.concatenate([rows, new[~among(new, np.concatenate([rows, known]))]])
