"""What was answered, kept for a swap; the answer never waits for it and never fails by it."""

import logging
import threading
from collections.abc import Sequence
from datetime import UTC, datetime

from online import metrics
from online.breaker import Breaker
from online.bundle_store import BundleStore, BundleStoreDownError, KeptBundle, KeptItem, Wanted
from online.live_changes import ChangesWatch
from online.live_rules import RulesWatch
from online.messages import BundleAnswer, BundleRequest, Degraded

logger = logging.getLogger(__name__)
MAX_WAITING = 2_000
AT_ONCE = 500
RETRY_S = 0.5


def bundles_of(
    request: BundleRequest, answer: BundleAnswer, rules_version: int, owner: str, unit: str = ""
) -> list[KeptBundle]:
    """Each bundle of an answer as it is kept."""
    locked = {slot.name for slot in answer.understood.slots if slot.locked}
    return [
        KeptBundle(
            bundle_id=bundle.bundle_id,
            request_id=answer.request_id,
            request=request,
            release=answer.release,
            rules_version=rules_version,
            budget=answer.understood.budget,
            items=[KeptItem(i.slot, i.product_id, i.quantity, i.slot in locked) for i in bundle.items],
            open_slots=bundle.open_slots,
            owner=owner,
            unit=unit,
        )
        for bundle in answer.bundles
    ]


def older_than_elsewhere(rules: RulesWatch, changes: ChangesWatch) -> list[Degraded]:
    """Rules and catalogue changes that could not be read: an answer says so."""
    found = []
    if not rules.is_reached:
        found.append(Degraded("rules", f"unreachable: version {rules.book.version} is used"))
    if not changes.is_reached:
        found.append(Degraded("changes", "unreachable: the latest prices and stock may be missing"))
    return found


class KeptBundles:
    """A thread writes what waits, all of it at once; what waits is found here before it is written.

    Beyond MAX_WAITING (the store is down or slow) the oldest are dropped and counted."""

    def __init__(self, store: BundleStore, max_waiting: int = MAX_WAITING) -> None:
        self._store = store
        self.breaker = Breaker("bundles")
        self._max_waiting = max_waiting
        self._waiting: dict[str, KeptBundle] = {}
        self._changed = threading.Condition()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="kept-bundles", daemon=True)

    def start(self) -> None:
        """Starts the writer."""
        self._thread.start()

    def stop(self) -> None:
        """Writes what waits, once, and closes the store."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        self._store.close()

    def keep(self, bundles: Sequence[KeptBundle]) -> None:
        """Returns at once."""
        if not bundles:
            return
        with self._changed:
            self._waiting.update((bundle.bundle_id, bundle) for bundle in bundles)
            dropped = len(self._waiting) - self._max_waiting
            for bundle_id in list(self._waiting)[: max(dropped, 0)]:
                del self._waiting[bundle_id]
            self._changed.notify()
        if dropped > 0:
            metrics.observe_not_kept(dropped)

    def find(self, bundle_id: str) -> KeptBundle | None:
        """None where it is unknown or expired. Raises BundleStoreDownError, at once where the store is known to be
        down."""
        waiting = self._waiting.get(bundle_id)
        if waiting is not None:
            return waiting
        if self.breaker.is_open:
            raise BundleStoreDownError("circuit open")
        try:
            found = self._store.get(bundle_id, datetime.now(UTC))
        except BundleStoreDownError:
            self.breaker.note(False)
            raise
        self.breaker.note(True)
        return found

    def of(self, is_theirs: Wanted) -> list[KeptBundle]:
        """The kept bundles whose requests this is true of. Raises BundleStoreDownError."""
        return self._store.of(is_theirs)

    def forget(self, is_theirs: Wanted) -> int:
        """Removes them, those too that wait to be written. Raises BundleStoreDownError."""
        with self._changed:
            mine = [bundle_id for bundle_id, bundle in self._waiting.items() if is_theirs(bundle.request)]
            for bundle_id in mine:
                del self._waiting[bundle_id]
        return self._store.forget(is_theirs) + len(mine)

    def probe(self) -> None:
        """One cheap question. Raises BundleStoreDownError."""
        self._store.get("", datetime.now(UTC))

    def _run(self) -> None:
        is_down = False
        while True:
            with self._changed:
                while not self._waiting and not self._is_stopping:
                    self._changed.wait()
                some = list(self._waiting.values())[:AT_ONCE]
                if not some or (self._is_stopping and is_down):
                    return
            try:
                self._store.put(some, datetime.now(UTC))
            except BundleStoreDownError as error:
                self.breaker.note(False)
                if not is_down:
                    logger.error("answered bundles cannot be kept for a swap: %s", error)
                is_down = True
                with self._changed:
                    if not self._is_stopping:
                        self._changed.wait_for(lambda: self._is_stopping, RETRY_S)
                continue
            if is_down:
                logger.info("answered bundles are kept again")
            is_down = False
            with self._changed:
                for bundle in some:
                    self._waiting.pop(bundle.bundle_id, None)
