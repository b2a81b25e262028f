"""What is said and neither wished nor denied: what need not be, troubles, denied denials, possessions."""

import pytest

from setwise.prompt import Understanding, understand
from tests.understanding.score import vocabulary_of

EITHER_WAY = [
    ("furniture", "a couch that doesn't have to be leather"),
    ("furniture", "a dining table, not necessarily oak"),
    ("furniture", "I don't mind velvet, an armchair please"),
    ("furniture", "armchair, no problem with velvet or leather"),
    ("furniture-de", "Esstisch, muss nicht aus Eiche sein"),
    ("furniture-de", "ein Sofa, nicht unbedingt aus Leder"),
    ("clothing-fr", "une jupe, pas forcément noire"),
    ("clothing-fr", "un manteau, aucun problème pour la laine"),
    ("food-es", "vino tinto, no hace falta que sea reserva"),
]
SAYS_NOTHING = [
    ("electronics", "tablet for a kid, no wifi problems please"),
    ("gifts", "a mug, nothing expensive"),
    ("furniture-de", "ein Spiegel, nichts Teures"),
    ("clothing-fr", "une robe, rien de cher"),
    ("food-es", "un queso, nada caro"),
]
NAMED_BY_TWO_DENIALS = [
    ("electronics", "a phone, not without a charger", ["phone", "charger"]),
    ("furniture-de", "nicht ohne Matratze: Bett 140x200", ["matratze", "bett"]),
    ("clothing-fr", "une chemise, jamais sans cravate", ["chemise", "cravate"]),
    ("food-es", "queso, nunca sin pan", ["queso", "pan"]),
]
PRICES = [
    ("food", "two bottles of white wine, 12 to 18 a bottle", 1200, 1800),
    ("gifts", "four mugs, 5-8 each", 500, 800),
    ("food-es", "tres vinos blancos, 9 € cada botella", None, 900),
]
OWNED = [
    ("furniture", "I already have a desk; what goes with it?", ["Desks"]),
    ("furniture-de", "ich habe schon ein Sofa, was passt dazu?", ["Sofas"]),
    ("clothing-fr", "j'ai déjà un manteau, qu'est-ce qui va avec ?", ["Manteaux"]),
    ("furniture", "ya tengo un escritorio, ¿qué le va bien?", ["Desks"]),
    ("sport", "I own a tent and a sleeping bag, what else do I need?", ["Tents", "Sleeping Bags"]),
    ("furniture", "what goes with my sofa?", ["Sofas"]),
]


def read(shop: str, prompt: str) -> Understanding:
    return understand(prompt, vocabulary_of(shop))


@pytest.mark.parametrize(("shop", "prompt"), EITHER_WAY)
def test_what_need_not_be_is_neither_wished_nor_denied(shop: str, prompt: str) -> None:
    found = read(shop, prompt)
    assert len(found.named) == 1
    assert found.exclude.all_words() == [*found.colors, *found.materials, *found.styles] == []


@pytest.mark.parametrize(("shop", "prompt"), SAYS_NOTHING)
def test_troubles_and_prices_are_nothing_that_could_be_kept_out(shop: str, prompt: str) -> None:
    assert read(shop, prompt).exclude.all_words() == []
    assert len(read(shop, prompt).named) == 1


@pytest.mark.parametrize(("shop", "prompt", "names"), NAMED_BY_TWO_DENIALS)
def test_a_denied_without_is_a_wish(shop: str, prompt: str, names: list[str]) -> None:
    found = read(shop, prompt)
    assert [slot.name for slot in found.named] == names
    assert found.exclude.all_words() == []


@pytest.mark.parametrize(("shop", "prompt", "least", "most"), PRICES)
def test_a_range_and_a_unit_need_no_currency_to_be_a_price(shop, prompt, least, most) -> None:
    budget = read(shop, prompt).budget
    assert budget is not None
    assert (budget.min_cents, budget.max_cents, budget.scope) == (least, most, "item")
    assert len(read(shop, prompt).named) == 1


@pytest.mark.parametrize(("shop", "prompt", "leaves"), OWNED)
def test_what_is_there_already_is_known_and_nothing_else_is_left_of_the_sentence(shop, prompt, leaves) -> None:
    found = read(shop, prompt)
    assert found.owned == leaves
    assert (found.named, found.text) == ([], "")


def test_who_denies_one_by_one_ends_where_no_denial_stands() -> None:
    found = read("clothing", "hoodie, not Stride, not Coast, gray or purple")
    assert (found.exclude.brands, found.exclude.colors, found.colors) == (["stride", "coast"], [], ["gray", "purple"])


def test_a_word_that_is_typed_again_and_again_is_one_thing() -> None:
    assert [(slot.name, slot.quantity) for slot in read("furniture", "chair chair chair chair").named] == [("chair", 1)]
