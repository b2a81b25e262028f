"""What happens to one prompt, step by step? Answered as for a shopper, and recorded nowhere."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray

from online.candidates import Ranked
from online.gather import Dependencies
from online.live import LiveRelease
from online.messages import BundleAnswer, BundleRequest
from online.pipeline import Prepared, recommend_bundles
from online.slots import Filled
from online.wishes import Wish
from setwise.experiment import NO_EXPERIMENT, Assignment
from setwise.ranking import FEATURES, PARTS
from setwise.rules import RuleBook

MAX_SLOTS = 24


class PlaygroundRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`release` = one that is kept, '' = the live one; `variants` by flag = those to answer under, none = as without
    experiments; `top` = candidates that are shown of each slot."""

    request: BundleRequest
    release: str = ""
    variants: dict[str, str] = {}
    top: Annotated[int, msgspec.Meta(ge=1, le=50)] = 10


class CandidateShown(msgspec.Struct, frozen=True):
    """A scored product: its score is the sum of `parts`; `features` is what it was ranked by. Zeros are left out."""

    product_id: str
    title: str
    price_cents: int
    currency: str
    score: float
    parts: dict[str, float]
    features: dict[str, float]
    wishes_met: list[str]
    in_bundles: list[int]
    """Positions of the bundles that hold it in this slot, from 1 on."""


class SlotShown(msgspec.Struct, frozen=True):
    """A slot, how many candidates it had, and the best of them."""

    name: str
    quantity: int
    required: bool
    is_named: bool
    """False where the catalogue or a rule suggested it."""
    ranked_by: str
    candidates: int
    best: list[CandidateShown]


class PlaygroundAnswer(msgspec.Struct, frozen=True):
    """The answer with every part, and what it was chosen from. `lost` = candidates that may not be answered, by why."""

    answer: BundleAnswer
    searched: str
    """What is left of the sentence for retrieval."""
    slots: list[SlotShown]
    lost: dict[str, int]
    rules: list[str]
    """Ids of the shop's rules that were in force."""


def play(
    asked: PlaygroundRequest, live: LiveRelease, dependencies: Dependencies, now: datetime, book: RuleBook,
    assignment: Assignment = NO_EXPERIMENT,
) -> PlaygroundAnswer:  # fmt: skip
    """Without a deadline: nothing is left out for lack of time. In a thread."""
    prepared: list[Prepared] = []
    request = msgspec.structs.replace(asked.request, explain=True)
    answer = recommend_bundles(
        request, live, dependencies, now, book, assignment=assignment, on_prepared=prepared.append
    )
    [ready] = prepared
    holds: dict[tuple[str, str], list[int]] = {}
    for position, bundle in enumerate(answer.bundles, 1):
        for item in bundle.items:
            holds.setdefault((item.slot, item.product_id), []).append(position)
    used = {slot for slot, _ in holds}
    slots = [one for one in ready.slots if one.group < 0 or one.slot.name in used][:MAX_SLOTS]
    return PlaygroundAnswer(
        answer, ready.plan.understanding.text, [_slot(live, one, asked.top, now, holds) for one in slots],
        dict(ready.lost), [rule.id for rule in ready.active.rules],
    )  # fmt: skip


def _slot(
    live: LiveRelease, filled: Filled, top: int, now: datetime, holds: dict[tuple[str, str], list[int]]
) -> SlotShown:
    ranked, name = filled.ranked, filled.slot.name
    # Those that a bundle took come along from wherever they stand.
    chosen = [at for at, row in enumerate(ranked.rows.tolist()) if (name, live.snapshot.ids[row]) in holds]
    shown = sorted({*range(min(top, len(ranked.rows))), *chosen})
    prices = live.snapshot.prices_now(ranked.rows[shown], now).tolist() if shown else []
    best = [
        _candidate(live, ranked, at, cents, filled.wishes, name, holds) for at, cents in zip(shown, prices, strict=True)
    ]
    slot = filled.slot
    return SlotShown(name, slot.quantity, slot.required, filled.group < 0, ranked.kind, len(ranked.rows), best)


def _candidate(
    live: LiveRelease, ranked: Ranked, at: int, price_cents: int, wishes: Sequence[Wish], name: str,
    holds: dict[tuple[str, str], list[int]],
) -> CandidateShown:  # fmt: skip
    product = live.snapshot[int(ranked.rows[at])]
    features = {} if ranked.features is None else _told(FEATURES, ranked.features[at])
    met = [wish.word for wish, degree in zip(wishes, ranked.met[at].tolist(), strict=True) if degree > 0]
    return CandidateShown(
        product.id, product.title, price_cents, product.currency, round(float(ranked.scores[at]), 4),
        _told(PARTS, ranked.parts[at]), features, met, holds.get((name, product.id), []),
    )  # fmt: skip


def _told(names: Sequence[str], values: NDArray[np.float64]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in zip(names, values.tolist(), strict=True) if value}
