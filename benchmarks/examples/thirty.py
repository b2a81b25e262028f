"""Asks the prompts of prompts.toml and writes what came as a page that people can read."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.examples.service import serve_folder
from setwise.money import format_cents

PROMPTS = Path(__file__).with_name("prompts.toml")
HEAD = """# Thirty prompts and their answers

Written by `python -m benchmarks.examples --only prompts`: the small shops of tests/understanding (65 to 106 products
each), as they are built and served. The first two bundles of each answer are shown. Where an answer is weak, a sentence
says so.
"""


def run_prompts(document: Path, data_dir_of: Callable[[str], Path]) -> None:
    """Writes the document anew; shops are built in the order in which they are first named."""
    asked = tomllib.loads(PROMPTS.read_text(encoding="utf-8"))["prompt"]
    parts = [HEAD]
    for shop in dict.fromkeys(one["shop"] for one in asked):
        parts.append(f"\n## {shop}\n")
        with serve_folder(data_dir_of(shop)) as client:
            for one in (one for one in asked if one["shop"] == shop):
                reply = client.post("/v1/bundles", json={"prompt": one["text"]})
                reply.raise_for_status()
                parts.append(_section(one, reply.json()))
    document.write_text("".join(parts), encoding="utf-8")
    print(f"{document.name}: {len(asked)} prompts were asked")


def _section(one: dict[str, str], answer: dict[str, Any]) -> str:
    lines = [f"\n### {one['text']}\n\n", f"understood: {_understood(answer['understood'])}\n"]
    for bundle in answer["bundles"][:2]:
        total = format_cents(bundle["total_cents"], bundle["currency"])
        lines.append(f"\n- **{bundle['label']}, {total}** ({'; '.join(bundle['reasons'][1:]) or 'no budget'})\n")
        for item in bundle["items"]:
            price = format_cents(item["price_cents"], bundle["currency"])
            count = f"{item['quantity']} x " if item["quantity"] > 1 else ""
            lines.append(f"    - {count}{item['title']}, {price}: {', '.join(item['reasons'])}\n")
    if nothing := answer["infeasible"]:
        cheapest = nothing["cheapest_total_cents"]
        currency = (answer["understood"]["budget"] or {}).get("currency", "")
        more = f"; the cheapest is {format_cents(cheapest, currency)}" if cheapest else ""
        lines.append(f"\n- no bundle: {nothing['reason']}{more}\n")
    if one.get("note"):
        lines.append(f"\n*{one['note']}*\n")
    return "".join(lines)


def _understood(read: dict[str, Any]) -> str:
    found = [f"{slot['quantity']} x {slot['name']}" for slot in read["slots"]]
    if budget := read["budget"]:
        bounds = [("from", budget["min_cents"]), ("up to", budget["max_cents"])]
        said = " ".join(
            f"{word} {format_cents(cents, budget['currency'])}" for word, cents in bounds if cents is not None
        )
        found.append(f"budget {said} ({budget['scope']})")
    found += [
        f"{kind}: {', '.join(read[kind])}"
        for kind in ("colors", "materials", "styles", "brands", "sizes")
        if read[kind]
    ]
    out = [word for words in read["exclude"].values() for word in words]
    found += [f"without {', '.join(out)}"] if out else []
    found += [f"gave way: {', '.join(read['relaxed'])}"] if read["relaxed"] else []
    return "; ".join([*found, *read["conflicts"]]) or "nothing in particular"
