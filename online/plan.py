"""From prompt and explicit fields to what is asked of the index: budget, slots and rules of one answer."""

from datetime import datetime

import msgspec

from online.eligibility import Rules, make_rules
from online.live import LiveRelease
from online.messages import BudgetWish, Filters, SlotRequest
from setwise.bundle import Slot
from setwise.catalogue import leaf_category
from setwise.names import ProductId
from setwise.prompt import Understanding, understand
from setwise.prompt.budget import Budget
from setwise.vocabulary import words_of

MAX_NAME = 64


class Plan(msgspec.Struct, frozen=True):
    """`slots` with the text that finds each; `open_text` finds products for slots that the catalogue has to name."""

    understanding: Understanding
    budget: Budget | None
    currency: str
    rules: Rules
    slots: list[Slot]
    texts: list[str]
    locked_rows: dict[int, int]
    """Slot position -> the locked product's row."""
    open_text: str
    unknown_locks: list[str]
    currency_problem: bool


def read_budget_field(wish: BudgetWish | None, said: Budget | None, currency: str) -> Budget | None:
    """The explicit field wins over the prompt; what it leaves out stays as the prompt said."""
    if wish is None or (wish.min_cents is None and wish.max_cents is None):
        return said
    return Budget(wish.min_cents, wish.max_cents, wish.currency or currency)


def make_plan(
    live: LiveRelease,
    now: datetime,
    *,
    prompt: str | None,
    budget: BudgetWish | None,
    slots: list[SlotRequest] | None,
    filters: Filters | None,
    lock: list[str],
    exclude: list[str],
    basket: list[str],
    allow_preorder: bool,
) -> Plan:
    """Reads the request; pure look-ups, no store is asked."""
    understanding = understand(prompt or "", live.vocabulary)
    spend = read_budget_field(budget, understanding.budget, live.manifest.currency)
    rows = {product_id: live.snapshot.row_of(ProductId(product_id)) for product_id in dict.fromkeys(lock)}
    locked = [row for row in rows.values() if row is not None]
    lock_currencies = {live.snapshot[row].currency for row in locked}
    currency = spend.currency if spend else next(iter(lock_currencies), live.manifest.currency)
    if budget and budget.currency:
        currency = budget.currency
    rules = make_rules(
        live,
        now,
        currency,
        [*exclude, *basket],
        understanding.exclude.all_words(),
        filters,
        allow_preorder,
    )
    wished = slots if slots is not None else [SlotRequest(s.name, s.quantity) for s in understanding.named]
    made, texts, locked_rows = _slots(live, wished, locked)
    known = live.snapshot.rows_of([ProductId(i) for i in basket])
    titles = " ".join(live.snapshot[row].title for row in [*locked, *known][:5])
    is_open = slots is None and (understanding.is_occasion or not wished)
    open_text = (understanding.text or titles) if is_open else ""
    return Plan(
        understanding=understanding,
        budget=spend,
        currency=currency,
        rules=rules,
        slots=made,
        texts=texts,
        locked_rows=locked_rows,
        open_text=open_text,
        unknown_locks=[product_id for product_id, row in rows.items() if row is None],
        currency_problem=currency not in live.snapshot.meta.currencies or bool(lock_currencies - {currency}),
    )


def _slots(
    live: LiveRelease, wished: list[SlotRequest], locked: list[int]
) -> tuple[list[Slot], list[str], dict[int, int]]:
    """A locked product fills the wished slot that its title answers, else it has a slot of its own."""
    slots: list[Slot] = []
    texts: list[str] = []
    locked_rows: dict[int, int] = {}
    free = list(locked)
    for wish in wished:
        terms = set(live.analyzer.query_terms(wish.name))
        answer = next((row for row in free if _answers(live, row, terms)), None)
        if answer is not None:
            free.remove(answer)
            locked_rows[len(slots)] = answer
        name = unique_name(wish.name, [slot.name for slot in slots])
        slots.append(Slot(name, wish.quantity, wish.required or answer is not None, answer is not None))
        texts.append(wish.name)
    for row in free:
        product = live.snapshot[row]
        name = (leaf_category(product) or " ".join(product.title.split()[:3])).lower()[:MAX_NAME]
        locked_rows[len(slots)] = row
        slots.append(Slot(unique_name(name, [slot.name for slot in slots]), 1, True, True))
        texts.append(product.title)
    return slots, texts, locked_rows


def _answers(live: LiveRelease, row: int, terms: set[str]) -> bool:
    product = live.snapshot[row]
    words = set(live.analyzer.terms(f"{product.title} {leaf_category(product)}"))
    return bool(terms) and 2 * len(terms & words) > len(terms)


def unique_name(name: str, taken: list[str]) -> str:
    """Slot names are unique within a bundle: 'lamp', 'lamp 2'."""
    number, unique = 2, name
    while unique in taken:
        unique, number = f"{name[: MAX_NAME - 4]} {number}", number + 1
    return unique


def wished_words(understanding: Understanding) -> list[set[str]]:
    """Each wished colour, material, style and brand as its words."""
    wishes = [*understanding.colors, *understanding.materials, *understanding.styles, *understanding.brands]
    return [set(words_of(wish)) for wish in wishes]
