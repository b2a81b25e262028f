"""The rows that each slot of a request is filled from: what retrieval finds, what comes along, what may be answered."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from online.candidates import Asked
from online.eligibility import REASONS, may_be_for, refusals
from online.gather import NOT_UNDERSTOOD, PROMPT, Context, encode, retrieve
from online.live import LiveRelease
from online.merchandising import answerable
from online.plan import Plan, SlotPlan
from online.popular import is_far, popular_hits
from online.slots import with_partners
from setwise import completion
from setwise.index import Hits
from setwise.rows import among, distinct
from setwise.rules import ActiveRules

ROWS_PER_SLOT = 100
ROWS_FOR_OPEN_SLOTS = 200
MORE_FOR_EXCLUDED = 300

Rows = NDArray[np.int64]


def found_rows(context: Context, plan: Plan, excluded: int) -> tuple[list[Asked], list[Rows]]:
    """What each slot was looked for with and the rows it found, the open wish last; a locked slot has its product."""
    live, named, more = context.live, plan.slots, min(excluded, MORE_FOR_EXCLUDED)
    texts = [slot.text for slot in named] + ([plan.open_text] if plan.open_text else [])
    limits = [ROWS_PER_SLOT + more] * len(named) + [ROWS_FOR_OPEN_SLOTS + more] * bool(plan.open_text)
    vectors = encode(context, texts)
    categories = [slot.wish.categories for slot in named]
    categories += [plan.open_kind.categories if plan.open_kind else []] * bool(plan.open_text)
    hits = retrieve(context, texts, vectors, limits, categories)
    asked = [
        Asked(
            hit,
            vector,
            slot.wish.name,
            slot.wish.categories,
            slot.wishes,
            terms=live.analyzer.query_terms(text),
            is_kind=slot.wish.is_kind,
        )
        for hit, vector, slot, text in zip(hits, vectors, named, texts, strict=False)
    ]
    if plan.is_open:
        asked.append(_asked_openly(context, plan, hits, vectors))
    # A locked product belongs to its slot alone: it cannot fill another one.
    locked = np.asarray([slot.locked_row for slot in named if slot.locked_row is not None], dtype=np.int64)
    pools = [one.hits.rows for one in asked]
    if plan.is_open:
        pools[-1] = with_partners(context.live, with_completions(context.live, asked[-1], pools[-1]), plan.completed)
    pools = [rows[~among(rows, locked)] if len(locked) else rows for rows in pools]
    for position, slot in enumerate(named):
        if slot.locked_row is not None:
            pools[position] = np.asarray([slot.locked_row], dtype=np.int64)
    return asked, pools


def _asked_openly(
    context: Context, plan: Plan, hits: Sequence[Hits], vectors: Sequence[NDArray[np.float32] | None]
) -> Asked:  # fmt: skip
    """What an open wish was looked for with. Where nothing was said, or nothing is like it, what is bought most."""
    live, text = context.live, plan.understanding.text
    said = vectors[-1] if text else None
    given = given_products(live, plan.completed, text, said)
    if plan.open_text and (given is not None or not is_far(live, plan.understanding, said)):
        # Not the name and categories of a kind that was named: they took .011 of coverage on the public bundles.
        terms = live.analyzer.query_terms(text) if text else ()
        return Asked(hits[-1], vectors[-1], wishes=plan.open_wishes, given=given, terms=terms)
    if text or plan.is_empty:
        context.degrade("popular", PROMPT, NOT_UNDERSTOOD)
    return Asked(popular_hits(live, (), (), ROWS_FOR_OPEN_SLOTS), None, wishes=plan.open_wishes, given=given)


def given_products(
    live: LiveRelease, rows: list[int], text: str, vector: NDArray[np.float32] | None
) -> completion.Asked | None:  # fmt: skip
    """What is to be completed: the basket and locked products, in the direction that was said."""
    if not rows:
        return None
    titles = [live.analyzer.terms(live.snapshot[row].title) for row in rows]
    said = live.analyzer.query_terms(text) if text else []
    return completion.look_up(live.index, np.asarray(rows, dtype=np.int64), titles, said, vector)


def with_completions(live: LiveRelease, asked: Asked, rows: Rows) -> Rows:
    """The hits, and behind them what may complete the given products."""
    if asked.given is None:
        return rows
    more = completion.candidates(asked.given, live.index, live.complementarity)
    rows = distinct(rows[~among(rows, asked.given.given)])
    return np.concatenate([rows, distinct(more[~among(more, rows)])])


def answerable_rows(
    live: LiveRelease, plan: Plan, pools: Sequence[Rows], active: ActiveRules
) -> tuple[list[Rows], Counter[str]]:
    """The rows of each slot that may be answered, and which rules emptied the slots that must be filled."""
    rules, lost = plan.rules, Counter[str]()
    named = [*plan.slots, *[None] * (len(pools) - len(plan.slots))]
    if not pools:
        return [], lost
    sizes, quantities = [len(rows) for rows in pools], [one.slot.quantity if one else 1 for one in named]
    refused = refusals(live, np.concatenate(pools), np.asarray(quantities).repeat(sizes), rules)
    kept = []
    for rows, why, one in zip(pools, np.split(refused, np.cumsum(sizes)[:-1]), named, strict=True):
        left = rows[why == 0]
        if one is not None and _is_sold_out(live, one, rows, left, rules.gender):
            left = left[:0]
        left = answerable(live, left, active, rules.now)
        if not len(left) and (one is None or one.slot.required):
            lost += Counter(REASONS[code] for code in why[why > 0].tolist())
        kept.append(left)
    return kept, lost


def _is_sold_out(live: LiveRelease, named: SlotPlan, found: Rows, kept: Rows, gender: str) -> bool:
    """True where the very kind that was named was found, and none of it may be answered: nothing else will do."""
    terms, brands = set(live.analyzer.terms(named.wish.name)), live.vocabulary.brands
    kinds = [name for name in named.wish.categories if name and name.lower() not in brands]
    codes = [c for c in live.snapshot.codes_of("category", kinds) if terms.issuperset(live.category_terms[c])]
    # Men's sweaters are not what "women's sweater" names: without one of them it is not sold out.
    snapshot = live.snapshot
    if not codes or snapshot.among(snapshot.category[kept], codes).any():
        return False
    return bool((snapshot.among(snapshot.category[found], codes) & may_be_for(live, found, gender)).any())
