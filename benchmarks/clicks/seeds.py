"""One seed: a shop is used, learned from, built again, and asked; what trees would be that no gate has judged."""

import random
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from benchmarks.clicks.measuring import Outcome
from benchmarks.clicks.runs import (
    Learned,
    asked_of,
    collect,
    copy_of,
    judged_by_gate,
    judged_of,
    learned_from,
    run_module,
    shoppers_of,
    ungated,
)  # fmt: skip
from benchmarks.clicks.shoppers import Wish, indifferent, wishes
from orchestration.assets.ranker import Judged
from setwise.ranking import SEARCH, SHOPPER

KINDS_ASKED = (SHOPPER, SEARCH)


class Run(msgspec.Struct, frozen=True):
    """One seed's lists of all wishes, before and after the build, and with trees that no gate has judged. `judged`:
    what the gate says of trees of clicks; `served`: what is served in the end, which orders may have taught."""

    seed: int
    fall: float | None
    counts: dict[str, int]
    judged: dict[str, Judged]
    served: dict[str, str]
    after: Outcome
    arms: dict[str, Outcome]


def run(
    base: Path, work: Path, seed: int, lists: int, fall: float, asked: Sequence[Wish], size: Mapping[str, str] | None
) -> Run:
    """Everything of one seed; without `size` a build's ranking step alone learns from the lists, not a whole build."""
    mine = wishes(shoppers_of(base)[0::2], lists, random.Random(seed))
    shop, arms = copy_of(base, work / f"seed-{seed}"), dict[str, Outcome]()
    say(f"seed {seed}: {collect(shop, mine, fall, seed)}")
    found = learned_from(shop)
    counts = {kind: found.count(kind) for kind in KINDS_ASKED}
    say(f"seed {seed}: lists with a click {counts}, attention falls by {found.fall}")
    for name, planted in (("corrected", found.fall), ("as they are", 0.0)):
        arms[name] = _ungated(base, found, planted or 0.0, asked, fall)
        say(f"seed {seed}, {name}: {arms[name].purchases.mean():.4f} purchases of a list")
    with tempfile.TemporaryDirectory() as folder:
        judged = judged_by_gate(found.lists, found.fall or 0.0, Path(folder))
        served = {kind: judged[kind].chosen for kind in KINDS_ASKED}
        if size is None:
            after = asked_of(base, asked, fall, Path(folder))
    if size is not None:
        run_module("orchestration", shop, "build", more=size)
        after, of_build = asked_of(shop, asked, fall), judged_of(shop)
        served = {kind: of_build[kind].chosen for kind in KINDS_ASKED}
    say(f"seed {seed}, released: {after.purchases.mean():.4f} purchases of a list, served {served}")
    return Run(seed, found.fall, counts, judged, served, after, arms)


def run_indifferent(base: Path, work: Path, lists: int, fall: float, asked: Sequence[Wish]) -> Outcome:
    """Trees of shoppers who click on whatever they see: what they order is what their clicks' places have taught."""
    shop = copy_of(base, work / "indifferent")
    collect(shop, wishes(shoppers_of(base)[0::2], lists, random.Random(0)), fall, 0, indifferent)
    found = learned_from(shop)
    outcome = _ungated(base, found, found.fall or 0.0, asked, fall)
    say(f"indifferent: attention falls by {found.fall}; {outcome.purchases.mean():.4f} purchases of a list")
    return outcome


def _ungated(base: Path, found: Learned, taken: float, asked: Sequence[Wish], fall: float) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        return asked_of(base, asked, fall, ungated(found.lists, taken, Path(folder)))


def say(text: str) -> None:
    """To whoever waits."""
    print(text, file=sys.stderr, flush=True)
