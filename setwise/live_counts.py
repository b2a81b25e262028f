"""What is counted live: by minute, variant and slot, readable while the minute goes on."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Literal, NamedTuple

import msgspec

from setwise.names import redis_keys_of

Name = Literal["served", "shown", "clicked", "carted", "bought", "revenue_cents"]
"""Products in answers, in impressions, clicked on, put into carts; pieces bought and what they earned, in the minute of
the order, credited to answers and refunds taken off."""
KEPT = timedelta(days=8)
"""A minute can be read for so long: events come up to seven days late."""
LIVE_FILE = "live.db"
"""Below the data folder: what the counts are made of, and the table `counters`."""
MINUTE_US = 60_000_000
SINCE_START = 0
"""The minute whose counts never end: revenue_cents by variant, without slots, refunds not taken off."""


class CountKey(NamedTuple):
    """`minute` = minutes since 1970; `variant` = experiments as JSON, '' = none; `slot` '' = of a list of products;
    `currency` of revenue_cents only."""

    minute: int
    variant: str
    slot: str
    name: Name
    currency: str = ""


Counts = dict[CountKey, int]
_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(tuple[str, str, Name, str]).decode


def minute_key(releases_url: str, minute: int) -> str:
    """The Redis hash of one minute of one shop."""
    return f"{redis_keys_of(releases_url)}:live:{minute}"


def field_of(key: CountKey) -> bytes:
    """Its field within the minute's hash."""
    return _encode(key[1:])


def counts_of(minute: int, fields: Iterable[tuple[bytes, bytes]]) -> Counts:
    """What a minute's hash holds. Raises msgspec.ValidationError."""
    return {CountKey(minute, *_decode(field)): int(value) for field, value in fields}
