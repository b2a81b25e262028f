"""The request on one screen: understand, encode, retrieve, hydrate, rank, assemble."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec
import numpy as np
from numpy.typing import NDArray

from online import present
from online.assembling import Made, make_bundles
from online.candidates import Asked, Known, Ranked, RankedBy, of_what_is_named, rank, rank_all
from online.companions import companions
from online.deadline import Deadline
from online.eligibility import eligible
from online.finding import (
    MORE_FOR_EXCLUDED,
    ROWS_FOR_OPEN_SLOTS,
    ROWS_PER_SLOT,
    answerable_rows,
    found_rows,
    given_products,
    with_completions,
)
from online.gather import NOT_UNDERSTOOD, PROMPT, Context, Dependencies, encode, hydrate, retrieve
from online.live import LiveRelease
from online.merchandising import NO_RULES, active_rules, answerable, with_pinned
from online.messages import BundleAnswer, BundleRequest, ProductsAnswer, ProductsRequest
from online.plan import MOSTLY_ALIKE, Plan, plan_bundles, plan_products
from online.popular import is_far
from online.returning import MOST_BOUGHT, rows_known, rows_next, rows_that_fit
from online.sessions import rows_held, without_held
from online.slots import Filled, open_slots
from setwise.bundle import Assembly, Infeasible
from setwise.experiment import NO_EXPERIMENT, Assignment
from setwise.index import Hits
from setwise.names import ProductId
from setwise.prompt.budget import Budget
from setwise.rows import distinct
from setwise.rules import ActiveRules, RuleBook
from setwise.taste import read_taste

Rows = NDArray[np.int64]
NOTHING = Hits(np.empty(0, np.int64), np.empty(0), np.empty(0))


class Prepared(msgspec.Struct, frozen=True):
    """A request up to assembly: scored candidates for each slot, or the reason why none are worth looking for."""

    context: Context
    plan: Plan
    slots: list[Filled] = []
    lost: Counter[str] = Counter()
    active: ActiveRules = ActiveRules()
    problem: Infeasible | None = None


def recommend_bundles(
    request: BundleRequest, live: LiveRelease, dependencies: Dependencies, now: datetime, book: RuleBook = NO_RULES,
    deadline: Deadline | None = None, assignment: Assignment = NO_EXPERIMENT,
    on_prepared: Callable[[Prepared], None] = lambda _: None,
) -> BundleAnswer:  # fmt: skip
    """Complete bundles within the budget, or why there are none. `on_prepared` is told what is known before them."""
    ready = prepare(request, live, dependencies, now, book, deadline=deadline, assignment=assignment)
    on_prepared(ready)
    if ready.problem:
        made = Made(Assembly([], ready.problem), [])
    else:
        made = make_bundles(ready.context, ready.plan, ready.slots, ready.active, request.n_bundles)
    return present.bundle_answer(ready.context, ready.plan, ready.slots, _explained(made, ready.lost), request.explain)


def prepare(
    request: BundleRequest,
    live: LiveRelease,
    dependencies: Dependencies,
    now: datetime,
    book: RuleBook = NO_RULES,
    also: Mapping[str, NDArray[np.int64]] | None = None,
    deadline: Deadline | None = None,
    assignment: Assignment = NO_EXPERIMENT,
) -> Prepared:
    """Understand, encode, retrieve, hydrate, rank. `also` = rows that are candidates of a slot whatever it finds."""
    context, also = Context(live, dependencies, now, deadline, assignment), also or {}
    parameters = assignment.parameters
    with context.stages("understand"):
        plan = plan_bundles(request, live, now, book, dependencies.allow_preorder)
    if problem := _hopeless(plan, live):
        return Prepared(context, plan, problem=problem)
    asked, found = found_rows(context, plan, len(request.exclude) + len(request.basket))
    profile, session = hydrate(context, request)
    held_in = session
    if not parameters.personal:
        profile = session = None
    with context.stages("rank"):
        taste = read_taste(profile, session, live.snapshot, live.complementarity)
        active = active_rules(live, book, request.prompt, found, now)
        fitting = rows_that_fit(live, rows_known(taste), asked, plan.open_text)
        pools, lost = answerable_rows(live, plan, _with_more(live, plan, found, fitting, active, also), active)
        known = Known(
            profile, active, plan.completed, session, taste, now=now, share_cents=_share(plan.budget, len(plan.slots)),
            parameters=parameters,
        )  # fmt: skip
        held = rows_held(live, held_in, request.prompt or "", also.values())
        ranked = rank_all(live, pools, asked, known)
        # A green sweater is no green swimsuit: what was named comes before what was wished of it.
        slots = _named(live, plan, ranked, asked, held, can_stay_open=request.slots is None)
        if plan.is_open:
            # Where sets hold different things, what is named, locked or in the basket is not offered a second time.
            has_one = [*plan.completed, *(int(row) for filled in slots for row in filled.ranked.rows[:1])]
            is_varied = plan.likeness <= MOSTLY_ALIKE
            taken = {int(live.complementarity.groups[row]) for row in has_one} if is_varied else set()
            pool, is_kind = without_held(ranked[-1], held), plan.open_kind is not None
            names = [named.slot.name for named in plan.slots]
            slots += open_slots(live, pool, plan.open_wishes, taken, names, is_kind=is_kind)
        slots += companions(live, active, plan.rules, slots, set(map(ProductId, request.basket)))
    return Prepared(context, plan, slots, lost, active)


def recommend_products(
    request: ProductsRequest, live: LiveRelease, dependencies: Dependencies, now: datetime, book: RuleBook = NO_RULES,
    deadline: Deadline | None = None, assignment: Assignment = NO_EXPERIMENT,
) -> ProductsAnswer:  # fmt: skip
    """Single products for a prompt, a basket or a shopper, best first."""
    context, plan, ranked = rank_products(request, live, dependencies, now, book, deadline, assignment)
    page = ranked.only(slice(request.offset, request.offset + request.k))
    return present.products_answer(context, plan, page)


def recommend_to_learn_from(
    request: ProductsRequest, live: LiveRelease, dependencies: Dependencies, now: datetime, book: RuleBook = NO_RULES,
    deadline: Deadline | None = None, assignment: Assignment = NO_EXPERIMENT,
) -> tuple[ProductsAnswer, RankedBy]:  # fmt: skip
    """The same with what these products were ranked by, for the answer's record."""
    learning = msgspec.structs.replace(dependencies, to_learn_from=True)
    context, plan, ranked = rank_products(request, live, learning, now, book, deadline, assignment)
    page = ranked.only(slice(request.offset, request.offset + request.k))
    ids = (live.snapshot.ids[row] for row in page.rows.tolist())
    rows = () if page.features is None else page.features
    return present.products_answer(context, plan, page), RankedBy(page.kind, dict(zip(ids, rows, strict=True)))


def rank_products(
    request: ProductsRequest, live: LiveRelease, dependencies: Dependencies, now: datetime, book: RuleBook = NO_RULES,
    deadline: Deadline | None = None, assignment: Assignment = NO_EXPERIMENT,
) -> tuple[Context, Plan, Ranked]:  # fmt: skip
    """All candidates of a request for single products, best first, with the feature rows that they were ranked by."""
    context, parameters = Context(live, dependencies, now, deadline, assignment), assignment.parameters
    with context.stages("understand"):
        plan = plan_products(request, live, now, dependencies.allow_preorder)
    profile, session = hydrate(context, request)
    held_in = session
    if not parameters.personal:
        profile = session = None
    taste = read_taste(profile, session, live.snapshot, live.complementarity)
    text, given = plan.understanding.text, [*plan.basket_rows, *plan.owned_rows]
    wanted = request.offset + request.k
    if text:
        limit = ROWS_FOR_OPEN_SLOTS + min(max(wanted - ROWS_PER_SLOT, 0) + len(request.exclude), MORE_FOR_EXCLUDED)
        vector = encode(context, [text])[0]
        hits = retrieve(context, [text], [vector], [limit])[0]
    else:
        vector, hits = None, NOTHING
    if request.candidates is None and (plan.is_empty or is_far(live, plan.understanding, vector)):
        context.degrade("popular", PROMPT, NOT_UNDERSTOOD)
        text, vector, hits = "", None, NOTHING
    nothing_said = not text and not given
    # Neither name nor categories of what was named: on chorus they took .05 of NDCG@10.
    is_list = request.candidates is not None
    terms = live.analyzer.query_terms(text) if text else ()
    to_complete = given_products(live, given, text, vector)
    asked = Asked(hits, vector, wishes=plan.open_wishes, given=to_complete, terms=terms, is_list=is_list)
    rows = with_completions(live, asked, hits.rows)
    if request.candidates is not None:
        rows = np.asarray(live.snapshot.rows_of(map(ProductId, dict.fromkeys(request.candidates))), dtype=np.int64)
    elif nothing_said:
        rows = rows_next(live, taste, wanted + len(request.exclude))
        if request.filters is not None or plan.budget is not None:
            rows = distinct(rows, eligible(live, live.popular, 1, plan.rules)[0][:MOST_BOUGHT])
    elif taste is not None:
        rows = distinct(rows, *rows_that_fit(live, rows_known(taste), [asked], text))
    active = active_rules(live, book, request.prompt, [rows], now)
    rows = with_pinned(live, rows, active) if request.candidates is None else rows
    rows, _ = eligible(live, rows, 1, plan.rules)
    rows = answerable(live, rows, active, now)
    budget = plan.budget
    if budget is not None and request.candidates is None:
        prices = live.snapshot.prices_now(rows, now)
        most = prices if budget.max_cents is None else budget.max_cents
        rows = rows[(prices <= most) & (prices >= (budget.min_cents or 0))]
    with context.stages("rank"):
        share = _share(budget, 1)
        wanted = dependencies.to_learn_from
        known = Known(profile, active, given, session, taste, nothing_said, now, share, wanted, parameters)
        ranked = rank(live, rows, asked, known)
        if request.candidates is None:
            ranked = without_held(ranked, rows_held(live, held_in, request.prompt or "", ()))
    return context, plan, ranked


def _share(budget: Budget | None, slots: int) -> int | None:
    """What one product may cost: the upper bound, shared among the slots."""
    if budget is None or budget.max_cents is None:
        return None
    return budget.max_cents if budget.scope == "item" else budget.max_cents // max(slots, 1)


def _with_more(
    live: LiveRelease, plan: Plan, found: Sequence[Rows], fitting: Sequence[Rows], active: ActiveRules,
    also: Mapping[str, Rows],
) -> list[Rows]:  # fmt: skip
    """Beside what each slot found: pinned products, what the shopper knows, `also`. A locked slot has its product."""
    names, pools = [named.slot.name for named in plan.slots], []
    for position, (rows, fits) in enumerate(zip(found, fitting, strict=True)):
        named = plan.slots[position] if position < len(names) else None
        more = [own for name, own in also.items() if (name == named.slot.name if named else name not in names)]
        is_free = named is None or not named.slot.locked
        pools.append(distinct(with_pinned(live, rows, active), *more, fits) if is_free else rows)
    return pools


def _named(
    live: LiveRelease, plan: Plan, ranked: Sequence[Ranked], asked: Sequence[Asked], held: NDArray[np.int64], *,
    can_stay_open: bool,
) -> list[Filled]:  # fmt: skip
    """The named slots; one that the shop has nothing for stays open, where anything else can be answered. What the
    shopper has is offered only where nothing else is what was named."""
    found = [of_what_is_named(live, rows, one) for rows, one, _ in zip(ranked, asked, plan.slots, strict=False)]
    can_stay_open &= any(len(rows.rows) for rows in found) or (plan.is_open and len(ranked[-1].rows) > 0)
    slots = []
    for named, rows, kind in zip(plan.slots, ranked, found, strict=False):
        is_open = can_stay_open and len(rows.rows) > 0 and not len(kind.rows)
        slot = msgspec.structs.replace(named.slot, required=False) if is_open else named.slot
        slots.append(Filled(slot, without_held(kind, held), named.wishes))
    return slots


def _hopeless(plan: Plan, live: LiveRelease) -> Infeasible | None:
    """Locked products that cannot be sold together, or a currency that the catalogue does not have."""
    if plan.unknown_locks:
        return Infeasible("nothing_found", None, tuple(plan.unknown_locks))
    if plan.currency_problem:
        return Infeasible("currency")
    for named in plan.slots:
        if named.locked_row is not None:
            row = np.asarray([named.locked_row], dtype=np.int64)
            kept, lost = eligible(live, row, named.slot.quantity, plan.rules)
            if not len(kept):
                return Infeasible(next(iter(lost)), None, (named.slot.name,))
    return None


def _explained(made: Made, lost: Counter[str]) -> Made:
    """Says which rule emptied a required slot, where one did."""
    nothing = made.assembly.infeasible
    if nothing is None or nothing.reason not in ("nothing_found", "conflict"):
        return made
    emptied = nothing.reason == "nothing_found" and lost
    told = msgspec.structs.replace(nothing, reason=lost.most_common(1)[0][0] if emptied else "nothing_found")
    return msgspec.structs.replace(made, assembly=Assembly([], told))
