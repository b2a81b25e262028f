"""What was answered, as the log keeps it: one record for each answer, whichever path it took."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from setwise.events.interaction import decode_versioned

TYPE = "setwise.served"
VERSION = 1
Route = Literal["bundles", "products", "search", "swap", "requests"]
Device = Literal["", "phone", "tablet", "desktop"]
"""What a shopper asks with; '' where nothing says it."""


class ServedItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """A product that was answered; position from 1 on, within its bundle or list. `propensity` = the probability with
    which it stands at its place; in a bundle, with which that bundle stands at its own."""

    product_id: str
    position: int
    price_cents: int
    score: float
    slot: str = ""
    quantity: int = 1
    propensity: float = 1.0
    rank: int = 0
    """Of a list: the place that the best order would have given it; 0 = the one it has."""
    features: dict[str, float] = {}
    """What it was ranked by, in a share of the records: those of setwise.ranking.FEATURES that are not 0. In a bundle
    those with a weight."""


class ServedBundle(msgspec.Struct, frozen=True, omit_defaults=True):
    """A bundle that was answered, its position in the answer from 1 on."""

    bundle_id: str
    position: int
    label: str
    total_cents: int
    currency: str
    score: float
    items: list[ServedItem]
    propensity: float = 1.0
    parent_bundle_id: str = ""
    rank: int = 0
    """The place that the best order would have given it; 0 = the one it has."""


class Served(msgspec.Struct, frozen=True, omit_defaults=True):
    """Data of a record of setwise.served. Persons are pseudonyms; nobody and no prompt is in it without consent."""

    request_id: str
    route: Route
    client: str
    release: str
    served_by: str
    timings_ms: dict[str, float]
    version: int = 0
    """Always written; a record without it is older than versions."""
    user: str = ""
    visitor: str = ""
    session: str = ""
    consent: bool = True
    prompt: str = ""
    understood: Any = None
    bundles: list[ServedBundle] = []
    products: list[ServedItem] = []
    currency: str = ""
    """Of `products`; a bundle has its own."""
    infeasible: str = ""
    degraded: list[str] = []
    """Dependency and reason of each that was answered without."""
    experiment: dict[str, str] = {}
    explore_share: float = 0.0
    """Share of such answers whose order is explored; 0 = its order is the only one that could be given."""
    trace_id: str = ""
    failed: int = 0
    """HTTP status of requests that got no answer; there is nothing else in such a record but their route ..."""
    count: int = 1
    """... and how many there were within a second."""
    ranked_as: str = ""
    """Of a list whose products have features: which of setwise.ranking.KINDS ranked them."""
    is_test: bool = False
    """A tester chose its variants: it counts in no experiment."""
    device: Device = ""


class ServedEvent(msgspec.Struct, frozen=True):
    """The record's CloudEvent; its id is the answer's: the request's, or the new bundle's of a swap."""

    id: str
    source: str
    type: str
    time: datetime
    data: Served


_decode = msgspec.json.Decoder(ServedEvent).decode


def decode_served(value: bytes) -> ServedEvent:
    """Any version up to this one. Raises UnreadableEventError."""
    event: ServedEvent = decode_versioned(value, VERSION, _decode)
    return event
