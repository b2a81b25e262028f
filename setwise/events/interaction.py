"""An interaction as the log keeps it; what was written once is read for ever."""

from datetime import datetime
from typing import Any, Literal, TypeVar

import msgspec

Kind = Literal[
    "impression", "click", "add_to_cart", "remove_from_cart", "purchase", "refund", "search", "view_item"
]  # fmt: skip
KINDS: tuple[Kind, ...] = (
    "impression", "click", "add_to_cart", "remove_from_cart", "purchase", "refund", "search", "view_item",
)  # fmt: skip
Mark = Literal["no_time", "clock", "unserved", "bot", "flood"]
"""no_time, clock: the time is that of receipt. unserved: its request_id was never given out. bot, flood: kept, and
not to be learned from."""
VERSION = 1
"""Grows only where a field changes its meaning; fields are added at the end, with a default, without it."""
TYPE_PREFIX = "setwise."


class UnreadableEventError(ValueError):
    """A record that cannot be decoded; the text says why and belongs into the dead letter."""


class InteractionItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One product of an interaction; money in minor units of the interaction's currency, position from 1 on."""

    product_id: str
    quantity: int = 1
    price_cents: int | None = None
    slot: str = ""
    position: int | None = None
    bundle_id: str = ""


class Interaction(msgspec.Struct, frozen=True, omit_defaults=True):
    """Data of a record of setwise.interactions. `user`, `visitor`, `session` are pseudonyms, empty without consent."""

    kind: Kind
    received_at: datetime
    version: int = 0
    """Always written; a record without it is older than versions."""
    user: str = ""
    visitor: str = ""
    session: str = ""
    consent: bool = True
    request_id: str = ""
    bundle_id: str = ""
    items: list[InteractionItem] = []
    currency: str = ""
    order_id: str = ""
    query: str = ""
    form: str = ""
    """cloudevents, ga4 or segment: how it was sent."""
    client: str = ""
    """Name of the API key that sent it."""
    marks: list[str] = []


class InteractionEvent(msgspec.Struct, frozen=True):
    """The record's CloudEvent; (source, id) is its identity."""

    id: str
    source: str
    type: str
    time: datetime
    data: Interaction


class _Versioned(msgspec.Struct, frozen=True):
    version: int = VERSION


class _Envelope(msgspec.Struct, frozen=True):
    data: _Versioned


_version = msgspec.json.Decoder(_Envelope).decode
_decode = msgspec.json.Decoder(InteractionEvent).decode
T = TypeVar("T")


def decode_interaction(value: bytes) -> InteractionEvent:
    """Any version up to this one. Raises UnreadableEventError."""
    event: InteractionEvent = decode_versioned(value, VERSION, _decode)
    return event


def decode_versioned(value: bytes, newest: int, decode: Any) -> Any:
    """Decodes a record whose data say their version. Raises UnreadableEventError."""
    try:
        event = decode(value)
        version = event.data.version
    except RecursionError as error:
        raise UnreadableEventError("it is nested too deeply") from error
    except msgspec.MsgspecError as error:
        version = _version_or(0, value)
        if version <= newest:
            raise UnreadableEventError(str(error)) from error
    if version > newest:
        raise UnreadableEventError(f"its version is {version}, and this release reads up to {newest}")
    return event


def _version_or(default: int, value: bytes) -> int:
    """Asked only of what cannot be read: a newer form is said to be newer, whatever else it holds."""
    try:
        return _version(value).data.version
    except msgspec.MsgspecError:
        return default
