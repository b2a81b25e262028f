"""What does a line of an event stream say? Server-sent events as the service sends them."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec


class Progress(msgspec.Struct, frozen=True):
    """One step of a submitted request: understood, slot, bundles, done or failed, and what it says."""

    name: str
    id: str
    data: Any


def progress_of(lines: Iterable[str]) -> Iterator[Progress]:
    """Comments and fields of no use here are passed over; an event that was cut off is none."""
    said: dict[str, str] = {}
    for line in lines:
        if line:
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            said[field] = f"{said['data']}\n{value}" if field == "data" and "data" in said else value
            continue
        if "event" in said and "data" in said:
            yield Progress(said["event"], said.get("id", ""), msgspec.json.decode(said["data"]))
        said = {}
