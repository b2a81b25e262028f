"""CloudEvents 1.0 in their JSON form: Setwise's own words for interactions."""

import re
from typing import Any, cast

from setwise.events.interaction import KINDS, VERSION, Kind
from setwise.events.said import (
    MAX_POSITION,
    RefusedEventError,
    Said,
    SaidItem,
    currency_of,
    list_of,
    moment_of,
    object_of,
    quantity_of,
    text_of,
    whole_of,
    words_of,
)
from setwise.money import MAX_CENTS

MAX_SOURCE = 256
_TYPE = re.compile(r"(?:setwise\.)?([a-z_]+?)(?:\.v([0-9]{1,9}))?")
_ITEM = frozenset(("product_id", "quantity", "price_cents", "slot", "position", "bundle_id"))
_DATA = _ITEM | {
    "user_id", "visitor_id", "session_id", "consent", "request_id", "items", "currency", "order_id", "query",
}  # fmt: skip


def is_cloudevent(raw: dict[str, Any]) -> bool:
    """True where it says so itself."""
    return "specversion" in raw


def read_cloudevent(raw: dict[str, Any], currency: str) -> Said:
    """One event in the structured form. Raises RefusedEventError."""
    if raw["specversion"] != "1.0":
        raise RefusedEventError("specversion: only 1.0 is known")
    event_id, source = text_of(raw.get("id"), "id"), text_of(raw.get("source"), "source", MAX_SOURCE)
    if not event_id or not source:
        raise RefusedEventError("id, source: both are needed, together they say which event this is")
    kind = _kind_of(raw.get("type"))
    if "data_base64" in raw:
        raise RefusedEventError("data_base64: send JSON in data")
    data = object_of(raw.get("data"), "data")
    _refuse_unknown(data, _DATA, "data")
    code = currency_of(data.get("currency"), currency)
    consent = data.get("consent", True)
    if not isinstance(consent, bool):
        raise RefusedEventError("data.consent: true or false was expected")
    return Said(
        kind=kind,
        id=event_id,
        source=source,
        form="cloudevents",
        time=moment_of(raw.get("time"), "time"),
        user_id=text_of(data.get("user_id"), "data.user_id"),
        visitor_id=text_of(data.get("visitor_id"), "data.visitor_id"),
        session_id=text_of(data.get("session_id"), "data.session_id"),
        consent=consent,
        request_id=text_of(data.get("request_id"), "data.request_id"),
        bundle_id=text_of(data.get("bundle_id"), "data.bundle_id"),
        items=_items(data),
        currency=code,
        order_id=text_of(data.get("order_id"), "data.order_id"),
        query=words_of(data.get("query"), "data.query"),
    )


def _kind_of(raw: Any) -> Kind:
    said = text_of(raw, "type")
    found = _TYPE.fullmatch(said)
    if found is None or found[1] not in KINDS:
        raise RefusedEventError(f"type: {said!r} is none of {', '.join(KINDS)}")
    if found[2] is not None and not 1 <= int(found[2]) <= VERSION:
        raise RefusedEventError(f"type: version {int(found[2])} is not known, the newest is {VERSION}")
    return cast(Kind, found[1])


def _items(data: dict[str, Any]) -> list[SaidItem]:
    """Those of `items`, or the one that stands in the data themselves."""
    listed = list_of(data.get("items"), "data.items")
    if listed and "product_id" in data:
        raise RefusedEventError("data: either product_id or items, not both")
    if listed:
        return [_item(object_of(one, f"data.items[{n}]"), f"data.items[{n}]", True) for n, one in enumerate(listed)]
    return [_item(data, "data", False)] if "product_id" in data else []


def _item(raw: dict[str, Any], where: str, is_listed: bool) -> SaidItem:
    if is_listed:
        _refuse_unknown(raw, _ITEM, where)
    product_id = text_of(raw.get("product_id"), f"{where}.product_id")
    if not product_id:
        raise RefusedEventError(f"{where}.product_id: it is empty")
    return SaidItem(
        product_id,
        quantity_of(raw.get("quantity"), f"{where}.quantity"),
        whole_of(raw.get("price_cents"), f"{where}.price_cents", MAX_CENTS),
        text_of(raw.get("slot"), f"{where}.slot"),
        whole_of(raw.get("position"), f"{where}.position", MAX_POSITION),
        text_of(raw.get("bundle_id"), f"{where}.bundle_id") if is_listed else "",
    )


def _refuse_unknown(raw: dict[str, Any], known: frozenset[str], where: str) -> None:
    unknown = sorted(raw.keys() - known)
    if unknown:
        raise RefusedEventError(f"{where}.{unknown[0][:64]}: no such field; docs/events.md names them all")
