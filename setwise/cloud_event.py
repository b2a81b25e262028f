"""CloudEvents 1.0: the envelope of everything in the log."""

from datetime import datetime
from typing import Any

import msgspec

SOURCE = "setwise"


class CloudEvent(msgspec.Struct, frozen=True):
    """One event; `data` is what happened, `type` and `source` say what kind and where."""

    id: str
    type: str
    time: datetime
    data: Any
    source: str = SOURCE
    subject: str = ""
    specversion: str = "1.0"
    datacontenttype: str = "application/json"

    def encoded(self) -> bytes:
        """As JSON, the log's value."""
        return _encode(self)

    def headers(self, traceparent: str = "") -> dict[str, str]:
        """The log's headers: a reader may choose without decoding the value."""
        named = {"ce_id": self.id, "ce_type": self.type, "ce_source": self.source, "ce_specversion": self.specversion}
        return {**named, "traceparent": traceparent} if traceparent else named


_encode = msgspec.json.Encoder().encode
