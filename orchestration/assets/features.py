"""What is known about products and shoppers, and where answers read it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import msgspec

from orchestration import feature_store
from orchestration.artefacts import Artefact, result
from orchestration.erasing_files import ROWS_FILE, forget_profiles
from orchestration.forgotten import ERASURES_AS_OF, erasures_of_the_log
from orchestration.kept_rows import ORDERS_FILE, read_kept
from orchestration.resources import Workplace
from setwise import profiles, statistics
from setwise.names import PRODUCT_STATS_VIEW, SHOPPER_PROFILES_VIEW
from setwise.orders import Order
from setwise.release import now_utc
from setwise.snapshot import Snapshot

GROUP = "features"
AT_THAT_TIME = timedelta(minutes=1)
"""Clocks of two machines differ by less."""
SERVING = "serving"
"""The part of an artefact that goes into the release."""


def newest_order(orders: Artefact) -> datetime:
    """Statistics are as of just after the newest order: a shop's past does not fade because its export is old."""
    moments = (order.ordered_at for order in read_kept(orders.path / ORDERS_FILE, Order))
    return max(moments, default=now_utc()) + timedelta(microseconds=1)


@dg.asset(group_name=GROUP, kinds={"python"})
def product_stats(workplace: Workplace, orders: Artefact, products: Artefact) -> dg.MaterializeResult[Artefact]:
    """How often each product was bought, lately and together with what. One row = one product that was bought."""

    def build(folder: Path) -> dict[str, object]:
        rows = statistics.product_stats(read_kept(orders.path / ORDERS_FILE, Order), newest_order(orders))
        (folder / ROWS_FILE).write_bytes(msgspec.json.encode(rows))
        statistics.write_popularity(rows, (product.id for product in Snapshot(products.path)), folder / SERVING)
        return {"rows": len(rows)}

    return result(workplace.artefacts.make("product_stats", ["3", orders.key, products.key], build))


@dg.asset(group_name=GROUP, kinds={"python"})
def shopper_profiles(workplace: Workplace, orders: Artefact, products: Artefact) -> dg.MaterializeResult[Artefact]:
    """What each shopper likes, from what they bought. One row = one shopper who bought something."""

    def build(folder: Path) -> dict[str, object]:
        catalogue = {product.id: product for product in Snapshot(products.path)}
        kept = read_kept(orders.path / ORDERS_FILE, Order)
        rows = profiles.shopper_profiles(kept, catalogue, newest_order(orders))
        (folder / ROWS_FILE).write_bytes(msgspec.json.encode(rows))
        return {"rows": len(rows), ERASURES_AS_OF: orders.facts.get(ERASURES_AS_OF, "")}

    return result(workplace.artefacts.make("shopper_profiles", ["2", orders.key, products.key], build))


@dg.asset(group_name=GROUP, kinds={"feast"})
def online_features(
    workplace: Workplace, product_stats: Artefact, shopper_profiles: Artefact
) -> dg.MaterializeResult[Artefact]:
    """Both views in Feast's online store, materialised incrementally. One row = one entity of one view."""
    settings, now = workplace.settings, now_utc()
    views = {
        PRODUCT_STATS_VIEW: (product_stats, dict[str, statistics.ProductStats]),
        SHOPPER_PROFILES_VIEW: (shopper_profiles, dict[str, profiles.ShopperProfile]),
    }

    # Who was forgotten since the orders were read is in the profiles still.
    as_of = str(shopper_profiles.facts.get(ERASURES_AS_OF) or "")
    since = datetime.fromisoformat(as_of) - AT_THAT_TIME if as_of else datetime.min.replace(tzinfo=UTC)

    def build(_: Path) -> dict[str, object]:
        late = erasures_of_the_log(settings).since(since)
        for view, (artefact, kind) in views.items():
            rows = msgspec.json.decode((artefact.path / ROWS_FILE).read_bytes(), type=kind)
            if view == SHOPPER_PROFILES_VIEW:
                rows = {user_id: row for user_id, row in rows.items() if not late.cover(user_id)}
            feature_store.write_parquet(settings, view, [(now, rows)])
        store = feature_store.open_store(settings)
        feature_store.apply(store, settings)
        written = feature_store.materialise(store, now)
        forget_profiles(settings, erasures_of_the_log(settings).since(now))
        return {f"written_{view}": count for view, count in written.items()}

    # Rows age out of the online store, so they are written again every day at least.
    where = settings.features.redis_url if settings.features.backend == "redis" else str(workplace.data_dir)
    inputs = ["2", product_stats.key, shopper_profiles.key, where, now.date().isoformat()]
    return result(workplace.artefacts.make("online_features", inputs, build))
