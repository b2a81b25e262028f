from datetime import datetime, timezone
from itertools import product as every_choice

from hypothesis import given
from hypothesis import strategies as st

from setwise.catalogue import Product
from setwise.names import ProductId
from setwise.rules import RuleBook, read_rules
from setwise.rules.pairs import companions_without_slot, pair_rules

NOW = datetime(2026, 12, 1, tzinfo=timezone.utc)
BRANDS = ("A", "B", "")
CATALOGUE = [
    Product(ProductId(f"p{number}"), "t", 100, "USD", brand=BRANDS[number % 3], product_types=(f"c{number % 2}",))
    for number in range(8)
]
IDS = st.sampled_from([product.id for product in CATALOGUE])
APART = st.fixed_dictionaries(
    {"kind": st.just("never_together"), "products": st.lists(IDS, min_size=2, max_size=3, unique=True)},
    optional={"brands": st.just(["A", "B"]), "categories": st.just(["c1"])},
)
ALONG = st.fixed_dictionaries(
    {"kind": st.just("always_with"), "value": IDS},
    optional={"brands": st.just(["A"]), "categories": st.just(["c0"])},
).map(lambda rule: rule if len(rule) > 2 else {**rule, "products": ["p0"]})
SLOTS = st.lists(st.lists(st.sampled_from(CATALOGUE), min_size=1, max_size=4, unique_by=lambda p: p.id), max_size=4)


def names_of(product: Product, rule: dict) -> set[tuple[str, str]]:
    found = {("products", name) for name in rule.get("products", ()) if product.id == name}
    found |= {("brands", name) for name in rule.get("brands", ()) if product.brand == name}
    return found | {("categories", name) for name in rule.get("categories", ()) if name in product.product_types}


def is_about(product: Product, rule: dict) -> bool:
    given_fields = {name for name in ("products", "brands", "categories") if name in rule}
    return {name for name, _ in names_of(product, rule)} == given_fields


def keeps(chosen: list[Product], rule: dict) -> bool:
    """The rule by its definition, for a finished bundle."""
    if rule["kind"] == "always_with":
        ids = {product.id for product in chosen}
        return not any(is_about(product, rule) for product in chosen) or rule["value"] in ids
    pairs = ((a, b) for a in chosen for b in chosen if a is not b)
    return not any(x != y for a, b in pairs for x in names_of(a, rule) for y in names_of(b, rule))


@given(rules=st.lists(st.one_of(APART, ALONG), max_size=3), slots=SLOTS)
def test_what_the_masks_allow_keeps_every_rule(rules: list[dict], slots: list[list[Product]]) -> None:
    checked = read_rules({"rules": [{"id": f"r{n}", **rule} for n, rule in enumerate(rules)]})
    active = RuleBook(checked.rules).active(NOW, "")
    by_id = {product.id: product for product in CATALOGUE}
    given_slots = [*slots, *([by_id[i]] for i in companions_without_slot(active, slots))]
    found = pair_rules(active, given_slots)
    for choice in every_choice(*[[None, *range(len(products))] for products in given_slots]):
        chosen = [(i, row) for i, row in enumerate(choice) if row is not None]
        products = [given_slots[i][row] for i, row in chosen]
        if len({product.id for product in products}) < len(products):
            continue
        allowed = (
            not any(found.hopeless[i][row] for i, row in chosen)
            and not any(
                (mask := found.forbidden.get((i, j))) is not None and mask[row, column]
                for i, row in chosen
                for j, column in chosen
                if i < j
            )
            and not any(
                found.needs[i, j][row]
                for i, row in chosen
                for j, other in enumerate(choice)
                if other is None and (i, j) in found.needs
            )
        )
        if allowed:
            assert all(keeps(products, rule) for rule in rules)
        elif not any(rule["kind"] == "always_with" for rule in rules):
            assert not all(keeps(products, rule) for rule in rules)


def active_of(*rules: dict):
    return RuleBook(read_rules({"rules": [{"id": f"r{n}", **rule} for n, rule in enumerate(rules)]}).rules).active(
        NOW, ""
    )


def test_a_companion_that_only_one_other_slot_holds_loses_no_valid_bundle() -> None:
    active = active_of({"kind": "always_with", "products": ["p0"], "value": "p5"})
    slots = [CATALOGUE[:2], [CATALOGUE[5], CATALOGUE[4]]]
    assert companions_without_slot(active, slots) == []
    found = pair_rules(active, slots)
    assert found.forbidden[0, 1].tolist() == [[False, True], [False, False]]
    assert found.needs[0, 1].tolist() == [True, False]


def test_a_companion_in_the_cart_is_there_already() -> None:
    active = active_of({"kind": "always_with", "products": ["p0"], "value": "p5"})
    assert companions_without_slot(active, [CATALOGUE[:2]]) == ["p5"]
    assert companions_without_slot(active, [CATALOGUE[:2]], present={ProductId("p5")}) == []
    assert not pair_rules(active, [CATALOGUE[:2]], present={ProductId("p5")}).hopeless[0].any()


def test_a_candidate_whose_companion_no_slot_can_hold_is_hopeless() -> None:
    active = active_of({"kind": "always_with", "products": ["p0"], "value": "p5"})
    assert pair_rules(active, [CATALOGUE[:2], CATALOGUE[2:4]]).hopeless[0].tolist() == [True, False]


def test_a_slot_that_was_added_for_a_companion_is_filled_only_beside_what_needs_it() -> None:
    active = active_of({"kind": "always_with", "products": ["p0"], "value": "p5"})
    found = pair_rules(active, [CATALOGUE[:2], [CATALOGUE[5]]], added=[1])
    assert found.forbidden[0, 1].tolist() == [[False], [True]]
    assert found.needs[0, 1].tolist() == [True, False]
    assert found.needs[1, 0].tolist() == [True]
