"""One slot of an answered bundle is filled anew; the other items and the budget stay."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
import numpy as np
from numpy.typing import NDArray

from online import present
from online.assembling import pair_terms
from online.bundle_store import KeptBundle, KeptItem
from online.candidates import Ranked, as_candidates
from online.deadline import Deadline
from online.gather import Dependencies
from online.live import LiveRelease
from online.messages import BundleOut, Degraded, SlotRequest, SwapRequest
from online.pipeline import Prepared, prepare
from online.slots import Filled
from online.wishes import GIVE_WAY, narrowed
from setwise.bundle import Bundle, Candidate, Replacing, Slot
from setwise.experiment import NO_EXPERIMENT, Assignment
from setwise.money import format_cents
from setwise.names import ProductId
from setwise.ranking import PARTS
from setwise.rules import RuleBook
from setwise.swap import Replacements, best_first, meets

NEIGHBOURS = 200
_OTHERWISE = {
    "cheaper": "no other product for it is cheaper",
    "similar": "no other product of its category is of a similar price",
    "different": "nothing else that is different enough would fill it",
}


class SwapRefusedError(Exception):
    """422 for a slot that the bundle does not have, 409 where nothing fits; the text says why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Swapped(msgspec.Struct, frozen=True):
    """The new bundle as it is answered, and as it is kept so that it can be swapped on."""

    answer: BundleOut
    kept: KeptBundle
    timings_ms: dict[str, float]
    served_by: str = "full"
    degraded: list[Degraded] = []


def swap(
    kept: KeptBundle, wish: SwapRequest, live: LiveRelease, dependencies: Dependencies, now: datetime, book: RuleBook,
    deadline: Deadline | None = None, assignment: Assignment = NO_EXPERIMENT,
) -> Swapped:  # fmt: skip
    """Looks for candidates by the stored request, as the answer did. Raises SwapRefusedError."""
    going = _item_to_go(kept, wish)
    rows = {item.slot: _row_of(live, item) for item in kept.items}
    ready = _prepare(kept, wish, live, dependencies, now, book, rows, deadline, assignment)
    with ready.context.stages("assemble"):
        bundle = _choose(ready, kept, going, rows, wish)
    return _present(ready, kept, going, rows[going.slot], bundle, wish, book.version)


def _item_to_go(kept: KeptBundle, wish: SwapRequest) -> KeptItem:
    going = next((item for item in kept.items if item.slot == wish.slot), None)
    if going is None:
        names = ", ".join(item.slot for item in kept.items)
        raise SwapRefusedError(422, f"slot: the bundle has no item in a slot {wish.slot!r}; its slots are {names}")
    if going.is_locked:
        raise SwapRefusedError(409, f"{going.slot!r} is locked: the request demands {going.product_id}")
    return going


def _row_of(live: LiveRelease, item: KeptItem) -> int:
    row = live.snapshot.row_of(ProductId(item.product_id))
    if row is None:
        raise SwapRefusedError(409, f"{item.product_id} in {item.slot!r} is gone from the catalogue; ask anew")
    return row


def _prepare(
    kept: KeptBundle, wish: SwapRequest, live: LiveRelease, dependencies: Dependencies, now: datetime, book: RuleBook,
    rows: dict[str, int], deadline: Deadline | None, assignment: Assignment,
) -> Prepared:  # fmt: skip
    request = msgspec.structs.replace(kept.request, user_id=wish.user_id or kept.request.user_id)
    also = {slot: np.asarray([row], dtype=np.int64) for slot, row in rows.items()}
    if wish.mode != "different":
        also[wish.slot] = _like_it(live, rows[wish.slot])
    ready = prepare(request, live, dependencies, now, book, also, deadline, assignment)
    if not rows.keys() <= {filled.slot.name for filled in ready.slots} and not ready.problem:
        # Another release may name the slots of an open wish otherwise: ask for them by the names they were shown by.
        slots = [SlotRequest(item.slot, item.quantity) for item in kept.items if not item.is_locked]
        request = msgspec.structs.replace(request, slots=slots)
        ready = prepare(request, live, dependencies, now, book, also, deadline, assignment)
    if ready.problem:
        raise SwapRefusedError(409, f"the bundle's request cannot be met any more: {ready.problem.reason}; ask anew")
    return ready


def _like_it(live: LiveRelease, row: int) -> NDArray[np.int64]:
    """The nearest products of its category: also those that the slot's words did not find."""
    near, _ = live.index.nearest(live.index.vectors(np.asarray([row]))[0], NEIGHBOURS)
    return np.union1d(near[live.snapshot.category[near] == live.snapshot.category[row]], [row]).astype(np.int64)


def _with_wishes(filled: Filled, row: int | None) -> Ranked:
    """The rows that meet the slot's wishes as far as the one in the bundle does: it may have had to give some up."""
    ranked = filled.ranked
    for given_up in range(len(GIVE_WAY) + 1):
        mask, _ = narrowed(ranked.met, filled.wishes, given_up)
        if row is None or row in ranked.rows[mask]:
            return ranked.only(mask)
    return ranked


def _choose(ready: Prepared, kept: KeptBundle, going: KeptItem, rows: dict[str, int], wish: SwapRequest) -> Bundle:
    """The best candidate that is what the mode says and keeps the bundle valid, beside those that stay."""
    most = kept.budget.max_cents if kept.budget else None
    total, each = (None, most) if kept.budget and kept.budget.scope == "item" else (most, None)
    at = kept.items.index(going)
    context, active = ready.context, ready.active
    ranked = {f.slot.name: _with_wishes(f, rows.get(f.slot.name)) for f in ready.slots}
    found_for = [ranked.get(item.slot) for item in kept.items]
    pools = [as_candidates(context.live, one, context.now) if one else [] for one in found_for]
    pools, pairs = pair_terms(context, ready.plan, active, pools, ())
    choice = [
        _place_of(item, rows[item.slot], pool, item is going) for item, pool in zip(kept.items, pools, strict=True)
    ]
    slots = [Slot(item.slot, item.quantity, required=False, locked=item.is_locked) for item in kept.items]
    bundle = Replacing(slots, pools, choice, pairs=pairs, max_per_brand=active.max_per_brand)
    price = _price_now(ready, rows[going.slot])
    gone = {*wish.exclude, *kept.swapped_out}
    found = _replacements(ready, ranked[going.slot], pools[at], rows[going.slot], gone)
    wanted = meets(wish.mode, price, found)
    may_join = bundle.fitting(at, None)
    cheap = bundle.fitting(at, total) if each is None else found.prices <= each
    for position in map(int, best_first(wish.mode, price, found)):
        if (wanted & may_join & cheap)[position]:
            swapped = bundle.replaced(at, position, total, "swapped")
            if swapped.score == -np.inf:
                raise SwapRefusedError(409, "the shop's rules do not allow the other items together any more; ask anew")
            return msgspec.structs.replace(swapped, open_slots=tuple(kept.open_slots))
    reason = _OTHERWISE[wish.mode]
    if (wanted & may_join).any():
        reason = f"{(wanted & may_join).sum()} would do, but with the other items they are above the budget"
    elif wanted.any():
        reason = f"{wanted.sum()} would do, but they are in the bundle already, or may not join its other items"
    reason += ", apart from what is excluded or was swapped away" if gone else ""
    raise SwapRefusedError(409, f"nothing fits {going.slot!r}: {reason}")


def _place_of(item: KeptItem, row: int, pool: Sequence[Candidate], is_going: bool) -> int | None:
    """The item's place in its slot's candidates; what goes may have none, as it is not for sale any more."""
    place = next((number for number, candidate in enumerate(pool) if candidate.row == row), None)
    if place is None and not is_going:
        raise SwapRefusedError(409, f"{item.product_id} in {item.slot!r} can no longer be sold; ask anew")
    return place


def _price_now(ready: Prepared, row: int) -> int:
    return int(ready.context.live.snapshot.prices_now(np.asarray([row], dtype=np.int64), ready.context.now)[0])


def _replacements(
    ready: Prepared, ranked: Ranked, candidates: Sequence[Candidate], row: int, gone: set[str]
) -> Replacements:  # fmt: skip
    live, snapshot = ready.context.live, ready.context.live.snapshot
    rows = np.asarray([candidate.row for candidate in candidates], dtype=np.int64)
    category = int(snapshot.category[row])
    same_category = np.asarray(snapshot.category[rows] == category)
    match_of = dict(zip(ranked.rows.tolist(), ranked.parts[:, PARTS.index("slot_match")].tolist(), strict=True))
    matches = np.asarray([match_of[candidate.row] for candidate in candidates])
    most = matches.max(initial=0.0)
    # It is the thing that was asked for: of the category, or its name says all that the slot's name says.
    is_named = bool(snapshot.meta.categories[category])
    fills = matches >= most if most > 0 else np.full(len(rows), not is_named)
    is_free = np.asarray([candidate.product_id not in gone for candidate in candidates], dtype=bool)
    return Replacements(
        prices=np.asarray([candidate.price_cents for candidate in candidates], dtype=np.int64),
        scores=np.asarray([candidate.score for candidate in candidates]),
        cosines=live.index.similarity(live.index.vectors(np.asarray([row]))[0], rows),
        fill_slot=is_free & (same_category | fills if is_named else fills),
        same_category=same_category,
        same_group=np.asarray(snapshot.group[rows] == snapshot.group[row]),
    )


def _present(
    ready: Prepared, kept: KeptBundle, going: KeptItem, row: int, bundle: Bundle, wish: SwapRequest,
    rules_version: int,
) -> Swapped:  # fmt: skip
    context, live = ready.context, ready.context.live
    old, price = live.snapshot[row], _price_now(ready, row)
    chosen = next(item.candidate for item in bundle.items if item.slot.name == going.slot)
    reason = {
        "cheaper": f"{format_cents(price - chosen.price_cents, old.currency)} cheaper than {old.title}",
        "similar": f"like {old.title}, at a similar price",
        "different": f"unlike {old.title}",
    }[wish.mode]
    shown = present.bundle(context, ready.plan, bundle, ready.slots, kept.request.explain)
    items = [
        msgspec.structs.replace(item, reasons=[reason, *item.reasons]) if item.slot == going.slot else item
        for item in shown.items
    ]
    answer = msgspec.structs.replace(shown, items=items, parent_bundle_id=kept.bundle_id)
    new = msgspec.structs.replace(
        kept,
        bundle_id=answer.bundle_id,
        release=live.manifest.release_id,
        rules_version=rules_version,
        items=[
            KeptItem(item.slot, chosen.product_id, item.quantity, False) if item is going else item
            for item in kept.items
        ],
        swapped_out=[*kept.swapped_out, going.product_id],
    )
    return Swapped(answer, new, context.stages.timings_ms(), context.rung, context.degraded)
