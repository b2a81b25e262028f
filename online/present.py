"""What was found, as the answer shows it."""

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from online.candidates import Ranked
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
from setwise.bundle import Assembly, Bundle, Slot
from setwise.catalogue import leaf_category, product_text
from setwise.money import format_cents
from setwise.ranking import FEATURES
from setwise.vocabulary import words_of

if TYPE_CHECKING:
    from online.pipeline import Context


def bundle_answer(
    context: "Context", plan: Plan, slots: list[Slot], ranked: list[Ranked], assembly: Assembly, explain: bool
) -> BundleAnswer:
    """The answer of POST /v1/bundles."""
    parts, order = _parts(slots, ranked), {slot.name: position for position, slot in enumerate(slots)}
    nothing = assembly.infeasible
    return BundleAnswer(
        request_id=context.request_id,
        release=context.live.manifest.release_id,
        served_by=context.rung,
        degraded=context.degraded,
        experiment={},
        understood=_understood(context, plan, slots, ranked),
        bundles=[_bundle(context, plan, b, parts, order, explain) for b in assembly.bundles],
        infeasible=None
        if nothing is None
        else InfeasibleOut(
            reason=nothing.reason,
            cheapest_total_cents=nothing.cheapest_total_cents,
            blocking=list(nothing.blocking),
            cheapest=_bundle(context, plan, nothing.cheapest, parts, order, explain) if nothing.cheapest else None,
        ),
        timings_ms=context.stages.timings_ms(),
    )


def bundle(
    context: "Context", plan: Plan, bundle: Bundle, slots: list[Slot], ranked: list[Ranked], explain: bool
) -> BundleOut:
    """One bundle, as in an answer."""
    order = {slot.name: position for position, slot in enumerate(slots)}
    return _bundle(context, plan, bundle, _parts(slots, ranked), order, explain)


def _parts(slots: list[Slot], ranked: list[Ranked]) -> dict[tuple[str, int], dict[str, float]]:
    return {
        (slot.name, row): dict(zip(FEATURES, shares, strict=True))
        for slot, rows in zip(slots, ranked, strict=False)
        for row, shares in zip(rows.rows.tolist(), rows.parts.tolist(), strict=True)
    }


def _bundle(
    context: "Context", plan: Plan, bundle: Bundle, parts: dict[tuple[str, int], dict[str, float]],
    order: dict[str, int], explain: bool,
) -> BundleOut:  # fmt: skip
    items = sorted(bundle.items, key=lambda item: order[item.slot.name])
    products = [context.live.snapshot[item.candidate.row] for item in items]
    names = [(leaf_category(product) or item.slot.name).lower() for product, item in zip(products, items, strict=True)]
    ids = "|".join(f"{item.slot.name}:{item.candidate.product_id}:{item.slot.quantity}" for item in items)
    reasons = [f"{len(items)} products for {format_cents(bundle.total_cents, plan.currency)}"]
    if plan.budget and plan.budget.max_cents is not None and plan.budget.scope == "total":
        left = plan.budget.max_cents - bundle.total_cents
        reasons.append(
            f"{format_cents(left, plan.currency)} below the budget"
            if left >= 0
            else f"{format_cents(-left, plan.currency)} above the budget"
        )
    return BundleOut(
        bundle_id=hashlib.blake2b(f"{context.request_id}|{ids}".encode(), digest_size=12).hexdigest(),
        title=", ".join(dict.fromkeys(names)).capitalize()[:120],
        label=bundle.label,
        total_cents=bundle.total_cents,
        currency=plan.currency,
        score=bundle.score,
        reasons=reasons,
        open_slots=list(bundle.open_slots),
        items=[
            ItemOut(
                product_id=product.id,
                slot=item.slot.name,
                quantity=item.slot.quantity,
                price_cents=item.candidate.price_cents,
                title=product.title,
                link=product.link,
                image_link=product.image_link,
                score=item.candidate.score,
                reasons=_reasons(plan, product_text(product), parts[item.slot.name, item.candidate.row], item.slot),
                alternatives=list(item.alternatives),
                parts=parts[item.slot.name, item.candidate.row] if explain else None,
            )
            for item, product in zip(items, products, strict=True)
        ],
        parts=bundle.parts if explain else None,
    )


def _reasons(plan: Plan, text: str, parts: dict[str, float], slot: Slot | None = None) -> list[str]:
    """The factors that decided, in words."""
    if slot is not None and slot.locked:
        return ["you asked for this product"]
    if not any(parts.values()):
        return ["the shop adds it to another product of this bundle"]
    words = set(words_of(text))
    read = plan.understanding
    wished = [w for w in (*read.colors, *read.materials, *read.styles, *read.brands) if set(words_of(w)) <= words]
    reasons = [f"it is {', '.join(wished)}"] if wished else []
    if parts["rules"] > 0:
        reasons.append("the shop recommends it")
    if parts["slot_match"] >= 0.4:
        reasons.append("its name says what you asked for")
    elif parts["lexical"] >= 0.7:
        reasons.append("it is described in your words")
    if parts["affinity"] > 0:
        reasons.append("it is like what you bought")
    if parts["popularity"] > 0.05:
        reasons.append("others buy it often")
    return reasons or ["it is close in meaning to what you wrote"]


def products_answer(context: "Context", plan: Plan, page: Ranked) -> ProductsAnswer:
    """The answer of POST /v1/products."""
    snapshot = context.live.snapshot
    prices = snapshot.prices_now(page.rows, context.now).tolist()
    products = []
    for row, price, shares in zip(page.rows.tolist(), prices, page.parts.tolist(), strict=True):
        product = snapshot[row]
        parts = dict(zip(FEATURES, shares, strict=True))
        products.append(
            ProductOut(
                product.id, sum(shares), price, product.currency, product.title, product.link, product.image_link,
                _reasons(plan, product_text(product), parts),
            )
        )  # fmt: skip
    return ProductsAnswer(
        context.request_id, context.rung, context.degraded, _understood(context, plan, plan.slots, []), products,
        context.stages.timings_ms(),
    )  # fmt: skip


def _understood(context: "Context", plan: Plan, slots: list[Slot], ranked: list[Ranked]) -> Understood:
    read, budget = plan.understanding, plan.budget
    names = context.live.snapshot.meta.categories
    categories = []
    for rows in [*ranked, *[None] * (len(slots) - len(ranked))]:
        best = context.live.snapshot.category[rows.rows[:10]] if rows is not None else np.empty(0, np.int32)
        codes, counts = np.unique(best, return_counts=True)
        common = codes[np.lexsort((codes, -counts))].tolist()
        categories.append([names[code].lower() for code in common[:3] if names[code]])
    return Understood(
        language=read.language,
        budget=None
        if budget is None
        else BudgetRead(budget.min_cents, budget.max_cents, budget.currency, budget.scope, budget.approximate),
        slots=[
            SlotRead(slot.name, slot.quantity, slot.required, found, slot.locked)
            for slot, found in zip(slots, categories, strict=True)
        ],
        quantities={slot.name: slot.quantity for slot in slots if slot.quantity > 1},
        colors=read.colors,
        materials=read.materials,
        styles=read.styles,
        brands=read.brands,
        sizes=[],
        exclude=ExcludeRead(
            read.exclude.materials, read.exclude.colors, read.exclude.brands, read.exclude.styles,
            read.exclude.categories, read.exclude.words,
        ),
        conflicts=read.conflicts,
        relaxed=[],
    )  # fmt: skip
