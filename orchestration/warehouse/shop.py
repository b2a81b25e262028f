"""What a build read of the shop, as rows of the warehouse: its past orders, and its products with what they cost."""

from collections import Counter
from collections.abc import Iterable, Iterator

from orchestration.warehouse.rows import naive
from orchestration.warehouse.stores import Warehouse
from orchestration.warehouse.tables import SCHEMA
from setwise.catalogue import Product
from setwise.orders import Order
from setwise.pseudonyms import Pseudonyms

_GONE = f"SELECT product_id, title, brand, category, price_cents, currency, cost_cents FROM {SCHEMA}.products"  # noqa: S608


def order_rows(orders: Iterable[Order], pseudonyms: Pseudonyms) -> Iterator[tuple[object, ...]]:
    """A row for each line, in the order of tables.ORDERS. An order that the file has twice goes on with its numbers."""
    said: Counter[str] = Counter()
    for order in orders:
        user, at = pseudonyms.user(order.user_id), naive(order.ordered_at)
        for number, line in enumerate(order.lines, said[order.order_id] + 1):
            yield (
                order.order_id, number, at, user, line.product_id, line.quantity, line.unit_cents, order.currency,
            )  # fmt: skip
        said[order.order_id] += len(order.lines)


def product_rows(products: Iterable[Product], warehouse: Warehouse) -> list[tuple[object, ...]]:
    """A row for each product, in the order of tables.PRODUCTS, and what the warehouse knows of those that are gone."""
    rows: dict[str, tuple[object, ...]] = {row[0]: (*row, False) for row in warehouse.rows(_GONE)}
    for product in products:
        category = product.product_types[0] if product.product_types else product.google_product_category
        rows[product.id] = (
            product.id, product.title, product.brand, category, product.price_cents, product.currency,
            product.cost_cents, True,
        )  # fmt: skip
    return list(rows.values())


def is_loaded(warehouse: Warehouse, table: str, key: str) -> bool:
    """Whether the table holds what that key was made from. Raises WarehouseDownError."""
    return warehouse.rows(f"SELECT key FROM {SCHEMA}.builds WHERE table_name = ?", [table]) == [(key,)]  # noqa: S608


def sold_by_currency(orders: Iterable[Order]) -> dict[str, tuple[int, int, int]]:
    """Lines, minor units that were sold and minor units that came back, counted without the warehouse."""
    sums: dict[str, tuple[int, int, int]] = {}
    for order in orders:
        lines, sold, back = sums.get(order.currency, (0, 0, 0))
        for line in order.lines:
            cents = line.quantity * line.unit_cents
            lines, sold, back = lines + 1, sold + max(cents, 0), back + max(-cents, 0)
        sums[order.currency] = (lines, sold, back)
    return sums


def sold_in_table(warehouse: Warehouse) -> dict[str, tuple[int, int, int]]:
    """The same, as raw.orders has it. Raises WarehouseDownError."""
    found = warehouse.rows(
        f"SELECT currency, count(*), sum(greatest(quantity, 0) * price_cents), "  # noqa: S608
        f"sum(greatest(-quantity, 0) * price_cents) FROM {SCHEMA}.orders GROUP BY currency"
    )
    return {currency: (int(lines), int(sold), int(back)) for currency, lines, sold, back in found}
