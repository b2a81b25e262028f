"""What the shop knows beside its products: orders, sets that the merchant made, and judged queries."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import dagster as dg

from orchestration.artefacts import Artefact, result
from orchestration.assets.catalogue import GROUP, rejections, sources_of
from orchestration.forgotten import ERASURES_AS_OF, OtherSecretError, erasures_of_the_log
from orchestration.intake import REPORT_FILE, IntakeReport, note_rejection
from orchestration.kept_rows import ORDERS_FILE, keep
from orchestration.resources import Workplace
from setwise.feeds import FeedError, Rejection, read_judgements, read_orders, read_sets
from setwise.judgements import Judgement
from setwise.log import LogDownError
from setwise.names import ProductId
from setwise.orders import MerchantSet, Order
from setwise.release import now_utc, sha256_of
from setwise.snapshot import Snapshot

SETS_FILE = "sets.msgpack"
JUDGEMENTS_FILE = "judgements.msgpack"
Kept = Order | MerchantSet | Judgement


@dg.asset(group_name=GROUP, kinds={"python"})
def orders(workplace: Workplace, products: Artefact) -> dg.MaterializeResult[Artefact]:
    """The shop's past. One row = one order; products that the feed lacks stay in history and are counted. Orders of
    people who were forgotten after them are left out, whatever the shop's file has."""
    source = sources_of(workplace).orders
    currency, now = str(products.facts["currency"]), now_utc()
    try:
        erasures = erasures_of_the_log(workplace.settings)
    except (LogDownError, OtherSecretError) as error:
        reason = f"who was forgotten cannot be read ({error}); nobody may be learned from without it: look at the log"
        raise dg.Failure(reason) from error

    def build(folder: Path) -> dict[str, object]:
        rows = read_orders(source, currency) if source else ()
        forgotten = 0

        def wanted() -> Iterator[Order | Rejection]:
            nonlocal forgotten
            for row in rows:
                if isinstance(row, Order) and erasures.cover(row.user_id, at=row.ordered_at):
                    forgotten += 1
                else:
                    yield row

        facts = _keep(wanted(), folder, ORDERS_FILE, Snapshot(products.path))
        return {**facts, "forgotten": forgotten, ERASURES_AS_OF: now.isoformat()}

    return _history(workplace, "orders", source, products, build, erasures.fingerprint())


@dg.asset(group_name=GROUP, kinds={"python"})
def merchant_sets(workplace: Workplace, products: Artefact) -> dg.MaterializeResult[Artefact]:
    """Sets that the merchant made. One row = one set."""
    return _as_read(workplace, "merchant_sets", sources_of(workplace).sets, products, read_sets, SETS_FILE)


@dg.asset(group_name=GROUP, kinds={"python"})
def judgements(workplace: Workplace, products: Artefact) -> dg.MaterializeResult[Artefact]:
    """Queries whose products people graded. One row = one grade of one product for one query."""
    source = sources_of(workplace).judgements
    return _as_read(workplace, "judgements", source, products, read_judgements, JUDGEMENTS_FILE)


def _as_read(workplace, name, source, products, read, file) -> dg.MaterializeResult[Artefact]:
    """What `read` finds in the shop's file, all of it."""

    def build(folder: Path) -> dict[str, object]:
        return _keep(read(source) if source else (), folder, file, Snapshot(products.path))

    return _history(workplace, name, source, products, build)


def _history(workplace, name, source, products, build, *more: str) -> dg.MaterializeResult[Artefact]:
    if source and not source.is_file():
        raise dg.Failure(f"{source} is not there; set ORDERS=, SETS= and JUDGEMENTS= to files that are, or to nothing")
    try:
        artefact = workplace.artefacts.make(
            name, [sha256_of(source) if source else "", products.key, *filter(None, more)], build
        )
    except FeedError as error:
        raise dg.Failure(str(error)) from error
    return result(artefact, **rejections(artefact.path / REPORT_FILE))


def _keep(rows: Iterable[Kept | Rejection], folder: Path, name: str, snapshot: Snapshot) -> dict[str, object]:
    report, unknown = IntakeReport(), set[ProductId]()
    with (folder / name).open("wb") as kept, (folder / REPORT_FILE).open("wb") as refused:
        for row in rows:
            if isinstance(row, Rejection):
                report.rejected += 1
                note_rejection(report, row, refused)
                continue
            unknown.update(product_id for product_id in _ids_of(row) if snapshot.row_of(product_id) is None)
            keep(row, kept)
            report.taken += 1
    return {"rows": report.taken, "rejected": report.rejected, "products_that_the_feed_lacks": len(unknown)}


def _ids_of(row: Kept) -> Sequence[ProductId]:
    match row:
        case Order():
            return [line.product_id for line in row.lines]
        case MerchantSet():
            return row.product_ids
        case Judgement():
            return (row.product_id,)
