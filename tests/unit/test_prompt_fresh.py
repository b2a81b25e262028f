"""Sentences that no table was tuned on, with what a shop assistant would take from each of them."""

from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setwise.catalogue import Product
from setwise.feeds import read_products
from setwise.prompt import Budget, understand
from setwise.vocabulary import Vocabulary, mine

SHOPS = Path(__file__).parents[1] / "understanding" / "shops"
BUDGETS = [
    ("furniture", "dresser from $300 up", Budget(30000, None, "USD")),
    ("furniture", "office chair under two fifty", Budget(None, 25000, "USD")),
    ("furniture", "couch and coffee table combo under $1.5k", Budget(None, 150000, "USD")),
    ("clothing", "blazer over 100 dollars but under 200", Budget(10000, 20000, "USD")),
    ("electronics", "laptop 13 inch under a grand", Budget(None, 100000, "USD")),
    ("furniture", "anything but beige for the curtains; spending cap is 120", Budget(None, 12000, "USD")),
    ("furniture", "bar stools x3 in black, no backrest, $60 per stool", Budget(None, 6000, "USD", "item")),
    ("electronics", "4k webcam for 90 euros", Budget(None, 9000, "EUR")),
    ("sport", "headlamp under 200 grams for $40", Budget(None, 4000, "USD")),
    ("electronics", "I've got a monitor already, need a keyboard and mouse for max 90", Budget(None, 9000, "USD")),
    ("clothing", "2 white tees and a pair of blue jeans for $100", Budget(None, 10000, "USD")),
    ("electronics", "headphones, please not in-ear, $80 to $160", Budget(8000, 16000, "USD")),
    ("furniture-de", "Esstisch aus Eiche, nicht mehr als 1'200 Euro", Budget(None, 120000, "EUR")),
    ("furniture-de", "Sofa, kein Leder, höchstens 1.299,00 €", Budget(None, 129900, "EUR")),
    ("furniture-de", "Kissen EUR 50,- maximal, bloß kein Rosa", Budget(None, 5000, "EUR")),
    ("furniture-de", "6 Stühle für den Esstisch, pro Stuhl 80 Euro", Budget(None, 8000, "EUR", "item")),
    ("furniture-de", "2x Beistelltisch à 50 Euro", Budget(None, 5000, "EUR", "item")),
    ("furniture-de", "Schreibtisch ab 200 bis 400 Euro ohne Schubladen", Budget(20000, 40000, "EUR")),
    ("electronics", "Laptop, 16 GB, mindestens 800 Dollar", Budget(80000, None, "USD")),
    (
        "furniture-de",
        "Pendelleuchte, mehr als 150 Euro möchte ich nicht ausgeben, kein Rattan",
        Budget(None, 15000, "EUR"),
    ),
    ("clothing-fr", "deux cravates, aucune rouge, 30 € l'une", Budget(None, 3000, "EUR", "item")),
    ("clothing-fr", "une cravate et une ceinture pour mon père, 70 euros les deux", Budget(None, 7000, "EUR")),
    ("clothing-fr", "un pantalon, rien de noir, rien de marron, cent euros tout au plus", Budget(None, 10000, "EUR")),
    ("clothing-fr", "blazer beige au-dessus de 100 euros, pas de laine", Budget(10000, None, "EUR")),
    ("clothing-fr", "sac à main pour environ 60 €", Budget(None, 6600, "EUR", "total", True)),
    ("food-es", "jamón, no serrano, mil euros como tope", Budget(None, 100000, "EUR")),
    ("food-es", "patatas fritas que no piquen, sin conservantes, 2 euros la bolsa", Budget(None, 200, "EUR", "item")),
    ("food-es", "vino blanco de 8 a 12 euros la botella", Budget(800, 1200, "EUR", "item")),
    ("food-es", "té verde y galletas, más o menos 10 euros", Budget(None, 1100, "EUR", "total", True)),
    ("food-es", "mermelada de fresa a partir de 4 euros", Budget(400, None, "EUR")),
]
EXCLUSIONS = [
    ("furniture", "A wardrobe. It mustn't be white. I can go up to seven hundred dollars.", {"colors": ["white"]}),
    (
        "furniture",
        "looking for a mid-century desk, nothing made out of MDF, ideally less than five hundred",
        {"materials": ["mdf"]},
    ),
    ("clothing", "blazer in navy by anyone but Ivory Lane, < $180", {"brands": ["ivory lane"]}),
    ("food", "lactose intolerant here: breakfast for two under 25", {"words": ["lactose"]}),
    ("food", "my daughter is allergic to eggs and milk, cookies please", {"words": ["egg", "milk"]}),
    ("gifts", "toys without small parts, sharp edges or batteries", {"words": ["small part", "sharp edge", "battery"]}),
    ("clothing", "t-shirt, no v-neck, no slogans", {"words": ["v-neck", "slogan"]}),
    (
        "gifts",
        "gift for teacher, no mugs, no cliches, nothing soppy, 15 quid",
        {"categories": ["mug"], "words": ["cliché", "soppy"]},
    ),
    ("furniture", "rug, no shedding, not too thick, 150", {"words": ["shedding"]}),
    (
        "furniture",
        "wardrobe with no mirror doors and no sliding doors, max 550 USD",
        {"words": ["mirror door", "sliding door"]},
    ),
    ("electronics", "earbuds, no wires, no ear hooks, under sixty", {"words": ["wire", "ear hook"]}),
    ("food", "pasta for celiacs, no gluten, no lentils", {"words": ["gluten", "lentil"]}),
    ("electronics", "I've got a monitor already, need a keyboard and mouse for max 90", {"categories": ["monitor"]}),
    ("gifts", "she already has a teapot, so mugs and a tea set, max £60", {"categories": ["teapot"]}),
    ("electronics", "no apple, no samsung, just a solid phone for under 400 dollars", {"brands": ["apple", "samsung"]}),
    ("gifts", "candles, but not lavender or rose ones, £10-15 each", {"words": ["lavender", "rose"]}),
    ("furniture-de", "Bücherregal, nicht teurer als 150 Euro, Marke Kontor ausgeschlossen", {"brands": ["kontor"]}),
    (
        "furniture-de",
        "Sessel, weder Leder noch Samt noch Cord, höchstens 450,-",
        {"materials": ["leder", "samt", "cord"]},
    ),
    ("furniture-de", "Kleiderschrank ohne Schiebetüren und ohne Griffe bis 500 €", {"words": ["schiebetür", "griff"]}),
    ("sport", "Yogamatte, latexfrei, circa 40 $", {"materials": ["latex"]}),
    ("furniture-de", "Vase, nichts Kitschiges, keine Blumenmuster, max. 25,-", {"words": ["kitschig", "blumenmuster"]}),
    ("furniture-de", "Sofa bis 900 Euro, Leder kommt nicht in Frage", {"materials": ["leder"]}),
    ("clothing-fr", "un sac, hors cuir, autour de 40 €", {"materials": ["cuir"]}),
    ("clothing-fr", "allergique à la laine, je cherche une écharpe à 35 € maximum", {"materials": ["laine"]}),
    ("clothing-fr", "chaussures de ville, 150 €, à l'exception du marron", {"colors": ["marron"]}),
    ("clothing-fr", "sandales, excepté celles de Corail, 50 euros", {"brands": ["corail"]}),
    ("clothing-fr", "pull sans col roulé, sans motif, 50 euros max", {"words": ["col roulé", "motif"]}),
    ("clothing-fr", "écharpe sans franges, pas trop longue", {"words": ["frange"]}),
    ("clothing-fr", "jean noir homme, pas de chez Rive, 70 € environ", {"brands": ["rive"]}),
    ("food-es", "algo para regalar a mi abuela, no le gusta el chocolate, 30 €", {"categories": ["chocolate"]}),
    (
        "food-es",
        "ya tengo aceite de oliva y vinagre, ¿qué más para ensaladas? 25 euros",
        {"categories": ["aceite de oliva", "vinagre"]},
    ),
    ("food-es", "cerveza, prohibido el alcohol, 8 €", {"words": ["alcohol"]}),
    ("food-es", "yogur sin edulcorantes, sin trozos de fruta", {"words": ["edulcorante", "trozo de fruta"]}),
    (
        "food-es",
        "aperitivo para diez personas: nada picante, ni anchoas ni atún, 60 euros",
        {"words": ["picante", "anchoa", "atún"]},
    ),
]
PRODUCTS = [
    ("furniture", "no glass tables pls, a coffee table for $220", [("Coffee Tables", 1)]),
    ("furniture", "dresser w/ 6 drawers 250 bucks or cheaper", [("Dressers", 1)]),
    (
        "furniture",
        "I need a big rug, a floor lamp and two armchairs for the living room. Total should stay under $1,800.",
        [("Rugs", 1), ("Floor Lamps", 1), ("Armchairs", 2)],
    ),
    ("food", "cheese x2 and crackers x3, $30 total", [("Cheese", 2), ("Crackers", 3)]),
    (
        "food",
        "a dozen eggs, butter and two loaves of bread, under 20 bucks",
        [("Eggs", 12), ("Butter", 1), ("Bread", 2)],
    ),
    ("furniture-de", "Lowboard; Farbe egal, nur nicht schwarz; Preis max. 350", [("Lowboards", 1)]),
    ("furniture-de", "6 Stühle für den Esstisch, pro Stuhl 80 Euro", [("Stühle", 6)]),
    ("furniture-de", "zwei Samtkissen und eine Vase für unter 80 Euro", [("Kissen", 2), ("Vasen", 1)]),
    ("clothing-fr", "deux pulls et un pantalon, 150 euros en tout", [("Pulls", 2), ("Pantalons", 1)]),
    ("clothing-fr", "garde-robe d'été, 300 à 400 €", []),
    (
        "food-es",
        "queso, jamón y vino tinto para una cena, unos 40 euros",
        [("Quesos", 1), ("Jamones", 1), ("Vinos tintos", 1)],
    ),
    ("food-es", "tres tabletas de chocolate a 3 euros cada una", [("Chocolates", 3)]),
]


@cache
def vocabulary_of(shop: str) -> Vocabulary:
    return mine([row for row in read_products(SHOPS / f"{shop}.jsonl") if isinstance(row, Product)])


@pytest.mark.parametrize(("shop", "text", "budget"), BUDGETS)
def test_what_may_be_spent_is_read_in_every_form(shop: str, text: str, budget: Budget) -> None:
    assert understand(text, vocabulary_of(shop)).budget == budget


@pytest.mark.parametrize(("shop", "text", "excluded"), EXCLUSIONS)
def test_what_must_not_come_is_read_and_nothing_else(shop: str, text: str, excluded: dict[str, list[str]]) -> None:
    exclude = understand(text, vocabulary_of(shop)).exclude
    said = {kind: sorted(getattr(exclude, kind)) for kind in exclude.__struct_fields__ if getattr(exclude, kind)}
    assert said == {kind: sorted(words) for kind, words in excluded.items()}


@pytest.mark.parametrize(("shop", "text", "products"), PRODUCTS)
def test_named_products_are_counted_once_each(shop: str, text: str, products: list[tuple[str, int]]) -> None:
    named = understand(text, vocabulary_of(shop)).named
    assert sorted(((wish.categories or [""])[0], wish.quantity) for wish in named) == sorted(products)


@given(least=st.integers(1, 99_999), most=st.integers(1, 99_999))
def test_bounds_that_contradict_each_other_are_kept_as_said_and_named(least: int, most: int) -> None:
    understood = understand(f"a sofa for at least ${least} and at most ${most}", vocabulary_of("furniture"))
    assert understood.budget == Budget(least * 100, most * 100, "USD")
    assert bool(understood.conflicts) == (least > most)


@pytest.mark.parametrize("shop", ["furniture", "electronics", "clothing", "sport"])
def test_products_named_by_the_beginnings_of_their_titles_keep_every_word(shop: str) -> None:
    titles = [row.title for row in read_products(SHOPS / f"{shop}.jsonl") if isinstance(row, Product)]
    names = [" ".join([word for word in title.split() if word.isalpha()][:4]) for title in titles]
    names = [name for name in names if name.count(" ") > 1]
    for first, second in pairwise(names):
        understood = understand(f"{first} and {second}", vocabulary_of(shop))
        text = " ".join(wish.text for wish in understood.named).split()
        assert not [word for word in f"{first} {second}".lower().split() if word not in (*text, "and")]


@pytest.mark.parametrize(
    ("text", "excluded", "wished"),
    [
        ("sugar, nut and gluten free cookies", ["gluten", "nut", "sugar"], ["cookie"]),
        ("chips and gluten free bread", ["gluten"], ["chip", "bread"]),
        ("milk, gluten free bread", ["gluten"], ["milk", "bread"]),
        ("soy-free dark chocolate and dairy-free cookies", ["dairy", "soy"], ["dark chocolate", "cookie"]),
    ],
)
def test_free_reaches_back_over_what_may_be_in_a_product(text: str, excluded: list[str], wished: list[str]) -> None:
    understood = understand(text, vocabulary_of("food"))
    assert sorted(understood.exclude.all_words()) == excluded
    assert [wish.name for wish in understood.named] == wished


@pytest.mark.parametrize(
    ("shop", "text", "category", "excluded"),
    [
        ("food-es", "leche sin lactosa", "Leches", "lactosa"),
        ("food", "alcohol-free lager, 6 pack", "Beer", "alcohol"),
        ("furniture-de", "drei Barhocker ohne Lehne, Schwarz", "Barhocker", "lehne"),
    ],
)
def test_what_a_title_is_free_of_is_excluded_too(shop: str, text: str, category: str, excluded: str) -> None:
    understood = understand(text, vocabulary_of(shop))
    assert understood.named[0].categories[0] == category
    assert understood.exclude.all_words() == [excluded]


@pytest.mark.parametrize(
    ("shop", "text", "budget"),
    [
        ("furniture-de", "Sofa, auf keinen Fall über 900 Euro", Budget(None, 90000, "EUR")),
        ("furniture-de", "Esstisch, keinesfalls teurer als 500 Euro", Budget(None, 50000, "EUR")),
        ("furniture-de", "Teppich, bloß nicht mehr als 120 €", Budget(None, 12000, "EUR")),
        ("furniture-de", "Sessel, auf keinen Fall unter 200 Euro", Budget(20000, None, "EUR")),
    ],
)
def test_a_german_denied_bound_is_a_bound_and_excludes_nothing(shop: str, text: str, budget: Budget) -> None:
    understood = understand(text, vocabulary_of(shop))
    assert understood.budget == budget
    assert understood.exclude.all_words() == []


@pytest.mark.parametrize(
    ("shop", "text", "kind", "word"),
    [
        ("clothing", "a bag, no real leather", "materials", "leather"),
        ("clothing", "a coat without genuine fur", "materials", "fur"),
        ("furniture-de", "Sessel, kein echtes Leder", "materials", "leder"),
        ("clothing-fr", "un sac, pas de vrai cuir", "materials", "cuir"),
    ],
)
def test_nothing_real_of_a_material_excludes_the_material(shop: str, text: str, kind: str, word: str) -> None:
    exclude = understand(text, vocabulary_of(shop)).exclude
    assert getattr(exclude, kind) == [word] == exclude.all_words()


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("bonito, 7 euros la lata", 700),
        ("aceitunas, 3 € el bote", 300),
        ("vino tinto, 9 euros la botella", 900),
        ("patatas fritas a 2 euros la bolsa", 200),
    ],
)
def test_spanish_prices_by_the_tin_or_the_bottle_are_for_one_item(text: str, cents: int) -> None:
    budget = understand(text, vocabulary_of("food-es")).budget
    assert budget == Budget(None, cents, "EUR", "item")


def test_a_litre_of_milk_in_a_list_is_milk() -> None:
    named = understand("a loaf of bread and a litre of milk", vocabulary_of("food")).named
    assert [wish.categories[0] for wish in named] == ["Bread", "Milk"]


@pytest.mark.parametrize("text", ["cena para cuatro, todo menos queso", "desayuno para dos, todo menos café"])
def test_guests_before_todo_menos_are_no_money(text: str) -> None:
    understood = understand(text, vocabulary_of("food-es"))
    assert understood.budget is None and understood.is_occasion
    assert len(understood.exclude.categories) == 1


@pytest.mark.parametrize(
    ("shop", "text"),
    [
        ("furniture", "ikea style bookcase, but not ikea"),
        ("furniture-de", "Federkissen? Nein: ein Kissen ohne Federn"),
        ("clothing", "faux leather jacket, no real leather"),
    ],
)
def test_what_only_looks_wished_and_excluded_is_no_conflict(shop: str, text: str) -> None:
    understood = understand(text, vocabulary_of(shop))
    assert understood.exclude.all_words() and understood.conflicts == []


@pytest.mark.parametrize(
    ("shop", "text", "category"),
    [
        ("clothing", "swimsuit, one piece", "Swimsuits"),
        ("gifts", "cushion with a hare on it, by fox and quill", "Cushions"),
        ("food", "cookies, chocolate chip ones", "Cookies"),
    ],
)
def test_a_clause_that_says_more_about_a_product_names_no_second_one(shop: str, text: str, category: str) -> None:
    assert [wish.categories[0] for wish in understand(text, vocabulary_of(shop)).named] == [category]


@pytest.mark.parametrize(
    ("shop", "text"),
    [
        ("gifts", "gift for a colleague, nothing alcoholic"),
        ("gifts", "Geschenk, bitte nichts Alkoholisches"),
        ("gifts", "un cadeau, rien d'alcoolisé"),
    ],
)
def test_nothing_alcoholic_excludes_alcohol(shop: str, text: str) -> None:
    assert understand(text, vocabulary_of(shop)).exclude.all_words() == ["alcohol"]


def test_a_kitchen_is_no_cake() -> None:
    assert understand("Einrichtung, außer Küche", vocabulary_of("furniture-de")).exclude.words == ["küche"]


@pytest.mark.parametrize(
    ("shop", "text", "excluded"),
    [
        ("furniture", "a table we already have chairs", ["chair"]),
        ("furniture", "a dining table, bed and sofa we already have", ["bed", "sofa"]),
        ("furniture", "we have enough room for a sofa", []),
        ("furniture", "no issue with leather, a sofa please", []),
    ],
)
def test_owned_things_reach_as_far_as_their_clause(shop: str, text: str, excluded: list[str]) -> None:
    assert sorted(understand(text, vocabulary_of(shop)).exclude.all_words()) == excluded
