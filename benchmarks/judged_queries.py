"""python -m benchmarks.judged_queries WORK: what judged queries of its own bring a shop, beside a prior of others.

The judged queries of chorus, from the build that `python -m benchmarks.evaluate --work WORK --sets chorus` left. A
third of them stand for those of other shops, whose trees are the prior; of the others, the shop's own, each fold is
ranked by trees that learned from the rest. Every third is the prior once for each seed: each counts several times."""

import argparse
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluate.report import as_table
from benchmarks.evaluate.shops import ROOT
from benchmarks.prior_ranker import SEEDS, read_questions
from orchestration import ranker_training as training
from orchestration.ranker_training import Questions
from setwise.ranking import LIST, SEARCH

PARTS = 3
HEAD = (
    "kind",
    "own queries",
    "weighted sum",
    "prior of others",
    "own, by folds",
    "own - prior [95 %]",
    "own - sum [95 %]",
)


def ndcg_by_teacher(questions: Questions, recipe: training.Recipe, own: int) -> dict[str, NDArray[np.float64]]:
    """NDCG@10 of each query by the sum, by a prior of other queries, and by trees of `own` queries of the shop: means
    over all seeds and thirds in which the query was the shop's; NaN where it never was."""
    found = {name: np.zeros(len(questions)) for name in ("sum", "prior", "own")}
    times = np.zeros(len(questions))
    for seed in SEEDS:
        order = np.random.default_rng(seed).permutation(len(questions))
        for part in range(PARTS):
            others, mine = order[part::PARTS], np.setdiff1d(order, order[part::PARTS])
            mine = np.random.default_rng(seed).permutation(mine)[:own]
            asked = questions.only(mine)
            prior = training.learned_by(training.fit(questions.only(others), recipe, seed=seed), recipe, asked)
            learned = training.learned_by_folds(asked, recipe, seed)
            for name, part_of in (("sum", 0.0), ("prior", prior), ("own", learned)):
                found[name][mine] += training.ndcg_of(asked, asked.sums() + part_of)
            times[mine] += 1
    with np.errstate(invalid="ignore"):
        return {name: total / times for name, total in found.items()}


def main() -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.judged_queries", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("work", type=Path, nargs="?", default=ROOT / "var/evaluate")
    search, lists, _ = read_questions(parser.parse_args().work)
    rows = []
    for kind, questions in ((SEARCH, search), (LIST, lists)):
        for own in (30, len(questions) - len(questions) // PARTS):
            ndcg = ndcg_by_teacher(questions, training.RECIPES[kind], own)
            known = ~np.isnan(ndcg["own"])
            means = [f"{ndcg[name][known].mean():.4f}" for name in ("sum", "prior", "own")]
            against = [
                "{:+.4f} [{:+.4f}, {:+.4f}]".format(*training.bootstrap((ndcg["own"] - ndcg[name])[known]))
                for name in ("prior", "sum")
            ]
            rows.append([kind, str(own), *means, *against])
    print(as_table(HEAD, rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
