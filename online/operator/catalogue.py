"""What is wrong with the catalogue? Rows of the feed that were refused, and prices that nobody has said for long."""

import contextlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np

from online.live import LiveRelease
from setwise.catalogue import price_now
from setwise.feeds.report import Rejection
from setwise.names import REJECTIONS_FILE

SHOWN = 500


class Refused(msgspec.Struct, frozen=True):
    """Rows of the last feed that were not taken, or were replaced by a later one; `rows` are the first of them."""

    read_at: datetime
    count: int
    by_reason: dict[str, int]
    rows: list[Rejection]


class StalePrice(msgspec.Struct, frozen=True):
    """A product whose price, stock and availability were last said then; null = nobody knows when."""

    product_id: str
    title: str
    price_cents: int
    currency: str
    said_at: datetime | None


class CatalogueHealth(msgspec.Struct, frozen=True):
    """The live catalogue; `stale` are the first of `stale_count`, those that were said longest ago first."""

    release: str
    products: int
    sellable: int
    changed: int
    """Products whose price, stock or availability was changed since the feed."""
    without_picture: int
    refused: Refused | None
    stale_days: float
    stale_count: int
    stale: list[StalePrice]


def read_refused(data_dir: Path) -> Refused | None:
    """None where no build of this data folder has read a feed."""
    path, decode = data_dir / REJECTIONS_FILE, msgspec.json.Decoder(Rejection).decode
    try:
        read_at, lines = datetime.fromtimestamp(path.stat().st_mtime, UTC), path.read_bytes().splitlines()
    except FileNotFoundError:
        return None
    rows: list[Rejection] = []
    for line in lines:
        with contextlib.suppress(msgspec.MsgspecError):  # a build is writing it, and the last line is not whole yet
            rows.append(decode(line))
    reasons = Counter(f"{row.field}: {row.reason}" for row in rows)
    return Refused(read_at, len(rows), dict(reasons.most_common()), rows[:SHOWN])


def catalogue_health(
    live: LiveRelease, data_dir: Path, stale_days: float, now: datetime, allow_preorder: bool
) -> CatalogueHealth:
    """Reads every product; not on the event loop."""
    snapshot, every = live.snapshot, np.arange(len(live.snapshot))
    old = snapshot.unsaid_since(now - timedelta(days=stale_days))
    return CatalogueHealth(
        live.manifest.release_id, len(snapshot), int(snapshot.sellable(every, now, 1, allow_preorder).sum()),
        snapshot.changed_count, sum(not product.image_link for product in snapshot), read_refused(data_dir),
        stale_days, len(old), [_stale(live, int(row), now) for row in old[:SHOWN]],
    )  # fmt: skip


def _stale(live: LiveRelease, row: int, now: datetime) -> StalePrice:
    product, said_us = live.snapshot[row], live.snapshot.fed_at(row)
    said_at = datetime.fromtimestamp(said_us / 1e6, UTC) if said_us > 0 else None
    return StalePrice(product.id, product.title, price_now(product, now), product.currency, said_at)
