"""What goes with what."""

from pathlib import Path

import dagster as dg
import numpy as np

from orchestration.artefacts import Artefact, result
from orchestration.assets.embeddings import VECTORS_FILE
from orchestration.assets.features import newest_order
from orchestration.assets.history import SETS_FILE
from orchestration.kept_rows import ORDERS_FILE, read_kept
from orchestration.resources import Workplace
from setwise.complementarity import Complementarity, build_complementarity
from setwise.orders import MerchantSet, Order
from setwise.snapshot import Snapshot

SHOWN = 20


@dg.asset(group_name="features", kinds={"numpy"})
def complementarity(
    workplace: Workplace, products: Artefact, product_embeddings: Artefact, orders: Artefact, merchant_sets: Artefact
) -> dg.MaterializeResult[Artefact]:
    """Partners of each product and kinds that go together, from orders and sets. One row = one product."""

    def build(folder: Path) -> dict[str, object]:
        return build_complementarity(
            Snapshot(products.path),
            np.load(product_embeddings.path / VECTORS_FILE, mmap_mode="r"),
            read_kept(orders.path / ORDERS_FILE, Order),
            read_kept(merchant_sets.path / SETS_FILE, MerchantSet),
            newest_order(orders),
            folder,
        )

    inputs = ["4", products.key, product_embeddings.key, orders.key, merchant_sets.key]
    artefact = workplace.artefacts.make("complementarity", inputs, build)
    return result(artefact, kinds_that_go_together=_strongest(Complementarity.open(artefact.path)))


def _strongest(made: Complementarity) -> dg.TableMetadataValue:
    """For a person: the kinds that go together most often against chance."""
    names = [made.group_name(code) for code in range(len(made.meta.groups))]
    best = [(lift, name, code) for code, name in enumerate(names) for code, lift in made.category_partners([code], 1)]
    rows = [
        dg.TableRecord({"kind": name, "goes with": names[code], "times as often as by chance": round(lift, 1)})
        for lift, name, code in sorted(best, reverse=True)[:SHOWN]
    ]
    columns = [
        dg.TableColumn("kind"),
        dg.TableColumn("goes with"),
        dg.TableColumn("times as often as by chance", "float"),
    ]
    return dg.MetadataValue.table(rows, dg.TableSchema(columns))
