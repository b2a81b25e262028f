"""What is left of what the demo's shoppers buy? The sample shop says no stock: it begins with the first sale."""

import time
from collections.abc import Sequence
from pathlib import Path

import httpx
import msgspec

from setwise.whole_file import write_whole

PIECES = 4
"""Of a product when it is first sold: the popular ones run out within minutes."""
AT_ONCE = 1_000
BACK_AFTER_S = 180.0
"""A product that ran out comes back after that."""


class Shelf:
    """Tells the shop its stock through POST /v1/catalogue/changes. Raises httpx.HTTPError.

    The file names the products that have a stock by it: the next demo begins with full shelves."""

    def __init__(self, http: httpx.Client, file: Path) -> None:
        self._http, self._file = http, file
        self._left: dict[str, int] = {}
        self._out_since: dict[str, float] = {}
        self.sold_out = 0
        """How often a product ran out since the start."""

    def fill(self) -> None:
        """What an earlier demo has left sold out is there again."""
        if self._file.is_file():
            known = msgspec.json.decode(self._file.read_bytes(), type=list[str])
            self._tell([{"product_id": product_id, "stock": None} for product_id in known])
            self._file.unlink()

    def sell(self, sold: Sequence[tuple[str, int]]) -> None:
        """Products and pieces."""
        changed: dict[str, int] = {}
        is_first = any(product_id not in self._left for product_id, pieces in sold if pieces)
        for product_id, pieces in sold:
            if pieces:
                left = max(self._left.get(product_id, PIECES) - pieces, 0)
                changed[product_id] = self._left[product_id] = left
                if left == 0 and product_id not in self._out_since:
                    self._out_since[product_id] = time.monotonic()
                    self.sold_out += 1
        if is_first:
            write_whole(self._file, msgspec.json.encode(sorted(self._left)))
        self._tell([{"product_id": product_id, "stock": left} for product_id, left in changed.items()])

    def take_delivery(self) -> None:
        """Products that ran out long ago are there again."""
        due = [one for one, since in self._out_since.items() if time.monotonic() - since > BACK_AFTER_S]
        for product_id in due:
            del self._out_since[product_id]
            self._left[product_id] = PIECES
        self._tell([{"product_id": product_id, "stock": PIECES} for product_id in due])

    def _tell(self, changes: list[dict[str, object]]) -> None:
        for start in range(0, len(changes), AT_ONCE):
            self._http.post("/v1/catalogue/changes", json=changes[start : start + AT_ONCE]).raise_for_status()
