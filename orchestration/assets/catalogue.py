"""What the shop sells: the feed as it came, and its products."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import dagster as dg

from orchestration.artefacts import Artefact, result
from orchestration.intake import REPORT_FILE, IntakeReport, feed_times, take
from orchestration.resources import Workplace
from orchestration.sample_shop import generate
from setwise.changes import microseconds
from setwise.feeds import FeedError, read_products
from setwise.names import REJECTIONS_FILE
from setwise.release import sha256_of
from setwise.snapshot import Snapshot, write_snapshot

GROUP = "catalogue"
SAMPLE_FOLDER = "sample"


class Sources(NamedTuple):
    """The files that a shop brings."""

    feed: Path
    orders: Path | None = None
    sets: Path | None = None
    judgements: Path | None = None


def sources_of(workplace: Workplace) -> Sources:
    """The merchant's own, or those of the sample shop, which is made if need be and whose queries nobody judged."""
    mine = workplace.settings.catalogue
    judgements = Path(mine.judgements) if mine.judgements else None
    if mine.feed:
        orders, sets = (Path(path) if path else None for path in (mine.orders, mine.sets))
        return Sources(Path(mine.feed), orders, sets, judgements)
    folder = workplace.data_dir / SAMPLE_FOLDER
    base_url = f"http://127.0.0.1:{workplace.settings.service.port}/sample"
    generate(
        folder,
        products=mine.sample_products,
        shoppers=mine.sample_shoppers,
        orders=mine.sample_orders,
        picture_base_url=base_url,
    )
    return Sources(folder / "feed.jsonl", folder / "orders.jsonl", folder / "sets.jsonl", judgements)


@dg.asset(group_name=GROUP, kinds={"file"})
def product_feed(workplace: Workplace) -> dg.MaterializeResult[Artefact]:
    """The merchant's product feed as it came, kept beside what is made from it. One row = one row of the file."""
    feed = sources_of(workplace).feed
    if not feed.is_file():
        raise dg.Failure(f"the product feed {feed} is not there; set FEED= to a file that is")

    def build(folder: Path) -> dict[str, object]:
        shutil.copyfile(feed, folder / "feed")
        written_at = datetime.fromtimestamp(feed.stat().st_mtime, UTC)
        return {"bytes": feed.stat().st_size, "file": feed.name, "written_at": written_at.isoformat()}

    return result(workplace.artefacts.make("product_feed", ["2", sha256_of(feed)], build))


@dg.asset(group_name=GROUP, kinds={"python"})
def products(workplace: Workplace, product_feed: Artefact) -> dg.MaterializeResult[Artefact]:
    """The validated catalogue. One row = one product; rejected and replaced rows are in the table below."""
    settings = workplace.settings.catalogue
    base = workplace.artefacts.latest("products") if settings.feed_mode == "delta" else None
    if base is not None and base.facts["feed"] == product_feed.key:
        return result(base)
    report_file = workplace.data_dir / REJECTIONS_FILE
    feed = product_feed.path / "feed"

    def build(folder: Path) -> dict[str, object]:
        try:
            rows, before = read_products(feed, settings.currency or None), Snapshot(base.path) if base else None
            spool, report = take(rows, report_file, before or ())
        except FeedError as error:
            raise dg.Failure(str(error).replace(str(feed), str(product_feed.facts["file"]))) from error
        _refuse_bad(report, len(spool), settings.max_rejected_share, report_file)
        written_at = microseconds(datetime.fromisoformat(str(product_feed.facts["written_at"])))
        meta = write_snapshot(spool, folder, feed_times(spool, before, written_at))
        spool.close()
        shutil.copyfile(report_file, folder / REPORT_FILE)
        return {
            "feed": product_feed.key,
            "feed_written_at": product_feed.facts["written_at"],
            "products": meta.count,
            "rejected": report.rejected,
            "duplicates": report.duplicates,
            "currency": meta.currency,
            "currencies": ", ".join(meta.currencies),
            "categories": len(meta.categories),
        }

    inputs = [product_feed.key, settings.feed_mode, settings.currency, base.key if base else ""]
    artefact = workplace.artefacts.make("products", ["7", *inputs], build)
    if artefact.reused:  # the report is that of the feed that was read last
        report_file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(artefact.path / REPORT_FILE, report_file)
    return result(artefact, **rejections(artefact.path / REPORT_FILE))


def _refuse_bad(report: IntakeReport, count: int, max_share: float, report_file: Path) -> None:
    if not count and not report.rejected:
        raise dg.Failure("the feed has no products; check that the export wrote its rows. The live release stays")
    if not count or report.rejected_share > max_share:
        common = "; ".join(f"{reason} ({n} rows)" for reason, n in report.by_reason.most_common(3))
        raise dg.Failure(
            f"{report.rejected} rows of the feed were rejected ({report.rejected_share:.0%}, at most {max_share:.0%} "
            f"are allowed): {common}. All of them with remedies: {report_file}. The live release stays"
        )


def rejections(report_file: Path, limit: int = 50) -> dict[str, object]:
    """The first rejected rows as Dagster shows them, and where all of them are."""
    columns = ["row", "id", "field", "value", "reason", "remedy"]
    with report_file.open() as file:
        rows = [json.loads(line) for _, line in zip(range(limit), file, strict=False)]
    table = dg.MetadataValue.table(
        [dg.TableRecord({column: str(row[column]) for column in columns}) for row in rows],
        dg.TableSchema([dg.TableColumn(column) for column in columns]),
    )
    return {"rejected_rows": table, "path_of_rejections": str(report_file)}


@dg.asset_check(asset=products, blocking=True)
def products_have_prices(workplace: Workplace, products: Artefact) -> dg.AssetCheckResult:
    """Every product has a price above nothing in a known currency."""
    snapshot = Snapshot(products.path)
    wrong = int((snapshot.list_prices() <= 0).sum())
    return dg.AssetCheckResult(passed=wrong == 0, metadata={"without_price": wrong, "products": len(snapshot)})
