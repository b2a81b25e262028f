"""What the guides say, done: their feeds read, their rules published, their settings and commands there."""

import importlib.util
import json
import re
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from benchmarks.examples.readme import CALL, selected
from setwise.catalogue import Product
from setwise.feeds import Rejection, read_judgements, read_orders, read_products, read_sets
from setwise.judgements import Judgement
from setwise.orders import MerchantSet, Order
from setwise.rules import KINDS, read_rules
from setwise.settings import Settings
from setwise_cli import COMMANDS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
DOCUMENTS = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
READERS = {"orders": lambda path: read_orders(path, "USD"), "sets": read_sets, "judgements": read_judgements}


def fences(document: Path) -> list[tuple[str, str]]:
    return [(found[1], found[2]) for found in FENCE.finditer(document.read_text())]


def feed_examples() -> Iterator[tuple[str, str, str]]:
    """Kind, content, and what is said to be read in it."""
    found = fences(DOCS / "feeds.md")
    for (kind, content), (said, lines) in pairwise(found):
        if said == "text":
            yield kind, content, lines


def told(result: object) -> str:
    match result:
        case Product():
            price = f"{result.price_cents} {result.currency}" + (
                f", now {result.sale.price_cents}" if result.sale else ""
            )
            about = [result.availability, *result.product_types, result.color, result.material, result.size]
            about += [f"stock {result.stock}"] if result.stock is not None else []
            about += [f"rating {result.rating}"] if result.rating is not None else []
            return " | ".join([result.id, result.title, price, *filter(None, about)])
        case Order():
            lines = ", ".join(f"{line.quantity} x {line.product_id} at {line.unit_cents}" for line in result.lines)
            return f"{result.order_id} | {result.user_id} | {result.currency} | {lines}"
        case MerchantSet():
            return f"{result.set_id} | {result.title} | {', '.join(result.product_ids)}"
        case Judgement():
            return f"{result.query} | {result.product_id} | {result.grade}"
        case Rejection():
            return f"row {result.row} is rejected: {result.field} {result.value!r}: {result.reason}; {result.remedy}"
    raise TypeError(result)


def read_as_documented(kind: str, content: str, folder: Path) -> str:
    path = folder / "file"
    path.write_text(content)
    reader = READERS.get(kind) or (lambda path: read_products(path, "EUR" if kind == "csv" else None))
    return "".join(f"{told(result)}\n" for result in reader(path))


@pytest.mark.parametrize(("kind", "content", "said"), list(feed_examples()), ids=lambda value: str(value)[:6])
def test_every_feed_of_the_guide_is_read_as_it_says(kind: str, content: str, said: str, tmp_path: Path) -> None:
    assert said == read_as_documented(kind, content, tmp_path)


def test_the_guide_of_feeds_has_every_form() -> None:
    assert {kind for kind, _, _ in feed_examples()} == {
        "tsv",
        "xml",
        "csv",
        "json",
        "jsonl",
        "orders",
        "sets",
        "judgements",
    }


def test_the_rules_of_the_guide_are_of_every_kind_and_are_taken() -> None:
    found = fences(DOCS / "rules.md")
    documents = [json.loads(text) for kind, text in found if kind == "json"]
    documents += [yaml.safe_load(text) for kind, text in found if kind == "yaml"]
    assert len(documents) == 2
    for document in documents:
        checked = read_rules(document)
        assert checked.rules is not None and not checked.warnings, checked.errors
    assert {rule["kind"] for rule in documents[0]["rules"]} == set(KINDS)
    table = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", (DOCS / "rules.md").read_text(), re.MULTILINE))
    assert table == KINDS


def test_a_document_with_mistakes_is_refused_as_the_guide_says() -> None:
    found = pairwise(fences(DOCS / "rules.md"))
    [(refused, said)] = [(text, after) for (kind, text), (_, after) in found if kind == "json refused"]
    errors = read_rules(json.loads(refused)).errors
    assert [f"{one.field}: {one.reason}; {one.remedy}" for one in errors] == said.splitlines()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_settings_modules_and_commands_of_shell_blocks_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+(?: [a-z-]+)*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    offered = {name for line in targets for name in line.split()}
    for kind, text in fences(document):
        if kind != "sh":
            continue
        lines = [line.partition("#")[0].strip() for line in text.splitlines()]
        settings = dict(line.split("=", 1) for line in lines if re.fullmatch(r"SETWISE_\w+=\S+", line))
        Settings.from_env(settings)
        for line in lines:
            for module in re.findall(r"python -m ([\w.]+)", line):
                assert importlib.util.find_spec(module) is not None, line
            if made := re.match(r"(?:\w+=\S+ )*make (\S+)", line):
                assert made[1] in offered, line
            if called := re.match(r"setwise (\S+)", line):
                assert called[1] in {*COMMANDS, "--help", "--version"}, line


def test_the_answer_in_the_readme_is_the_one_of_the_api_document_and_adds_up() -> None:
    call = CALL.search((ROOT / "README.md").read_text())
    assert call is not None
    understood, *lines = map(json.loads, call["answer"].splitlines())
    answer = json.loads(next(text for kind, text in fences(DOCS / "api.md") if kind == "json 200"))
    assert understood["max"] == answer["understood"]["budget"]["max_cents"]
    assert understood["without"] == answer["understood"]["exclude"]["materials"]
    bundles = [line | {"items": []} for line in lines if "total_cents" in line]
    bundle = iter(bundles)
    for line in lines:
        if "total_cents" in line:
            into = next(bundle)
        else:
            into["items"].append(line)
    assert all(one["total_cents"] == sum(item["price_cents"] for item in one["items"]) for one in bundles)
    assert all(one["total_cents"] <= understood["max"] for one in bundles)
    for mine, theirs in zip(bundles, answer["bundles"], strict=False):
        if isinstance(theirs, dict):
            assert (mine["label"], mine["total_cents"]) == (theirs["label"], theirs["total_cents"])
            titles = [item["title"] for item in theirs["items"] if isinstance(item, dict)]
            assert [item["title"] for item in mine["items"]][: len(titles)] == titles


def test_what_the_readme_shows_is_what_jq_selects_of_an_answer(leave_out) -> None:
    if shutil.which("jq") is None:
        leave_out("jq", "it is not installed")
    call = CALL.search((ROOT / "README.md").read_text())
    assert call is not None
    item = {"title": "Sofa", "price_cents": 5, "reasons": ["bought often"], "slot": "sofa"}
    answer = {
        "understood": {"budget": {"max_cents": 9}, "styles": ["modern"], "exclude": {"materials": ["leather"]}},
        "bundles": [{"label": "best match", "total_cents": 5, "reasons": ["cheap"], "items": [item], "score": 1.0}],
    }
    assert [json.loads(line) for line in selected(answer, call["selection"]).splitlines()] == [
        {"max": 9, "styles": ["modern"], "without": ["leather"]},
        {"label": "best match", "total_cents": 5, "reasons": ["cheap"]},
        {"title": "Sofa", "price_cents": 5, "why": "bought often"},
    ]
