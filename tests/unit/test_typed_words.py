"""Words that shoppers type and the catalogue lacks: learned of enough people, and only where one kind was meant."""

import msgspec

from orchestration.later_purchases import in_time
from orchestration.typed_words import PEOPLE, Typed, kinds_of_words, taught, unknown_words, with_a_word
from setwise.names import ProductId
from setwise.prompt import understand
from setwise.vocabulary import Vocabulary

SHOP = Vocabulary(
    "USD", frozenset({"USD"}), categories={"Bookcases": 40, "Sofas": 40, "TV stands": 20},
    nouns={"bookcase": {"Bookcases": 40}, "sofa": {"Sofas": 40}, "tv stand": {"TV stands": 20}},
    colors=frozenset({"grey", "green"}), words=frozenset({"oak", "grey"}),
)  # fmt: skip


def bought(leaf: str, people: int, word: str = "zorble", start: int = 0) -> list[Typed]:
    return [
        Typed(f"u-{start + n}", f"a grey {word}", ProductId(f"{leaf}-{n}"), leaf, (word,)) for n in range(people)
    ]  # fmt: skip


OTHERS = [one for leaf in ("Sofas", "TV stands", "Bookcases") for one in bought(leaf, 30, f"of {leaf}", 1000)]


def test_a_word_is_learned_of_enough_people_who_bought_one_kind() -> None:
    found = kinds_of_words([*bought("Bookcases", 12), *bought("Sofas", 2, start=50), *OTHERS])
    assert found["zorble"] == {"Bookcases": 12}, "what two people meant by it is told nobody"


def test_a_word_of_few_people_is_not_learned_however_often_they_type_it() -> None:
    assert "zorble" not in kinds_of_words([*bought("Bookcases", PEOPLE - 1) * 20, *OTHERS])


def test_a_word_that_is_typed_before_all_kinds_names_none() -> None:
    spread = [one for leaf in ("Bookcases", "Sofas", "TV stands") for one in bought(leaf, 20, "nice")]
    assert "nice" not in kinds_of_words([*spread, *OTHERS])


def test_only_words_that_nothing_explains_are_looked_at() -> None:
    assert unknown_words("a grey zorble for the evening", "Bookcases", SHOP)[:1] == ("zorble",)
    assert "grey" not in unknown_words("a grey zorble", "Bookcases", SHOP)
    assert unknown_words("a sofa and a zorble", "Sofas", SHOP) == (), "the sofa was asked for by its name"
    assert "zorble" in unknown_words("a sofa and a zorble", "Bookcases", SHOP)


def test_a_learned_word_names_its_kind_and_no_other_sentence_is_read_otherwise() -> None:
    told = taught(SHOP, {"zorble": {"Bookcases": 12}})
    assert [wish.categories for wish in understand("a grey zorble under $90", SHOP).named] in ([], [[]])
    (wish,) = understand("a grey zorble under $90", told).named
    assert (wish.name, wish.categories) == ("zorble", ["Bookcases"]) and "bookcase" in wish.text.lower()
    for prompt in ("a green sofa", "an oak bookcase and a tv stand under $400", "something for my brother", "zorb"):
        assert understand(prompt, told) == understand(prompt, SHOP), prompt
    assert msgspec.json.decode(msgspec.json.encode(told), type=Vocabulary) == told


def test_the_newest_quarter_is_held_out() -> None:
    earlier, later = in_time(bought("Sofas", 100))
    assert (len(earlier), len(later)) == (75, 25) and later[0].who == "u-75"
    assert with_a_word(later, {"zorble"}) == list(later) and not with_a_word(later, {"other"})
