"""What was found, as the answer shows it."""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from online.candidates import Ranked
from online.live import LiveRelease
from online.messages import (
    BudgetRead,
    BundleAnswer,
    BundleOut,
    ExcludeRead,
    InfeasibleOut,
    ItemOut,
    ProductOut,
    ProductsAnswer,
    SlotRead,
    Understood,
)  # fmt: skip
from online.plan import Plan
from online.reasons import bundle_reasons, item_reasons, missing_reasons
from online.slots import Filled
from online.wishes import Wish
from setwise.bundle import Bundle, Item
from setwise.catalogue import leaf_category
from setwise.names import ProductId
from setwise.prompt import usual_names
from setwise.ranking import PARTS

if TYPE_CHECKING:
    from online.assembling import Made
    from online.gather import Context


ALL_CANDIDATES = ("full", "no_profile", "no_features")
"""Rungs on which both legs of retrieval answered."""


def bundle_answer(
    context: "Context", plan: Plan, slots: Sequence[Filled], made: "Made", explain: bool
) -> BundleAnswer:  # fmt: skip
    """The answer of POST /v1/bundles."""
    nothing = made.assembly.infeasible
    if nothing and context.rung not in ALL_CANDIDATES:
        # A moment later there may be other candidates, and the total would not be the least.
        nothing = msgspec.structs.replace(nothing, cheapest_total_cents=None, cheapest=None)
    shown = [*made.assembly.bundles, *([nothing.cheapest] if nothing and nothing.cheapest else [])]
    bundles = [bundle(context, plan, one, slots, explain, made.relaxed) for one in made.assembly.bundles]
    understood = _understood(context, plan, _used(slots, shown) or _asked(plan), made.relaxed)
    return BundleAnswer(
        request_id=context.request_id,
        release=context.live.manifest.release_id,
        served_by=context.rung,
        degraded=context.degraded,
        experiment=context.assignment.variants,
        understood=msgspec.structs.replace(understood, said=_said(plan, understood, bundles, context.live)),
        bundles=bundles,
        infeasible=None
        if nothing is None
        else InfeasibleOut(
            reason=nothing.reason,
            cheapest_total_cents=nothing.cheapest_total_cents,
            blocking=list(nothing.blocking),
            cheapest=bundle(context, plan, nothing.cheapest, slots, explain) if nothing.cheapest else None,
        ),
        timings_ms=context.stages.timings_ms(),
    )


def _said(plan: Plan, understood: Understood, bundles: Sequence[BundleOut], live: LiveRelease) -> dict[str, str]:
    """The shopper's words, and in their language what the catalogue's slots and titles are called."""
    read = plan.understanding
    if read.language == live.vocabulary.language:
        return read.said
    named = {wish.name for wish in read.named}
    leaves = {
        leaf_category(live.snapshot[row]).lower(): item.slot
        for one in bundles
        for item in one.items
        if (row := live.snapshot.row_of(ProductId(item.product_id))) is not None
    }
    suggested = {slot.name for slot in understood.slots} - named
    own = {leaf: slot for leaf, slot in leaves.items() if leaf and slot in named and slot != leaf}
    return usual_names(sorted(suggested | leaves.keys()), live.vocabulary.language, read.language) | own | read.said


def understood_so_far(context: "Context", plan: Plan) -> Understood:
    """What was understood, before it is known what has to give way."""
    return _understood(context, plan, _asked(plan), [])


def _used(slots: Sequence[Filled], bundles: Sequence[Bundle]) -> list[Filled]:
    """Slots that were named, and of those that the catalogue suggested the ones that a bundle has."""
    names = {name for one in bundles for name in (*(item.slot.name for item in one.items), *one.open_slots)}
    return [filled for filled in slots if filled.group < 0 or filled.slot.name in names]


def _asked(plan: Plan) -> list[Filled]:
    none = Ranked(np.empty(0, np.int64), np.zeros((0, len(PARTS))), np.zeros((0, 0)))
    return [Filled(named.slot, none, named.wishes) for named in plan.slots]


def bundle(
    context: "Context", plan: Plan, one: Bundle, slots: Sequence[Filled], explain: bool, relaxed: Sequence[str] = ()
) -> BundleOut:
    """One bundle, as in an answer; its items in the order of the slots."""
    of_slot = {filled.slot.name: (position, filled) for position, filled in enumerate(slots)}
    items = sorted(one.items, key=lambda item: of_slot[item.slot.name][0])
    shown = [_item(context, plan, item, of_slot[item.slot.name][1], explain) for item in items]
    products = [context.live.snapshot[item.candidate.row] for item in items]
    pieces = sum(item.slot.quantity for item in items)
    names = [(leaf_category(product) or item.slot.name).lower() for product, item in zip(products, items, strict=True)]
    return BundleOut(
        bundle_id=bundle_id_of(context.request_id, shown),
        title=", ".join(dict.fromkeys(names)).capitalize()[:120],
        label=one.label,
        total_cents=one.total_cents,
        currency=plan.currency,
        score=one.score,
        reasons=[
            *bundle_reasons(plan, len(items), pieces, one.total_cents, one.parts.get("fit", 0.0), relaxed),
            *missing_reasons(context, [of_slot[name][1] for name in one.open_slots]),
        ],
        open_slots=list(one.open_slots),
        items=shown,
        parts=one.parts if explain else None,
    )


def bundle_id_of(request_id: str, items: Sequence[ItemOut]) -> str:
    """The same products in another answer have another id: a swap follows the answer that was given."""
    ids = "|".join(f"{item.slot}:{item.product_id}:{item.quantity}" for item in items)
    return hashlib.blake2b(f"{request_id}|{ids}".encode(), digest_size=12).hexdigest()


def _item(context: "Context", plan: Plan, item: Item, filled: Filled, explain: bool) -> ItemOut:
    product = context.live.snapshot[item.candidate.row]
    at = int(np.flatnonzero(filled.ranked.rows == item.candidate.row)[0])
    parts = _parts(filled.ranked, at)
    reasons = item_reasons(
        context.live, plan, product, parts, _met(filled.ranked, at, filled.wishes), filled.slot.name
    )  # fmt: skip
    return ItemOut(
        product_id=product.id,
        slot=item.slot.name,
        quantity=item.slot.quantity,
        price_cents=item.candidate.price_cents,
        title=product.title,
        link=product.link,
        image_link=product.image_link,
        score=item.candidate.score,
        reasons=["you asked for this product"] if item.slot.locked else reasons,
        alternatives=list(item.alternatives),
        parts=parts if explain else None,
    )


def _parts(ranked: Ranked, at: int) -> dict[str, float]:
    return dict(zip(PARTS, ranked.parts[at].tolist(), strict=True))


def _met(ranked: Ranked, at: int, wishes: Sequence[Wish]) -> list[str]:
    return [wish.word for wish, degree in zip(wishes, ranked.met[at].tolist(), strict=True) if degree > 0]


def products_answer(context: "Context", plan: Plan, page: Ranked) -> ProductsAnswer:
    """The answer of POST /v1/products."""
    snapshot = context.live.snapshot
    prices = snapshot.prices_now(page.rows, context.now).tolist()
    scores = page.scores.tolist()
    products = []
    for at, (row, price) in enumerate(zip(page.rows.tolist(), prices, strict=True)):
        product = snapshot[row]
        reasons = item_reasons(context.live, plan, product, _parts(page, at), _met(page, at, plan.open_wishes))
        products.append(
            ProductOut(
                product.id,
                scores[at],
                price,
                product.currency,
                product.title,
                product.link,
                product.image_link,
                reasons,
            )
        )
    return ProductsAnswer(
        context.request_id, context.rung, context.degraded, _understood(context, plan, _named(plan), []), products,
        context.stages.timings_ms(), experiment=context.assignment.variants,
    )  # fmt: skip


def _named(plan: Plan) -> list[SlotRead]:
    return [
        SlotRead(wish.name, wish.quantity, True, _lower(wish.categories), False) for wish in plan.understanding.named
    ]


def _lower(names: Sequence[str]) -> list[str]:
    return [name.lower() for name in names]


def _understood(
    context: "Context", plan: Plan, slots: Sequence[Filled] | list[SlotRead], relaxed: Sequence[str]
) -> Understood:  # fmt: skip
    read, budget = plan.understanding, plan.budget
    said = {named.slot.name: named.wish.categories for named in plan.slots}
    shown = [
        slot
        if isinstance(slot, SlotRead)
        else SlotRead(
            slot.slot.name, slot.slot.quantity, slot.slot.required,
            _lower(said.get(slot.slot.name, ())) or _categories(context, slot), slot.slot.locked,
        )
        for slot in slots
    ]  # fmt: skip
    return Understood(
        language=read.language,
        budget=None
        if budget is None
        else BudgetRead(budget.min_cents, budget.max_cents, budget.currency, budget.scope, budget.approximate),
        slots=shown,
        quantities={slot.name: slot.quantity for slot in shown if slot.quantity > 1},
        colors=read.colors,
        materials=read.materials,
        styles=read.styles,
        brands=read.brands,
        sizes=read.sizes,
        exclude=ExcludeRead(
            read.exclude.materials, read.exclude.colors, read.exclude.brands, read.exclude.styles,
            read.exclude.categories, read.exclude.words,
        ),
        conflicts=read.conflicts,
        relaxed=list(relaxed),
        said=read.said,
    )  # fmt: skip


def _categories(context: "Context", filled: Filled) -> list[str]:
    """Those of most of the ten best products."""
    names = context.live.snapshot.meta.categories
    codes, counts = np.unique(context.live.snapshot.category[filled.ranked.rows[:10]], return_counts=True)
    common = codes[np.lexsort((codes, -counts))].tolist()
    return [names[code].lower() for code in common[:3] if names[code]]
