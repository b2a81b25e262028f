from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from setwise.catalogue import Product
from setwise.names import ProductId
from setwise.vocabulary import joined_pairs, mine, read_vocabulary, write_vocabulary
from setwise.vocabulary.mining import title_lead


def product(number: int, title: str, category: str = "", currency: str = "USD") -> Product:
    return Product(ProductId(f"p-{number}"), title, 1000, currency, product_types=(category,) if category else ())


def test_nouns_come_from_the_heads_of_titles_and_from_categories() -> None:
    vocabulary = mine(
        [
            product(1, "Arc Floor Lamp with Linen Shade", "Home > Lighting > Floor Lamps"),
            product(2, "Walnut Media Console, 71 in", "TV Stands"),
        ]
    )
    assert vocabulary.nouns["floor lamp"]["Floor Lamps"]
    assert vocabulary.nouns["console"] == {"TV Stands": 1}
    assert "shade" not in vocabulary.nouns
    assert vocabulary.categories == {"Floor Lamps": 1, "TV Stands": 1}
    assert vocabulary.places == {"Floor Lamps": "Lighting"}


def test_a_catalogue_without_categories_still_has_nouns() -> None:
    vocabulary = mine([product(1, "RED RETROSPOT OVEN GLOVE"), product(2, "PINK OVEN GLOVE")])
    assert vocabulary.nouns["oven glove"] == {}
    assert vocabulary.categories == {}


def test_the_language_of_the_catalogue_is_that_of_its_titles() -> None:
    assert mine([product(1, "Runder Tisch aus Eiche mit Schublade")]).language == "de"
    assert mine([product(1, "Lampe de bureau en métal pour la maison")]).language == "fr"
    assert mine([product(1, "Mesa de madera para el salón")]).language == "es"
    assert mine([]).language == "en"


def test_the_main_currency_is_the_one_of_most_products() -> None:
    vocabulary = mine([product(1, "A b", currency="EUR"), product(2, "C d", currency="EUR"), product(3, "E f")])
    assert (vocabulary.currency, vocabulary.currencies) == ("EUR", {"EUR", "USD"})


def test_a_title_is_recognised_by_its_first_words_with_and_without_codes() -> None:
    vocabulary = mine([product(1, "Zeikos ZE-12 Charger With Case")])
    assert {"zeikos ze charger", "zeikos charger with"} <= vocabulary.titles
    assert title_lead(["word"]) is None


def test_joined_names_are_no_list() -> None:
    assert joined_pairs("Black & Decker Drill") == {"black and decker"}


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    vocabulary = mine([product(1, "Arc Floor Lamp", "Home > Floor Lamps")])
    write_vocabulary(vocabulary, tmp_path)
    assert read_vocabulary(tmp_path) == vocabulary


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=40), st.text(max_size=20)), max_size=6))
def test_any_catalogue_is_mined(rows: list[tuple[str, str]]) -> None:
    vocabulary = mine([product(n, title, category) for n, (title, category) in enumerate(rows)])
    assert sum(vocabulary.categories.values()) <= len(rows)
