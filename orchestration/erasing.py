"""Carries out what DELETE /v1/users has put into the log, in every store that the service does not clear itself."""

import logging
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from orchestration.boards.reports import renew
from orchestration.erasing_files import forget_orders, forget_profiles
from orchestration.erasing_streams import forget_streams
from orchestration.forgotten import erasures_in, pseudonyms_of
from orchestration.warehouse import erasing
from orchestration.warehouse.sources import Source, read_behind
from orchestration.warehouse.stores import OffsetsMovedError, Warehouse
from setwise.cloud_event import CloudEvent
from setwise.erasures import DONE_TYPE, TABLES, Done, Erasures, StoreState, secret_of
from setwise.log import Record
from setwise.names import ERASURES_TOPIC, REQUESTS_TOPIC, RESULTS_TOPIC, SHOPPER_PROFILES_VIEW, SHOPPER_SESSIONS_VIEW
from setwise.sessions import WINDOW
from setwise.settings import Settings

logger = logging.getLogger("setwise.loader")
SEGMENTS = 8
"""Kafka removes whole segments of a topic, each of which takes at most this part of its retention."""


class Eraser:
    """Part of the loader. Each step may be done again: it is told as done only when all are."""

    def __init__(self, settings: Settings, source: Source, warehouse: Warehouse) -> None:
        self._settings, self._source, self._warehouse = settings, source, warehouse
        self._people = pseudonyms_of(settings)
        self._offsets: dict[int, int] | None = None
        self._is_pending = True
        """At the start: what an earlier process has left half done."""

    def turn(self) -> int:
        """How many erasures were carried out; the first turn reads all that the log has of them. Raises LogDownError,
        WarehouseDownError."""
        ends = self._source.ends(ERASURES_TOPIC) if self._offsets is None else {}
        offsets = self._warehouse.offsets(ERASURES_TOPIC) if self._offsets is None else self._offsets
        for records in read_behind(self._source, ERASURES_TOPIC, offsets, ends):
            if not self._take(records, offsets):
                return 0
        self._offsets = offsets
        done = self._finish() if self._is_pending else 0
        self._is_pending = False
        return done

    def _take(self, records: list[Record], offsets: dict[int, int]) -> bool:
        """False where another loader was quicker."""
        ends = {r.partition: r.offset + 1 for r in sorted(records, key=lambda record: record.offset)}
        found = list(erasures_in(records))
        try:
            erasing.take(self._warehouse, found, offsets, ends, datetime.now(UTC))
        except OffsetsMovedError:
            self._offsets = None
            return False
        offsets |= ends
        self._is_pending = self._is_pending or bool(found)
        return True

    def forget_offsets(self) -> None:
        """After a fault: asks the warehouse again."""
        self._offsets, self._is_pending = None, True

    def _finish(self) -> int:
        waiting = erasing.pending(self._warehouse)
        mine = [one for one in waiting if one.erasure.secret == secret_of(self._people)]
        if len(mine) < len(waiting):
            logger.error("erasures wait: SETWISE_EVENTS_SECRET, or events.key, is not the one of the service")
        if not mine:
            return 0
        erasures = Erasures(self._people, [one.erasure for one in mine])
        profiles = forget_profiles(self._settings, erasures)
        sessions, streams = forget_streams(self._settings, erasures)
        orders = forget_orders(self._settings, erasures)
        in_log = self._forget_in_log(erasures)
        self._warehouse.rewrite()
        renew(self._warehouse, Path(self._settings.storage.data_dir).absolute())
        for one in mine:
            now, receipt_id = datetime.now(UTC), one.erasure.receipt_id
            stores = {name: StoreState("done", now, count) for name, count in one.removed.items()}
            stores[SHOPPER_PROFILES_VIEW] = StoreState("done", now, profiles[receipt_id])
            stores[SHOPPER_SESSIONS_VIEW] = StoreState("expires", now + WINDOW, sessions[receipt_id])
            stores["streams"] = StoreState("done", now, streams[receipt_id])
            stores["history"] = StoreState("done", now, orders[receipt_id])
            if in_log is None:
                gone = timedelta(hours=self._settings.log.retention_h * (1 + 1 / SEGMENTS))
                stores["log"] = StoreState("expires", one.erasure.until + gone)
            else:
                stores["log"] = StoreState("done", now, in_log[receipt_id])
            event = CloudEvent(
                f"{receipt_id}.{TABLES}", DONE_TYPE, now, Done(receipt_id, TABLES, stores), subject=receipt_id
            )
            self._source.append(ERASURES_TOPIC, event.id, event.encoded(), event.headers())
        erasing.finish(self._warehouse, [one.erasure.receipt_id for one in mine], datetime.now(UTC))
        logger.info("%d erasures were carried out", len(mine))
        return len(mine)

    def _forget_in_log(self, erasures: Erasures) -> Counter[str] | None:
        """Records by receipt; None where the log keeps them until they are too old."""
        removed: Counter[str] = Counter()
        requests: dict[str, str] = {}

        def is_theirs(record: Record) -> bool:
            receipt = erasures.covering_record(record)
            if receipt is None and record.topic == RESULTS_TOPIC:
                receipt = requests.get(record.key)
            elif receipt is not None and record.topic == REQUESTS_TOPIC:
                requests[record.key] = receipt
            removed[receipt or ""] += receipt is not None
            return receipt is not None

        if not self._source.erase(is_theirs):
            return None
        if requests:  # results name nobody: they go by their requests, which may have come after them in this walk
            self._source.erase(is_theirs)
        return removed
