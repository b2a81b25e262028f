"""python -m benchmarks.evaluate.losses WORK: at which stage of an answer the products that were meant are lost.

Reads the shops and builds that `python -m benchmarks.evaluate --work WORK` left, as they are."""

import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.evaluate.asking import BUNDLES, Open, Query, open_shop, read_queries
from benchmarks.evaluate.report import as_table
from benchmarks.evaluate.shops import Shop
from benchmarks.evaluate.tasks import BUNDLEREC, Asking
from online.assembling import make_bundles
from online.eligibility import eligible
from online.finding import ROWS_FOR_OPEN_SLOTS, ROWS_PER_SLOT
from online.gather import Context, encode, retrieve
from online.messages import BundleRequest
from online.pipeline import prepare
from online.plan import Plan

COVERED = 15
"""Products of the first bundles that score.py counts as covered."""
STAGES = ("meant", "retrieved", "eligible", "candidates of a slot", "best 50", f"best {COVERED}", "in the bundles")
COLUMNS = ("all", "seen", "unseen", "open", "named")
"""seen: prompts that a set of the past has as its title. named: prompts whose products are the slots."""


def survivors(shop: Open, query: Query) -> tuple[Plan, list[int]]:
    """How many of the meant products are left after each stage, in the order of STAGES."""
    live, now = shop.live, datetime.now(UTC)
    request = msgspec.convert({"prompt": query["text"], "n_bundles": BUNDLES}, BundleRequest)
    ready = prepare(request, live, shop.dependencies, now)
    plan, context = ready.plan, Context(live, shop.dependencies, now, None)
    texts = [slot.text for slot in plan.slots] + [plan.open_text] * bool(plan.open_text)
    limits = [ROWS_PER_SLOT] * len(plan.slots) + [ROWS_FOR_OPEN_SLOTS] * bool(plan.open_text)
    hits = retrieve(context, texts, encode(context, texts), limits, [[] for _ in texts]) if texts else []
    found = {int(row) for hit in hits for row in hit.rows}
    kept = set(eligible(live, np.asarray(sorted(found), dtype=np.int64), 1, plan.rules)[0].tolist())
    score: dict[int, float] = {}
    for filled in ready.slots:
        for row, value in zip(filled.ranked.rows.tolist(), filled.ranked.scores.tolist(), strict=True):
            score[row] = max(score.get(row, -np.inf), value)
    best = sorted(score, key=lambda row: (-score[row], row))
    bundles = make_bundles(context, plan, ready.slots, ready.active, BUNDLES).assembly.bundles if ready.slots else []
    told = list(dict.fromkeys(item.candidate.row for bundle in bundles for item in bundle.items))
    meant = set(live.snapshot.rows_of(list(query["gold"])))
    stages = (meant, found, kept, set(best), set(best[:50]), set(best[:COVERED]), set(told[:COVERED]))
    return plan, [len(meant & stage) for stage in stages]


def main(work: Path) -> None:
    """Prints the table of the two public sets together."""
    lost: Counter[tuple[str, str]] = Counter()
    asked: Counter[str] = Counter()
    for name in BUNDLEREC:
        shop = open_shop(Shop(name, work / "shops" / name, work / "builds" / name))
        for query in read_queries(shop.shop, Asking(name)):
            plan, left = survivors(shop, query)
            columns = (
                "all",
                "unseen" if "unseen" in query["subsets"] else "seen",
                "open" if plan.open_text else "named",
            )
            asked.update(columns)
            for column in columns:
                lost.update({(stage, column): count for stage, count in zip(STAGES, left, strict=True)})
    head = ("left after", *(f"{column} ({asked[column]})" for column in COLUMNS))
    print(as_table(head, [[stage, *(str(lost[stage, column]) for column in COLUMNS)] for stage in STAGES]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
