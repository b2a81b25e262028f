"""python -m benchmarks.clicks: is a release that learned from its own clicks better for the shoppers that were planted?

Builds the sample shop, has half of its shoppers use it through its routes, brings their lists and clicks by loader and
dbt into the tables, builds again, and asks both releases what the other half of the shoppers would buy. The same lists
are also learned from without the correction for place, and lists of shoppers who click on whatever they see."""

import argparse
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.clicks.measuring import Outcome, in_common
from benchmarks.clicks.runs import (
    asked_of,
    collect,
    copy_of,
    judged_of,
    learned_from,
    run_module,
    shoppers_of,
    ungated,
)  # fmt: skip
from benchmarks.clicks.shoppers import LISTED, Wish, indifferent, wishes
from benchmarks.evaluate.report import as_table, write_into
from benchmarks.evaluate.shops import ROOT
from orchestration.assets.ranker import Judged
from orchestration.ranker_training import bootstrap
from setwise.ranking import SEARCH, SHOPPER

MARK = "python -m benchmarks.clicks"
SAID = {SHOPPER: "says nothing", SEARCH: "names a category"}
MEASURES = {
    "purchases": "expected purchases of a list", "worth": f"mean worth of its {LISTED}",
    "category": "share of a planted category", "color": "share of a planted colour",
    "style": "share of the planted style",
}  # fmt: skip
ARMS = {
    "corrected": "clicks, corrected for their place", "as they are": "clicks as they are",
    "indifferent": "clicks of shoppers who click on whatever they see, corrected",
}  # fmt: skip
HEAD = ("shopper", "measured", "n", "before", "after", "by seed", "difference [95 %]")
GATE_HEAD = ("shopper", "seed", "lists with a click", "attention falls by", "served", "own - other at the gate [95 %]")
ARM_HEAD = ("shopper", "trees of", "purchases", "to before [95 %]", "worth", "of the first ten as before")


class Run(msgspec.Struct, frozen=True):
    """One seed's lists of all wishes, before and after the build, and with trees that no gate has judged."""

    seed: int
    fall: float | None
    counts: dict[str, int]
    judged: dict[str, Judged]
    after: Outcome
    arms: dict[str, Outcome]


def run(base: Path, work: Path, seed: int, lists: int, fall: float, asked: Sequence[Wish]) -> Run:
    """Everything of one seed."""
    people = shoppers_of(base)[0::2]
    mine = wishes(people, lists, random.Random(seed))
    shop = copy_of(base, work / f"seed-{seed}")
    say(f"seed {seed}: {collect(shop, mine, fall, seed)}")
    found = learned_from(shop)
    run_module("orchestration", shop, "build")
    after, arms = asked_of(shop, asked, fall), {}
    with tempfile.TemporaryDirectory() as folder:
        for name, planted in (("corrected", found.fall), ("as they are", 0.0)):
            rankers = ungated(found.lists, planted or 0.0, Path(folder) / name)
            arms[name] = asked_of(base, asked, fall, rankers)
        other = copy_of(base, work / f"seed-{seed}-indifferent")
        collect(other, mine, fall, seed, indifferent)
        theirs = learned_from(other)
        rankers = ungated(theirs.lists, theirs.fall or 0.0, Path(folder) / "indifferent")
        arms["indifferent"] = asked_of(base, asked, fall, rankers)
    counts = {kind: found.count(kind) for kind in SAID}
    return Run(seed, found.fall, counts, judged_of(shop), after, arms)


def report(before: Outcome, runs: Sequence[Run], asked: Sequence[Wish]) -> str:
    """Three tables: what learning brought, what the gates said, and what the correction is for."""
    rows, gates, arms = [], [], []
    for kind, said in SAID.items():
        mine = np.asarray([wish.kind == kind for wish in asked])
        for measure, words in MEASURES.items():
            was = getattr(before, measure)[mine]
            now = [getattr(one.after, measure)[mine] for one in runs]
            rows.append([
                said, words, str(len(was)), f"{was.mean():.4f}", f"{np.mean(now):.4f}",
                ", ".join(f"{one.mean():.4f}" for one in now), _interval(np.mean(now, axis=0) - was),
            ])  # fmt: skip
        for one in runs:
            judged, fall = one.judged[kind], "unknown" if one.fall is None else f"{one.fall:.2f}"
            by = "{:+.4f} [{:+.4f}, {:+.4f}]".format(*judged.difference) if judged.difference else ""
            gates.append([said, str(one.seed), str(one.counts[kind]), fall, judged.chosen, by])
        arms += [_arm(said, words, before, [one.arms[name] for one in runs], mine) for name, words in ARMS.items()]
    return "\n\n".join((as_table(HEAD, rows), as_table(GATE_HEAD, gates), as_table(ARM_HEAD, arms)))


def _arm(said: str, words: str, before: Outcome, outcomes: Sequence[Outcome], mine: np.ndarray) -> list[str]:
    now = np.mean([one.purchases for one in outcomes], axis=0)
    at = np.flatnonzero(mine)
    same = np.mean([in_common(_only(before, at), _only(one, at)) for one in outcomes])
    worth = np.mean([one.worth[mine].mean() for one in outcomes])
    difference = _interval((now - before.purchases)[mine])
    return [said, words, f"{now[mine].mean():.4f}", difference, f"{worth:.4f}", f"{same:.3f}"]


def _only(one: Outcome, at: np.ndarray) -> Outcome:
    return msgspec.structs.replace(one, products=[one.products[n] for n in at.tolist()])


def _interval(difference: np.ndarray) -> str:
    return "{:+.4f} [{:+.4f}, {:+.4f}]".format(*bootstrap(difference))


def say(text: str) -> None:
    """To whoever waits."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Prints the tables, and puts them into a document between their marks."""
    parser = argparse.ArgumentParser(
        prog=MARK, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=ROOT / "var/clicks", help="folder for shops (%(default)s)")
    parser.add_argument("--seeds", type=int, default=3, help="(%(default)s)")
    parser.add_argument("--lists", type=int, default=4_000, help="that shoppers see, by seed (%(default)s)")
    parser.add_argument("--fall", type=float, default=1.0, help="planted: attention = 1 / place ** this (%(default)s)")
    parser.add_argument("--held-out", type=int, default=800, help="wishes that are measured (%(default)s)")
    parser.add_argument("--document", type=Path, default=ROOT / "docs/quality.md", help="(%(default)s)")
    chosen = parser.parse_args()
    base = chosen.work / "base"
    if not (base / "releases/current").exists():
        say("building the sample shop")
        run_module("orchestration", base, "build")
    asked = wishes(shoppers_of(base)[1::2], chosen.held_out, random.Random("held out"))
    before = asked_of(base, asked, chosen.fall)
    runs = [run(base, chosen.work, seed, chosen.lists, chosen.fall, asked) for seed in range(1, chosen.seeds + 1)]
    tables = report(before, runs, asked)
    text = (
        f"{tables}\n\n{chosen.lists:,} lists of {LISTED} a seed; {len(asked)} wishes of shoppers who clicked on "
        f"nothing; planted: attention falls by {chosen.fall:g}."
    )
    print(text)
    write_into(chosen.document, MARK, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
