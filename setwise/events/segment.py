"""Segment's e-commerce events (spec v2) as they are: track calls, as libraries send and as destinations get them."""

from datetime import datetime, timedelta
from typing import Any

from setwise.events.interaction import Kind
from setwise.events.said import (
    MAX_POSITION,
    MAX_TEXT,
    RefusedEventError,
    Said,
    SaidItem,
    cents_of,
    currency_of,
    id_of,
    list_of,
    moment_of,
    object_of,
    quantity_of,
    text_of,
    whole_of,
    words_of,
)

SOURCE = "segment"
LONGEST_WAIT = timedelta(days=30)
"""A device that kept an event longer before it sent it has a clock that is wrong."""
_KINDS: dict[str, Kind] = {
    "product list viewed": "impression",
    "product clicked": "click",
    "product viewed": "view_item",
    "product added": "add_to_cart",
    "product removed": "remove_from_cart",
    "order completed": "purchase",
    "order refunded": "refund",
    "order cancelled": "refund",
    "products searched": "search",
}
_ORDERS = ("purchase", "refund")


def is_segment(raw: dict[str, Any]) -> bool:
    """True for a call of the tracking API."""
    return ("event" in raw and "ecommerce" not in raw) or raw.get("type") in ("track", "page", "identify", "screen")


def read_segment(raw: dict[str, Any], currency: str, received_at: datetime) -> Said:
    """One track call. Raises RefusedEventError."""
    name = text_of(raw.get("event"), "event", MAX_TEXT)
    kind = _KINDS.get(name.lower())
    if raw.get("type", "track") != "track" or kind is None:
        raise RefusedEventError(f"event: {name!r} is none of {', '.join(one.title() for one in _KINDS)}")
    said = object_of(raw.get("properties"), "properties")
    context = object_of(raw.get("context"), "context")
    code = currency_of(said.get("currency"), currency)
    order_id = text_of(said.get("order_id"), "order_id") if kind in _ORDERS else ""
    is_named = kind == "purchase" and order_id and not raw.get("messageId")
    parts = [raw.get(one) for one in ("userId", "anonymousId", "originalTimestamp", "timestamp", "event")]
    return Said(
        kind=kind,
        id=id_of(f"purchase:{order_id}") if is_named else id_of(raw.get("messageId"), parts, said),
        source=SOURCE,
        form=SOURCE,
        time=_time_of(raw, received_at),
        user_id=text_of(raw.get("userId"), "userId"),
        visitor_id=text_of(raw.get("anonymousId"), "anonymousId"),
        session_id=text_of(said.get("session_id") or context.get("sessionId"), "session_id"),
        consent=_consent_of(said, context),
        request_id=text_of(said.get("request_id"), "request_id"),
        bundle_id=text_of(said.get("bundle_id"), "bundle_id"),
        items=_items(said, code),
        currency=code,
        order_id=order_id,
        query=words_of(said.get("query"), "query"),
        user_agent=words_of(context.get("userAgent"), "userAgent"),
    )


def _time_of(raw: dict[str, Any], received_at: datetime) -> datetime | None:
    """Segment's corrected timestamp; straight from a library, the receipt less what the event waited on the device."""
    at, sent_at = moment_of(raw.get("timestamp"), "timestamp"), moment_of(raw.get("sentAt"), "sentAt")
    if raw.get("originalTimestamp") is not None or at is None or sent_at is None:
        return at
    waited = sent_at - at
    return received_at - waited if timedelta(0) <= waited <= LONGEST_WAIT else at


def _consent_of(said: dict[str, Any], context: dict[str, Any]) -> bool:
    """False where any category of Segment's consent is refused, or the property `consent` is false."""
    choices = object_of(object_of(context.get("consent"), "consent").get("categoryPreferences"), "categoryPreferences")
    return said.get("consent") is not False and False not in choices.values()


def _items(said: dict[str, Any], currency: str) -> list[SaidItem]:
    listed = list_of(said.get("products"), "products")
    raws = [object_of(one, "products[]") for one in listed] or [said] * ("product_id" in said or "sku" in said)
    items = []
    for raw in raws:
        product_id = text_of(raw.get("product_id") or raw.get("sku"), "product_id")
        if not product_id:
            raise RefusedEventError("product_id: it is missing")
        items.append(
            SaidItem(
                product_id,
                quantity_of(raw.get("quantity"), "quantity"),
                cents_of(raw.get("price"), "price", currency),
                text_of(raw.get("slot"), "slot"),
                whole_of(raw.get("position"), "position", MAX_POSITION),
                text_of(raw.get("bundle_id"), "bundle_id") if listed else "",
            )
        )
    return items
