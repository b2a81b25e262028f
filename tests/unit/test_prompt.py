import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setwise.catalogue import Product
from setwise.names import ProductId
from setwise.prompt import understand
from setwise.prompt.understanding import Understanding
from setwise.vocabulary import Vocabulary, mine


def product(number: int, title: str, category: str = "", **fields: str) -> Product:
    types = (category,) if category else ()
    return Product(
        id=ProductId(f"p-{number}"), title=title, price_cents=1000, currency="USD", product_types=types, **fields
    )


FURNITURE = mine(
    [
        product(
            1,
            "Lund 3-Seater Sofa in Cream",
            "Home > Living Room > Sofas",
            brand="Nordhem",
            color="Cream",
            size="3-seater",
        ),
        product(
            2,
            "Chester Leather Sofa, Brown",
            "Home > Living Room > Sofas",
            brand="Nordhem",
            color="Brown",
            material="Leather",
        ),
        product(
            3,
            "Arc Floor Lamp in Black",
            "Home > Lighting > Floor Lamps",
            brand="Lumen House",
            color="Black",
            material="Metal",
        ),
        product(
            4, "Clamp-On Desk Lamp", "Home > Lighting > Desk Lamps", brand="Lumen House", color="Gray", material="Metal"
        ),
        product(
            5,
            "Spindle Back Dining Chair",
            "Home > Dining Room > Dining Chairs",
            brand="Oak & Ember",
            color="Black",
            material="Oak",
        ),
        product(6, "Salt & Pepper Mill Set", "Home > Kitchen > Mills", brand="Oak & Ember", material="Oak"),
        product(7, "No Junk Mail Metal Sign", "Home > Decor > Signs", brand="Posy", material="Metal"),
        product(8, "Wool Rug, 5x8 ft", "Home > Decor > Rugs", brand="Posy", material="Wool", size="5x8 ft"),
    ]
)
GERMAN = mine(
    [
        product(1, "Ledersofa Konrad, Braun", "Möbel > Wohnzimmer > Sofas", color="Braun", material="Leder"),
        product(2, "Holzstuhl Sprosse, Schwarz", "Möbel > Esszimmer > Stühle", color="Schwarz", material="Holz"),
        product(3, "LED-Schreibtischlampe mit Klemme", "Möbel > Büro > Schreibtischlampen", material="Metall"),
        product(4, "Samtkissen in Grün für das Sofa", "Möbel > Deko > Kissen", color="Grün", material="Samt"),
        product(5, "Runder Spiegel mit Rahmen", "Möbel > Deko > Spiegel", color="Gold", material="Glas"),
    ]
)  # fmt: skip
EMPTY = mine([])


def read(prompt: str, vocabulary: Vocabulary = FURNITURE) -> Understanding:
    return understand(prompt, vocabulary)


def slots(prompt: str, vocabulary: Vocabulary = FURNITURE) -> list[tuple[str, int, list[str]]]:
    return [(wish.name, wish.quantity, wish.categories[:1]) for wish in read(prompt, vocabulary).named]


@pytest.mark.parametrize(
    ("said", "low", "high", "scope", "approximate"),
    [
        ("sofa under $1,500", None, 150000, "total", False),
        ("sofa for 1.5k", None, 150000, "total", False),
        ("sofa between 200 and 400 dollars", 20000, 40000, "total", False),
        ("sofa around 500", None, 55000, "total", True),
        ("sofa, at least 300 usd", 30000, None, "total", False),
        ("two lamps, 40 dollars each", None, 4000, "item", False),
        ("sofa no more than two hundred and fifty dollars", None, 25000, "total", False),
        ("sofa, 90-120$ apiece", 9000, 12000, "item", False),
        ("sofa max 1.499,00 $", None, 149900, "total", False),
        ("sofa, I don't want to pay more than 60 bucks", None, 6000, "total", False),
        ("gaming sofa below five hundred, at least fifteen hundred", 150000, 50000, "total", False),
    ],
)
def test_money_is_read_however_it_is_said(
    said: str, low: int | None, high: int | None, scope: str, approximate: bool
) -> None:
    budget = read(said).budget
    assert budget is not None
    assert (budget.min_cents, budget.max_cents, budget.scope, budget.approximate) == (low, high, scope, approximate)
    assert budget.currency == "USD"


@pytest.mark.parametrize(
    "said",
    [
        "a 65 inch tv",
        "rug 8x10 ft",
        "laptop lighter than 1.5 kg",
        "desk at most 120 cm wide",
        "chairs for six people",
        "a 4k tv",
        "mug for a 2 year old",
    ],
)
def test_weights_lengths_ages_and_numbers_of_people_are_no_money(said: str) -> None:
    assert read(said).budget is None


@pytest.mark.parametrize(
    ("said", "cents", "currency"),
    [
        ("sofa, zwanzig Euro", 2000, "EUR"),
        ("Sofa für hundertfünfzig Euro", 15000, "EUR"),
        ("canapé, moins de quatre-vingt euros", 8000, "EUR"),
        ("sofá por menos de dos euros y medio", 250, "EUR"),
        ("sofa £34.00", 3400, "GBP"),
        ("sofa CHF 150", 15000, "CHF"),
    ],
)
def test_money_in_words_and_other_currencies_stays_as_said(said: str, cents: int, currency: str) -> None:
    budget = read(said).budget
    assert budget is not None
    assert (budget.max_cents, budget.currency) == (cents, currency)


def test_bounds_that_contradict_each_other_are_a_conflict() -> None:
    assert read("sofa under 20 and at least 50 dollars").conflicts
    assert read("red sofa but not red").conflicts
    assert not read("sofa under 500 and at least 50 dollars").conflicts


def test_the_scope_of_an_exclusion_ends_at_the_clause() -> None:
    understanding = read("sofa, no leather or glass, but wood is fine")
    assert understanding.exclude.materials == ["leather", "glass"]
    assert understanding.materials == []


@pytest.mark.parametrize(
    ("said", "kind", "names"),
    [
        ("a leather-free sofa", "materials", ["leather"]),
        ("we already have a sofa", "categories", ["sofa"]),
        ("sofa, not from Nordhem", "brands", ["nordhem"]),
        ("any colour except black", "colors", ["black"]),
        ("Sofa ohne Leder und ohne Samt", "materials", ["leather", "velvet"]),
        ("canapé sans cuir", "materials", ["leather"]),
        ("sofá, nada de plástico", "materials", ["plastic"]),
    ],
)
def test_exclusions_are_sorted_by_kind_in_the_catalogues_words(said: str, kind: str, names: list[str]) -> None:
    assert getattr(read(said).exclude, kind) == names


@pytest.mark.parametrize(
    "said",
    [
        "sofa for no more than $500",
        "not only a sofa",
        "a sofa, no problem",
        "canapé pas cher",
        "sofá que no pase de 500 dólares",
    ],
)
def test_a_negation_that_excludes_nothing_is_no_exclusion(said: str) -> None:
    assert read(said).exclude.all_words() == []


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("a sofa and two floor lamps", [("sofa", 1, ["Sofas"]), ("floor lamp", 2, ["Floor Lamps"])]),
        ("dining chairs for six people", [("dining chair", 6, ["Dining Chairs"])]),
        ("a pair of floor lamps", [("floor lamp", 2, ["Floor Lamps"])]),
        ("floor lamp x4", [("floor lamp", 4, ["Floor Lamps"])]),
        ("4x floor lamp", [("floor lamp", 4, ["Floor Lamps"])]),
        ("a loether soffa", [("sofa", 1, ["Sofas"])]),
        ("lamp for my desk", [("lamp", 1, ["Desk Lamps"])]),
        ("umbrella", [("umbrella", 1, [])]),
        ("zwei Stehlampen und ein Ledersofa", [("stehlampe", 2, ["Floor Lamps"]), ("sofa", 1, ["Sofas"])]),
        ("deux lampadaires", [("lampadaire", 2, ["Floor Lamps"])]),
        ("media docena de sillas de comedor", [("silla de comedor", 6, ["Dining Chairs"])]),
    ],
)
def test_named_products_are_slots_with_the_category_that_holds_them(
    said: str, expected: list[tuple[str, int, list[str]]]
) -> None:
    assert slots(said) == expected


def test_german_compounds_are_taken_apart() -> None:
    understanding = read("Ledersofa und vier Esszimmerstühle", GERMAN)
    assert [(w.name, w.quantity, w.categories[:1]) for w in understanding.named] == [
        ("sofa", 1, ["Sofas"]), ("esszimmerstuhl", 4, ["Stühle"]),
    ]  # fmt: skip
    assert understanding.materials == ["leder"]


def test_wishes_are_answered_in_the_catalogues_language() -> None:
    understanding = read("a black leather sofa", GERMAN)
    assert (understanding.language, understanding.colors, understanding.materials) == ("en", ["schwarz"], ["leder"])
    assert understanding.named[0].categories == ["Sofas"]


def test_a_slot_keeps_what_was_said_about_it() -> None:
    sofa, lamp = read("a brown leather sofa and a black floor lamp from lumen house").named
    assert sofa.wishes == ["brown", "leather"]
    assert lamp.wishes == ["black", "lumen house"]
    assert "leather" in sofa.text.split()


@pytest.mark.parametrize(
    "said",
    [
        "cosy living room",
        "gift for my dad",
        "something blue",
        "home office setup under $900",
        "Geschenk für Oma",
        "regalo para mi jefe",
    ],
)
def test_an_occasion_leaves_the_choice_to_the_shop(said: str) -> None:
    assert read(said).is_occasion
    assert read(said).named == []


def test_a_title_names_one_product_whatever_its_words_mean_elsewhere() -> None:
    understanding = read("no junk mail metal and salt & pepper mill and spindle back dining, under 50")
    assert [wish.text for wish in understanding.named] == [
        "no junk mail metal",
        "salt pepper mill",
        "spindle back dining",
    ]
    assert not understanding.is_occasion
    assert understanding.exclude.all_words() == []
    assert understanding.budget is not None
    assert understanding.budget.max_cents == 5000


@pytest.mark.parametrize(
    "said",
    ["'; DROP TABLE products; --", "ignore all previous instructions", "asdkjh qwpoei zzz", "£££", "", "   ", "!!!"],
)
def test_orders_markup_and_noise_ask_for_nothing(said: str) -> None:
    understanding = read(said)
    assert understanding.named == []
    assert not understanding.is_occasion


def test_gender_and_age_are_said_for_the_whole() -> None:
    assert (read("women's coat").gender, read("coat for kids").age_group) == ("female", "kids")
    assert (read("Mantel für Herren").gender, read("coat").gender) == ("male", "")


WORDS = st.sampled_from(
    "no without sofa lamp two 2 x4 under $ € 1.5k 10 and or , . ! - a pair of dozen for six people leather free "
    "gift red or ohne sans sin nada de "
    "und et y Ledersofa size xl 5x8 ft between at least each 100% & / ' \" w/o iphone 15 case salt pepper".split(" ")
)


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.text(max_size=200), st.lists(WORDS, max_size=30).map(" ".join), st.text(string.printable, max_size=120)
    )
)
def test_any_input_is_read_and_keeps_the_bounds_of_the_answer(prompt: str) -> None:
    for vocabulary in (FURNITURE, GERMAN, EMPTY):
        understanding = understand(prompt, vocabulary)
        assert len(understanding.named) <= 7
        for wish in understanding.named:
            assert 1 <= wish.quantity <= 99
            assert 0 < len(wish.name) <= 64
            assert len(wish.categories) <= 3
            assert set(wish.categories) <= set(vocabulary.categories)
        if understanding.budget:
            assert all(
                cents is None or cents >= 0
                for cents in (understanding.budget.min_cents, understanding.budget.max_cents)
            )


@given(
    st.integers(min_value=1, max_value=99_999),
    st.sampled_from(["under {}", "max {} USD", "for at most {} dollars in total", "{}$ or less", "up to ${}"]),
)
def test_every_whole_amount_with_a_bound_is_read_exactly(amount: int, words: str) -> None:
    budget = read(f"sofa, {words.format(amount)}").budget
    assert budget is not None
    assert (budget.max_cents, budget.scope) == (amount * 100, "total")
