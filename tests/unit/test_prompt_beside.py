"""What is said beside a wish is no wish: past money, weights, what is replaced, denied verbs, other things' sizes."""

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setwise.catalogue import Product
from setwise.feeds import read_products
from setwise.prompt import Understanding, understand
from setwise.vocabulary import Vocabulary, mine

SHOPS = Path(__file__).parents[1] / "understanding" / "shops"
PAST = [
    ("furniture", "my last sofa cost {past} dollars, the next sofa may cost up to {limit}"),
    ("furniture", "a sofa for {limit} dollars at most, we paid {past} dollars for the old one"),
    ("furniture-de", "Das alte Sofa hat {past} Euro gekostet, ein neues Sofa darf höchstens {limit} Euro kosten"),
    ("clothing-fr", "mon ancien manteau a coûté {past} euros, un manteau à {limit} euros maximum"),
    ("food-es", "la última cesta costó {past} euros, un vino de hasta {limit} euros"),
]
VERBS = st.text("bcdfgklmnprstv", min_size=2, max_size=4).map(lambda s: s + "ent")
amounts = st.integers(20, 900)
unhurried = settings(deadline=None, max_examples=50)
"""The first example of a shop waits for its vocabulary."""


@cache
def shop(name: str) -> Vocabulary:
    return mine([row for row in read_products(SHOPS / f"{name}.jsonl") if isinstance(row, Product)])


def read(name: str, text: str) -> Understanding:
    return understand(text, shop(name))


def named(name: str, text: str) -> list[tuple[str, int]]:
    return [(slot.name, slot.quantity) for slot in read(name, text).named]


@unhurried
@given(st.sampled_from(PAST), amounts, amounts)
def test_money_that_was_paid_sets_no_bound_beside_a_limit(case: tuple[str, str], past: int, limit: int) -> None:
    budget = read(case[0], case[1].format(past=past, limit=limit)).budget
    assert budget is not None
    assert (budget.min_cents, budget.max_cents) == (None, 100 * limit)


@unhurried
@given(amounts)
def test_money_that_was_only_paid_is_no_budget_and_money_that_was_won_is(amount: int) -> None:
    assert read("gifts", f"I paid {amount} pounds for my last teapot, I need another teapot").budget is None
    won = read("gifts", f"I won {amount} pounds and want a teapot").budget
    assert won is not None and won.max_cents == 100 * amount


@unhurried
@given(
    st.integers(2, 40), st.sampled_from(["weighs less than {} pounds", "of {} pounds in weight", "weighing {} pounds"])
)
def test_pounds_of_weight_are_no_money_and_a_pound_sign_always_is(number: int, words: str) -> None:
    assert read("sport", "a tent that " + words.format(number)).budget is None
    budget = read("sport", f"a tent that weighs less than 3 kg for £{number}").budget
    assert budget is not None and budget.currency == "GBP"


@unhurried
@given(st.integers(2, 9))
def test_a_weight_that_a_thing_comes_in_is_its_size(number: int) -> None:
    understood = read("food", f"a {number} pound bag of rice")
    assert understood.budget is None and understood.sizes == [f"{number} lb"]
    assert [slot.categories[:1] for slot in understood.named] == [["Rice"]]


@unhurried
@given(st.integers(10, 900).map(lambda n: 2 * n))
def test_half_of_an_amount_is_half_of_it(amount: int) -> None:
    for name, text in (
        ("furniture", "a desk for half of {} dollars"),
        ("furniture", "un escritorio por la mitad de {} dólares"),
    ):
        budget = read(name, text.format(amount)).budget
        assert budget is not None and budget.max_cents == 50 * amount


@unhurried
@given(VERBS, st.sampled_from(["pluie", "froid", "eau", "laine"]))
def test_a_french_verb_that_chooses_nothing_excludes_nothing(verb: str, thing: str) -> None:
    understood = read("clothing-fr", f"des bottines qui ne {verb} pas la {thing}")
    assert understood.exclude.all_words() == []
    assert [slot.name for slot in understood.named] == ["bottine"]


@unhurried
@given(st.text("bcdfgklmnprstv", min_size=2, max_size=4).map(lambda s: s + "usque"))
def test_behind_que_no_stands_a_verb_and_only_some_verbs_choose(verb: str) -> None:
    assert read("furniture", f"una alfombra que no {verb} mucho").exclude.all_words() == []
    assert read("furniture", "una alfombra que no lleve lana").exclude.materials == ["wool"]


@pytest.mark.parametrize(
    ("name", "text", "excluded", "wished"),
    [
        ("food", "bread with no sugar and a bottle of red wine", ["sugar"], ["bread", "red wine"]),
        ("food", "du lait sans lactose et du pain sans gluten", ["lactose", "gluten"], ["lait", "pain"]),
        ("food", "du fromage, mais pas de chèvre, et deux bouteilles de vin rouge", ["goat"], ["fromage", "vin rouge"]),
        ("food-es", "queso sin lactosa, y dos panes", ["lactosa"], ["queso", "pan"]),
        ("furniture-de", "Sessel ohne Armlehnen, und zwei Kissen", ["armlehne"], ["sessel", "kissen"]),
    ],
)
def test_a_denial_ends_where_a_new_wish_begins(name: str, text: str, excluded: list[str], wished: list[str]) -> None:
    understood = read(name, text)
    assert understood.exclude.all_words() == excluded
    assert [slot.name for slot in understood.named] == wished


@pytest.mark.parametrize(
    ("name", "text", "excluded"),
    [
        ("furniture", "a living room, no rugs, neither glass nor metal", ["glass", "metal", "rug"]),
        ("electronics", "three chargers, none of them white", ["white"]),
        ("food", "a picnic minus alcohol and minus anything with gluten", ["alcohol", "gluten"]),
        ("food-es", "una cena, nada con gluten y tampoco marisco", ["gluten", "marisco"]),
        ("furniture-de", "Kissen, keins davon aus Samt", ["samt"]),
        ("sport", "home gym, no kettlebells, no dumbbells over 10 kg", ["kettlebell"]),
        ("furniture-de", "zwei Barhocker ohne Metallbeine", ["metall"]),
    ],
)
def test_each_denial_of_a_sentence_is_read_for_itself(name: str, text: str, excluded: list[str]) -> None:
    assert sorted(read(name, text).exclude.all_words()) == sorted(excluded)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("furniture", "curtains for a window next to a 9 foot ceiling"),
        ("furniture", "a bookcase that holds 80 pounds"),
        ("sport", "yoga mats for a 10 by 12 ft room"),
        ("furniture-de", "eine Vase für 50 cm lange Blumen"),
        ("clothing-fr", "un sac qui tient un ordi de 15 pouces"),
    ],
)
def test_a_measure_of_something_else_is_no_size_of_the_wish(name: str, text: str) -> None:
    understood = read(name, text)
    assert understood.sizes == [] and len(understood.named) == 1


def test_what_is_replaced_is_wished_only_where_nothing_else_is_named() -> None:
    assert named("electronics", "My phone died. I can do 400") == [("phone", 1)]
    assert named("electronics", "My phone died, I want a tablet instead") == [("tablet", 1)]
    assert named("furniture", "a tv stand, the old one was too short") == [("tv stand", 1)]


def test_a_thing_said_again_with_the_definite_article_is_counted_once() -> None:
    assert named("food-es", "miel y té, pero que el té no sea verde") == [("miel", 1), ("té", 1)]


def test_a_number_before_what_it_comes_in_counts_it() -> None:
    assert named("food-es", "seis bricks de leche sin lactosa") == [("leche", 6)]
    assert named("food", "cookies for a school fair, 12 packs") == [("cookie", 12)]
    assert named("food", "une douzaine d'œufs") == [("œuf", 12)]


def test_a_word_that_only_describes_a_category_does_not_name_it() -> None:
    rows = [row for row in read_products(SHOPS / "furniture.jsonl") if isinstance(row, Product)]
    understood = understand("a bag of coffee", mine(rows))
    assert [(slot.name, slot.categories) for slot in understood.named] == [("coffee", [])]


@pytest.mark.parametrize(
    "text",
    [
        "I already have a desk; what goes with it?",
        "I have a desk. What matches it?",
        "j'ai déjà un bureau, qu'est-ce qui va avec ?",
        "ich habe schon einen Schreibtisch, was passt zu ihm?",
    ],
)
def test_a_question_what_goes_with_it_names_no_product(text: str) -> None:
    understood = read("furniture", text)
    assert understood.named == [] and understood.exclude.categories == ["desk"]


@pytest.mark.parametrize("text", ["ein rotes Sofa", "ein roter Sessel", "ein Bett mit rotem Bezug", "zwei rote Stühle"])
def test_a_short_german_colour_is_known_in_each_of_its_forms(text: str) -> None:
    assert read("furniture", text).colors == ["red"]
