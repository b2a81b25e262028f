"""Precision and recall of what is understood, on the labelled prompts.

    python -m tests.understanding.score [--split tune|held|all] [--rows 0:171] [--shop NAME] [--language de]
        [--errors FIELD]

Each shop's vocabulary is mined from its feed by the code that builds releases. A slot is right if its category (the
exact leaf, or none where the shop sells no such thing) and its quantity are; words count one by one.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from setwise.catalogue import Product
from setwise.feeds import read_products
from setwise.prompt import Understanding, understand
from setwise.vocabulary import Vocabulary, mine

FOLDER = Path(__file__).parent
KINDS = ("materials", "colors", "brands", "styles", "categories", "words")
WISHES = ("colors", "materials", "styles", "brands", "sizes")
Row = dict[str, Any]


class Tally(msgspec.Struct):
    """Of one field: how many were right, were answered, were labelled."""

    right: int = 0
    said: int = 0
    labelled: int = 0

    def add(self, said: Iterable[Any], labelled: Iterable[Any]) -> bool:
        """Counts one prompt; True if nothing is missing and nothing too many."""
        got, wanted = Counter(said), Counter(labelled)
        self.right += (got & wanted).total()
        self.said += got.total()
        self.labelled += wanted.total()
        return got == wanted

    @property
    def precision(self) -> float:
        return self.right / self.said if self.said else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.labelled if self.labelled else 1.0

    @property
    def f1(self) -> float:
        return 2 * self.right / (self.said + self.labelled) if self.said + self.labelled else 1.0


def read_prompts(split: str = "all") -> list[Row]:
    """The labelled prompts of a split."""
    lines = (FOLDER / "prompts.jsonl").read_text(encoding="utf-8").splitlines()
    return [row for row in map(json.loads, lines) if split in ("all", row["split"])]


@cache
def vocabulary_of(shop: str) -> Vocabulary:
    """Mined from the shop's feed."""
    return mine([row for row in read_products(FOLDER / f"shops/{shop}.jsonl") if isinstance(row, Product)])


def _budget(understanding: Understanding) -> Row | None:
    budget = understanding.budget
    return msgspec.to_builtins(budget) if budget else None


FIELDS: dict[str, tuple[Callable[[Understanding], list[Any]], Callable[[Row], list[Any]]]] = {
    "slots": (
        lambda u: [((s.categories or [None])[0], s.quantity) for s in u.named],
        lambda r: [(s["category"], s["quantity"]) for s in r["slots"]],
    ),
    "slot categories": (
        lambda u: [(s.categories or [None])[0] for s in u.named],
        lambda r: [s["category"] for s in r["slots"]],
    ),
    "slot names": (lambda u: [s.name for s in u.named], lambda r: [s["name"] for s in r["slots"]]),
    "budget": (lambda u: [json.dumps(_budget(u))], lambda r: [json.dumps(r["budget"])]),
    "exclusions": (
        lambda u: [(k, w) for k in KINDS for w in getattr(u.exclude, k)],
        lambda r: [(k, w) for k in KINDS for w in r["exclude"][k]],
    ),
    **{
        f"exclude {k}": (lambda u, k=k: getattr(u.exclude, k), lambda r, k=k: r["exclude"][k])  # type: ignore[misc]
        for k in KINDS
    },
    **{k: (lambda u, k=k: getattr(u, k), lambda r, k=k: r[k]) for k in WISHES},  # type: ignore[misc]
    "occasion": (lambda u: ["occasion"] * u.is_occasion, lambda r: ["occasion"] * r["occasion"]),
    "conflict": (lambda u: ["conflict"] * bool(u.conflicts), lambda r: ["conflict"] * r["conflict"]),
    "language": (lambda u: [u.language], lambda r: [r["language"]]),
}
"""Name -> what was understood and what is labelled, as lists that are compared without order."""


def measure(prompts: list[Row]) -> tuple[dict[str, Tally], dict[str, int], dict[str, list[tuple[Row, Any, Any]]]]:
    """Tallies, prompts that are wholly right, and the wrong ones, by field."""
    tallies = {field: Tally() for field in FIELDS}
    exact = dict.fromkeys(FIELDS, 0)
    errors: dict[str, list[tuple[Row, Any, Any]]] = {field: [] for field in FIELDS}
    for row in prompts:
        understanding = understand(row["text"], vocabulary_of(row["shop"]))
        for field, (said, labelled) in FIELDS.items():
            got, wanted = said(understanding), labelled(row)
            if tallies[field].add(got, wanted):
                exact[field] += 1
            else:
                errors[field].append((row, got, wanted))
    return tallies, exact, errors


def timings_ms(prompts: list[Row], rounds: int = 5) -> list[tuple[float, float]]:
    """(elapsed, processor) time of each reading, vocabularies compiled before."""
    times = []
    for turn in range(rounds + 1):
        for row in prompts:
            vocabulary = vocabulary_of(row["shop"])
            start = time.perf_counter(), time.thread_time()
            understand(row["text"], vocabulary)
            if turn:
                times.append((1000 * (time.perf_counter() - start[0]), 1000 * (time.thread_time() - start[1])))
    return times


def _report(prompts: list[Row]) -> None:
    tallies, exact, _ = measure(prompts)
    print(f"{'field':20}{'precision':>10}{'recall':>8}{'F1':>8}{'exact':>8}{'labels':>8}")
    for field, tally in tallies.items():
        share = exact[field] / len(prompts)
        print(f"{field:20}{tally.precision:10.3f}{tally.recall:8.3f}{tally.f1:8.3f}{share:8.3f}{tally.labelled:8}")
    print(f"\n{'language':20}{'prompts':>10}{'slot F1':>9}{'budget exact':>14}{'exclusions F1':>15}")
    for language in sorted({row["language"] for row in prompts}):
        rows = [row for row in prompts if row["language"] == language]
        of, right, _ = measure(rows)
        budget = right["budget"] / len(rows)
        print(f"{language:20}{len(rows):10}{of['slots'].f1:9.3f}{budget:14.3f}{of['exclusions'].f1:15.3f}")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=("tune", "held", "all"), default="tune")
    parser.add_argument("--rows", default=":", help="which rows of the split, counted from 0: a batch of prompts")
    parser.add_argument("--shop")
    parser.add_argument("--language", choices=("en", "de", "fr", "es"))
    parser.add_argument("--errors", choices=FIELDS, help="list the prompts that this field is wrong for")
    options = parser.parse_args()
    first, _, last = options.rows.partition(":")
    prompts = [
        row
        for row in read_prompts(options.split)[int(first or 0) : int(last) if last else None]
        if options.shop in (None, row["shop"]) and options.language in (None, row["language"])
    ]
    if options.errors:
        for row, got, wanted in measure(prompts)[2][options.errors]:
            print(f"{row['id']} {row['text']!r}\n    said {got}\n    label {wanted}")
        return
    for split in ("tune", "held") if options.split == "all" else (options.split,):
        rows = [row for row in prompts if row["split"] == split]
        if rows:
            print(f"\n== {len(rows)} prompts, split {split}\n")
            _report(rows)
    _report_times(prompts)


def _report_times(prompts: list[Row]) -> None:
    print()
    times = timings_ms(prompts)
    for name, column in (("elapsed", 0), ("processor", 1)):
        ordered = sorted(time[column] for time in times)
        p50, p99 = (ordered[int(len(ordered) * share)] for share in (0.5, 0.99))
        print(f"{name} time of one prompt: p50 {p50:.3f} ms, p99 {p99:.3f} ms over {len(ordered)} readings")


if __name__ == "__main__":
    main()
