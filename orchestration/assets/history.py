"""What was bought together: orders, and sets that the merchant made."""

from collections.abc import Iterable
from pathlib import Path

import dagster as dg
import msgspec

from orchestration.artefacts import Artefact, result
from orchestration.assets.catalogue import GROUP, rejection_table, resolve_feed
from orchestration.intake import REPORT_FILE, IntakeReport, note_rejection
from orchestration.resources import Workplace
from setwise.feeds import FeedError, Rejection, read_orders, read_sets
from setwise.names import ProductId
from setwise.orders import MerchantSet, Order
from setwise.release import sha256_of
from setwise.snapshot import Snapshot

ORDERS_FILE = "orders.msgpack"
SETS_FILE = "sets.msgpack"


@dg.asset(group_name=GROUP, kinds={"python"})
def orders(workplace: Workplace, products: Artefact) -> dg.MaterializeResult[Artefact]:
    """The shop's past. One row = one order; products that the feed lacks stay in history and are counted."""
    _, source, _ = resolve_feed(workplace)
    currency = str(products.facts["currency"])

    def build(folder: Path) -> dict[str, object]:
        rows = read_orders(source, currency) if source else ()
        return _keep(rows, folder, ORDERS_FILE, Snapshot(products.path))

    return _history(workplace, "orders", source, products, build)


@dg.asset(group_name=GROUP, kinds={"python"})
def merchant_sets(workplace: Workplace, products: Artefact) -> dg.MaterializeResult[Artefact]:
    """Sets that the merchant made. One row = one set."""
    _, _, source = resolve_feed(workplace)

    def build(folder: Path) -> dict[str, object]:
        return _keep(read_sets(source) if source else (), folder, SETS_FILE, Snapshot(products.path))

    return _history(workplace, "merchant_sets", source, products, build)


def _history(workplace, name, source, products, build) -> dg.MaterializeResult[Artefact]:
    if source and not source.is_file():
        raise dg.Failure(f"{source} is not there; set ORDERS= and SETS= to files that are, or to nothing")
    try:
        artefact = workplace.artefacts.make(name, [sha256_of(source) if source else "", products.key], build)
    except FeedError as error:
        raise dg.Failure(str(error)) from error
    return result(artefact, rejected_rows=rejection_table(artefact.path / REPORT_FILE))


def _keep(
    rows: Iterable[Order | MerchantSet | Rejection], folder: Path, name: str, snapshot: Snapshot
) -> dict[str, object]:
    encoder, report, unknown = msgspec.msgpack.Encoder(), IntakeReport(), set[ProductId]()
    with (folder / name).open("wb") as kept, (folder / REPORT_FILE).open("wb") as refused:
        for row in rows:
            if isinstance(row, Rejection):
                report.rejected += 1
                note_rejection(report, row, refused)
                continue
            ids = row.product_ids if isinstance(row, MerchantSet) else [line.product_id for line in row.lines]
            unknown.update(product_id for product_id in ids if snapshot.row_of(product_id) is None)
            data = encoder.encode(row)
            kept.write(len(data).to_bytes(4, "little") + data)
            report.taken += 1
    return {"rows": report.taken, "rejected": report.rejected, "products_that_the_feed_lacks": len(unknown)}


def read_kept(path: Path, kind: type) -> Iterable:
    """The rows that an asset kept, one at a time."""
    decoder = msgspec.msgpack.Decoder(kind)
    with path.open("rb") as file:
        while size := file.read(4):
            yield decoder.decode(file.read(int.from_bytes(size, "little")))
