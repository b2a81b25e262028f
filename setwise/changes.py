"""What changed in the catalogue since its feed: the last word on each field of a product, and what rows say by it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from setwise.catalogue import AVAILABILITIES, Product, Sale
from setwise.money import MAX_CENTS
from setwise.names import ProductId

COLUMNS = ("price", "sale_price", "sale_from", "sale_until", "stock", "availability")
REMOVED = -1
"""In place of an availability: the product is gone."""
FOREVER = int(np.iinfo(np.int64).max)
NO_SALE = (-1, FOREVER, 0)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


At = Annotated[int, Meta(ge=0, le=2**53)]
Cents = Annotated[int, Meta(gt=0, le=MAX_CENTS)]
Pieces = Annotated[int, Meta(ge=0, le=10**9)]
Availability = Literal["in_stock", "out_of_stock", "preorder", "backorder"]


class ProductState(msgspec.Struct, frozen=True, omit_defaults=True):
    """The last word on each field that was ever changed, with its time in Unix microseconds; None = never changed.

    Money in minor units of the product's currency. A sale price of None ends the sale, a stock of None is unknown."""

    product_id: ProductId
    price: tuple[Cents, At] | None = None
    sale_price: tuple[Cents | None, At] | None = None
    availability: tuple[Availability, At] | None = None
    stock: tuple[Pieces | None, At] | None = None
    removed: tuple[bool, At] | None = None


FIELDS = ("price", "sale_price", "availability", "stock", "removed")


def merged(known: ProductState, other: ProductState) -> ProductState:
    """Field by field the later word. Of two at the same time the same one holds whichever came first, so that all
    processes agree: nothing (unknown, no sale) before anything, else the greater value."""
    newer = {
        name: word
        for name in FIELDS
        if (word := getattr(other, name)) is not None
        and ((before := getattr(known, name)) is None or _order(before) < _order(word))
    }
    return msgspec.structs.replace(known, **newer) if newer else known


def _order(word: tuple[Any, int]) -> tuple[int, bool, Any]:
    value, at = word
    return at, value is not None, 0 if value is None else value


def microseconds(moment: datetime) -> int:
    """Unix microseconds, exact."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


class ChangedRows(msgspec.Struct, frozen=True):
    """The rows of one snapshot that changed, rising, and their current values, shape (rows, COLUMNS)."""

    rows: NDArray[np.int64]
    values: NDArray[np.int64]

    def at(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Positions in `rows` that changed, and for each its position here."""
        found = np.minimum(np.searchsorted(self.rows, rows), len(self.rows) - 1)
        hits = np.flatnonzero(self.rows[found] == rows)
        return hits, found[hits]

    def of(self, row: int) -> NDArray[np.int64] | None:
        """The values of one row, or None where it did not change."""
        if not len(self.rows):
            return None
        at = int(self.rows.searchsorted(row))
        return self.values[at] if at < len(self.rows) and self.rows[at] == row else None

    def with_rows(self, changed: Mapping[int, tuple[int, ...]]) -> "ChangedRows":
        """These rows and the given ones, whose values replace older ones."""
        if not changed:
            return self
        order = sorted(changed)
        new, values = np.asarray(order, dtype=np.int64), np.asarray([changed[row] for row in order], dtype=np.int64)
        kept = ~np.isin(self.rows, new)
        rows = np.concatenate([self.rows[kept], new])
        by_row = np.argsort(rows)
        return ChangedRows(rows[by_row], np.concatenate([self.values[kept], values])[by_row])


NOTHING_CHANGED = ChangedRows(np.empty(0, np.int64), np.empty((0, len(COLUMNS)), np.int64))


def values_of(product: Product, state: ProductState, fed_at: int) -> tuple[int, ...]:
    """A row's current values in the order of COLUMNS. Words from before the feed was written are in the feed already.

    A new price without a sale price is what the product costs now: it ends the sale that the feed knows."""
    price, sale, availability, stock, removed = (
        word if (word := getattr(state, name)) is not None and word[1] > fed_at else None for name in FIELDS
    )
    on_sale = sale_values(product.sale)
    if sale is not None and (price is None or sale[1] >= price[1]):
        on_sale = NO_SALE if sale[0] is None else (sale[0], 0, FOREVER)
    elif price is not None:
        on_sale = NO_SALE
    left = product.stock if stock is None else stock[0]
    code = AVAILABILITIES.index(product.availability if availability is None else availability[0])
    return (
        product.price_cents if price is None else price[0],
        *on_sale,
        -1 if left is None else left,
        REMOVED if removed is not None and removed[0] else code,
    )


def sale_values(sale: Sale | None) -> tuple[int, int, int]:
    """Sale price, and the seconds at which it begins and ends."""
    if sale is None:
        return NO_SALE
    return sale.price_cents, seconds(sale.starts_at, 0), seconds(sale.ends_at, FOREVER)


def seconds(moment: datetime | None, otherwise: int) -> int:
    """Unix seconds, or what stands for a moment that is not given."""
    return otherwise if moment is None else int(moment.timestamp())


def changed_product(product: Product, values: Iterable[int]) -> Product:
    """The product as it is sold now."""
    price, sale_price, starts, ends, stock, availability = map(int, values)
    sale = product.sale
    if (sale_price, starts, ends) != sale_values(sale):
        sale = Sale(sale_price) if starts < ends else None
    return msgspec.structs.replace(
        product,
        price_cents=price,
        sale=sale,
        stock=None if stock < 0 else stock,
        availability=AVAILABILITIES[availability] if availability >= 0 else "out_of_stock",
    )
