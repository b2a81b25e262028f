"""GA4 e-commerce events as they are: Measurement Protocol payloads, and what the data layer is given."""

from typing import Any

from setwise.events.interaction import Kind
from setwise.events.said import (
    MAX_POSITION,
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

SOURCE = "ga4"
_KINDS: dict[str, Kind] = {
    "view_item_list": "impression",
    "select_item": "click",
    "view_item": "view_item",
    "add_to_cart": "add_to_cart",
    "remove_from_cart": "remove_from_cart",
    "purchase": "purchase",
    "refund": "refund",
    "search": "search",
    "view_search_results": "search",
}


def is_ga4(raw: dict[str, Any]) -> bool:
    """True for a payload with `events`, one event of it, and a push of the data layer."""
    return "events" in raw or ("name" in raw and "params" in raw) or ("event" in raw and "ecommerce" in raw)


def events_of(raw: dict[str, Any]) -> list[Any]:
    """The events of a payload, each to be read with `read_ga4`. Raises RefusedEventError."""
    if "events" in raw:
        return list_of(raw["events"], "events")
    if "ecommerce" in raw:
        return [{"name": raw.get("event"), "params": raw["ecommerce"]}]
    return [raw]


def read_ga4(payload: dict[str, Any], event: Any, currency: str) -> Said:
    """One event of a payload. Raises RefusedEventError."""
    event = object_of(event, "events[]")
    name, params = text_of(event.get("name"), "name"), object_of(event.get("params"), "params")
    kind = _KINDS.get(name)
    if kind is None:
        raise RefusedEventError(f"name: {name!r} is none of {', '.join(_KINDS)}")
    code = currency_of(params.get("currency"), currency)
    order_id = text_of(params.get("transaction_id"), "transaction_id")
    stamp = event.get("timestamp_micros", payload.get("timestamp_micros"))
    listed = list_of(params.get("items"), "items")
    return Said(
        kind=kind,
        id=_id_of(kind, order_id, payload, event, params),
        source=SOURCE,
        form=SOURCE,
        time=moment_of(stamp, "timestamp_micros"),
        user_id=text_of(payload.get("user_id") or params.get("user_id"), "user_id"),
        visitor_id=text_of(
            payload.get("client_id") or payload.get("app_instance_id") or params.get("client_id"), "client_id"
        ),
        session_id=text_of(params.get("session_id") or params.get("ga_session_id"), "session_id"),
        consent=_consent_of(payload, params),
        request_id=text_of(params.get("request_id"), "request_id"),
        bundle_id=text_of(params.get("bundle_id"), "bundle_id"),
        items=[_item(object_of(one, "items[]"), code) for one in listed],
        currency=code,
        order_id=order_id,
        query=words_of(params.get("search_term"), "search_term"),
    )


def _id_of(kind: Kind, order_id: str, payload: dict[str, Any], event: dict[str, Any], params: dict[str, Any]) -> str:
    """event_id or message_id where one is sent, the order of a purchase, else a hash of event, sender and time."""
    said = params.get("event_id") or params.get("message_id")
    if not said and kind == "purchase" and order_id:
        return id_of(f"purchase:{order_id}")
    who = [payload.get(name) for name in ("client_id", "app_instance_id", "user_id", "timestamp_micros")]
    return id_of(said, who, event)


def _consent_of(payload: dict[str, Any], params: dict[str, Any]) -> bool:
    """False where any of GA4's consent settings is denied, or `consent` is false."""
    said = payload.get("consent", params.get("consent", True))
    if isinstance(said, dict):
        return not any(str(value).lower() == "denied" for value in said.values())
    return said is not False and str(said).lower() not in ("denied", "false")


def _item(raw: dict[str, Any], currency: str) -> SaidItem:
    product_id = text_of(raw.get("item_id") or raw.get("item_name"), "item_id")
    if not product_id:
        raise RefusedEventError("item_id: it is missing")
    own = currency_of(raw.get("currency"), currency)
    if own != currency:
        raise RefusedEventError(f"currency: {own} of an item is not the event's {currency}")
    index = whole_of(raw.get("index"), "index", MAX_POSITION)
    return SaidItem(
        product_id,
        quantity_of(raw.get("quantity"), "quantity"),
        cents_of(raw.get("price"), "price", currency),
        text_of(raw.get("slot"), "slot"),
        None if index is None else index + 1,
        text_of(raw.get("bundle_id"), "bundle_id"),
    )
