from datetime import datetime, timezone

import msgspec
import pytest
import yaml

from setwise.rules import KINDS, RuleSet, read_rules


def rule(**fields: object) -> dict[str, object]:
    return {"id": "r", "kind": "hide", "products": ["p-1"], **fields}


def problems_of(*rules: dict[str, object]) -> list[tuple[str, str | None]]:
    return [(p.field, p.rule) for p in read_rules({"rules": list(rules)}).errors]


def test_what_is_written_comes_back_the_same_from_json_and_from_yaml() -> None:
    text = """
    rules:
      - {id: xmas, kind: boost, brands: [Oakly], value: 0.4,
         when: {prompt_words: [christmas], starts_at: 2026-12-01T00:00:00Z, ends_at: 2026-12-27T00:00:00Z}}
      - {id: kit, kind: always_with, categories: [Sofas], value: p-77}
    templates:
      - {name: home office, words: [home office], slots: [{name: desk}, {name: lamp, quantity: 2, required: false}]}
    """
    checked = read_rules(yaml.safe_load(text))
    assert checked.errors == [] and checked.rules is not None
    assert checked.rules.rules[0].when.starts_at == datetime(2026, 12, 1, tzinfo=timezone.utc)
    again = read_rules(msgspec.json.decode(msgspec.json.encode(checked.rules)))
    assert again.rules == checked.rules
    assert msgspec.json.decode(msgspec.json.encode(checked.rules), type=RuleSet) == checked.rules


def test_a_time_without_a_zone_is_utc() -> None:
    checked = read_rules({"rules": [rule(when={"starts_at": "2026-12-01T08:00:00"})]})
    assert checked.rules.rules[0].when.starts_at == datetime(2026, 12, 1, 8, tzinfo=timezone.utc)


def test_all_mistakes_are_named_at_once_with_rule_field_reason_and_remedy() -> None:
    checked = read_rules(
        {
            "rules": [rule(id="a", kind="hidden"), rule(id="b", value=3), rule(id="b", kind="min_margin", value=15)],
            "templates": [{"name": "t", "words": ["office"], "slots": []}],
            "rule": [],
        }
    )
    assert checked.rules is None
    assert {p.field for p in checked.errors} == {
        "rule", "rules[0].kind", "rules[1].value", "rules[2].id", "rules[2].value", "templates[0].slots",
    }  # fmt: skip
    assert all(p.reason and p.remedy for p in checked.errors)
    kind = next(p for p in checked.errors if p.field == "rules[0].kind")
    assert kind.rule == "a" and all(name in kind.remedy for name in KINDS)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (rule(kind="pin", products=None, categories=["Sofas"]), "categories"),
        (rule(kind="pin", products=None), "products"),
        (rule(kind="pin", value=1), "value"),
        (rule(products=[]), "products"),
        (rule(products=None), "products"),
        (rule(kind="boost", value=-1), "value"),
        (rule(kind="bury", value=11), "value"),
        (rule(kind="boost", value="much"), "value"),
        (rule(kind="boost", value=True), "value"),
        (rule(kind="never_together"), "products"),
        (rule(kind="always_with"), "value"),
        (rule(kind="always_with", value=2), "value"),
        (rule(kind="min_margin", value=1), "value"),
        (rule(kind="max_per_brand", products=None, value=1.5), "value"),
        (rule(kind="max_per_brand", products=None), "value"),
        (rule(kind="max_per_brand", value=1), "products"),
        (rule(when={"prompt_words": []}), "when.prompt_words"),
        (rule(when={"starts_at": "2026-12-02T00:00:00Z", "ends_at": "2026-12-01T00:00:00Z"}), "when.ends_at"),
        (rule(when={"from": "2026"}), "when"),
        (rule(when={"starts_at": "tomorrow"}), "when.starts_at"),
        (rule(until="2026"), ""),
        (rule(id=""), "id"),
        (rule(products=["x" * 65]), "products[0]"),
    ],
)
def test_each_mistake_names_its_field(wrong: dict[str, object], field: str) -> None:
    given = {name: value for name, value in wrong.items() if value is not None}
    assert [found for found, _ in problems_of(given)] == [f"rules[0].{field}".rstrip(".")]


@pytest.mark.parametrize("document", [None, [], "rules", 3, {"rules": {}}, {"rules": [None, 3, []]}, {"version": -1}])
def test_what_is_no_set_of_rules_is_refused_and_never_raises(document: object) -> None:
    checked = read_rules(document)
    assert checked.rules is None and checked.errors


def test_unknown_products_are_warned_about_and_not_refused() -> None:
    checked = read_rules({"rules": [rule(), rule(id="k", kind="always_with", value="p-9")]}, lambda i: i == "p-1")
    assert checked.rules is not None
    assert [(w.field, w.rule) for w in checked.warnings] == [("rules[1].value", "k")]


def test_more_rules_than_a_shop_may_have_are_refused() -> None:
    assert problems_of(*[rule(id=f"r{n}") for n in range(1_001)]) == [("rules", None)]
