"""The request on one screen: understand, encode, retrieve, hydrate, rank, assemble."""

import uuid
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from online import present
from online.candidates import Ranked, as_candidates, open_slots, rank
from online.companions import companions, possible
from online.eligibility import eligible
from online.hydration import FeatureReader, FeatureStoreDownError
from online.live import LiveRelease
from online.merchandising import NO_RULES, active_rules, answerable, with_pinned
from online.messages import BundleAnswer, BundleRequest, Degraded, ProductsAnswer, ProductsRequest
from online.plan import Plan, make_plan, unique_name, wished_words
from online.retrieval import InProcessRetriever, Retriever, SlotQuery, VectorStoreDownError
from online.stages import Stages
from setwise.bundle import Assembly, Candidate, Infeasible, PairTerms, Slot, assemble
from setwise.index import Hits
from setwise.names import PRODUCT_STATS_VIEW, SHOPPER_PROFILES_VIEW, ProductId
from setwise.ranking import FEATURES
from setwise.rules import ActiveRules, RuleBook

ROWS_PER_SLOT = 100
ROWS_FOR_OPEN_SLOTS = 200
MORE_FOR_EXCLUDED = 300
LADDER = ("full", "no_profile", "no_features", "lexical", "local_index", "popular")


class Dependencies(msgspec.Struct, frozen=True):
    """What an answer needs beside the release; built once per process."""

    retriever: Retriever
    features: FeatureReader
    allow_preorder: bool = False


class Context:
    """One answer on its way: its release, its clock, what failed so far."""

    def __init__(self, live: LiveRelease, dependencies: Dependencies, now: datetime) -> None:
        self.live, self.dependencies, self.now = live, dependencies, now
        self.stages = Stages()
        self.degraded: list[Degraded] = []
        self.rung = "full"
        self.request_id = uuid.uuid4().hex

    def degrade(self, rung: str, dependency: str, reason: str) -> None:
        """Notes a dependency that is answered without; the worst rung stays."""
        self.degraded.append(Degraded(dependency, reason))
        self.rung = max(self.rung, rung, key=LADDER.index)


class Prepared(msgspec.Struct, frozen=True):
    """A request up to assembly: scored candidates for each slot, or the reason why none are worth looking for."""

    context: Context
    plan: Plan
    slots: list[Slot]
    ranked: list[Ranked] = []
    candidates: list[list[Candidate]] = []
    lost: Counter[str] = Counter()
    active: ActiveRules = ActiveRules()
    n_added: int = 0
    """How many slots, the last ones, are there for what the shop's always_with brings along."""
    problem: Infeasible | None = None


def recommend_bundles(
    request: BundleRequest, live: LiveRelease, dependencies: Dependencies, now: datetime, book: RuleBook = NO_RULES
) -> BundleAnswer:
    """Complete bundles within the budget, or why there are none."""
    ready = prepare(request, live, dependencies, now, book)
    context, plan = ready.context, ready.plan
    if ready.problem:
        return present.bundle_answer(context, plan, ready.slots, [], Assembly([], ready.problem), request.explain)
    with context.stages("assemble"):
        assembly = _assemble(ready, request)
    assembly = _explain_nothing(assembly, ready.lost)
    return present.bundle_answer(context, plan, ready.slots, ready.ranked, assembly, request.explain)


def prepare(
    request: BundleRequest,
    live: LiveRelease,
    dependencies: Dependencies,
    now: datetime,
    book: RuleBook = NO_RULES,
    also: Mapping[str, NDArray[np.int64]] | None = None,
) -> Prepared:
    """Understand, encode, retrieve, hydrate, rank. `also` = rows that are candidates of a slot whatever it finds."""
    context = Context(live, dependencies, now)
    with context.stages("understand"):
        plan = make_plan(
            live, now, prompt=request.prompt, budget=request.budget, slots=request.slots, filters=request.filters,
            lock=request.lock, exclude=request.exclude, basket=request.basket,
            allow_preorder=dependencies.allow_preorder,
        )  # fmt: skip
    problem = _hopeless(plan, live)
    if problem:
        return Prepared(context, plan, plan.slots, problem=problem)
    texts = [*plan.texts, *([plan.open_text] if plan.open_text else [])]
    vectors = _encode(context, texts)
    hits = _retrieve(context, texts, vectors, len(request.exclude) + len(request.basket))
    slots, pools, slot_names, slot_vectors, slot_hits = list(plan.slots), *_pools(plan, texts, vectors, hits)
    if plan.open_text:
        taken = {int(live.snapshot.category[row]) for row in plan.locked_rows.values()}
        taken |= {
            int(live.snapshot.category[row]) for row in live.snapshot.rows_of(list(map(ProductId, request.basket)))
        }
        for name, rows in open_slots(live, hits[-1], taken):
            slots.append(Slot(unique_name(name, [slot.name for slot in slots]), 1, required=not slots))
            pools.append(rows)
            slot_names.append("")
            slot_vectors.append(vectors[-1] if vectors is not None else None)
            slot_hits.append(hits[-1])
    lost: Counter[str] = Counter()
    active, best = active_rules(live, book, request.prompt, pools, now), list(pools)
    for position, (slot, found) in enumerate(zip(slots, pools, strict=True)):
        more = (also or {}).get(slot.name, found[:0])
        pool = found if slot.locked else np.union1d(with_pinned(live, found, active), more)
        pools[position], gone = eligible(live, pool, slot.quantity, plan.rules)
        pools[position] = answerable(live, pools[position], active, now)
        lost += gone if not len(pools[position]) and slot.required else Counter()
    with context.stages("hydrate"):
        known = np.unique(np.concatenate([*pools, np.empty(0, np.int64)]))
        profile, stats = _hydrate(context, request.user_id if request.consent else None, known)
    with context.stages("rank"):
        wishes = wished_words(plan.understanding)
        ranked = [
            rank(live, pool, hit, name, vector, wishes, stats, profile, active, found)
            for pool, hit, name, vector, found in zip(pools, slot_hits, slot_names, slot_vectors, best, strict=True)
        ]
        candidates = [as_candidates(live, rows, now) for rows in ranked]
        added = companions(live, active, plan.rules, slots, candidates, set(map(ProductId, request.basket)))
        for one in added:
            slots.append(one.slot)
            ranked.append(Ranked(np.asarray([one.row], dtype=np.int64), np.zeros((1, len(FEATURES)))))
            candidates.append(as_candidates(live, ranked[-1], now))
    return Prepared(context, plan, slots, ranked, candidates, lost, active, len(added))


def recommend_products(
    request: ProductsRequest, live: LiveRelease, dependencies: Dependencies, now: datetime, book: RuleBook = NO_RULES
) -> ProductsAnswer:
    """Single products for a prompt, a basket or a shopper, best first."""
    context = Context(live, dependencies, now)
    with context.stages("understand"):
        plan = make_plan(
            live, now, prompt=request.prompt, budget=None, slots=None, filters=request.filters, lock=[],
            exclude=request.exclude, basket=request.basket, allow_preorder=dependencies.allow_preorder,
        )  # fmt: skip
    user_id = request.user_id if request.consent else None
    text = plan.understanding.text or plan.open_text
    with context.stages("hydrate"):
        profile, _ = _hydrate(context, user_id, np.empty(0, np.int64))
        history = [*(profile or {}).get("usual_products", ()), *(profile or {}).get("recent_products", ())]
        known = live.snapshot.rows_of(map(ProductId, history))
        text = text or " ".join(live.snapshot[row].title for row in known[:5])
    wanted = request.offset + request.k
    if text:
        vectors = _encode(context, [text])
        hits = _retrieve(context, [text], vectors, max(wanted - ROWS_PER_SLOT, 0) + len(request.exclude))[0]
    else:
        vectors, hits = None, _any_rows(live)
    rows = hits.rows
    if request.candidates is not None:
        rows = np.asarray(live.snapshot.rows_of(map(ProductId, dict.fromkeys(request.candidates))), dtype=np.int64)
    elif not plan.understanding.text and known:
        rows = np.concatenate([np.asarray(known, dtype=np.int64), np.setdiff1d(rows, known)])
    active, best = active_rules(live, book, request.prompt, [rows], now), rows
    rows = with_pinned(live, rows, active) if request.candidates is None else rows
    rows, _ = eligible(live, rows, 1, plan.rules)
    rows = answerable(live, rows, active, now)
    budget = plan.budget
    if budget is not None and budget.max_cents is not None and request.candidates is None:
        rows = rows[live.snapshot.prices_now(rows, now) <= budget.max_cents]
    with context.stages("hydrate"):
        _, stats = _hydrate(context, None, rows)
    with context.stages("rank"):
        vector = vectors[0] if vectors is not None else None
        ranked = rank(live, rows, hits, "", vector, wished_words(plan.understanding), stats, profile, active, best)
    page = Ranked(ranked.rows[request.offset : wanted], ranked.parts[request.offset : wanted])
    return present.products_answer(context, plan, page)


def _any_rows(live: LiveRelease) -> Hits:
    """Where nothing was said: popularity and taste decide among the first products."""
    count = min(len(live.snapshot), 1_000)
    return Hits(np.arange(count), np.zeros(count), np.zeros(count))


def _hopeless(plan: Plan, live: LiveRelease) -> Infeasible | None:
    """Locked products that cannot be sold together, or a currency that the catalogue does not have."""
    if plan.unknown_locks:
        return Infeasible("nothing_found", None, tuple(plan.unknown_locks))
    if plan.currency_problem:
        return Infeasible("currency")
    for position, row in plan.locked_rows.items():
        kept, lost = eligible(live, np.asarray([row], dtype=np.int64), plan.slots[position].quantity, plan.rules)
        if not len(kept):
            return Infeasible(next(iter(lost)), None, (plan.slots[position].name,))
    return None


def _encode(context: Context, texts: list[str]) -> NDArray[np.float32] | None:
    with context.stages("encode"):
        try:
            return context.live.encoder.encode(texts) if texts else None
        except Exception as error:  # whatever the runtime raises: words alone still answer
            context.degrade("lexical", "encoder", type(error).__name__)
            return None


def _retrieve(
    context: Context, texts: list[str], vectors: NDArray[np.float32] | None, excluded: int
) -> list[Hits]:  # fmt: skip
    live, more = context.live, min(excluded, MORE_FOR_EXCLUDED)
    queries = [
        SlotQuery(
            live.analyzer.query_terms(text),
            vectors[i] if vectors is not None else None,
            (ROWS_PER_SLOT if len(texts) > 1 else ROWS_FOR_OPEN_SLOTS) + more,
        )
        for i, text in enumerate(texts)
    ]
    with context.stages("retrieve"):
        try:
            return context.dependencies.retriever.retrieve(live, queries)
        except VectorStoreDownError as error:
            context.degrade("local_index", "weaviate", str(error))
            return InProcessRetriever().retrieve(live, queries)


def _pools(
    plan: Plan, texts: list[str], vectors: NDArray[np.float32] | None, hits: list[Hits]
) -> tuple[list[NDArray[np.int64]], list[str], list[NDArray[np.float32] | None], list[Hits]]:
    """Rows, name, vector and hits of each slot that the plan named; a locked slot has its one product."""
    pools = [hits[i].rows for i in range(len(plan.slots))]
    for position, row in plan.locked_rows.items():
        pools[position] = np.asarray([row], dtype=np.int64)
    named = len(plan.slots)
    own = [vectors[i] if vectors is not None else None for i in range(named)]
    # A locked product belongs to its slot alone: it cannot fill another one.
    locked = np.asarray(list(plan.locked_rows.values()), dtype=np.int64)
    pools = [p if i in plan.locked_rows else p[~np.isin(p, locked)] for i, p in enumerate(pools)]
    return pools, texts[:named], own, hits[:named]


def _hydrate(
    context: Context, user_id: str | None, rows: NDArray[np.int64]
) -> tuple[dict[str, Any] | None, dict[int, dict[str, Any]]]:
    """The shopper's profile and the products' statistics; without the store both are empty and the answer says so."""
    reader, live = context.dependencies.features, context.live
    profile: dict[str, Any] | None = None
    try:
        if user_id is not None:
            profile = reader.read(SHOPPER_PROFILES_VIEW, [user_id], context.now)[0]
        keys = [live.snapshot[row].id for row in rows.tolist()]
        found = reader.read(PRODUCT_STATS_VIEW, keys, context.now) if keys else []
    except FeatureStoreDownError as error:
        context.degrade("no_features", "features", str(error))
        return profile, {}
    return profile, {row: stats for row, stats in zip(rows.tolist(), found, strict=True) if stats}


def _assemble(ready: Prepared, request: BundleRequest) -> Assembly:
    slots, budget = ready.slots, ready.plan.budget
    if not slots:
        return Assembly([], Infeasible("nothing_found"))

    def solve(pools: list[list[Candidate]], most: int | None, least: int | None, count: int) -> Assembly:
        pools, pairs = pair_terms(ready, request, pools, ready.n_added)
        cap = ready.active.max_per_brand
        return assemble(
            slots, pools, max_total_cents=most, min_total_cents=least, n_bundles=count, pairs=pairs, max_per_brand=cap
        )

    if budget is None:
        return solve(ready.candidates, None, None, request.n_bundles)
    most = budget.max_cents
    if budget.scope == "item" and most is not None:
        cheap = [[c for c in found if c.price_cents <= most] for found in ready.candidates]
        done = solve(cheap, None, None, request.n_bundles)
        if done.bundles:
            return done
        nothing = solve(ready.candidates, 0, None, 1).infeasible
        return Assembly([], nothing and msgspec.structs.replace(nothing, cheapest_total_cents=None))
    return solve(ready.candidates, most, budget.min_cents, request.n_bundles)


def pair_terms(
    ready: Prepared, request: BundleRequest, pools: list[list[Candidate]], n_added: int
) -> tuple[list[list[Candidate]], PairTerms]:
    """The candidates that some bundle could hold, and the terms of their pairs; the last `n_added` slots were added."""
    basket = set(map(ProductId, request.basket))
    pools, rules = possible(ready.context.live, ready.active, pools, basket, n_added)
    fit = {pair: np.where(mask, -np.inf, 0.0) for pair, mask in rules.forbidden.items()}
    return pools, PairTerms(fit, rules.forbidden_while_empty)


def _explain_nothing(assembly: Assembly, lost: Counter[str]) -> Assembly:
    """Says which rule emptied a required slot, where one did."""
    nothing = assembly.infeasible
    if nothing is None or nothing.reason == "budget":
        return assembly
    reason = lost.most_common(1)[0][0] if lost and nothing.reason == "nothing_found" else "nothing_found"
    return Assembly([], msgspec.structs.replace(nothing, reason=reason))
