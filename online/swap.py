"""One slot of an answered bundle is filled anew; the other items and the budget stay."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import msgspec
import numpy as np
from numpy.typing import NDArray

from online import present
from online.bundle_store import KeptBundle, KeptItem
from online.candidates import Ranked, as_candidates
from online.gather import Dependencies
from online.live import LiveRelease
from online.messages import BudgetRead, BundleOut, SlotRequest, SwapRequest
from online.pipeline import Prepared, prepare
from online.slots import Filled
from online.wishes import GIVE_WAY, narrowed
from setwise.bundle import Bundle, Candidate, Item, Slot
from setwise.money import format_cents
from setwise.names import ProductId
from setwise.ranking import FEATURES
from setwise.rules import RuleBook
from setwise.rules.pairs import pair_rules
from setwise.swap import Replacements, best_first, meets

NEIGHBOURS = 200
ALTERNATIVES = 5
_OTHERWISE = {
    "cheaper": "no other product for it is cheaper",
    "similar": "no other product of its category is of a similar price",
    "different": "nothing else that is different enough would fill it",
}
_REFUSED = {
    "twice": "they, or variants of them, are in the bundle already",
    "budget": "with the other items they are above the budget",
    "rules": "the shop's rules do not let them join the other items",
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


def swap(
    kept: KeptBundle, wish: SwapRequest, live: LiveRelease, dependencies: Dependencies, now: datetime, book: RuleBook
) -> Swapped:
    """Looks for candidates by the stored request, as the answer did. Raises SwapRefusedError."""
    going = _item_to_go(kept, wish)
    rows = {item.slot: _row_of(live, item) for item in kept.items}
    ready = _prepare(kept, wish, live, dependencies, now, book, rows)
    with ready.context.stages("assemble"):
        swapping = _Swapping(ready, kept, live, now, rows)
        staying = {item.slot: swapping.candidate(item, rows[item.slot]) for item in kept.items if item is not going}
        chosen = swapping.choose(going, rows[going.slot], staying, wish)
        bundle = swapping.bundle({**staying, going.slot: chosen})
    return _present(ready, kept, going, rows[going.slot], chosen, bundle, wish, book.version)


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
    rows: dict[str, int],
) -> Prepared:  # fmt: skip
    request = msgspec.structs.replace(kept.request, user_id=wish.user_id or kept.request.user_id)
    also = {slot: np.asarray([row], dtype=np.int64) for slot, row in rows.items()}
    if wish.mode != "different":
        also[wish.slot] = _like_it(live, rows[wish.slot])
    ready = prepare(request, live, dependencies, now, book, also)
    if not rows.keys() <= {filled.slot.name for filled in ready.slots} and not ready.problem:
        # Another release may name the slots of an open wish otherwise: ask for them by the names they were shown by.
        slots = [SlotRequest(item.slot, item.quantity) for item in kept.items if not item.is_locked]
        ready = prepare(msgspec.structs.replace(request, slots=slots), live, dependencies, now, book, also)
    if ready.problem:
        raise SwapRefusedError(409, f"the bundle's request cannot be met any more: {ready.problem.reason}; ask anew")
    return ready


def _like_it(live: LiveRelease, row: int) -> NDArray[np.int64]:
    """The nearest products of its category: also those that the slot's words did not find."""
    near, _ = live.index.nearest(live.index.vectors[row].astype(np.float32), NEIGHBOURS)
    return np.union1d(near[live.snapshot.category[near] == live.snapshot.category[row]], [row]).astype(np.int64)


def _with_wishes(filled: Filled, row: int | None) -> Ranked:
    """The rows that meet the slot's wishes as far as the one in the bundle does: it may have had to give some up."""
    ranked = filled.ranked
    for given_up in range(len(GIVE_WAY) + 1):
        mask, _ = narrowed(ranked.met, filled.wishes, given_up)
        if row is None or row in ranked.rows[mask]:
            return ranked.only(mask)
    return ranked


class _Swapping:
    """Candidates of the bundle's slots, and what may stand beside what."""

    def __init__(
        self, ready: Prepared, kept: KeptBundle, live: LiveRelease, now: datetime, rows: dict[str, int]
    ) -> None:  # fmt: skip
        self.ready, self.kept, self.live, self.now = ready, kept, live, now
        self.position = {filled.slot.name: position for position, filled in enumerate(ready.slots)}
        self._ranked = [_with_wishes(filled, rows.get(filled.slot.name)) for filled in ready.slots]
        self.quantity = {item.slot: item.quantity for item in kept.items}

    def candidate(self, item: KeptItem, row: int) -> Candidate:
        """The item as a candidate of its slot; refused where it may not be sold or shown any more."""
        for candidate in self.candidates(item.slot):
            if candidate.row == row:
                return candidate
        raise SwapRefusedError(409, f"{item.product_id} in {item.slot!r} can no longer be sold; ask anew")

    def candidates(self, slot: str) -> list[Candidate]:
        """Best first."""
        position = self.position.get(slot)
        return [] if position is None else as_candidates(self.live, self._ranked[position], self.now)

    def choose(self, going: KeptItem, row: int, staying: dict[str, Candidate], wish: SwapRequest) -> Candidate:
        """The best candidate that is what the mode says and may stand beside those that stay."""
        candidates = self.candidates(going.slot)
        price = int(self.live.snapshot.prices_now(np.asarray([row], dtype=np.int64), self.now)[0])
        gone = {*wish.exclude, *self.kept.swapped_out}
        found = self._replacements(going.slot, candidates, row, gone)
        wanted = meets(wish.mode, price, found)
        allowed, why = self.may_join(going.slot, candidates, staying, wanted)
        for position in map(int, best_first(wish.mode, price, found)):
            if allowed[position]:
                return candidates[position]
        reason = f"{wanted.sum()} would do, but {_REFUSED[why.most_common(1)[0][0]]}" if why else _OTHERWISE[wish.mode]
        reason += ", apart from what is excluded or was swapped away" if gone else ""
        raise SwapRefusedError(409, f"nothing fits {going.slot!r}: {reason}")

    def _replacements(self, slot: str, candidates: list[Candidate], row: int, gone: set[str]) -> Replacements:
        snapshot = self.live.snapshot
        rows = np.asarray([candidate.row for candidate in candidates], dtype=np.int64)
        category = int(snapshot.category[row])
        same_category = np.asarray(snapshot.category[rows] == category)
        matches = self._ranked[self.position[slot]].parts[:, FEATURES.index("slot_match")]
        most = matches.max(initial=0.0)
        # It is the thing that was asked for: of the category, or its name says all that the slot's name says.
        fills = matches >= most if most > 0 else np.full(len(rows), not snapshot.meta.categories[category])
        is_free = np.asarray([candidate.product_id not in gone for candidate in candidates], dtype=bool)
        vector = self.live.index.vectors[row].astype(np.float32)
        return Replacements(
            prices=np.asarray([candidate.price_cents for candidate in candidates], dtype=np.int64),
            scores=np.asarray([candidate.score for candidate in candidates]),
            cosines=self.live.index.similarity(vector, rows),
            fill_slot=is_free & (same_category | fills if snapshot.meta.categories[category] else fills),
            same_category=same_category,
            same_group=np.asarray(snapshot.group[rows] == snapshot.group[row]),
        )

    def may_join(
        self, slot: str, candidates: Sequence[Candidate], others: dict[str, Candidate], wanted: NDArray[np.bool_]
    ) -> tuple[NDArray[np.bool_], Counter[str]]:  # fmt: skip
        """Which of the wanted ones keep the bundle valid beside these, and what was against the others."""
        why: Counter[str] = Counter()

        def keep(mask: NDArray[np.bool_], reason: str) -> None:
            why[reason] += int((allowed & ~mask).sum())
            np.logical_and(allowed, mask, out=allowed)

        allowed = wanted.copy()
        groups = {other.group for other in others.values()}
        keep(np.asarray([c.group not in groups for c in candidates], dtype=bool), "twice")
        prices = np.asarray([c.price_cents for c in candidates], dtype=np.int64)
        spent = sum(other.price_cents * self.quantity[name] for name, other in others.items())
        keep(_affordable(prices, self.quantity[slot], spent, self.kept.budget), "budget")
        keep(self._rules_allow(candidates, list(others.values())), "rules")
        return allowed, +why

    def _rules_allow(self, candidates: Sequence[Candidate], others: list[Candidate]) -> NDArray[np.bool_]:
        active, snapshot = self.ready.active, self.live.snapshot
        allowed = np.ones(len(candidates), dtype=bool)
        if active.max_per_brand is not None:
            brands = Counter(int(snapshot.brand[other.row]) for other in others)
            full = {b for b, n in brands.items() if n >= active.max_per_brand and snapshot.meta.brands[b]}
            allowed &= np.asarray([int(snapshot.brand[c.row]) not in full for c in candidates], dtype=bool)
        if active.restricts_pairs:
            slots = [[snapshot[other.row]] for other in others] + [[snapshot[c.row] for c in candidates]]
            rules = pair_rules(active, slots, {ProductId(i) for i in self.kept.request.basket})
            is_alone = any(mask.any() for mask in rules.hopeless[:-1])
            allowed &= ~rules.hopeless[-1] & (not is_alone)
            for (_, last), mask in rules.forbidden.items():
                if last == len(others):
                    allowed &= ~mask[0]
        return allowed

    def bundle(self, chosen: dict[str, Candidate]) -> Bundle:
        """The finished bundle; each item's alternatives would keep it valid."""
        items = []
        for item in self.kept.items:
            candidate = chosen[item.slot]
            others = {name: other for name, other in chosen.items() if name != item.slot}
            found = self.candidates(item.slot)
            wanted = np.asarray([not item.is_locked and c.row != candidate.row for c in found], dtype=bool)
            allowed, _ = self.may_join(item.slot, found, others, wanted)
            ids = [c.product_id for c, may in zip(found, allowed.tolist(), strict=True) if may][:ALTERNATIVES]
            slot = Slot(item.slot, item.quantity, locked=item.is_locked)
            items.append(Item(slot, candidate, tuple(ids)))
        total = sum(item.candidate.price_cents * item.slot.quantity for item in items)
        score = sum(item.candidate.score for item in items)
        return Bundle(tuple(items), total, score, {"relevance": score}, "swapped", tuple(self.kept.open_slots))


def _affordable(prices: NDArray[np.int64], quantity: int, spent: int, budget: BudgetRead | None) -> NDArray[np.bool_]:
    if budget is None or budget.max_cents is None:
        return np.ones(len(prices), dtype=bool)
    if budget.scope == "item":
        return prices <= budget.max_cents
    return prices * quantity + spent <= budget.max_cents


def _present(
    ready: Prepared, kept: KeptBundle, going: KeptItem, row: int, chosen: Candidate, bundle: Bundle, wish: SwapRequest,
    rules_version: int,
) -> Swapped:  # fmt: skip
    context, live = ready.context, ready.context.live
    old = live.snapshot[row]
    price = int(live.snapshot.prices_now(np.asarray([row], dtype=np.int64), context.now)[0])
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
    return Swapped(answer, new, context.stages.timings_ms())
