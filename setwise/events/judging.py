"""The verdict on what was said: whether it can be kept, with which time, and what is to be known about it."""

import re
from datetime import datetime, timedelta

import msgspec

from setwise.events.interaction import VERSION, Interaction, InteractionItem, Mark
from setwise.events.said import RefusedEventError, Said
from setwise.pseudonyms import Pseudonyms
from setwise.request_ids import RequestIds

FUTURE = timedelta(minutes=5)
"""A clock may be ahead by so much; a later time is replaced by that of receipt."""
LATE = timedelta(days=7)
"""What comes later than this is not taken: attribution and the search for duplicates look back no further."""
_BOT = re.compile(r"bot\b|crawl|spider|slurp|headless|lighthouse|python-requests|curl/|wget/|scrapy", re.IGNORECASE)
_OF_PRODUCTS = frozenset(("click", "add_to_cart", "remove_from_cart", "view_item", "purchase"))


class Judged(msgspec.Struct, frozen=True):
    """An interaction that is to be kept; `key` is user, else visitor, else the event itself."""

    id: str
    source: str
    time: datetime
    key: str
    data: Interaction


def judged(
    said: Said, received_at: datetime, pseudonyms: Pseudonyms, request_ids: RequestIds, client: str, user_agent: str
) -> Judged:  # fmt: skip
    """Raises RefusedEventError."""
    _refuse_incomplete(said)
    time, marks = _time_of(said.time, received_at)
    if said.request_id and not request_ids.is_ours(said.request_id):
        marks.append("unserved")
    if _BOT.search(said.user_agent or user_agent):
        marks.append("bot")
    user = pseudonyms.user(said.user_id) if said.consent else ""
    visitor = pseudonyms.visitor(said.visitor_id) if said.consent else ""
    data = Interaction(
        kind=said.kind,
        received_at=received_at,
        version=VERSION,
        user=user,
        visitor=visitor,
        session=pseudonyms.session(said.session_id) if said.consent else "",
        consent=said.consent,
        request_id=said.request_id,
        bundle_id=said.bundle_id,
        items=[
            InteractionItem(one.product_id, one.quantity, one.price_cents, one.slot, one.position, one.bundle_id)
            for one in said.items
        ],
        currency=said.currency,
        order_id=said.order_id,
        query=said.query if said.consent else "",
        form=said.form,
        client=client,
        marks=list(marks),
    )
    return Judged(said.id, said.source, time, user or visitor or said.id, data)


def _refuse_incomplete(said: Said) -> None:
    if said.consent and not (said.user_id or said.visitor_id):
        raise RefusedEventError("user_id, visitor_id: one of them is needed, or consent: false")
    if said.kind in _OF_PRODUCTS and not said.items:
        raise RefusedEventError(f"product_id: a {said.kind} is of a product")
    if said.kind == "impression" and not (said.items or said.bundle_id):
        raise RefusedEventError("bundle_id: an impression is of a bundle or of products")
    if said.kind in ("purchase", "refund") and not said.order_id:
        raise RefusedEventError(f"order_id: a {said.kind} is of an order")
    if said.kind == "purchase" and any(one.price_cents is None for one in said.items):
        raise RefusedEventError("price_cents: what was paid for one piece is needed of each item of a purchase")
    if said.kind == "search" and not said.query and said.consent:
        raise RefusedEventError("query: a search is for something")


def _time_of(said: datetime | None, received_at: datetime) -> tuple[datetime, list[Mark]]:
    if said is None:
        return received_at, ["no_time"]
    if said > received_at + FUTURE:
        return received_at, ["clock"]
    if said < received_at - LATE:
        raise RefusedEventError(f"time: it is older than {LATE.days} days; load past orders with a build's ORDERS")
    return said, []
