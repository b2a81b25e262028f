"""The labelled prompts hold together: what they name is there, and some are kept aside in every language."""

import json
from collections import Counter
from pathlib import Path

FOLDER = Path(__file__).parent


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


PROMPTS = rows(FOLDER / "prompts.jsonl")


def test_ids_and_texts_are_unique() -> None:
    assert len({p["id"] for p in PROMPTS}) == len({p["text"] for p in PROMPTS}) == len(PROMPTS) >= 1331


def test_the_prompts_kept_aside_are_at_the_end_and_speak_every_language() -> None:
    splits = [p["split"] for p in PROMPTS]
    assert splits == sorted(splits, reverse=True) and set(splits) == {"tune", "held"}
    held = Counter(p["language"] for p in PROMPTS if p["split"] == "held")
    assert set(held) == {"en", "de", "fr", "es"} and min(held.values()) >= 55


def test_every_category_that_a_label_names_is_a_leaf_of_its_shop() -> None:
    for shop in {p["shop"] for p in PROMPTS}:
        leaves = {r["product_type"].split(" > ")[-1] for r in rows(FOLDER / f"shops/{shop}.jsonl")}
        named = {s["category"] for p in PROMPTS if p["shop"] == shop for s in p["slots"] if s["category"]}
        assert named <= leaves, named - leaves


def test_prompts_fit_the_limit_and_budgets_are_whole_minor_units() -> None:
    for prompt in PROMPTS:
        assert 0 < len(prompt["text"]) <= 512
        if budget := prompt["budget"]:
            assert budget["scope"] in ("total", "item")
            assert all(isinstance(budget[k], int | None) for k in ("min_cents", "max_cents"))
