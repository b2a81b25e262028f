"""From prompt and explicit fields to what is asked of the index: budget, slots and rules of one answer."""

from datetime import datetime

import msgspec
import numpy as np

from online.eligibility import Rules, make_rules
from online.live import LiveRelease
from online.messages import BudgetWish, BundleRequest, ProductsRequest
from online.wishes import Wish, wishes_of
from setwise.audience import said_in
from setwise.bundle import Slot
from setwise.catalogue import leaf_category
from setwise.languages import key_of, stem
from setwise.names import ProductId
from setwise.prompt import SlotWish, Understanding
from setwise.prompt.budget import Budget
from setwise.rules import RuleBook
from setwise.vocabulary import words_of

MAX_NAME = 64
MOSTLY_ALIKE = 0.5
"""Above this likeness a shop's sets hold rather things of one kind than of different ones."""
OF_A_KIND = 5
"""Rows that speak for a kind of product: one alone would speak of its own colour and price."""
WORDS_OF_A_KIND = 3
"""A longer name is one product's: "Set of 3 coloured flying ducks"."""
_ONE_OF_THEM = frozenset("a an one ein eine einen un une una".split())


class SlotPlan(msgspec.Struct, frozen=True):
    """A slot that the request names, and what finds products for it."""

    slot: Slot
    text: str
    wish: SlotWish
    wishes: list[Wish] = []
    locked_row: int | None = None


class Plan(msgspec.Struct, frozen=True):
    """What one answer has to do."""

    understanding: Understanding
    budget: Budget | None
    currency: str
    rules: Rules
    slots: list[SlotPlan]
    is_open: bool
    """True where the catalogue has to name slots."""
    open_text: str
    """What finds products for those slots; '' where nothing was said of them."""
    is_empty: bool
    """True where something was typed and nothing of it is a word or says anything: "...!"."""
    open_wishes: list[Wish]
    open_kind: SlotWish | None
    """What an open wish asks several of ("macbook cases"), if it names a kind."""
    basket_rows: list[int]
    owned_rows: list[int]
    """Rows that stand for the kinds of products that the shopper says to have: the most bought of each."""
    unknown_locks: list[str]
    currency_problem: bool
    one_audience: bool
    """Clothes of one bundle are for one gender, age group and size system: unless the sentence names several."""
    likeness: float
    """0..1: whether a bundle for the open wish holds things of one kind (1) or of different ones (0)."""

    @property
    def anchors(self) -> list[int]:
        """Rows that the bundle has to go with: locked products, and the basket."""
        return [*(slot.locked_row for slot in self.slots if slot.locked_row is not None), *self.basket_rows]

    @property
    def completed(self) -> list[int]:
        """Rows that what is chosen has to go with: the anchors, and those that stand for what the shopper has."""
        return [*self.anchors, *self.owned_rows]


def read_budget_field(wish: BudgetWish | None, said: Budget | None, currency: str) -> Budget | None:
    """The explicit field wins over the prompt. Of bounds that contradict each other the upper one holds."""
    if wish is None or (wish.min_cents is None and wish.max_cents is None):
        if said and said.min_cents is not None and said.max_cents is not None and said.min_cents > said.max_cents:
            return msgspec.structs.replace(said, min_cents=None)
        return said
    return Budget(wish.min_cents, wish.max_cents, wish.currency or currency)


def plan_bundles(
    request: BundleRequest, live: LiveRelease, now: datetime, book: RuleBook, allow_preorder: bool
) -> Plan:  # fmt: skip
    """Reads a request for bundles; pure look-ups, no store is asked."""
    read = live.read(request.prompt or "")
    if request.language and not (request.prompt or "").strip():
        read = msgspec.structs.replace(read, language=request.language)
    template = book.template_for(request.prompt or "") if read.is_occasion or not read.named else None
    kind = _several_of(request.prompt or "", read, live) if request.slots is None and template is None else None
    is_open = request.slots is None and template is None and (read.is_occasion or not read.named or kind is not None)
    wished = [(wish, True) for wish in read.named if wish is not kind]
    if request.slots is not None:
        wished = [(_as_wish(live, slot.name, slot.quantity), slot.required) for slot in request.slots]
    elif template is not None:
        known = {wish.name for wish in read.named}
        of_template = [slot for slot in template.slots if slot.name not in known]
        wished += [(_as_wish(live, slot.name, slot.quantity), slot.required) for slot in of_template]
    return _plan(live, now, read, wished, request, is_open, allow_preorder, kind)


def plan_products(request: ProductsRequest, live: LiveRelease, now: datetime, allow_preorder: bool) -> Plan:
    """Reads a request for single products: no slots, the whole sentence is one wish."""
    read = live.read(request.prompt or "")
    kind = read.named[0] if len(read.named) == 1 else None
    return _plan(live, now, read, [], request, True, allow_preorder, kind)


def _several_of(prompt: str, read: Understanding, live: LiveRelease) -> SlotWish | None:
    """The one kind of thing that was named without a number or an article: "macbook cases", "swimsuit".

    Where the shop's own sets hold like things, or nothing is known of them, several different ones are meant;
    elsewhere it is one product. A singular is no sign of one: with it a first day's bundles covered .118 of what
    the public sets' shoppers meant, and .186 without."""
    if len(read.named) != 1 or read.named[0].quantity != 1 or live.complementarity.likeness_of_a_kind <= MOSTLY_ALIKE:
        return None
    name, said = read.named[0].name.split(), words_of(prompt)
    head = stem(name[-1], read.language)
    at = next((at for at, word in enumerate(said) if stem(word, read.language) == head), len(said))
    is_plural = said[at : at + 1] not in ([], [name[-1]])
    # "Accessories for a lady" are several: only an article before them could say that it is one.
    is_bare = _ONE_OF_THEM.isdisjoint(said[:at]) and (is_plural or len(name) <= WORDS_OF_A_KIND)
    return read.named[0] if is_bare else None


def _as_wish(live: LiveRelease, name: str, quantity: int) -> SlotWish:
    """A slot that a client or a template names, read as if a shopper had said it; the name stays."""
    named = live.read(name).named
    return (
        msgspec.structs.replace(named[0], name=name, quantity=quantity) if len(named) == 1 else SlotWish(name, quantity)
    )


def _plan(
    live: LiveRelease, now: datetime, read: Understanding, wished: list[tuple[SlotWish, bool]],
    request: BundleRequest | ProductsRequest, is_open: bool, allow_preorder: bool,
    kind: SlotWish | None,
) -> Plan:  # fmt: skip
    wish = request.budget if isinstance(request, BundleRequest) else None
    lock = request.lock if isinstance(request, BundleRequest) else []
    spend = read_budget_field(wish, read.budget, live.manifest.currency)
    rows = {product_id: live.snapshot.row_of(ProductId(product_id)) for product_id in dict.fromkeys(lock)}
    locked = [row for row in rows.values() if row is not None]
    lock_currencies = {live.snapshot[row].currency for row in locked}
    currency = spend.currency if spend else next(iter(lock_currencies), live.manifest.currency)
    if wish and wish.currency:
        currency = wish.currency
    basket_rows = live.snapshot.rows_of([ProductId(i) for i in request.basket])
    titles = " ".join([*(live.snapshot[row].title for row in [*locked, *basket_rows][:5]), *read.owned])
    gone = [*request.exclude, *request.basket]
    genders, ages = said_in(request.prompt or "")
    return Plan(
        understanding=read,
        budget=spend,
        currency=currency,
        rules=make_rules(
            live,
            now,
            currency,
            gone,
            read.exclude,
            request.filters,
            allow_preorder,
            read.gender if len(genders) < 2 else "",
            {word for wish in [*read.named, *(wish for wish, _ in wished)] for word in _of_its_own(live, wish)},
        ),
        slots=_slots(live, read, wished, locked),
        is_open=is_open,
        is_empty=bool((request.prompt or "").strip()) and not read.text and not read.says_anything,
        open_text=(read.text or titles) if is_open else "",
        open_wishes=wishes_of(live, read),
        open_kind=kind,
        basket_rows=basket_rows,
        owned_rows=_owned_rows(live, read.owned),
        unknown_locks=[product_id for product_id, row in rows.items() if row is None],
        currency_problem=currency not in live.snapshot.meta.currencies or bool(lock_currencies - {currency}),
        one_audience=len(genders) < 2 and len(ages) < 2,
        likeness=live.complementarity.likeness if kind is None else live.complementarity.likeness_of_a_kind,
    )


def _owned_rows(live: LiveRelease, leaves: list[str]) -> list[int]:
    """The most bought products of each of these leaf categories: they speak for their kind, and are not offered."""
    snapshot, goes_with = live.snapshot, live.complementarity
    found: list[int] = []
    for leaf in leaves:
        rows = np.flatnonzero(snapshot.among(snapshot.category, snapshot.codes_of("category", [leaf])))
        groups, counts = np.unique(goes_with.groups[rows], return_counts=True)
        if len(groups):
            found += goes_with.members(int(groups[counts.argmax()]), OF_A_KIND).tolist()
    return found


def _of_its_own(live: LiveRelease, wish: SlotWish) -> list[str]:
    """The words of a name that is longer than a kind's: "oat milk" is no milk, "beer" and "red wine" are kinds."""
    words, code = words_of(wish.name), live.vocabulary.language
    is_kind = key_of(wish.name, code) in [key_of(category, code) for category in wish.categories]
    return words if len(words) > 1 and not is_kind else []


def _slots(
    live: LiveRelease, read: Understanding, wished: list[tuple[SlotWish, bool]], locked: list[int]
) -> list[SlotPlan]:
    """A locked product fills the wished slot that its title answers, else it has a slot of its own."""
    slots: list[SlotPlan] = []
    free = list(locked)
    for wish, required in wished:
        terms = set(live.analyzer.query_terms(wish.name))
        answer = next((row for row in free if _answers(live, row, terms)), None)
        if answer is not None:
            free.remove(answer)
        name = unique_name(wish.name, [plan.slot.name for plan in slots])
        slot = Slot(name, wish.quantity, required or answer is not None, answer is not None)
        slots.append(SlotPlan(slot, wish.text or wish.name, wish, wishes_of(live, read, wish), answer))
    for row in free:
        product = live.snapshot[row]
        name = (leaf_category(product) or " ".join(product.title.split()[:3])).lower()[:MAX_NAME]
        slot = Slot(unique_name(name, [plan.slot.name for plan in slots]), 1, True, True)
        slots.append(SlotPlan(slot, product.title, SlotWish(name), [], row))
    return slots


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
