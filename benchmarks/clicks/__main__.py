"""python -m benchmarks.clicks: is a release that learned from its own clicks better for the shoppers that were planted?

Builds the sample shop, has half of its shoppers use it through its routes, brings their lists and clicks by loader and
dbt into the tables, builds again, and asks both releases what the other half of the shoppers would buy. The same lists
are also learned from without the correction for place, and lists of shoppers who click on whatever they see."""

import argparse
import random
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.clicks.measuring import Outcome, in_common
from benchmarks.clicks.runs import asked_of, run_module, shoppers_of
from benchmarks.clicks.seeds import Run, run, run_indifferent, say
from benchmarks.clicks.shoppers import LISTED, Wish, wishes
from benchmarks.evaluate.report import as_table, write_into
from benchmarks.evaluate.shops import ROOT
from orchestration.impressions import MOST_LISTS
from orchestration.ranker_training import bootstrap
from setwise.ranking import SEARCH, SHOPPER

MARK = "python -m benchmarks.clicks"
SAID = {SHOPPER: "says nothing", SEARCH: "names a category"}
MEASURES = {
    "purchases": "expected purchases of a list", "worth": f"mean worth of its {LISTED}",
    "category": "share of a planted category", "color": "share of a planted colour",
    "style": "share of the planted style",
}  # fmt: skip
ARMS = {"corrected": "clicks, corrected for their place", "as they are": "clicks as they are"}
UNLIKE = "clicks of shoppers who click on whatever they see, corrected"
SIZE = {"SETWISE_SAMPLE_PRODUCTS": "800", "SETWISE_SAMPLE_SHOPPERS": "600", "SETWISE_SAMPLE_ORDERS": "6000"}
HEAD = ("shopper", "measured", "n", "before", "after", "by seed", "difference [95 %]")
GATE_HEAD = ("shopper", "seed", "lists with a click", "attention falls by", "served", "own - other at the gate [95 %]")
ARM_HEAD = ("shopper", "trees of", "purchases", "to before [95 %]", "worth", "of the first ten as before")


def report(before: Outcome, runs: Sequence[Run], unlike: Outcome | None, asked: Sequence[Wish]) -> str:
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
            gates.append([said, str(one.seed), str(one.counts[kind]), fall, one.served[kind], by])
        arms += [_arm(said, words, before, [one.arms[name] for one in runs], mine) for name, words in ARMS.items()]
        arms += [_arm(said, UNLIKE, before, [unlike], mine)] if unlike is not None else []
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


def main() -> int:
    """Prints the tables, and puts them into a document between their marks."""
    parser = argparse.ArgumentParser(
        prog=MARK, description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, default=ROOT / "var/clicks", help="folder for shops (%(default)s)")
    parser.add_argument("--seeds", type=int, default=3, help="(%(default)s)")
    parser.add_argument("--at-once", type=int, default=1, help="seeds at the same time (%(default)s)")
    parser.add_argument("--lists", type=int, default=MOST_LISTS, help="that shoppers see, by seed (%(default)s)")
    parser.add_argument("--fall", type=float, default=1.0, help="planted: attention = 1 / place ** this (%(default)s)")
    parser.add_argument("--held-out", type=int, default=400, help="wishes that are measured (%(default)s)")
    parser.add_argument("--without-build", action="store_true", help="only the build's ranking step learns, in seconds")
    parser.add_argument("--without-indifferent", action="store_true", help="not those who click on whatever they see")
    parser.add_argument("--document", type=Path, default=ROOT / "docs/quality.md", help="(%(default)s)")
    chosen = parser.parse_args()
    base = chosen.work / "base"
    if not (base / "releases/current").exists():
        say("building the sample shop")
        run_module("orchestration", base, "build", more=SIZE)
    asked = wishes(shoppers_of(base)[1::2], chosen.held_out, random.Random("held out"))
    before = asked_of(base, asked, chosen.fall)
    size = None if chosen.without_build else SIZE
    # Spawned: what this process has opened of a release is no other's.
    with ProcessPoolExecutor(chosen.at_once, get_context("spawn")) as pool:
        of_others = None
        if not chosen.without_indifferent:
            of_others = pool.submit(run_indifferent, base, chosen.work, chosen.lists, chosen.fall, asked)
        begun = [
            pool.submit(run, base, chosen.work, seed, chosen.lists, chosen.fall, asked, size)
            for seed in range(1, chosen.seeds + 1)
        ]
        runs, unlike = [one.result() for one in begun], of_others and of_others.result()
    tables = report(before, runs, unlike, asked)
    text = (
        f"{tables}\n\n{chosen.lists:,} lists of {LISTED} a seed; {len(asked)} wishes of shoppers who clicked on "
        f"nothing; planted: attention falls by {chosen.fall:g}. "
        f"{'Only the ranking step of a build' if chosen.without_build else 'A whole build'} learned from them."
    )
    print(text)
    write_into(chosen.document, MARK, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
