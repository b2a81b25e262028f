"""python -m benchmarks.prior_ranker WORK: makes the prior ranker, which a shop with too little data of its own keeps.

Learned from the judged queries of chorus alone (o19s/chorus, Apache-2.0; products Icecat Open Content License), read
from the build that `python -m benchmarks.evaluate --work WORK --sets chorus` left. Prints what it is worth on queries
that it was not trained on (cross-validated), then writes orchestration/prior_ranker/, trained on all of them."""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.evaluate.asking import K, open_shop
from benchmarks.evaluate.report import as_table
from benchmarks.evaluate.shops import ROOT, Shop
from orchestration import ranker_training as training
from orchestration.ranker_training import Questions
from setwise.names import RANKER_SERVICE
from setwise.ranking import LIST, SEARCH

PRIOR = ROOT / "orchestration/prior_ranker"
SEEDS = (0, 1, 2)
RELEVANT = 2
Query = dict[str, Any]
Measure = Callable[[Questions, NDArray[np.float64]], NDArray[np.float64]]


def read_questions(work: Path) -> tuple[Questions, Questions, NDArray[np.float64]]:
    """Every judged query as a search and as a list to be ranked; and how many relevant products each has."""
    shop = Shop("chorus", work / "shops/chorus", work / "builds/chorus")
    queries = [json.loads(line) for line in (shop.folder / "queries.jsonl").read_text().splitlines()]
    queries = [query for query in queries if any(query["gold"].values())]
    live = open_shop(shop)
    folder = shop.data_dir / "releases" / live.live.manifest.release_id
    asked = [{"prompt": query["text"], "k": K} for query in queries]
    lists = [{"prompt": query["text"], "candidates": list(query["gold"])} for query in queries]
    relevant = [sum(gain >= RELEVANT for gain in query["gold"].values()) for query in queries]
    found = [
        _questions(folder, bodies, queries, live.live.snapshot.ids) for bodies in (asked, lists)
    ]  # fmt: skip
    return found[0], found[1], np.asarray(relevant, dtype=np.float64)


def _questions(folder: Path, bodies: Sequence[Query], queries: Sequence[Query], ids: Sequence[str]) -> Questions:
    with tempfile.TemporaryDirectory() as temporary:
        requests, out = Path(temporary) / "requests.jsonl", Path(temporary) / "rows.npz"
        requests.write_text("".join(json.dumps({"request": body}) + "\n" for body in bodies))
        subprocess.run([sys.executable, "-m", "online.training_rows", str(folder), str(requests), str(out)], check=True)
        with np.load(out) as found:
            rows, features, counts = found["rows"], found["features"], found["counts"]
    of = np.repeat(np.arange(len(counts)), counts)
    gains = [queries[q]["gold"].get(ids[row], 0) for q, row in zip(of.tolist(), rows.tolist(), strict=True)]
    ideal = [training.ideal_of(list(query["gold"].values())) for query in queries]
    return Questions(features, np.asarray(gains, dtype=np.int64), counts, np.asarray(ideal), np.arange(len(queries)))


def recall_at_50(
    questions: Questions, scores: NDArray[np.float64], relevant: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Share of each query's relevant products among its best 50; NaN where it has none."""
    found, start = np.full(len(questions), np.nan), 0
    for at, count in enumerate(questions.counts):
        part = slice(start, start + count)
        best = np.argsort(-scores[part], kind="stable")[:50]
        if relevant[at]:
            found[at] = (questions.gains[part][best] >= RELEVANT).sum() / relevant[at]
        start += count
    return found


def line(name: str, measure: Measure, questions: Questions, recipe: training.Recipe) -> tuple[list[str], float]:
    """What the learned part brings on queries that were held out, mean over the seeds, with a paired interval."""
    sums = questions.sums()
    was = measure(questions, sums)
    runs = [measure(questions, sums + training.learned_by_folds(questions, recipe, seed)) for seed in SEEDS]
    now, known = np.mean(runs, axis=0), ~np.isnan(was)
    mean, low, high = training.bootstrap((now - was)[known])
    seeds = ", ".join(f"{np.nanmean(run):.4f}" for run in runs)
    difference = f"{mean:+.4f} [{low:+.4f}, {high:+.4f}]"
    before, after = float(np.nanmean(was)), float(np.nanmean(now))
    return [name, str(int(known.sum())), f"{before:.4f}", f"{after:.4f}", seeds, difference], after


def main() -> int:
    """Prints what the prior is worth, then writes it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prior_ranker", description=__doc__)
    parser.add_argument("work", type=Path, nargs="?", default=ROOT / "var/evaluate")
    search, lists, relevant = read_questions(parser.parse_args().work)
    told, notes = [], []
    for kind, questions in ((SEARCH, search), (LIST, lists)):
        recipe = training.RECIPES[kind]
        row, ndcg = line(f"{kind}: NDCG@10", training.ndcg_of, questions, recipe)
        told.append(row)
        if kind == SEARCH:
            told.append(line("search: Recall@50", lambda q, s: recall_at_50(q, s, relevant), questions, recipe)[0])
        trees = training.fit(questions, recipe)
        said = f"{len(questions)} judged queries of o19s/chorus"
        training.write_ranker(trees, recipe, PRIOR / kind, RANKER_SERVICE, said, {"ndcg_at_10": round(ndcg, 4)})
        difference, is_same = training.parity(trees, recipe, PRIOR / kind, questions)
        notes.append(f"{kind}: ONNX and LightGBM differ by {difference:.1e}, orders {'same' if is_same else 'differ'}")
        notes += [f"  {name:16} {share:.3f}" for name, share in training.importances(trees).items() if share > 0.01]
    print(as_table(("held-out queries", "n", "weighted sum", "with trees", "by seed", "difference [95 %]"), told))
    print("\n".join(["", *notes]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
