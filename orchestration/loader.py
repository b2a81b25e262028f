"""python -m orchestration.loader: events of the log into the raw tables, within seconds, each once.

Reads from the offsets that the warehouse holds, so that nothing is lost and nothing is doubled however it ends."""

import argparse
import logging
import os
import signal
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from orchestration.erasing import Eraser
from orchestration.warehouse.rows import batch_of
from orchestration.warehouse.sources import Source, build_source
from orchestration.warehouse.stores import Loaded, OffsetsMovedError, Warehouse, WarehouseDownError, build_warehouse
from orchestration.warehouse.tables import TOPICS
from setwise.command_settings import command_settings
from setwise.consumer_lag import LagNote, lag_between
from setwise.log import LogDownError

logger = logging.getLogger("setwise.loader")
AT_ONCE = 10_000
"""Records that one transaction takes at most."""
IDLE_S = 0.5
RETRY_S = 1.0
SAY_EVERY_S = 10.0


class Loader:
    """One topic after the other, as long as there is something; then it waits."""

    def __init__(
        self, source: Source, warehouse: Warehouse, eraser: Eraser | None = None, noted: LagNote | None = None
    ) -> None:
        self._source, self._warehouse, self._eraser, self._noted = source, warehouse, eraser, noted
        self._offsets: dict[str, dict[int, int]] = {}
        self.loaded: dict[str, Loaded] = dict.fromkeys(TOPICS, Loaded(0, 0, 0))
        """Since the start."""

    def run(self, stop: threading.Event) -> None:
        """Until `stop`; a log or warehouse that is away is waited for."""
        said_at, is_migrated, is_down = time.monotonic(), False, False
        while not stop.is_set():
            try:
                if not is_migrated:
                    self._warehouse.migrate()
                    is_migrated = True
                count = self.turn(IDLE_S)
            except (LogDownError, WarehouseDownError) as error:
                if not is_down:
                    logger.warning("waiting for the log or the warehouse: %s", error)
                is_down = True
                self._offsets.clear()
                if self._eraser is not None:
                    self._eraser.forget_offsets()
                stop.wait(RETRY_S)
                continue
            if is_down:
                logger.info("loading goes on")
            is_down = False
            if count and time.monotonic() - said_at > SAY_EVERY_S:
                said_at = time.monotonic()
                logger.info("%s", "; ".join(self.said()))
        for line in self.said():
            logger.info("%s", line)

    def turn(self, timeout_s: float) -> int:
        """Who was forgotten, then one batch of each topic; how many records there were. Raises LogDownError and
        WarehouseDownError."""
        if self._eraser is not None:
            self._eraser.turn()
        if self._noted is not None:
            self._noted.note(self.lag)
        # A topic that has nothing is waited for only where no other one has: it took a second of each batch.
        at_once = sum(self._load(topic, 0.0) for topic in TOPICS)
        return at_once or sum(self._load(topic, timeout_s / len(TOPICS)) for topic in TOPICS)

    def said(self) -> list[str]:
        """A line for each topic."""
        return [
            f"{topic}: {one.inserted:,} rows, {one.known:,} known already, {one.dead:,} dead letters"
            for topic, one in self.loaded.items()
        ]

    def lag(self) -> dict[str, int]:
        """Records of each topic that are not loaded yet. Raises LogDownError and WarehouseDownError."""
        return {topic: self._behind(topic) for topic in TOPICS}

    def _behind(self, topic: str) -> int:
        loaded = self._offsets[topic] if topic in self._offsets else self._warehouse.offsets(topic)
        return lag_between(self._source.ends(topic), loaded)

    def _load(self, topic: str, timeout_s: float) -> int:
        if topic not in self._offsets:
            self._offsets[topic] = self._warehouse.offsets(topic)
        since = self._offsets[topic]
        records = self._source.read(topic, since, AT_ONCE, timeout_s)
        if not records:
            return 0
        batch = batch_of(topic, records, datetime.now(UTC))
        try:
            done = self._warehouse.load(batch, since)
        except OffsetsMovedError:
            del self._offsets[topic]
            return 0
        self._offsets[topic] = since | batch.ends
        before = self.loaded[topic]
        self.loaded[topic] = Loaded(
            before.inserted + done.inserted, before.known + done.known, before.dead + done.dead
        )  # fmt: skip
        return len(records)


def main() -> int:
    """Loads until SIGTERM or SIGINT, and returns 0; with --once until nothing is left."""
    parser = argparse.ArgumentParser(
        prog="python -m orchestration.loader", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--once", action="store_true", help="load what is there now, and end")
    chosen = parser.parse_args()
    settings = command_settings(os.environ)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    source, warehouse, stop = build_source(settings), build_warehouse(settings), threading.Event()
    noted = LagNote(Path(settings.storage.data_dir).absolute(), "loader")
    loader = Loader(source, warehouse, Eraser(settings, source, warehouse), noted)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        if chosen.once:
            return _once(loader, warehouse)
        loader.run(stop)
    finally:
        source.close()
        warehouse.close()
    return 0


def _once(loader: Loader, warehouse: Warehouse) -> int:
    try:
        warehouse.migrate()
        while loader.turn(2.0):
            pass
    except (LogDownError, WarehouseDownError) as error:
        print(f"setwise: no answer from the log or the warehouse ({error}); look at it, try again", file=sys.stderr)
        return 1
    for line in loader.said():
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
