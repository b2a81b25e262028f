"""Another product for one slot: which are cheaper, similar or different, and which of them is best."""

from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

Mode = Literal["cheaper", "similar", "different"]

CLEARLY_CHEAPER = 0.95
"""A saving of less than a twentieth is no answer to "cheaper" while there is a larger one."""
SIMILAR_PRICE = 1.5
"""At most half as much again, at least two thirds."""
SCORE_SHARE = 0.1
"""The nearest in meaning, but of two about as near the one that meets more of what was wished."""
NEAR_DUPLICATE = 0.8
"""Cosine. In the sample shop's 40 categories, variants of one product have .87 to .95, of two other products half
have less than .49 to .62, and one in a hundred more than .73 to .83."""


class Replacements(msgspec.Struct, frozen=True):
    """Candidates for the place of one product; arrays of one length."""

    prices: NDArray[np.int64]
    scores: NDArray[np.float64]
    cosines: NDArray[np.float64]
    """To the product that goes."""
    fill_slot: NDArray[np.bool_]
    """False where retrieval found it for the slot, but it is another kind of thing."""
    same_category: NDArray[np.bool_]
    same_group: NDArray[np.bool_]
    """Variants of the product that goes, itself among them."""


def meets(mode: Mode, price_cents: int, found: Replacements) -> NDArray[np.bool_]:
    """True where a candidate is what the mode says, compared with the product that goes and its price."""
    if mode == "cheaper":
        return found.fill_slot & (found.prices < price_cents)
    other = found.fill_slot & ~found.same_group
    if mode == "similar":
        near = (found.prices <= price_cents * SIMILAR_PRICE) & (found.prices * SIMILAR_PRICE >= price_cents)
        return other & found.same_category & near
    # Further away than half of what else would do, and never a near-duplicate.
    middle = float(np.median(found.cosines[other])) if other.any() else 0.0
    return other & (found.cosines <= min(middle, NEAR_DUPLICATE))


def best_first(mode: Mode, price_cents: int, found: Replacements) -> NDArray[np.int64]:
    """All positions by falling fitness: cheaper, good for the slot and close; closest; good for the slot and far."""
    if mode == "cheaper":
        clearly = found.prices <= price_cents * CLEARLY_CHEAPER
        order = np.lexsort((found.prices, -(found.scores + found.cosines), ~clearly, ~found.same_category))
    elif mode == "similar":
        order = np.lexsort((-found.cosines, -(found.cosines + SCORE_SHARE * found.scores)))
    else:
        order = np.lexsort((found.cosines, -(found.scores - found.cosines)))
    return order.astype(np.int64)
