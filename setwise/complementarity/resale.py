"""Is what was bought before bought again more often than the rest of the shop, or less?"""

import numpy as np
from numpy.typing import NDArray

CLASSES = 9
"""0 baskets, 1, 2-3, 4-7, .. 128 and more."""
DOUBT = 50.0
"""Purchases that are added as if products were bought by chance: a new shop's odds are even."""

Rows = NDArray[np.int64]


def resale_odds(counts: Rows) -> NDArray[np.float16]:
    """Log odds of each row to be bought next, by how many baskets had it, against one drawn from the catalogue; shape
    (products,), as `counts`.

    Each purchase is looked at as if its own basket were unknown. Above 0 where much is bought again (groceries), below
    where one sale is the last (single pieces, what a shopper needs once)."""
    products, sold = len(counts), counts[counts > 0]
    offered = np.bincount(_classes(counts), minlength=CLASSES) / max(products, 1)
    bought = np.bincount(_classes(sold - 1), sold, CLASSES) + DOUBT * offered
    share = bought / max(bought.sum(), 1.0)
    known = (offered > 0) & (share > 0)
    odds = np.where(known, np.log(np.where(known, share, 1.0) / np.where(known, offered, 1.0)), 0.0)
    found: NDArray[np.float16] = odds[_classes(counts)].astype(np.float16)
    return found


def _classes(counts: Rows) -> Rows:
    # The exponent of a whole number: 0 for 0, 1 for 1, 2 for 2 and 3, 3 for 4 to 7.
    found: Rows = np.minimum(np.frexp(counts)[1], CLASSES - 1).astype(np.int64)
    return found
