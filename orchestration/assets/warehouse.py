"""What a build read of the shop, for analysts: past orders and products in the warehouse's raw tables."""

import time
from collections.abc import Callable, Iterable, Iterator

import dagster as dg

from orchestration.artefacts import Artefact
from orchestration.kept_rows import ORDERS_FILE, read_kept
from orchestration.resources import Workplace
from orchestration.warehouse.shop import is_loaded, order_rows, product_rows, sold_by_currency, sold_in_table
from orchestration.warehouse.stores import Warehouse, WarehouseDownError, opened_warehouse
from setwise.events.secret import event_secret
from setwise.money import format_cents
from setwise.orders import Order
from setwise.pseudonyms import Pseudonyms
from setwise.snapshot import Snapshot

KINDS = {"duckdb", "postgres"}
Rows = Callable[[Warehouse], Iterable[tuple[object, ...]]]


@dg.asset(name="raw_orders", group_name="raw", deps=["release"], kinds=KINDS)
def raw_orders(
    context: dg.AssetExecutionContext, workplace: Workplace, orders: Artefact
) -> dg.MaterializeResult[None]:  # fmt: skip
    """The orders file in the warehouse, shoppers by their pseudonyms. One row = one line of an order."""
    pseudonyms = Pseudonyms(event_secret(workplace.settings.events.secret, workplace.data_dir))
    # With another secret the same shopper is another person.
    key = f"{orders.key}-{pseudonyms.user(orders.key)[2:10]}"
    return _filled(context, workplace, "orders", key, lambda _: order_rows(_kept(orders), pseudonyms))


@dg.asset(name="raw_products", group_name="raw", deps=["release"], kinds=KINDS)
def raw_products(
    context: dg.AssetExecutionContext, workplace: Workplace, products: Artefact
) -> dg.MaterializeResult[None]:  # fmt: skip
    """The feed's products in the warehouse, with what they cost. One row = one product."""
    found = Snapshot(products.path)
    return _filled(context, workplace, "products", products.key, lambda warehouse: product_rows(found, warehouse))


@dg.asset_check(asset=raw_orders, additional_ins={"orders": dg.AssetIn("orders")})
def orders_add_up(workplace: Workplace, orders: Artefact) -> dg.AssetCheckResult:
    """Lines, sold and returned money of each currency are those of the orders that the build took."""
    of_file = sold_by_currency(_kept(orders))
    try:
        with opened_warehouse(workplace.settings) as warehouse:
            of_table = sold_in_table(warehouse)
    except WarehouseDownError as error:
        return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN, description=str(error))
    said = {
        f"{name} {currency}": value
        for currency, (_, sold, back) in of_file.items()
        for name, value in (("sold", format_cents(sold, currency)), ("returned", format_cents(back, currency)))
    }
    counts = {"lines": _lines(of_file), "lines in the table": _lines(of_table)}
    return dg.AssetCheckResult(passed=of_file == of_table, metadata=counts | said)


def _lines(sums: dict[str, tuple[int, int, int]]) -> int:
    return sum(lines for lines, _, _ in sums.values())


def _kept(orders: Artefact) -> Iterator[Order]:
    return iter(read_kept(orders.path / ORDERS_FILE, Order))


def _filled(
    context: dg.AssetExecutionContext, workplace: Workplace, table: str, key: str, rows: Rows
) -> dg.MaterializeResult[None]:
    """A warehouse that is away fails no build: the release is live already, and the next build tries again."""
    started = time.perf_counter()
    try:
        with opened_warehouse(workplace.settings) as warehouse:
            if is_loaded(warehouse, table, key):
                return dg.MaterializeResult(metadata={"reused": True})
            count = warehouse.replace(table, rows(warehouse), key)
    except WarehouseDownError as error:
        context.log.warning(f"the warehouse did not take the {table} ({error}); the next build tries again")
        return dg.MaterializeResult(metadata={"reused": False, "rows": 0})
    seconds = round(time.perf_counter() - started, 1)
    return dg.MaterializeResult(metadata={"reused": False, "rows": count, "seconds": seconds})
