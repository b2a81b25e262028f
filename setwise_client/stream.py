"""What does a line of an event stream say? Server-sent events as the service sends them."""

from typing import Any

import msgspec


class Progress(msgspec.Struct, frozen=True):
    """One step of a submitted request: understood, slot, bundles, done or failed, and what it says."""

    name: str
    id: str
    data: Any


class ProgressReader:
    """Takes one line after the other. Comments and fields of no use here are passed over."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}

    def read(self, line: str) -> Progress | None:
        """The step that this line ends; None as long as it goes on."""
        if line:
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            is_more = field == "data" and "data" in self._said
            self._said[field] = f"{self._said['data']}\n{value}" if is_more else value
            return None
        said, self._said = self._said, {}
        if "event" not in said or "data" not in said:
            return None
        return Progress(said["event"], said.get("id", ""), msgspec.json.decode(said["data"]))
