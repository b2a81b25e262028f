"""What shoppers do, sent from a shop's server: queued, sent in batches by a thread, tried again until it is taken."""

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import httpx
import msgspec

logger = logging.getLogger(__name__)
Kind = Literal["impression", "click", "add_to_cart", "remove_from_cart", "purchase", "refund", "search", "view_item"]
AT_ONCE = 500
"""Events of one call; the service takes no more."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0
BUSY = (408, 425, 429)


class Item(msgspec.Struct, frozen=True, omit_defaults=True):
    """A product of an event; the price of one piece in minor units of the event's currency, position from 1 on."""

    product_id: str
    quantity: int = 1
    price_cents: int | None = None
    slot: str = ""
    position: int | None = None
    bundle_id: str = ""


class Refused(msgspec.Struct, frozen=True):
    """An event that the service will never take, and why."""

    event: dict[str, Any]
    reason: str


class RefusedCallError(RuntimeError):
    """The whole call was refused: a wrong key or address. What waits is kept, and nothing more is sent."""


def _logged(refused: Refused) -> None:
    logger.warning("event %s was refused: %s", refused.event["id"], refused.reason)


class EventSender:
    """Safe to call from several threads. What waits lives in memory: call `close` before the process ends.

    `source` names the sender; with the id of an event it says which event this is, so a retry never counts twice."""

    def __init__(
        self, url: str, key: str = "", *, source: str, every_s: float = 1.0, max_waiting: int = 100_000,
        on_refused: Callable[[Refused], None] = _logged, timeout_s: float = 10.0,
    ) -> None:  # fmt: skip
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout_s)
        self._source, self._every_s, self._max_waiting, self._on_refused = source, every_s, max_waiting, on_refused
        self._waiting: list[dict[str, Any]] = []
        self._changed = threading.Condition()
        self._is_closing, self._is_due = False, False
        self._error: RefusedCallError | None = None
        self._thread = threading.Thread(target=self._run, name="setwise-events", daemon=True)
        self._thread.start()

    def track(
        self, kind: Kind, *, user_id: str = "", visitor_id: str = "", session_id: str = "", consent: bool = True,
        request_id: str = "", bundle_id: str = "", items: Sequence[Item] = (), currency: str = "",
        order_id: str = "", query: str = "", at: datetime | None = None, event_id: str = "",
    ) -> str:  # fmt: skip
        """Queues one event and returns its id. Raises RefusedCallError where the service refuses every call, and
        BufferError where `max_waiting` events wait already."""
        who = {"user_id": user_id, "visitor_id": visitor_id, "session_id": session_id} if consent else {}
        said = {"request_id": request_id, "bundle_id": bundle_id, "currency": currency, "order_id": order_id}
        data: dict[str, Any] = {name: value for name, value in (who | said | {"query": query}).items() if value}
        if items:
            data["items"] = msgspec.to_builtins(list(items))
        if not consent:
            data["consent"] = False
        event = {
            "specversion": "1.0", "id": event_id or uuid.uuid4().hex, "source": self._source,
            "type": f"setwise.{kind}", "time": (at or datetime.now(UTC)).isoformat(), "data": data,
        }  # fmt: skip
        with self._changed:
            if self._error:
                raise self._error
            if len(self._waiting) >= self._max_waiting:
                raise BufferError(f"{self._max_waiting} events wait already: the service is away for too long")
            self._waiting.append(event)
            self._changed.notify_all()
        return str(event["id"])

    def flush(self, timeout_s: float = 10.0) -> int:
        """Sends what waits now; how many events still wait when it is over."""
        with self._changed:
            self._is_due = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._waiting or self._error is not None, timeout_s)
            return len(self._waiting)

    def close(self, timeout_s: float = 10.0) -> int:
        """Flushes and ends the thread; how many events could not be sent."""
        left = self.flush(timeout_s)
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        self._thread.join(timeout=timeout_s)
        self._http.close()
        return left

    def _run(self) -> None:
        wait_s = self._every_s
        while True:
            with self._changed:
                self._changed.wait_for(lambda: bool(self._waiting) or self._is_closing)
                self._changed.wait_for(self._is_enough, wait_s)
                if self._is_closing:
                    return
                some = self._waiting[:AT_ONCE]
            try:
                is_taken = self._send(some)
            except RefusedCallError as error:
                with self._changed:
                    self._error = error
                    self._changed.notify_all()
                logger.error("%s", error)
                return
            with self._changed:
                if is_taken:
                    del self._waiting[: len(some)]
                    wait_s, self._is_due = self._every_s, self._is_due and bool(self._waiting)
                else:
                    # A flush that waits does not make an absent service be asked in a loop.
                    wait_s, self._is_due = min(max(wait_s * 2, FIRST_WAIT_S), LONGEST_WAIT_S), False
                self._changed.notify_all()

    def _is_enough(self) -> bool:
        return self._is_closing or self._is_due or len(self._waiting) >= AT_ONCE

    def _send(self, some: list[dict[str, Any]]) -> bool:
        """False where it has to be tried again. Raises RefusedCallError."""
        try:
            reply = self._http.post("/v1/events", json=some)
        except httpx.TransportError as error:
            logger.info("events wait: %s", error)
            return False
        if reply.status_code >= 500 or reply.status_code in BUSY:
            time.sleep(min(float(reply.headers.get("retry-after", 0)), LONGEST_WAIT_S))
            return False
        if reply.status_code != 200:
            raise RefusedCallError(f"/v1/events answered {reply.status_code}: {reply.text[:500]}")
        for result in json.loads(reply.content)["results"]:
            if result["status"] == "rejected":
                self._on_refused(Refused(some[result["index"]], result.get("reason", "")))
        return True
