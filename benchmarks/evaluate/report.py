"""The one table of an evaluation, for people."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.evaluate.scoring import Line

HEAD = ("set", "run", "subset", "metric", "n", "ours", "baseline", "", "difference [95 %]", "paired", "goal")
GOALS = {
    ("chorus", "queries", "NDCG@10"): 0.82,
    ("chorus", "queries", "Recall@50"): 0.91,
    ("chorus", "queries-pool", "NDCG@10"): 0.93,
    ("uci", "p1", "Recall@10"): 0.175,
    ("uci", "p2", "Recall@10"): 0.065,
    ("uci", "p3", "Recall@10"): 0.34,
    ("bundlerec-electronic", "completion", "Recall@10"): 0.20,
    ("bundlerec-clothing", "completion", "Recall@10"): 0.42,
    ("bundlerec-electronic", "completion-pool", "Recall@10"): 0.72,
    ("bundlerec-clothing", "completion-pool", "Recall@10"): 0.87,
    ("bundlerec-electronic", "queries-bundles", "best_Jaccard"): 0.12,
    ("bundlerec-clothing", "queries-bundles", "best_Jaccard"): 0.14,
    ("bundlerec-electronic", "queries-bundles", "coverage"): 0.24,
    ("bundlerec-clothing", "queries-bundles", "coverage"): 0.29,
}
"""By set, run or subset, and metric; what a simple baseline's figure is raised to."""
END = "<!-- end of the figures -->\n"
DAY_0_HEAD = ("set", "run", "subset", "metric", "n", "on day 0", "with its past", "difference [95 %]", "paired")
RUN_HEAD = ("run", "asked", "answered", "p50 ms", "p99 ms")


def as_table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table with columns of even width."""
    cells = [list(head), *[list(row) for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    lines = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join(lines)


def score_table(lines: Iterable[Line]) -> str:
    """Our figures beside the baselines'."""
    return as_table(
        HEAD,
        (
            [
                line.shop, line.run, line.subset or "all", line.metric, str(line.n), f"{line.ours:.4f}",
                f"{line.baseline:.4f}", line.baseline_name,
                f"{line.difference:+.4f} [{line.low:+.4f}, {line.high:+.4f}]", line.verdict, _goal(line),
            ]
            for line in lines
        ),
    )  # fmt: skip


def day_0_table(lines: Iterable[Line]) -> str:
    """The same questions to a shop without a past and with it."""
    return as_table(
        DAY_0_HEAD,
        (
            [
                line.shop, line.run, line.subset or "all", line.metric, str(line.n), f"{line.baseline:.4f}",
                f"{line.ours:.4f}", f"{line.difference:+.4f} [{line.low:+.4f}, {line.high:+.4f}]", line.verdict,
            ]
            for line in lines
        ),
    )  # fmt: skip


def _goal(line: Line) -> str:
    if line.subset == "unseen" or line.baseline_name == "anonymous":
        return ""
    goal = GOALS.get((line.shop, line.subset or line.run, line.metric))
    return "" if goal is None else f"{goal:g}, " + ("reached" if line.ours >= goal else "missed")


def write_into(document: Path, made_by: str, figures: str) -> None:
    """Puts figures in the place of those that a document has between the marks of what makes them."""
    begin = f"<!-- figures: {made_by} -->\n"
    before, _, rest = document.read_text().partition(begin)
    _, mark, after = rest.partition(END)
    if not mark:
        raise RuntimeError(f"{document} has no marks for the figures of {made_by}")
    document.write_text(f"{before}{begin}\n{figures}\n\n{END}{after}")


def write_report(lines: list[Line], runs: Mapping[str, Mapping[str, float]], told: Iterable[str], path: Path) -> None:
    """Scores, what else is told, then how many questions were answered in what time."""
    times = (
        [name, f"{r['asked']:.0f}", f"{r['answered']:.0f}", f"{r['p50_ms']:.1f}", f"{r['p99_ms']:.1f}"]
        for name, r in runs.items()
    )
    path.write_text(
        "# Offline quality\n\nOne configuration for all sets. `difference` is ours - baseline, paired over the same "
        f"queries.\n\n{score_table(lines)}\n\n"
        + "".join(f"{line}\n\n" for line in told)
        + "Answers in this process, one at a time, without HTTP:\n\n"
        f"{as_table(RUN_HEAD, times)}\n"
    )
