"""python -m benchmarks.evaluate.bounds WORK: what another order of the products that were found could reach at most.

Reads the questions and run files that `python -m benchmarks.evaluate --work WORK` left."""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from benchmarks.evaluate.report import as_table
from benchmarks.evaluate.tasks import SHOPS
from orchestration.ranker_training import ideal_of

TOP, FOUND = 10, 100
COLUMNS = ["set", "subset", "n", "recall@10", "of its 100 in the best order", "NDCG of them", "of the best ten"]


def bound_of(gold: Mapping[str, float], ranked: Iterable[str]) -> tuple[float, float, float, float]:
    """Recall@10 as ranked; recall@10 and NDCG@10 of the first hundred in the best order; recall@10 of the best ten."""
    meant, first = {name for name, gain in gold.items() if gain > 0}, list(ranked)[:FOUND]
    found = [name for name in first if name in meant]
    hits = sum(name in meant for name in first[:TOP])
    ndcg = ideal_of([gold[name] for name in found]) / ideal_of(list(gold.values()))
    return hits / len(meant), min(TOP, len(found)) / len(meant), ndcg, min(TOP, len(meant)) / len(meant)


def rows_of(work: Path, name: str) -> list[list[str]]:
    """A row for each subset of a set's questions that were asked for a list."""
    run = work / "runs" / f"{name}-queries.jsonl"
    ranked = {one["query_id"]: one["ranked"] for one in map(json.loads, run.read_text().splitlines())}
    of: dict[str, list[tuple[float, float, float, float]]] = {}
    for question in map(json.loads, (work / "shops" / name / "queries.jsonl").read_text().splitlines()):
        gold = question["gold"] if isinstance(question["gold"], dict) else dict.fromkeys(question["gold"], 1)
        if question["query_id"] in ranked and any(gain > 0 for gain in gold.values()):
            for subset in question.get("subsets") or ["all"]:
                of.setdefault(subset, []).append(bound_of(gold, ranked[question["query_id"]]))
    means = {subset: np.mean(values, axis=0) for subset, values in of.items()}
    return [[name, subset, str(len(of[subset])), *(f"{value:.3f}" for value in means[subset])] for subset in sorted(of)]


def main() -> int:
    """Prints the table."""
    work = Path(sys.argv[1] if len(sys.argv) > 1 else "var/evaluate")
    names = [name for name in SHOPS if (work / "runs" / f"{name}-queries.jsonl").is_file()]
    if not names:
        print(f"setwise: {work} has no run files; `make evaluate` writes them", file=sys.stderr)
        return 1
    print(as_table(COLUMNS, [row for name in names for row in rows_of(work, name)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
