"""docs/benchmarks.md, made of the results that are kept: nothing in it is typed by hand."""

import json
from pathlib import Path
from typing import Any

from benchmarks.evaluate.report import as_table
from benchmarks.serving import pictures
from benchmarks.serving.goals import GOALS, row

Found = dict[str, Any]
HEAD = ("what", "goal, embedded", "here", "measured", "met", "goal, servers", "here", "measured", "met")
NOT_HERE = (
    "Rows of the goals that no part of this run measures: from a click to the marts. "
    "Assembly's distance from the optimum is `python -m benchmarks.assembly`'s."
)


def read_results(folder: Path) -> dict[str, Found]:
    """Part -> what was kept of it."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


def write_report(results: dict[str, Found], document: Path) -> None:
    """The document, and beside it a folder with its pictures."""
    folder = document.parent / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    parts = [
        "# Benchmarks",
        "Made by `make bench`; `python -m benchmarks.serving --report` makes it again from `var/bench/results`. The load is an "
        "open loop (vegeta): requests leave when they are due, and latency counts from then. The load generator shares the "
        "cores with what it measures. The sample shop is synthetic; its prompts are unique, four fifths made, one fifth real.",
        _machines(results),
    ]
    answers = {name: results[name] for name in ("embedded", "servers", "chorus") if name in results}
    if answers:
        parts += ["## Goals and figures", _goals(results), NOT_HERE, "## Loads", _loads(answers)]
        parts += ["## Where the time goes", _explained(answers), f"![]({pictures.stages(answers, folder)})"]
        parts += ["## Memory", _memory(answers)]
    changes = [(name, one["result"].get("changes")) for name, one in answers.items()]
    if any(found for _, found in changes):
        table = as_table(
            ("profile", "changes", "acknowledged p50 / p99 ms", "gone from answers p50 / p99 ms"),
            [
                [
                    name,
                    str(c["changes"]),
                    f"{c['acknowledged'][0]} / {c['acknowledged'][1]}",
                    f"{c['effect'][0]} / {c['effect'][1]}",
                ]
                for name, c in changes
                if c
            ],
        )
        parts += ["## From a stock change to its effect", table]
    if "streams" in results:
        parts += ["## Prompts that come again, and stock that changes", _streams(results["streams"])]
    if "overload" in results:
        parts += ["## More than can be answered", _overload(results["overload"])]
    if "naive" in results:
        parts += ["## The naive pipeline", _naive(results)]
    if "growth" in results:
        parts += ["## Growth", _growth(results["growth"]), f"![]({pictures.growth(results['growth'], folder)})"]
    if "million" in results:
        parts += ["## A million products", _million(results["million"])]
    if "stores" in results:
        parts += ["## Chroma, Weaviate and the in-process index", _stores(results["stores"])]
    if "embedding" in results:
        one = results["embedding"]["result"]
        parts += [
            "## Embedding a catalogue",
            f"{one['products_per_s']} products/s on one thread from cold ({one['products']} products of {one['shop']}; "
            f"goal {60 / results['embedding']['machine']['factor']:.0f} here).",
        ]
    document.write_text("\n\n".join(parts) + "\n")


def _machines(results: dict[str, Found]) -> str:
    rows = [
        [
            name, m["date"], "quick" if m["quick"] else "full", f"{m['factor']:.2f}", f"{m['load_before']:.1f}",
            f"{m['cores']} x {m['processor']}", f"{m['memory_gib']}", f"{m.get('serving_processes', 1)}",
        ]
        for name, m in ((name, one["machine"]) for name, one in results.items())
    ]  # fmt: skip
    newest = max((one["machine"] for one in results.values()), key=lambda m: m["date"], default=None)
    versions = ", ".join(f"{k} {v}" for k, v in newest["versions"].items()) if newest else ""
    head = ("part", "date", "run", "factor", "load before", "processor", "GiB", "serving processes")
    return (
        "`factor` is the machine's time against the one that the goals are for: times are multiplied by it, rates divided. "
        "`load before` is the one-minute load average when the part began: above .5, others were using the cores.\n\n"
        f"{as_table(head, rows)}\n\nPython {newest['python'] if newest else ''}; {versions}."
    )


def _goals(results: dict[str, Found]) -> str:
    found = {name: results.get(name) for name in ("embedded", "servers")}
    factor = next(one["machine"]["factor"] for one in (*found.values(), *results.values()) if one)
    sizes = ", ".join(
        f"{name}: {one['result']['shop']}, {one['result']['products']:,} products" for name, one in found.items() if one
    )
    return f"{sizes}.\n\n{as_table(HEAD, [row(goal, found, factor) for goal in GOALS])}"


def _loads(answers: dict[str, Found]) -> str:
    rows = []
    for name, one in answers.items():
        for load, title in (
            ("cold", "unique, first after the start"), ("unique", "unique"), ("repeated", "repeated"),
            ("asynchronous", "acknowledge"),
        ):  # fmt: skip
            found = one["result"].get(load)
            if found:
                cpu = f"{found['cpu_ms_all']}" if "cpu_ms_all" in found else "-"
                rungs = ", ".join(f"{rung} {count}" for rung, count in found["served_by"].items())
                rows.append(
                    [
                        name, title, f"{found['offered_per_s']:.1f}", f"{found['answered']} of {found['asked']}", rungs,
                        f"{found['p50']:.2f}", f"{found['p90']:.2f}", f"{found['p99']:.2f}", cpu,
                    ]
                )  # fmt: skip
    head = ("profile", "load", "per s", "answered", "served by", "p50 ms", "p90", "p99", "CPU ms per answer")
    return as_table(head, rows)


def _explained(answers: dict[str, Found]) -> str:
    rows = []
    for name, one in answers.items():
        stages, unique = one["result"]["unique"]["stages"], one["result"]["unique"]
        parts = sum(p50 for stage, (p50, _) in stages.items() if stage != "total")
        rows.append(
            [
                name,
                f"{unique['p50']:.2f}",
                f"{stages['total'][0]:.2f}",
                f"{unique['explained']:.0%}",
                f"{parts / unique['p50']:.0%}",
            ]
        )
    head = ("profile", "p50 outside ms", "Server-Timing total", "share", "sum of the stages' p50, share")
    return f"The goal is 90 %.\n\n{as_table(head, rows)}"


def _memory(answers: dict[str, Found]) -> str:
    rows = [
        [name, one["result"]["shop"], f"{m['resident']}", f"{m['own']}"]
        for name, one in answers.items()
        for m in one["result"]["memory_mb"]
    ]
    return as_table(("profile", "shop", "resident MB per process", "its own"), rows)


def _naive(results: dict[str, Found]) -> str:
    theirs = results["naive"]["result"]["unique"]
    rows = [
        [
            "naive",
            f"{theirs['offered_per_s']:.1f}",
            f"{theirs['p50']:.1f}",
            f"{theirs['p99']:.1f}",
            "",
            f"{theirs['cpu_ms_all']}",
            "",
        ]
    ]
    for name in ("embedded", "servers"):
        if name in results:
            ours = results[name]["result"]["unique"]
            rows.append(
                [
                    name, f"{ours['offered_per_s']:.1f}", f"{ours['p50']:.1f}", f"{ours['p99']:.1f}",
                    f"{theirs['p99'] / ours['p99']:.1f} x", f"{ours['cpu_ms_all']}",
                    f"{theirs['cpu_ms_all'] / ours['cpu_ms_all']:.1f} x",
                ]
            )  # fmt: skip
    head = ("pipeline", "per s", "p50 ms", "p99 ms", "naive p99 / ours", "CPU ms per answer", "naive CPU / ours")
    return (
        "Every SDK as its quick start shows it (sentence-transformers on torch, weaviate-client, Feast SDK), behind the same "
        "HTTP server, with the same prompts ([benchmarks/serving/naive.py](../benchmarks/serving/naive.py)). The goal is 5 "
        f"times its p99 and 4 times its CPU.\n\n{as_table(head, rows)}"
    )


def _streams(one: Found) -> str:
    r = one["result"]
    caches = [
        [name, ", ".join(f"{result} {share:.1%}" for result, share in found.items())]
        for name, found in r["caches"].items()
    ]
    changed = r["changes_under_load"]
    return (
        f"Zipf-shaped stream (the n-th of 2,000 prompts 1/n as often as the first, nobody named), "
        f"{r['zipf']['offered_per_s']:.1f}/s: {r['zipf']['answered']} of {r['zipf']['asked']} answered, p50 {r['zipf']['p50']:.2f} ms, "
        f"p99 {r['zipf']['p99']:.2f} ms, {r['zipf']['cpu_ms_all']} ms of CPU each.\n\n"
        f"{as_table(('cache', 'look-ups'), caches)}\n\n"
        f"{changed['changes']:,} products sold out in calls of 1,000 under the same rate of unique prompts: a call is acknowledged "
        f"after {changed['acknowledged_s'][0]} s (longest {changed['acknowledged_s'][1]}), none of its products is sellable after "
        f"{changed['effect_s'][0]} s (longest {changed['effect_s'][1]}, goal 2); {changed['wrong']} sold-out products in "
        f"{changed['answers']} answers afterwards."
    )


def _overload(one: Found) -> str:
    rows = [
        [
            f"{r['factor']} x", ", ".join(f"{status}: {count}" for status, count in r["statuses"].items()),
            f"{r['accepted'][0]} / {r['accepted'][1]}", f"{r['refused'][0]} / {r['refused'][1]}", f"{r['goodput']:.0%}",
            f"{r['resident_mb']}",
        ]
        for r in one["result"]["loads"]
    ]  # fmt: skip
    head = ("load", "statuses", "accepted p50 / p99 ms", "refused p50 / p99 ms", "answers / rated load", "resident MB")
    return f"The rated load is {one['result']['rated_per_s']:.1f}/s.\n\n{as_table(head, rows)}"


def _growth(one: Found) -> str:
    rows = [
        [
            f"{r['products']:,}",
            r["made"],
            f"{r['unique']['p50']:.2f}",
            f"{r['unique']['p99']:.2f}",
            f"{r['unique']['cpu_ms_all']}",
            f"{r['resident_mb']}",
        ]
        for r in one["result"]["sizes"]
    ]
    return as_table(("products", "made by", "p50 ms", "p99 ms", "CPU ms per answer", "resident MB"), rows)


def _million(one: Found) -> str:
    r, factor = one["result"], one["machine"]["factor"]
    return (
        f"{r['products']:,} products, synthetic vectors and texts; queries of one slot at {r['unique']['offered_per_s']:.1f}/s: "
        f"p50 {r['unique']['p50']:.2f} ms, p99 {r['unique']['p99']:.2f} ms (goal {20 * factor:.1f} here), resident "
        f"{r['resident_mb'] / 1000:.2f} GB (goal 3), {r['seconds_to_first_answer']} s from start to first answer (goal 4)."
    )


def _stores(one: Found) -> str:
    r = one["result"]
    rows = [
        [name, f"{r[name]['p50']}", f"{r[name]['p99']}", f"{r[name]['recall']}"]
        for name in ("in-process", "weaviate-client", "chroma")
        if name in r
    ]
    return (
        f"k = {r['k']} of {r['products']:,} vectors, {r['queries']} queries one at a time; HNSW with 16 connections and 128 for "
        f"building and searching everywhere; recall against an exact scan.\n\n{as_table(('store', 'p50 ms', 'p99 ms', 'recall'), rows)}"
    )
