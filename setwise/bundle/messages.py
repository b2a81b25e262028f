"""What assembly is asked and what it answers."""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from setwise.names import ProductId


class Slot(msgspec.Struct, frozen=True):
    """A role to fill, `quantity` times the same product. A locked slot has exactly one candidate, and is required."""

    name: str
    quantity: int = 1
    required: bool = True
    locked: bool = False


class Candidate(msgspec.Struct, frozen=True):
    """A product that may fill a slot; `price_cents` is for one piece, products of one `group` are variants."""

    product_id: ProductId
    row: int
    price_cents: int
    score: float
    group: str = ""
    brand: str = ""


class PairTerms(msgspec.Struct, frozen=True):
    """How well candidates of two slots go together.

    `fit` has, for slots i < j, an array of shape (candidates of i, candidates of j); -inf forbids a pair, no array
    means 0. `needs` has, for any slots i != j, which candidates of i are chosen only where slot j is filled.
    """

    fit: Mapping[tuple[int, int], NDArray[np.floating[Any]]] = {}
    needs: Mapping[tuple[int, int], NDArray[np.bool_]] = {}


class Item(msgspec.Struct, frozen=True):
    """A filled slot, and up to five other products that would fit in its place."""

    slot: Slot
    candidate: Candidate
    alternatives: tuple[ProductId, ...] = ()


class Bundle(msgspec.Struct, frozen=True):
    """`score` is the sum of `parts`; `open_slots` are optional slots that stayed empty.

    No bundle that it was chosen among is better, in what it was chosen for, by more than the share `gap`.
    """

    items: tuple[Item, ...]
    total_cents: int
    score: float
    parts: dict[str, float]
    label: str
    open_slots: tuple[str, ...] = ()
    is_below_min: bool = False
    gap: float = 0.0


class Infeasible(msgspec.Struct, frozen=True):
    """Why nothing fits: budget, conflict (locked products exclude each other) or nothing_found."""

    reason: str
    cheapest_total_cents: int | None = None
    blocking: tuple[str, ...] = ()
    cheapest: Bundle | None = None


class Assembly(msgspec.Struct, frozen=True):
    """Either bundles, best first, or why there are none."""

    bundles: list[Bundle]
    infeasible: Infeasible | None = None
