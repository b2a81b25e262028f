"""What a sentence says beside its products: how they must not be, what they are used for, how many people there are."""

from functools import cache
from pathlib import Path

import pytest

from setwise.catalogue import Product
from setwise.feeds import read_products
from setwise.prompt import Understanding, understand
from setwise.vocabulary import Vocabulary, mine

SHOPS = Path(__file__).parents[1] / "understanding/shops"


@cache
def vocabulary(shop: str) -> Vocabulary:
    return mine([one for one in read_products(SHOPS / f"{shop}.jsonl", "USD") if isinstance(one, Product)])


def read(shop: str, prompt: str) -> Understanding:
    return understand(prompt, vocabulary(shop))


@pytest.mark.parametrize(
    ("shop", "prompt", "words"),
    [
        ("clothing", "a dress, nothing short", ["short"]),
        ("clothing", "ein Kleid, nichts Kurzes und nichts Enges", ["short", "tight"]),
        ("clothing", "un vestido, nada corto", ["short"]),
        ("clothing-fr", "une robe, rien de moulant", ["moulant"]),
        ("clothing-fr", "a dress, nothing tight", ["moulant"]),
    ],
)
def test_a_denied_adjective_is_no_product_with_its_stem(shop: str, prompt: str, words: list[str]) -> None:
    found = read(shop, prompt)
    assert found.exclude.words == words and not found.exclude.categories and len(found.named) == 1


def test_the_product_with_that_stem_is_denied_by_its_own_name() -> None:
    assert read("clothing", "a summer outfit, no shorts").exclude.categories == ["shorts"]
    assert [one.categories[0] for one in read("clothing", "a short sleeve shirt").named] == ["Shirts"]


@pytest.mark.parametrize(
    ("prompt", "words", "wished"),
    [
        ("pan sin gluten y queso", ["gluten"], ["Panes", "Quesos"]),
        ("pan sin gluten ni queso", ["gluten", "queso"], ["Panes"]),
        ("galletas sin azúcar y leche", ["azúcar", "leche"], ["Galletas"]),
    ],
)
def test_y_behind_what_a_product_is_without_joins_a_wish_and_ni_goes_on(prompt, words, wished) -> None:
    found = read("food-es", prompt)
    assert sorted([*found.exclude.words, *found.exclude.categories]) == sorted(words)
    assert [one.categories[0] for one in found.named] == wished


@pytest.mark.parametrize(
    ("shop", "prompt", "cents"),
    [
        ("food", "anything under 10 cents", 10),
        ("food", "crackers, 3 dollars and 50 cents at most", 350),
        ("furniture-de", "ein Kissen unter 99 Cent", 99),
        ("food-es", "un yogur por 2 euros con 50 céntimos", 250),
        ("clothing-fr", "des chaussettes, 50 centimes maximum", 50),
        ("gifts", "a card for 80 pence", 80),
    ],
)
def test_cents_are_hundredths_beside_a_whole_amount_or_alone(shop: str, prompt: str, cents: int) -> None:
    budget = read(shop, prompt).budget
    assert budget is not None and budget.max_cents == cents


@pytest.mark.parametrize("prompt", ["phone with case", "handy mit hülle", "un téléphone avec coque"])
def test_what_is_sold_for_a_product_is_wished_beside_it(prompt: str) -> None:
    assert [one.categories[0] for one in read("electronics", prompt).named] == ["Smartphones", "Phone Cases"]


def test_what_nobody_knows_is_wished_and_not_what_comes_with_it() -> None:
    assert [one.name for one in read("furniture", "a fire pit with cushion").named] == ["fire pit"]


@pytest.mark.parametrize(
    ("shop", "prompt"),
    [
        ("furniture", "an armchair to watch tv and drink coffee"),
        ("furniture", "un fauteuil pour lire des livres et boire un café"),
        ("furniture", "un sillón para ver la tele y leer libros"),
        ("furniture", "an armchair without waking anyone"),
        ("furniture", "einen Sessel, ohne jemanden zu wecken"),
    ],
)
def test_what_a_thing_is_used_for_names_nothing_and_excludes_nothing(shop: str, prompt: str) -> None:
    found = read(shop, prompt)
    assert [one.categories[0] for one in found.named] == ["Armchairs"] and not found.exclude.all_words()


@pytest.mark.parametrize(
    "prompt",
    ["chairs, there are six of us", "chairs, we are six students", "sillas, somos seis", "Stühle, wir sind zu sechst",
     "des chaises, nous sommes six", "chairs that seat six"],
)  # fmt: skip
def test_how_many_people_there_are_counts_what_each_of_them_sits_on(prompt: str) -> None:
    assert [one.quantity for one in read("furniture", prompt).named] == [6]


@pytest.mark.parametrize(
    "text",
    [
        "a snug den under $900, no leather", "einen gemütlichen Loft unter 900 Dollar", "eine gemütliche Stube",
        "un séjour chaleureux à moins de 900 dollars", "une pièce à vivre chaleureuse",
        "una sala de estar acogedora por menos de 900 dólares, sin cuero", "un comedor acogedor",
    ],
)  # fmt: skip
def test_a_room_is_no_product_however_it_is_called(text: str) -> None:
    understood = read("furniture", text)
    assert understood.is_occasion and not understood.named
