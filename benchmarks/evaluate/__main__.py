"""python -m benchmarks.evaluate: offline quality on the public sets, beside the simple baselines.

Lays each set out as a shop with a past, builds its release with the real job (again only where data or code changed),
asks the live release in this process, scores the answers with the shared score.py and writes one table.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from time import perf_counter

import msgspec

from benchmarks.evaluate.asking import open_shop, write_run
from benchmarks.evaluate.report import day_0_table, score_table, write_into, write_report
from benchmarks.evaluate.scoring import Line, Scorer, changed, join_runs
from benchmarks.evaluate.shops import ROOT, Shop, build, lay_out, on_day_0, pool
from benchmarks.evaluate.tasks import BUNDLEREC, POOLED, SHOPS, Asking, Measure, askings, day_0_measures, measures

Measures = Callable[[str], Iterable[Measure]]
KINDS = ("queries", "queries-pool", "queries-bundles", "completion", "completion-pool", "queries-anonymous")


def say(text: str) -> None:
    """A line of progress."""
    print(text, flush=True)


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    shared = Path(os.environ.get("SETWISE_SHARED") or ROOT / "../shared")
    parser.add_argument("--shared", type=Path, default=shared, help="folder with data/ and tools/ (%(default)s)")
    parser.add_argument("--work", type=Path, default=ROOT / "var/evaluate", help="shops, builds, runs, report.md")
    parser.add_argument("--builds", type=Path, help="read builds from this work folder instead, as they are")
    parser.add_argument("--keep", action="store_true", help="use the builds that are there, even of older code")
    parser.add_argument("--sets", default=",".join(SHOPS), help="comma-separated (%(default)s)")
    parser.add_argument("--document", type=Path, help="puts the scores into this document too, between its marks")
    parser.add_argument("--day-0", action="store_true", help="asks each shop without its orders and sets too")
    parser.add_argument("--runs", default="", help=f"comma-separated, of {', '.join(KINDS)}; empty = all")
    return parser.parse_args()


def evaluate_shop(
    shop: Shop, kinds: set[str], chosen: argparse.Namespace, times: dict[str, Mapping[str, float]]
) -> list[Asking]:  # fmt: skip
    """Builds one shop, and that of day 0 where it has a past and it is wanted, and asks everything; what was asked."""
    if chosen.builds:
        shop = msgspec.structs.replace(shop, data_dir=chosen.builds / "builds" / shop.name)
    wanted = [a for a in askings(shop.name) if not kinds or a.name.removeprefix(f"{shop.name}-") in kinds]
    ask_shop(shop, wanted, chosen, times)
    if not chosen.day_0 or not ({"SETWISE_ORDERS", "SETWISE_SETS"} & shop.environ.keys()):
        return wanted
    new = {measure.against for measure in day_0_measures(shop.name) if measure.against and measure.asking in wanted}
    ask_shop(on_day_0(shop), sorted(new, key=lambda one: one.name), chosen, times)
    return [*wanted, *new]


def ask_shop(
    shop: Shop, wanted: Collection[Asking], chosen: argparse.Namespace, times: dict[str, Mapping[str, float]]
) -> None:
    """Builds one release and writes its run files."""
    began = perf_counter()
    built = build(shop, keep=chosen.keep or chosen.builds is not None)
    say(f"{shop.data_dir.name}: {'built' if built else 'build reused'} ({perf_counter() - began:.1f} s)")
    opened = open_shop(shop)
    for asking in wanted:
        began = perf_counter()
        times[asking.name] = write_run(opened, asking, chosen.work / "runs" / f"{asking.name}.jsonl", say)
        say(f"  {asking.name}: {times[asking.name]['answered']:.0f} answered ({perf_counter() - began:.1f} s)")


def score(
    shops: list[Shop], asked: Collection[Asking], chosen: argparse.Namespace, of: Measures = measures
) -> list[Line]:
    """The lines of all shops, then of the two that are also scored as one."""
    scorer, runs, data, lines = Scorer(chosen.shared), chosen.work / "runs", chosen.shared / "data", list[Line]()
    for shop in shops:
        say(f"scoring {shop.name}")
        for measure in of(shop.name):
            if measure.asking in asked and (measure.against is None or measure.against in asked):
                baseline = data / shop.name / "baselines" / measure.baseline_file
                if measure.against is not None:
                    baseline = runs / f"{measure.against.name}.jsonl"
                lines.append(scorer.line(measure, shop, runs / f"{measure.asking.name}.jsonl", baseline))
    members = [shop for shop in shops if shop.name in BUNDLEREC]
    if len(members) < len(BUNDLEREC):
        return lines
    say(f"scoring {POOLED}")
    both = pool(members, POOLED, chosen.work)
    for measure in of(POOLED):
        parts = [msgspec.structs.replace(measure.asking, shop=shop.name) for shop in members]
        if all(part in asked for part in parts):
            name = measure.asking.name
            run = join_runs([runs / f"{part.name}.jsonl" for part in parts], runs / f"{name}.jsonl")
            theirs = [data / shop.name / "baselines" / measure.baseline_file for shop in members]
            if measure.against is not None:
                others = [msgspec.structs.replace(measure.against, shop=shop.name) for shop in members]
                theirs = [runs / f"{other.name}.jsonl" for other in others]
            lines.append(scorer.line(measure, both, run, join_runs(theirs, runs / f"{name}-{measure.baseline}.jsonl")))
    return lines


def main() -> int:
    """Runs the evaluation; 0 when every run could be scored."""
    chosen, times = options(), dict[str, Mapping[str, float]]()
    if not (chosen.shared / "tools/score.py").is_file():
        print(f"setwise: {chosen.shared} has no tools/score.py; name the folder with --shared", file=sys.stderr)
        return 2
    kinds = {kind for kind in chosen.runs.split(",") if kind}
    try:
        shops = [lay_out(name, chosen.shared, chosen.work) for name in chosen.sets.split(",")]
        asked = {asking for shop in shops for asking in evaluate_shop(shop, kinds, chosen, times)}
        lines = score(shops, asked, chosen)
    except (RuntimeError, subprocess.CalledProcessError) as error:
        print(f"setwise: {error}", file=sys.stderr)
        return 1
    report, first = chosen.work / "report.md", score(shops, asked, chosen, day_0_measures) if chosen.day_0 else []
    known = [
        one
        for one in asked
        if Asking(one.shop, one.queries, anonymous=True) in asked and not (one.anonymous or one.day_0)
    ]
    runs = chosen.work / "runs"
    told = [f"{one.name}: {changed(runs / f'{one.name}.jsonl', runs / f'{one.name}-anonymous.jsonl')}" for one in known]
    write_report(lines, times, told, report)
    if chosen.document is not None:
        write_into(chosen.document, "make evaluate", "\n\n".join([score_table(lines), *told]))
    if first:
        say(f"\n{day_0_table(first)}")
        if chosen.document is not None:
            write_into(chosen.document, 'make evaluate EVALUATE="--day-0"', day_0_table(first))
    say("\n".join(["", score_table(lines), "", *told, f"written to {report}"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
