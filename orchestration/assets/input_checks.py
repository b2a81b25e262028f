"""Whether what came in is a usual day: asked before anything is built or learned from it."""

import dagster as dg

from orchestration import bad_days
from orchestration.artefacts import Artefact, result
from orchestration.assets.catalogue import GROUP, products, sources_of
from orchestration.assets.history import orders
from orchestration.kept_rows import ORDERS_FILE, read_kept
from orchestration.live_release import live_one, live_snapshot
from orchestration.resources import Workplace
from orchestration.warehouse.stores import WarehouseDownError, opened_warehouse
from setwise.drift import DRIFTED, OrdersSummary, drifts, read_summary, summarise, summarise_orders, write_summary
from setwise.orders import Order
from setwise.snapshot import Snapshot

STAYS = "The live release stays"


@dg.asset(group_name=GROUP, kinds={"python"})
def input_summary(workplace: Workplace, products: Artefact, orders: Artefact) -> dg.MaterializeResult[Artefact]:
    """How prices, categories, titles and orders are spread; kept with the release. One row = one spread."""

    def build(folder) -> dict[str, object]:
        found = summarise(Snapshot(products.path), read_kept(orders.path / ORDERS_FILE, Order))
        write_summary(found, folder)
        top = round(found.orders.top_product_share, 4)
        return {"products": found.products, "orders": found.orders.orders, "top_product_share": top}

    return result(workplace.artefacts.make("input_summary", ["2", products.key, orders.key], build))


@dg.asset_check(asset=products, blocking=True)
def prices_are_those_of_the_live_release(workplace: Workplace, products: Artefact) -> dg.AssetCheckResult:
    """Hardly any product costs five times as much as it did, or a fifth of it."""
    live = live_snapshot(workplace.releases)
    reason = "" if live is None else bad_days.wrong_prices(Snapshot(products.path), live)
    if reason and workplace.settings.catalogue.feed_mode == "delta":
        workplace.artefacts.drop(products)  # the next delta is laid over the products before these
    return _judged(reason)


@dg.asset_check(asset=orders, blocking=True)
def orders_are_of_a_usual_day(workplace: Workplace, orders: Artefact) -> dg.AssetCheckResult:
    """The past is still there, and new orders are not all of one product or one shopper."""
    _, folder = live_one(workplace.releases)
    live = read_summary(folder / "summary") if folder else None
    if live is None or sources_of(workplace).orders is None:  # who names no orders wants none
        return _judged("")
    kept = orders.path / ORDERS_FILE
    now = summarise_orders(read_kept(kept, Order))
    new = summarise_orders(read_kept(kept, Order), live.orders.newest) if live.orders.newest else OrdersSummary()
    return _judged(bad_days.wrong_orders(now, live.orders, new))


@dg.asset_check(asset=orders, blocking=True)
def clicks_come_from_many(workplace: Workplace) -> dg.AssetCheckResult:
    """No one made most of the clicks since the live release was built."""
    manifest, _ = live_one(workplace.releases)
    if manifest is None:
        return _judged("")
    try:
        with opened_warehouse(workplace.settings) as warehouse:
            clicks = bad_days.clicks_since(warehouse, manifest.created_at)
    except WarehouseDownError as error:
        said = f"the warehouse does not say ({error}); what is learned from clicks stays as it was"
        return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN, description=said)
    return _judged(bad_days.wrong_clicks(clicks))


@dg.asset_check(asset=input_summary)
def inputs_are_spread_as_before(workplace: Workplace, input_summary: Artefact) -> dg.AssetCheckResult:
    """Population stability index of each spread against the live release's; above .25 somebody should look."""
    _, folder = live_one(workplace.releases)
    before, now = read_summary(folder / "summary") if folder else None, read_summary(input_summary.path)
    indices = drifts(before.spreads, now.spreads) if before and now else {}
    return drift_result(indices)


def drift_result(indices: dict[str, float]) -> dg.AssetCheckResult:
    """A warning that names what drifted; never more than a warning: a shop may change."""
    drifted = ", ".join(f"{name} ({index})" for name, index in indices.items() if index > DRIFTED)
    return dg.AssetCheckResult(
        passed=not drifted,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"drifted since the live release, above {DRIFTED}: {drifted}" if drifted else None,
        metadata=dict(indices),
    )


def _judged(reason: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=not reason, description=f"{reason}. {STAYS}" if reason else None)
