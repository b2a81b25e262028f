"""The shopper's own words for what was understood, whichever of the languages either side speaks."""

from functools import cache
from pathlib import Path

import pytest

from setwise.catalogue import Product
from setwise.feeds import read_products
from setwise.prompt import understand
from setwise.vocabulary import Vocabulary, mine

SHOPS = Path(__file__).parents[1] / "understanding/shops"


@cache
def vocabulary(shop: str) -> Vocabulary:
    return mine([one for one in read_products(SHOPS / f"{shop}.jsonl", "USD") if isinstance(one, Product)])


@pytest.mark.parametrize(
    ("shop", "prompt", "said"),
    [
        ("furniture", "ein grünes Sofa, ohne Leder und Glas", {"green": "grünes", "leather": "leder", "glass": "glas"}),
        ("furniture", "une chambre scandinave, sans tapis", {"scandinavian": "scandinave", "rug": "tapis"}),
        ("furniture", "un escritorio de nogal y dos sillas negras", {"black": "negras", "walnut": "nogal"}),
        ("furniture-de", "a green sofa, no leather", {"grün": "green", "leder": "leather"}),
        ("furniture-de", "ein grünes Sofa", {"grün": "grünes"}),
        ("furniture", "a wooden table", {"wood": "wooden"}),
        ("furniture", "a green sofa, no leather", {}),
        ("furniture", "asdfgh", {}),
    ],
)
def test_words_of_the_catalogue_have_the_shoppers_beside_them_where_these_are_others(shop, prompt, said) -> None:
    assert understand(prompt, vocabulary(shop)).said == said


def test_a_part_of_a_longer_word_has_its_usual_name_in_that_language() -> None:
    assert understand("ein Ledersofa", vocabulary("furniture")).said == {"leather": "leder"}


def test_what_is_said_is_of_something_that_was_understood_and_stands_in_the_sentence() -> None:
    prompt = "zwei rote Stühle und ein Tisch aus Eiche, kein Samt, keine Teppiche"
    found = understand(prompt, vocabulary("furniture"))
    known = {*found.colors, *found.materials, *found.styles, *found.brands, *found.exclude.all_words()}
    assert len(found.said) == 4 and found.said.keys() <= known
    assert all(words in prompt.lower() for words in found.said.values())
