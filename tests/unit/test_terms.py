"""Which product has which word is answered for many rows at once, and as reading the text would."""

from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from setwise.audience import Audience, audience_of
from setwise.catalogue import Product
from setwise.terms import LIKE, Analyzer, TermTable, TermTableWriter, code_of, codes_of, without_denials

WORDS = st.sampled_from("oak desk lamp red blue sofa chair leather wool glass".split())


def table(rows: list[list[str]], folder: Path) -> TermTable:
    writer = TermTableWriter(folder, "name")
    for terms in rows:
        writer.add(terms)
    writer.close()
    return TermTable(folder, "name")


@settings(deadline=None)
@given(st.lists(st.lists(WORDS, max_size=6), min_size=1, max_size=8), st.lists(WORDS, max_size=8))
def test_the_table_says_what_comparing_words_one_by_one_says(
    tmp_path_factory: object, rows: list[list[str]], asked: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("terms")  # type: ignore[attr-defined]
    found = table(rows, folder).has_all(np.arange(len(rows)), [codes_of([word]) for word in asked])
    assert found.tolist() == [[word in terms for word in asked] for terms in rows]


def test_a_name_of_several_words_is_had_only_where_all_of_them_are(tmp_path: Path) -> None:
    terms = table([["red", "oak", "desk"], ["red", "lamp"], []], tmp_path)
    assert terms.has_all(np.array([2, 0, 1]), [codes_of(["red", "desk"])])[:, 0].tolist() == [False, True, False]


def test_terms_whose_codes_end_alike_are_told_apart(tmp_path: Path) -> None:
    one, other = "4b857f", "166e881c"
    assert code_of(one) != code_of(other)
    assert code_of(one) & int(LIKE) == code_of(other) & int(LIKE)
    asked = codes_of([one, *"oak desk lamp sofa".split()])
    has = table([[other], [one], [one, other, "oak"]], tmp_path).has(np.arange(3), asked)
    assert has.sum(axis=1).tolist() == [0, 1, 2]


def test_a_catalogue_without_words_has_none(tmp_path: Path) -> None:
    assert not table([[], []], tmp_path).has(np.array([0, 1]), codes_of(["oak"])).any()


@settings(deadline=None)
@given(st.lists(st.lists(WORDS, max_size=6), min_size=1, max_size=8))
def test_two_rows_overlap_as_their_sets_of_words_do(tmp_path_factory: object, rows: list[list[str]]) -> None:
    folder = tmp_path_factory.mktemp("overlap")  # type: ignore[attr-defined]
    found = table(rows, folder).overlap(np.arange(len(rows)))
    sets = [set(terms) for terms in rows]
    expected = [[len(one & other) / len(one | other) if one | other else 0.0 for other in sets] for one in sets]
    np.testing.assert_allclose(found, expected)


def product(title: str, **fields: str) -> Product:
    return Product(id="p", title=title, price_cents=100, currency="USD", **fields)  # type: ignore[arg-type]


def test_the_audience_is_read_from_the_fields_else_from_the_title() -> None:
    assert audience_of(product("Cloudpace Shoes", gender="female", age_group="adult", size_system="us")) == Audience(
        "female", "adult", "US"
    )
    assert audience_of(product("Women's Ankle Boots")) == Audience("female", "adult")
    assert audience_of(product("Toddler Boys Sneaker")) == Audience("male", "toddler")
    assert audience_of(product("Watch for Men and Women")) == Audience("", "adult")
    assert audience_of(product("Desk Lamp")) == Audience()


def test_what_a_text_denies_it_does_not_have() -> None:
    terms = Analyzer().terms
    assert "gluten" not in terms(without_denials("Gluten-Free Bread without added sugar"))
    assert "sugar" not in terms(without_denials("Gluten-Free Bread without added sugar"))
    assert "gluten" in terms(without_denials("Bread with gluten"))
