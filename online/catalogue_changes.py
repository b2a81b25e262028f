"""What a client says about price, stock and removal, checked change by change."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from online.live_changes import ChangesWatch
from setwise.changes import FIELDS, Availability, Pieces, ProductState, merged, microseconds
from setwise.feeds.report import Refusal
from setwise.feeds.values import money
from setwise.names import ProductId
from setwise.snapshot import Snapshot

MAX_AHEAD = timedelta(minutes=5)
"""A clock that is wrong by more would keep every later change from having an effect."""
Price = str | float
Id = Annotated[str, Meta(min_length=1, max_length=64)]


class ChangeRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """One product of POST /v1/catalogue/changes; what is left out stays as it is.

    Prices as in a feed ("12.50 USD"), or a number in the product's currency. `sale_price: null` ends the sale, a price
    alone is what the product costs now, `stock: null` means that it is unknown. No `changed_at` means now."""

    product_id: Id
    price: Price | UnsetType = UNSET
    sale_price: Price | UnsetType | None = UNSET
    availability: Availability | UnsetType = UNSET
    stock: Pieces | UnsetType | None = UNSET
    removed: bool | UnsetType = UNSET
    changed_at: datetime | UnsetType = UNSET


class ChangeResult(Struct, frozen=True, omit_defaults=True):
    """What became of one change: applied, stale (something newer is known), or rejected and why."""

    index: int
    product_id: str
    status: Literal["applied", "stale", "rejected"]
    field: str = ""
    reason: str = ""
    remedy: str = ""


class ChangesAnswer(Struct, frozen=True):
    """Answer of POST /v1/catalogue/changes, a result for each change in the order sent."""

    applied: int
    stale: int
    rejected: int
    results: list[ChangeResult]


class Checked(Struct, frozen=True):
    """The changes that are to be written, and the verdict on each."""

    states: list[ProductState]
    results: list[ChangeResult]

    def answer(self) -> ChangesAnswer:
        """With the counts of each verdict."""
        counts = Counter(one.status for one in self.results)
        return ChangesAnswer(counts["applied"], counts["stale"], counts["rejected"], self.results)


def check(changes: Sequence[Any], snapshot: Snapshot, watch: ChangesWatch, now: datetime) -> Checked:
    """Reads decoded JSON; a change that is rejected keeps none of the others back."""
    known: dict[ProductId, ProductState] = {}
    states, results = list[ProductState](), list[ChangeResult]()
    for index, raw in enumerate(changes):
        product_id = str(raw.get("product_id", ""))[:64] if isinstance(raw, dict) else ""
        try:
            state = _read(raw, snapshot, now, lambda one: known.get(one) or watch.state_of(one))
        except Refusal as error:
            results.append(ChangeResult(index, product_id, "rejected", error.field, error.reason, error.remedy))
            continue
        except msgspec.ValidationError as error:
            reason, _, path = str(error).partition(" - at `$.")
            remedy = "see /schema for the fields of a change"
            results.append(ChangeResult(index, product_id, "rejected", path.rstrip("`"), reason, remedy))
            continue
        before = known.get(state.product_id) or watch.state_of(state.product_id)
        after = merged(before, state)
        known[state.product_id] = after
        if after == before and any(getattr(state, name) not in (None, getattr(before, name)) for name in FIELDS):
            results.append(ChangeResult(index, product_id, "stale", reason="a newer change of this product is known"))
            continue
        states.append(state)
        results.append(ChangeResult(index, product_id, "applied"))
    return Checked(states, results)


def _read(
    raw: Any, snapshot: Snapshot, now: datetime, known: Callable[[ProductId], ProductState]
) -> ProductState:  # fmt: skip
    change = msgspec.convert(raw, ChangeRequest)
    product_id = ProductId(change.product_id)
    row = snapshot.row_in_feed(product_id)
    if row is None:
        raise Refusal("product_id", product_id, "the live catalogue has no such product", "send it in the feed first")
    at = now if change.changed_at is UNSET else change.changed_at
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    if at > now + MAX_AHEAD:
        raise Refusal("changed_at", at.isoformat(), "it lies in the future", "send the time at which it changed")
    since = microseconds(at)
    if change.changed_at is UNSET:
        # Now is later than all that is known, whatever another machine's clock said, and than an earlier change of
        # the same call.
        words_known = [word[1] for name in FIELDS if (word := getattr(known(product_id), name)) is not None]
        since = max(since, *(at + 1 for at in words_known)) if words_known else since
    currency = snapshot.in_feed(row).currency
    words: dict[str, tuple[Any, int]] = {}
    if change.price is not UNSET:
        words["price"] = (_cents("price", change.price, currency), since)
    if change.sale_price is not UNSET:
        sale = change.sale_price
        words["sale_price"] = (None if sale is None else _cents("sale_price", sale, currency), since)
    for name in ("availability", "stock", "removed"):
        if (value := getattr(change, name)) is not UNSET:
            words[name] = (value, since)
    if not words:
        fields = ", ".join(FIELDS)
        raise Refusal("", "", "nothing changes", f"send at least one of {fields}")
    return ProductState(product_id, **words)


def _cents(field: str, price: Price, currency: str) -> int:
    text = price.strip() if isinstance(price, str) else f"{price:.6f}".rstrip("0").rstrip(".")
    cents, found = money(field, text, currency)
    if found != currency:
        remedy = f"send it in {currency}: a product changes its currency by the feed only"
        raise Refusal(field, text, f"the product is sold in {currency}", remedy)
    if cents <= 0:
        raise Refusal(field, text, "a price is above nothing", "to take a product off the shelf, send removed: true")
    return cents
