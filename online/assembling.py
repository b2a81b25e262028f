"""Scored slots to bundles: who may stand beside whom, which wishes give way, and the budget's scope."""

from collections.abc import Collection, Sequence
from itertools import combinations

import msgspec
import numpy as np
from numpy.typing import NDArray

from online.candidates import Ranked, as_candidates
from online.gather import Context
from online.plan import MOSTLY_ALIKE, Plan
from online.slots import Filled
from online.wishes import GIVE_WAY, narrowed
from setwise.bundle import AlikeOf, Assembly, Candidate, Infeasible, PairTerms, assemble, assemble_ideas
from setwise.names import ProductId
from setwise.rules import ActiveRules
from setwise.rules.pairs import PairRules, pair_rules

LEAST_SAME = 0.2
"""What a further product of a category counts in a bundle of a shop whose sets never hold two of a kind."""
FIT_WEIGHT = 0.5
"""What two products that go together perfectly add, shared among a bundle's slots."""
Candidates = list[list[Candidate]]


class Made(msgspec.Struct, frozen=True):
    """Bundles or why there are none, and the wishes that gave way."""

    assembly: Assembly
    relaxed: list[str]


def make_bundles(context: Context, plan: Plan, slots: Sequence[Filled], active: ActiveRules, n_bundles: int) -> Made:
    """The wishes hold as long as something fits the budget; then style gives way, then colour, and so on."""
    with context.stages("assemble"):
        made = _with_wishes(context, plan, slots, active, n_bundles, 0)
        for given_up in range(1, len(GIVE_WAY) + 1):
            nothing = made.assembly.infeasible
            if nothing is None or nothing.reason != "budget" or not any(filled.wishes for filled in slots):
                break
            if context.is_late() and given_up < len(GIVE_WAY):
                continue  # no time for one wish after the other: all of them give way
            made = _with_wishes(context, plan, slots, active, n_bundles, given_up)
        nothing = made.assembly.infeasible
        if nothing is not None and nothing.reason in ("conflict", "nothing_found") and plan.one_audience:
            # What was named or locked is for different people: then that is what was meant.
            plan = msgspec.structs.replace(plan, one_audience=False)
            made = _with_wishes(context, plan, slots, active, n_bundles, 0)
    return made


def _with_wishes(
    context: Context, plan: Plan, slots: Sequence[Filled], active: ActiveRules, n_bundles: int, given_up: int
) -> Made:  # fmt: skip
    left, relaxed = _that_meet_wishes(slots, given_up)
    relaxable = any(filled.wishes for filled in slots)
    if given_up < len(GIVE_WAY) and relaxable and _is_too_dear(context, plan, slots, left):
        return Made(Assembly([], Infeasible("budget")), relaxed)
    known = {id(ranked): ranked for ranked in left}
    found = {key: as_candidates(context.live, ranked, context.now) for key, ranked in known.items()}
    candidates = [found[id(ranked)] for ranked in left]
    return Made(_assemble(context, plan, slots, candidates, active, n_bundles), relaxed)


def _that_meet_wishes(slots: Sequence[Filled], given_up: int) -> tuple[list[Ranked], list[str]]:
    """Of each slot what meets the wishes that are left, and the words that gave way."""
    relaxed: dict[str, None] = {}
    held: dict[int, Ranked] = {}
    open_groups: list[list[str]] = []
    left = []
    for filled in slots:
        ranked = filled.ranked
        if filled.wishes and len(ranked.rows) and not filled.slot.locked:
            if id(ranked) not in held:
                mask, gone = narrowed(ranked.met, filled.wishes, given_up)
                if filled.group < 0:
                    relaxed |= dict.fromkeys(gone)
                else:
                    open_groups.append(gone)
                held[id(ranked)] = ranked.only(mask)
            ranked = held[id(ranked)]
        left.append(ranked)
    # "Everything red" is not met where no kind has it; one kind without it is no loss.
    relaxed |= dict.fromkeys(word for word in next(iter(open_groups), []) if all(word in gone for gone in open_groups))
    return left, list(relaxed)


def _is_too_dear(context: Context, plan: Plan, slots: Sequence[Filled], left: Sequence[Ranked]) -> bool:
    """True where even the cheapest of each slot that must be filled are beyond the budget together. Without this look,
    sentences that no bundle fits took .5 to .9 s: everything was assembled for each wish that could give way."""
    budget = plan.budget
    if budget is None or budget.max_cents is None or budget.scope == "item":
        return False
    snapshot, now = context.live.snapshot, context.now
    least = [
        filled.slot.quantity * int(snapshot.prices_now(ranked.rows, now).min())
        for filled, ranked in zip(slots, left, strict=True)
        if filled.slot.required and len(ranked.rows)
    ]
    return sum(least) > budget.max_cents


def _assemble(
    context: Context, plan: Plan, slots: Sequence[Filled], candidates: Candidates, active: ActiveRules, n_bundles: int
) -> Assembly:  # fmt: skip
    if not slots:
        return Assembly([], Infeasible("nothing_found"))
    budget = plan.budget
    least, most = (budget.min_cents, budget.max_cents) if budget else (None, None)
    if budget is None or budget.scope != "item":
        return _choose(context, plan, slots, candidates, active, n_bundles, most, least)
    within = [
        [c for c in found if (most is None or c.price_cents <= most) and c.price_cents >= (least or 0)]
        for found in candidates
    ]
    done = _choose(context, plan, slots, within, active, n_bundles, None, None)
    if done.bundles or done.infeasible is None:
        return done
    # Each item may cost so much: no total would help to say.
    reason = "budget" if any(candidates) else done.infeasible.reason
    empty = tuple(f.slot.name for f, found in zip(slots, within, strict=True) if f.slot.required and not found)
    return Assembly([], Infeasible(reason, None, empty or done.infeasible.blocking))


def _choose(
    context: Context, plan: Plan, slots: Sequence[Filled], candidates: Candidates, active: ActiveRules, n_bundles: int,
    most: int | None, least: int | None,
) -> Assembly:  # fmt: skip
    def pairs_of(chosen: Sequence[int], found: Candidates) -> tuple[Candidates, PairTerms]:
        added = [at for at, position in enumerate(chosen) if slots[position].is_companion]
        return pair_terms(context, plan, active, found, added)

    asked = [filled.slot for filled in slots]
    if any(filled.group >= 0 for filled in slots):
        return assemble_ideas(
            asked, candidates, [filled.group for filled in slots], sizes=_sizes(context, plan, n_bundles),
            same_group=LEAST_SAME + (1.0 - LEAST_SAME) * plan.likeness, max_total_cents=most,
            min_total_cents=least, n_bundles=n_bundles, pairs_of=pairs_of, max_per_brand=active.max_per_brand,
            is_late=context.is_late, alike_of=_alike_of(context, plan),
        )  # fmt: skip
    possible, pairs = pairs_of(range(len(asked)), candidates)
    return assemble(
        asked, possible, max_total_cents=most, min_total_cents=least, n_bundles=n_bundles, pairs=pairs,
        max_per_brand=active.max_per_brand, is_late=context.is_late,
    )  # fmt: skip


def _sizes(context: Context, plan: Plan, n_bundles: int) -> list[int]:
    """How many products each bundle for an open wish holds."""
    said = context.assignment.parameters.open_slots
    if said is not None:
        return [said] * n_bundles
    return context.live.complementarity.sizes(n_bundles, is_kind=plan.open_kind is not None)


def _alike_of(context: Context, plan: Plan) -> AlikeOf | None:
    """How near candidates are in meaning and in the words of their facts; None where a bundle holds rather different
    things."""
    if plan.likeness <= MOSTLY_ALIKE:
        return None
    index = context.live.index

    def alike(found: Sequence[Candidate]) -> NDArray[np.float64]:
        rows = np.asarray([candidate.row for candidate in found], dtype=np.int64)
        own = index.vectors(rows)
        # On 2,627 intents of the past, meaning alone gave a best Jaccard of .0863, with the words it is .0882.
        near: NDArray[np.float64] = own @ own.T + context.live.snapshot.facts.overlap(rows)
        return near

    return alike


def pair_terms(
    context: Context, plan: Plan, active: ActiveRules, candidates: Candidates, added: Collection[int]
) -> tuple[Candidates, PairTerms]:
    """The candidates that some bundle could hold, and what two of them add together or why they may not meet.

    `added` are positions of slots for what always_with brings along."""
    candidates, rules = _by_rules(context, plan, active, candidates, added)
    if len(candidates) < 2:
        return candidates, PairTerms({}, rules.needs)
    # All slots' rows at once: a call for each pair of slots took three times as long.
    ends = np.cumsum([0, *(len(found) for found in candidates)])
    rows = np.asarray([c.row for found in candidates for c in found], dtype=np.int64)
    weight = FIT_WEIGHT if context.assignment.parameters.complementarity else 0.0
    # Assembly shares the terms among all slots: what a rule brings along neither adds to the others' nor takes from it.
    weight *= max(len(candidates) - 1, 1) / max(len(candidates) - len(added) - 1, 1)
    terms = context.live.complementarity.fit(rows, rows)
    terms *= weight
    for at in added:
        terms[ends[at] : ends[at + 1]] = terms[:, ends[at] : ends[at + 1]] = 0.0
    if plan.one_audience:
        terms[_clash(context, rows)] = -np.inf
    fit: dict[tuple[int, int], NDArray[np.float32]] = {}
    for i, j in combinations(range(len(candidates)), 2):
        fit[i, j] = terms[ends[i] : ends[i + 1], ends[j] : ends[j + 1]]
        if (i, j) in rules.forbidden:
            fit[i, j] = np.where(rules.forbidden[i, j], -np.inf, fit[i, j])
    return candidates, PairTerms(fit, rules.needs)


def _by_rules(
    context: Context, plan: Plan, active: ActiveRules, candidates: Candidates, added: Collection[int]
) -> tuple[Candidates, PairRules]:
    """never_together and always_with; what could never have its companion is no candidate."""
    if not active.restricts_pairs:
        return candidates, PairRules({}, {}, [])
    snapshot = context.live.snapshot
    basket = {ProductId(snapshot.ids[row]) for row in plan.basket_rows}
    while True:
        found = pair_rules(active, [[snapshot[c.row] for c in pool] for pool in candidates], basket, added)
        if not any(mask.any() for mask in found.hopeless):
            return candidates, found
        candidates = [
            [candidate for candidate, is_hopeless in zip(pool, mask.tolist(), strict=True) if not is_hopeless]
            for pool, mask in zip(candidates, found.hopeless, strict=True)
        ]


def _clash(context: Context, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Shape (rows, rows): True where both are known to be for different people."""
    snapshot = context.live.snapshot
    clash = np.zeros((len(rows), len(rows)), dtype=bool)
    for column in (snapshot.gender[rows], snapshot.age_group[rows], snapshot.size_system[rows]):
        known = column > 0
        if known.any():
            clash |= (column[:, None] != column) & known[:, None] & known
    return clash
