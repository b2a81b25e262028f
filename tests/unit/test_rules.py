from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from setwise.catalogue import Product
from setwise.names import ProductId
from setwise.rules import RuleBook, RuleSet, read_rules
from setwise.rules.document import DEFAULT_WEIGHT, PIN_WEIGHT
from setwise.rules.selection import category_keys

NOW = datetime(2026, 12, 1, 12, tzinfo=timezone.utc)
SOFA = Product(ProductId("sofa"), "Oak sofa", 50_000, "USD", brand="Oakly", product_types=("Home > Living > Sofas",))
LAMP = Product(ProductId("lamp"), "Brass lamp", 9_000, "USD", brand="Lumo", product_types=("Home > Lighting > Lamps",))
RUG = Product(ProductId("rug"), "Wool rug", 20_000, "USD", brand="OAKLY", product_types=("Home > Living > Rugs",))
BARE = Product(ProductId("bare"), "Thing", 100, "USD")
ALL = [SOFA, LAMP, RUG, BARE]


def book(*rules: dict[str, object], templates: tuple[dict[str, object], ...] = ()) -> RuleBook:
    numbered = [{"id": f"r{number}", **rule} for number, rule in enumerate(rules)]
    checked = read_rules({"rules": numbered, "templates": list(templates)})
    assert checked.rules is not None, checked.errors
    return RuleBook(checked.rules)


def active(*rules: dict[str, object], prompt: str = "", categories: frozenset[str] = frozenset()):
    return book(*rules).active(NOW, prompt, categories)


def hidden(*rules: dict[str, object], **when: object) -> set[str]:
    found = active(*rules, **when)
    return {product.id for product in ALL if not found.may_be_answered(product, product.price_cents)}


def test_without_rules_everything_may_be_answered_and_nothing_is_added() -> None:
    found = RuleBook(RuleSet()).active(NOW, "a sofa")
    assert all(found.may_be_answered(product, 1) for product in ALL)
    assert found.score_adjustment(ALL)[0].tolist() == [0, 0, 0, 0]
    assert not found.restricts_products and not found.restricts_pairs and found.max_per_brand is None


@pytest.mark.parametrize(
    ("about", "ids"),
    [
        ({"products": ["sofa", "no-such"]}, {"sofa"}),
        ({"brands": ["oakly"]}, {"sofa", "rug"}),
        ({"categories": ["sofas"]}, {"sofa"}),
        ({"categories": ["Home>Living"]}, {"sofa", "rug"}),
        ({"categories": ["Home"]}, {"sofa", "lamp", "rug"}),
        ({"categories": ["Living > Rugs"]}, set()),
        ({"categories": ["Rugs"], "brands": ["Oakly"]}, {"rug"}),
        ({"categories": ["Rugs"], "products": ["sofa"]}, set()),
    ],
)
def test_a_rule_is_about_any_name_of_a_field_and_all_fields_together(about: dict[str, object], ids: set[str]) -> None:
    assert hidden({"kind": "hide", **about}) == ids


@pytest.mark.parametrize(
    ("starts", "ends", "holds"),
    [(0, 1, True), (-1, 0, False), (None, 1, True), (0, None, True), (1, None, False), (-1, 1, True)],
)
def test_a_rule_holds_from_its_start_to_just_before_its_end(starts: int | None, ends: int | None, holds: bool) -> None:
    when = {
        name: (NOW + timedelta(hours=hours)).isoformat()
        for name, hours in (("starts_at", starts), ("ends_at", ends))
        if hours is not None
    }
    assert hidden({"kind": "hide", "products": ["rug"], "when": when}) == ({"rug"} if holds else set())


def test_prompt_words_need_one_phrase_with_all_of_its_words() -> None:
    rule = {"kind": "hide", "products": ["rug"], "when": {"prompt_words": ["living room", "Lounge"]}}
    assert hidden(rule, prompt="a room for living in") == {"rug"}
    assert hidden(rule, prompt="my LOUNGE") == {"rug"}
    assert hidden(rule, prompt="a bed room") == set()


def test_when_categories_asks_what_the_answer_is_about_and_not_which_product_it_is() -> None:
    rule = {"kind": "hide", "products": ["rug"], "when": {"categories": ["Living > Sofas", "Sofas"]}}
    assert book(rule).asks_for_categories
    assert hidden(rule, categories=category_keys(SOFA)) == {"rug"}
    assert hidden(rule, categories=category_keys(LAMP)) == set()


def test_when_needs_all_of_its_fields() -> None:
    rule = {"kind": "hide", "products": ["rug"], "when": {"categories": ["Sofas"], "prompt_words": ["cosy"]}}
    assert hidden(rule, categories=category_keys(SOFA), prompt="cosy") == {"rug"}
    assert hidden(rule, categories=category_keys(SOFA)) == set()


def test_a_margin_floor_looks_at_the_price_now_and_leaves_unknown_costs_alone() -> None:
    rule = {"kind": "min_margin", "value": 0.2, "categories": ["Home"]}
    sold = Product(ProductId("s"), "t", 1_000, "USD", cost_cents=800, product_types=("Home",))
    found = active(rule)
    assert found.may_be_answered(sold, 1_000) and not found.may_be_answered(sold, 999)
    assert not found.may_be_answered(sold, 0)
    assert found.may_be_answered(RUG, 1)
    elsewhere = Product(ProductId("s"), "t", 1_000, "USD", cost_cents=990)
    assert found.may_be_answered(elsewhere, 1_000)
    assert not active({"kind": "min_margin", "value": 0.2}).may_be_answered(elsewhere, 1_000)


def test_pin_boost_and_bury_add_up_and_name_the_rules() -> None:
    found = active(
        {"kind": "boost", "brands": ["Oakly"]},
        {"kind": "bury", "products": ["rug"], "value": 0.2},
        {"kind": "pin", "products": ["lamp", "gone"]},
    )
    added, ids = found.score_adjustment(ALL)
    assert added.tolist() == pytest.approx([DEFAULT_WEIGHT, PIN_WEIGHT, DEFAULT_WEIGHT - 0.2, 0])
    assert ids == [("r0",), ("r2",), ("r0", "r1"), ()]
    assert found.pinned == ("lamp", "gone")
    assert found.score_adjustment([LAMP, SOFA], np.asarray([False, False]))[0].tolist() == [0, DEFAULT_WEIGHT]


def test_the_smallest_brand_cap_holds() -> None:
    assert active({"kind": "max_per_brand", "value": 3}, {"kind": "max_per_brand", "value": 2}).max_per_brand == 2


OFFICE = {"name": "office", "words": ["home office"], "slots": [{"name": "desk"}]}
CAMPING = {"name": "camping", "words": ["camping", "weekend", "kids"], "slots": [{"name": "tent"}]}
WEEKEND = {"name": "weekend", "words": ["weekend"], "slots": [{"name": "bag"}]}


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("an office at home under $900", "office"),
        ("home gym", None),
        ("Camping weekend with the KIDS", "camping"),
        ("a camping weekend", "camping"),
        ("weekend", "weekend"),
        ("kids", None),
        ("", None),
    ],
)
def test_the_template_with_most_of_its_words_in_the_prompt_is_taken(prompt: str, name: str | None) -> None:
    found = book(templates=(OFFICE, CAMPING, WEEKEND)).template_for(prompt)
    assert (found and found.name) == name


def test_a_template_is_found_by_stems_where_the_terms_are_stems() -> None:
    checked = read_rules({"templates": [OFFICE]})
    stems = RuleBook(checked.rules, lambda text: [word.rstrip("s") for word in text.lower().split()])
    assert stems.template_for("Home Offices").name == "office"
