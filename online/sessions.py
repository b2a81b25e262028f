"""What a shopper did in the last hours, as answers use it: a little for what was looked at, no second one of what is
there already."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from online.candidates import Ranked
from online.live import LiveRelease
from online.messages import BundleRequest, ProductsRequest
from setwise.names import ProductId
from setwise.pseudonyms import Pseudonyms
from setwise.rows import among
from setwise.sessions import MAX_CLICKED, WINDOW, ShopperSession

Rows = NDArray[np.int64]


def session_keys(pseudonyms: Pseudonyms | None, request: BundleRequest | ProductsRequest) -> list[str]:
    """The keys of those rows that may be read: none without consent."""
    if pseudonyms is None or not request.consent:
        return []
    named = (
        pseudonyms.user(request.user_id), pseudonyms.visitor(request.visitor_id), pseudonyms.session(request.session_id)
    )  # fmt: skip
    return [key for key in named if key]


def session_of(rows: Iterable[dict[str, Any] | None], now: datetime) -> ShopperSession | None:
    """The rows of one person's ids as one, the newest first; None where nothing was done lately.

    Raises msgspec.ValidationError for any other form."""
    oldest = (now - WINDOW).timestamp()
    found = [msgspec.convert(row, ShopperSession) for row in rows if row is not None]
    found = sorted((one for one in found if one.last_at_s >= oldest), key=lambda one: -one.last_at_s)
    if not found:
        return None

    def joined(part: Callable[[ShopperSession], Sequence[ProductId]]) -> tuple[ProductId, ...]:
        return tuple(dict.fromkeys(product for one in found for product in part(one)))

    return ShopperSession(
        found[0].last_at_s,
        joined(lambda one: one.clicked_products)[:MAX_CLICKED],
        joined(lambda one: one.cart_products),
        joined(lambda one: one.bought_products),
    )


def rows_held(live: LiveRelease, session: ShopperSession | None, text: str, stays: Iterable[Rows]) -> Rows:
    """Rows in the cart or just bought: not to be offered as themselves, but for those in `stays` and those whose whole
    title the text says."""
    if session is None:
        return np.empty(0, np.int64)
    held = live.snapshot.rows_of((*session.cart_products, *session.bought_products))
    said = set(live.analyzer.query_terms(text)) if text else set()
    held = [row for row in held if not (said and said.issuperset(live.analyzer.query_terms(live.snapshot[row].title)))]
    return np.setdiff1d(np.asarray(held, dtype=np.int64), np.concatenate([np.empty(0, np.int64), *stays]))


def without_held(ranked: Ranked, held: Rows) -> Ranked:
    """The other rows; all of them where there is no other one."""
    if not len(held):
        return ranked
    mask = ~among(ranked.rows, held)
    return ranked.only(mask) if mask.any() else ranked
