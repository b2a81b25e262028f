"""Events into live counts: each once, in whatever order, and credits that follow what comes late.

A purchase counts by what its order, touches and refunds say together, and whenever one of them comes it counts anew."""

from collections import Counter
from datetime import datetime

import msgspec

from orchestration.streams.live_tables import Answer, LiveTables, Shown
from setwise.attribution import (
    Order,
    Touch,
    at_us_of,
    credits_of,
    is_by_a_person,
    order_of,
    refund_of,
    refunded,
    resolved,
    touches_of,
)
from setwise.events import InteractionEvent, ServedEvent
from setwise.live_counts import MINUTE_US, SINCE_START, CountKey, Counts, Name

_NAMES: dict[str, Name] = {"impression": "shown", "click": "clicked", "add_to_cart": "carted"}


class LiveCounting:
    """One batch, within one transaction: `take_` each record, then `finish`."""

    def __init__(self, tables: LiveTables) -> None:
        self._tables = tables
        self._counts = Counter[CountKey]()
        self._orders: set[str] = set()
        self._answers: dict[str, list[Answer]] = {}

    def take_served(self, event: ServedEvent) -> None:
        """An answer: counted, and with it what came before it and what is credited to it."""
        data, at_us = event.data, at_us_of(event.time)
        under = {} if data.is_test else data.experiment
        variant = msgspec.json.encode(under, order="deterministic").decode() if under else ""
        shown: Shown = {bundle.bundle_id: {i.product_id: i.slot for i in bundle.items} for bundle in data.bundles}
        if data.products:
            shown[""] = {item.product_id: "" for item in data.products}
        if not self._tables.add_answer(event.id, data.request_id, at_us, Answer(variant, shown)):
            return
        self._answers.pop(data.request_id, None)
        for slots in shown.values():
            for slot in slots.values():
                self._counts[CountKey(at_us // MINUTE_US, variant, slot, "served")] += 1
        for waited in self._tables.take_waiting(data.request_id):
            self._count(waited)
        for touch in self._tables.touches_of_request(data.request_id):
            self._orders |= self._tables.orders_after(touch)

    def take_interaction(self, event: InteractionEvent, came_at: datetime) -> None:
        """What a shopper did; `came_at` = when the log took it."""
        at_us = at_us_of(event.time)
        if event.data.kind in _NAMES and event.data.request_id and is_by_a_person(event):
            if self._tables.add_seen(event, at_us):
                self._count(event)
            for number, touch in enumerate(touches_of(event)):
                if self._tables.add_touch(touch, number):
                    self._orders |= self._tables.orders_after(touch)
        order, refund = order_of(event, came_at), refund_of(event)
        if order is not None:
            known = self._tables.order(order.order_id)
            if known is None or order.came < known.came:
                self._tables.put_order(order)
                self._orders.add(order.order_id)
        if refund is not None and self._tables.add_refund(event, at_us, refund):
            self._orders.add(refund.order_id)

    def finish(self) -> None:
        """Credits the orders that something has changed for, and keeps the counts."""
        for order_id in sorted(self._orders):
            order = self._tables.order(order_id)
            if order is not None:
                now = self._credited(order)
                self._counts.update(now)
                self._counts.subtract(self._tables.swap_credits(order, now))
        self._tables.add_counts({**self._counts, **self._earned()})

    def _earned(self) -> Counts:
        """What each variant earned more than was known. What goes back is not taken off: a counter of Prometheus that
        falls is taken for one that began anew."""
        more = Counter[CountKey]()
        for key, cents in self._counts.items():
            if key.name == "revenue_cents":
                more[CountKey(SINCE_START, key.variant, "", "revenue_cents", key.currency)] += cents
        return {key: cents for key, cents in more.items() if cents > 0}

    def credits(self, order: Order) -> list[Touch | None]:
        """The touch that each line is credited to, by all that has come so far."""
        touches = self._tables.touches_before(order)
        shown = {(t.request_id, t.bundle_id): self._answer(t.request_id, t.bundle_id)[1] for t in touches}
        return credits_of(order, resolved(touches, shown))

    def _count(self, event: InteractionEvent) -> None:
        data, minute = event.data, at_us_of(event.time) // MINUTE_US
        bundles = {item.bundle_id or data.bundle_id for item in data.items} or {data.bundle_id}
        answers = self._answers_of(data.request_id)
        if not answers or any(bundle and not any(bundle in one.shown for one in answers) for bundle in bundles):
            self._tables.add_waiting(event, at_us_of(event.time))
            return
        named = [(item.bundle_id or data.bundle_id, item.product_id) for item in data.items]
        if not named:
            named = [(data.bundle_id, product) for product in self._answer(data.request_id, data.bundle_id)[1]]
        for bundle, product in named:
            variant, slots = self._answer(data.request_id, bundle)
            self._counts[CountKey(minute, variant, slots.get(product, ""), _NAMES[data.kind])] += 1

    def _credited(self, order: Order) -> Counts:
        if order.is_machine:
            return {}
        counts, minute = Counter[CountKey](), order.at_us // MINUTE_US
        back = refunded(order.lines, self._tables.refunds(order.order_id))
        for line, touch, returned in zip(order.lines, self.credits(order), back, strict=True):
            if touch is None:
                continue
            variant, slots = self._answer(touch.request_id, touch.bundle_id)
            slot, pieces = slots.get(line.product_id, ""), line.quantity - returned
            counts[CountKey(minute, variant, slot, "bought")] += pieces
            counts[CountKey(minute, variant, slot, "revenue_cents", order.currency)] += pieces * line.price_cents
        return dict(counts)

    def _answers_of(self, request_id: str) -> list[Answer]:
        if request_id not in self._answers:
            self._answers[request_id] = self._tables.answers(request_id)
        return self._answers[request_id]

    def _answer(self, request_id: str, bundle_id: str) -> tuple[str, dict[str, str]]:
        """The variant that a bundle was answered under, and its slots by product; the request's own where no answer
        has the bundle."""
        answers = self._answers_of(request_id)
        for one in answers:
            if bundle_id in one.shown:
                return one.variant, one.shown[bundle_id]
        return (answers[0].variant, {}) if answers else ("", {})
