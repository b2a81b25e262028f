"""What do both clients, waiting and asynchronous, send and expect alike?"""

from datetime import datetime
from urllib.parse import quote

import msgspec

BUSY = (429, 503)
ENDED = ("done", "failed")
PASSED_ON = ("user-agent", "sec-ch-ua-mobile")
QUIET_S = 30.0
"""A stream says something every twelve seconds while nothing happens."""


class CatalogueChange(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What is left out stays as it is; `sale_price=None` ends the sale, `stock=None` means that it is unknown."""

    product_id: str
    price: str | float | msgspec.UnsetType = msgspec.UNSET
    sale_price: str | float | msgspec.UnsetType | None = msgspec.UNSET
    availability: str | msgspec.UnsetType = msgspec.UNSET
    stock: int | msgspec.UnsetType | None = msgspec.UNSET
    removed: bool | msgspec.UnsetType = msgspec.UNSET
    changed_at: datetime | msgspec.UnsetType = msgspec.UNSET


def part(text: str) -> str:
    """As a part of a path, whatever is in it."""
    return quote(text, safe="")


def headers_of(key: str) -> dict[str, str]:
    """Of every call."""
    return {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
