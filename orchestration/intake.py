"""Feed rows to a snapshot: last row of an id wins, everything refused or replaced is reported."""

import tempfile
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from setwise.catalogue import Product
from setwise.feeds import Rejection
from setwise.names import ProductId
from setwise.snapshot import Snapshot

REPORT_FILE = "rejections.jsonl"


class IntakeReport(msgspec.Struct):
    """Counts of one reading; `first` are the rejections shown in Dagster, all of them are in the report file."""

    taken: int = 0
    rejected: int = 0
    duplicates: int = 0
    by_reason: Counter[str] = msgspec.field(default_factory=Counter)
    first: list[Rejection] = msgspec.field(default_factory=list)

    @property
    def rejected_share(self) -> float:
        """Rejected rows of all rows; duplicates are not rejections."""
        rows = self.taken + self.duplicates + self.rejected
        return self.rejected / rows if rows else 0.0


class ProductSpool:
    """Products on disk in the order of their ids' first appearance; memory holds ids and offsets only."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the spool is
        self._offsets = array("q")
        self._slots: dict[ProductId, int] = {}
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Product)
        self.fresh: set[ProductId] = set()
        """Ids that the feed itself has; the others come from what a delta feed left as it was."""

    def put(self, product: Product) -> bool:
        """Keeps it; True where it replaced an earlier one of the same id."""
        offset = self._file.tell()
        data = self._encoder.encode(product)
        self._file.write(len(data).to_bytes(4, "little") + data)
        slot = self._slots.setdefault(product.id, len(self._offsets))
        if slot < len(self._offsets):
            self._offsets[slot] = offset
            return True
        self._offsets.append(offset)
        return False

    def __len__(self) -> int:
        return len(self._offsets)

    def __iter__(self) -> Iterator[Product]:
        for offset in self._offsets:
            self._file.seek(offset)
            size = int.from_bytes(self._file.read(4), "little")
            yield self._decoder.decode(self._file.read(size))

    def close(self) -> None:
        """Gives the disk space back."""
        self._file.close()


def take(
    rows: Iterable[Product | Rejection], report_file: Path, base: Iterable[Product] = ()
) -> tuple[ProductSpool, IntakeReport]:
    """Reads everything once. `base` are the products that a delta feed changes."""
    spool, report = ProductSpool(), IntakeReport()
    for product in base:
        spool.put(product)
    fresh = spool.fresh
    report_file.parent.mkdir(parents=True, exist_ok=True)
    with report_file.open("wb") as file:
        for row in rows:
            if isinstance(row, Rejection):
                report.rejected += 1
                note_rejection(report, row, file)
                continue
            spool.put(row)
            if row.id in fresh:
                report.duplicates += 1
                remedy = "give every product its own id, or leave it if the last row is the right one"
                note = Rejection(
                    report.taken + report.rejected + report.duplicates,
                    row.id,
                    "id",
                    row.id,
                    "an earlier row has the same id; this one replaced it",
                    remedy,
                )
                note_rejection(report, note, file)
                continue
            fresh.add(row.id)
            report.taken += 1
    return spool, report


def feed_times(spool: ProductSpool, before: Snapshot | None, written_at: int) -> Callable[[ProductId], int]:
    """When the feed that a product comes from was written: a delta feed says nothing of the products it leaves out."""

    def fed_at(product_id: ProductId) -> int:
        row = None if before is None or product_id in spool.fresh else before.row_in_feed(product_id)
        return written_at if before is None or row is None else before.fed_at(row)

    return fed_at


def note_rejection(report: IntakeReport, rejection: Rejection, file) -> None:
    """Adds one line to the report and its file."""
    report.by_reason[f"{rejection.field}: {rejection.reason}"] += 1
    if len(report.first) < 50:
        report.first.append(rejection)
    file.write(msgspec.json.encode(rejection) + b"\n")
