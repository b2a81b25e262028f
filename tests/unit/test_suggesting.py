from setwise.vocabulary import Vocabulary
from setwise.vocabulary.suggesting import MOST, Suggester

SHOP = Vocabulary(
    currency="USD",
    currencies=frozenset({"USD"}),
    brands=frozenset({"birch & finch"}),
    colors=frozenset({"beige", "black"}),
    materials=frozenset({"walnut"}),
    nouns={
        "sofa": {"Sofas": 9},
        "sofas": {"Sofas": 4},
        "coffee table": {"Coffee tables": 5},
        "table": {"Coffee tables": 5},
        "bed": {"Beds": 7},
        "tent": {"Tents": 2},
        "century sofa": {"Sofas": 3},
        **{f"bench {letter}": {"Benches": 1} for letter in "abcdefghij"},
    },
    words=frozenset({"mid", "century", "sofa"}),
)


def terms(typed: str, language: str = "en", most: int = MOST) -> list[str]:
    return [one.term for one in Suggester(SHOP, language).suggest(typed, most)]


def test_the_last_word_is_completed_and_what_stands_before_it_stays() -> None:
    [found] = Suggester(SHOP, "en").suggest("a cosy sof")
    assert (found.text, found.term, found.kind) == ("a cosy sofa", "sofa", "thing")


def test_several_words_begin_a_term_before_the_last_one_alone_does() -> None:
    assert terms("a coffee t") == ["coffee table"]
    assert terms("a te") == ["tent"]


def test_what_the_catalogue_has_more_of_comes_first_and_no_word_in_two_forms() -> None:
    assert terms("so") == ["sofa"]
    assert terms("be")[0] == "bed" and "beige" in terms("be") and len(terms("be")) == MOST
    assert len(terms("be", most=2)) == 2


def test_a_style_that_no_title_has_and_half_of_a_style_are_not_suggested() -> None:
    assert terms("mid") == ["mid-century"] and terms("scand") == [] and terms("centu") == []


def test_each_language_has_its_own_words_for_what_is_sold_here() -> None:
    assert terms("nuss", "de") == ["nussbaum"] and terms("bet", "de") == ["bett"]
    assert terms("wal", "de") == [] and terms("nuss") == []


def test_a_finished_word_one_letter_and_what_nobody_sells_suggest_nothing() -> None:
    for typed in ("sofa", "sofa ", "s", " ", "a rocket sh", "!!", "sofa\n"):
        assert terms(typed) == [], typed


def test_where_nothing_was_typed_it_is_what_the_catalogue_has_most_of() -> None:
    assert terms("", most=3) == ["sofa", "bed", "coffee table"]
