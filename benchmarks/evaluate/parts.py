"""python -m benchmarks.evaluate.parts --builds var/evaluate: what each part of the score brings, by leaving it out.

Asks the public bundle sets and chorus once with every part and once without each, and prints one table."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.evaluate.__main__ import evaluate_shop, say
from benchmarks.evaluate.report import as_table
from benchmarks.evaluate.scoring import Scorer, join_runs
from benchmarks.evaluate.shops import ROOT, Shop, lay_out, pool
from benchmarks.evaluate.tasks import BUNDLEREC, POOLED, Asking, Measure
from online import assembling
from setwise import ranking
from setwise.bundle import assembly
from setwise.ranker import Ranker

SETS = (*BUNDLEREC, "chorus")
KINDS = {"queries", "queries-bundles"}
SHOWN = {
    "queries R@10": Measure(Asking(POOLED), "Recall@10", ""),
    "best Jaccard": Measure(Asking(POOLED, bundles=True), "best_Jaccard", ""),
    "coverage": Measure(Asking(POOLED, bundles=True), "coverage", ""),
    "unseen": Measure(Asking(POOLED, bundles=True), "coverage", "", "unseen"),
    "chorus NDCG@10": Measure(Asking("chorus"), "NDCG@10", ""),
    "R@50": Measure(Asking("chorus"), "Recall@50", ""),
}
PARTS = {
    "words": ("lexical",),
    "meaning": ("semantic",),
    "names and categories of slots": ("slot_match", "category_match"),
    "wishes": ("wish_match",),
    "popularity": ("popularity",),
    "what sells again": ("resale",),
}
"""Parts of a product's score, each with the weights that it is."""
BESIDE = {"what goes together": (assembling, "FIT_WEIGHT"), "said before": (assembly, "SAID_BEFORE")}
"""Parts of a bundle's value, each a number of a module."""
TREES = "trees"


@contextmanager
def without(part: str) -> Iterator[None]:
    """The part counts nothing meanwhile; '' leaves none out."""
    left = [float(name not in PARTS.get(part, ())) for name in ranking.WEIGHTS]
    module, name = BESIDE.get(part, (assembly, ""))
    kept, weights, score = getattr(module, name, None), ranking.WEIGHT_OF, Ranker.score
    try:
        ranking.WEIGHT_OF = weights * np.asarray(left)
        if name:
            setattr(module, name, 0.0)
        if part == TREES:
            Ranker.score = lambda _, rows: np.zeros(len(rows), np.float32)  # type: ignore[method-assign]
        yield
    finally:
        ranking.WEIGHT_OF, Ranker.score = weights, score  # type: ignore[method-assign]
        if name:
            setattr(module, name, kept)


def row_of(part: str, shops: list[Shop], chosen: argparse.Namespace) -> list[str]:
    """One row: the part that was left out, and each figure that is shown."""
    scorer, runs = Scorer(chosen.shared), chosen.work / "runs"
    members = [shop for shop in shops if shop.name in BUNDLEREC]
    of_name = {shop.name: shop for shop in [*shops, pool(members, POOLED, chosen.work)]}
    figures = []
    for measure in SHOWN.values():
        name = measure.asking.name
        if measure.asking.shop == POOLED:
            parts = [msgspec.structs.replace(measure.asking, shop=shop.name) for shop in members]
            join_runs([runs / f"{one.name}.jsonl" for one in parts], runs / f"{name}.jsonl")
        found = scorer.ours(measure, of_name[measure.asking.shop], runs / f"{name}.jsonl")
        figures.append(f"{found['mean']:.4f}")
    return [f"without {part}" if part else "with all", *figures]


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluate.parts", description=__doc__)
    parser.add_argument("--shared", type=Path, default=ROOT / "../shared", help="folder with data/ and tools/")
    parser.add_argument("--work", type=Path, default=ROOT / "var/evaluate-parts", help="shops and runs")
    parser.add_argument("--builds", type=Path, required=True, help="work folder of make evaluate: its builds")
    chosen = parser.parse_args()
    chosen.keep, chosen.day_0 = True, False
    shops, rows = [lay_out(name, chosen.shared, chosen.work) for name in SETS], []
    for part in ("", *PARTS, *BESIDE, TREES):
        with without(part):
            for shop in shops:
                evaluate_shop(shop, KINDS, chosen, {})
        rows.append(row_of(part, shops, chosen))
        say(" ".join(rows[-1]))
    print("\n" + as_table(["", *SHOWN], rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
