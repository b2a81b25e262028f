"""Why a product or a bundle was chosen: the parts of its score, in words. A reason is a part that is above 0."""

from collections.abc import Mapping, Sequence

from online.gather import PROMPT, Context
from online.live import LiveRelease
from online.plan import Plan
from online.slots import Filled
from setwise.catalogue import Product, leaf_category
from setwise.money import format_cents

Parts = Mapping[str, float]
MAX_REASONS = 3
_CLEARLY = {"slot_match": 0.4, "lexical": 0.7, "semantic": 0.5, "popularity": 0.05, "together": 0.05}
_JOINED = {
    "in a set": "in a set of the shop's with",
    "bought together": "often bought with",
    "categories": "of a kind that is bought with",
    "style": "in the style of",
}
"""A part below this did not decide anything."""


def item_reasons(
    live: LiveRelease, plan: Plan, product: Product, parts: Parts, met: Sequence[str], slot_name: str = ""
) -> list[str]:
    """What is known of the product first, then the words. `met` are the wished words that the product meets."""
    goes_with = _goes_with(live, plan, product) if parts.get("together") or parts.get("completes") else ""
    words = {
        "wish_match": f"{', '.join(met)}, as asked" if met else "",
        "together": goes_with,
        "completes": goes_with or "completes what you have",
        "session": "like what you looked at lately",
        "own": "you bought it before",
        "affinity": "like what you bought before",
        "rules": "recommended by the shop",
        "category_match": f"{leaf_category(product).lower()}, as asked",
        "slot_match": f"its name says {slot_name}" if slot_name else "",
        "popularity": "bought often",
        "lexical": "described in your words",
        "semantic": "close in meaning to what you wrote",
    }
    if not any(parts.values()):
        return ["the shop adds it to another product of this bundle"]
    decided = [name for name in words if parts.get(name, 0.0) > _CLEARLY.get(name, 0.0)]
    return [words[name] for name in decided if words[name]][:MAX_REASONS] or ["the best of what was found"]


def _goes_with(live: LiveRelease, plan: Plan, product: Product) -> str:
    """The anchor that it is known to go with, if one is."""
    row = live.snapshot.row_of(product.id)
    for anchor in plan.anchors:
        reason = live.complementarity.reason(anchor, row) if row is not None else None
        if reason in _JOINED:
            return f"{_JOINED[reason]} {live.snapshot[anchor].title}"
    return ""


def bundle_reasons(
    plan: Plan, count: int, pieces: int, total_cents: int, fit: float, relaxed: Sequence[str]
) -> list[str]:  # fmt: skip
    """What holds for the bundle as a whole."""
    counted = f"{count} {'product' if count == 1 else 'products'}" + (f", {pieces} pieces," if pieces > count else "")
    reasons = [f"{counted} for {format_cents(total_cents, plan.currency)}"]
    if plan.budget and plan.budget.max_cents is not None and plan.budget.scope == "total":
        left = plan.budget.max_cents - total_cents
        reasons.append(
            f"leaves {format_cents(left, plan.currency)} of the budget"
            if left >= 0
            else f"{format_cents(-left, plan.currency)} above the budget"
        )
    if fit > 0:
        reasons.append("its products go together")
    if relaxed:
        reasons.append(f"nothing that fits meets {', '.join(relaxed)}")
    return reasons


def missing_reasons(context: Context, unfilled: Sequence[Filled]) -> list[str]:
    """What was asked for and is not there: kinds that the shop does not have, or a sentence that says nothing to it."""
    absent = [filled.slot.name for filled in unfilled if filled.group < 0 and not len(filled.ranked.rows)]
    reasons = [f"found no {', no '.join(absent)}"] if absent else []
    if any(one.dependency == PROMPT for one in context.degraded):
        reasons.append("nothing in the shop is like what was written: these are bought most")
    return reasons
