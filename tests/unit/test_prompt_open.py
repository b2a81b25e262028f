"""Sentences that leave the choice to the shop, in four languages, with the styles that they wish for."""

from setwise.catalogue import Product
from setwise.names import ProductId
from setwise.prompt import understand
from setwise.vocabulary import mine
from tests.understanding.score import vocabulary_of

OPEN: list[tuple[str, str, list[str]]] = [
    ("furniture", "Wohnzimmer im Industrial-Look", ["industrial"]),
    ("furniture", "un salon style bohème", ["boho"]),
    ("furniture", "dormitorio de estilo nórdico", ["scandinavian"]),
    ("furniture", "salón rústico con sofá de cuero", ["rustic"]),
    ("furniture", "a mid century style living room", ["mid-century"]),
    ("furniture", "minimalist home office", ["minimalist"]),
    ("furniture", "coastal vibe for a guest bedroom", ["coastal"]),
    ("furniture", "chambre au style scandinave", ["scandinavian"]),
    ("furniture", "modern farmhouse kitchen", ["modern", "farmhouse"]),
    ("furniture-de", "minimalistisches Schlafzimmer", ["minimalistisch"]),
    ("furniture-de", "Boho-Wohnzimmer mit viel Rattan", ["boho"]),
    ("furniture-de", "eine Leseecke im Skandi-Stil", ["skandinavisch"]),
    ("furniture-de", "Esszimmer, schlicht und modern", ["modern"]),
    ("clothing", "casual friday outfit", ["casual"]),
    ("clothing", "smart casual look for a dinner", ["smart casual"]),
    ("clothing", "formal wear for a gala", ["formal"]),
    ("clothing", "business casual wardrobe", ["business casual"]),
    ("clothing", "elegantes Outfit für eine Hochzeit", ["elegant"]),
    ("clothing", "tenue élégante pour un baptême", ["elegant"]),
    ("clothing", "ropa informal para el finde", ["casual"]),
    ("clothing-fr", "une tenue habillée pour un mariage", ["habillé"]),
    ("clothing-fr", "look sportif pour le week-end", ["sportif"]),
    ("clothing-fr", "garde-robe minimaliste", ["minimaliste"]),
    ("clothing-fr", "tenue vintage pour une fête", ["vintage"]),
    ("food", "anniversary dinner for two", []),
    ("food", "Grillabend mit acht Freunden", []),
    ("food", "goûter d'anniversaire pour dix enfants", []),
    ("food-es", "cena romántica para dos", []),
    ("food-es", "una merienda de cumpleaños", []),
    ("food-es", "comida de domingo en familia", []),
    ("gifts", "a leaving present for my boss", []),
    ("gifts", "Geschenk zum Muttertag", []),
    ("gifts", "un détail pour la maîtresse", []),
    ("gifts", "algo para el día de la madre", []),
    ("gifts", "Mitbringsel für die Gastgeberin", []),
    ("sport", "Ausrüstung für den ersten Marathon", []),
    ("sport", "de quoi débuter le yoga", []),
    ("sport", "todo para empezar a correr", []),
    ("electronics", "Ausstattung fürs Homeoffice", []),
    ("electronics", "equipar un despacho en casa", []),
    ("electronics", "back to school tech", []),
    ("furniture", "deck out my first flat", []),
    ("furniture", "Erstausstattung für die WG", []),
    ("furniture", "meubler un studio d'étudiant", []),
    ("furniture", "amueblar la habitación de invitados", []),
    ("furniture-de", "Wohnung neu einrichten", []),
    ("furniture-de", "Sachen für den Flur", []),
    ("furniture-de", "Hochzeitsgeschenk für meinen Bruder", []),
    ("furniture-de", "was Schönes fürs Bad", []),
    ("clothing", "what do I wear to a job interview", []),
    ("clothing", "Urlaubsgarderobe für zwei Wochen Italien", []),
    ("clothing-fr", "que porter à un entretien d'embauche", []),
    ("clothing-fr", "habiller mon mari pour l'hiver", []),
    ("clothing-fr", "affaires de plage pour la famille", []),
    ("clothing-fr", "une idée de cadeau pour ma belle-mère", []),
    ("food", "Sunday roast for six", []),
    ("food", "a cheese board for eight", []),
    ("food", "tout pour une raclette", []),
    ("food-es", "cosas para picar esta noche", []),
    ("food-es", "preparar una cena italiana", []),
    ("food-es", "cesta de Navidad para la oficina", []),
    ("food-es", "desayuno saludable", []),
    ("gifts", "secret santa under a tenner", []),
    ("gifts", "baby shower present", []),
    ("gifts", "Kleinigkeit zum Geburtstag", []),
    ("gifts", "cadeau de départ à la retraite", []),
    ("gifts", "regalo de bodas de plata", []),
    ("sport", "gear up for a weekend in the hills", []),
    ("sport", "Fitness für zuhause", []),
    ("sport", "préparer un trek de trois jours", []),
    ("sport", "material para la piscina", []),
    ("electronics", "kit out a streaming setup", []),
    ("electronics", "cadeau pour un geek", []),
]
"""Shop, sentence, styles; labelled before anything read them."""


def test_who_leaves_the_choice_to_the_shop_is_understood_in_every_language() -> None:
    missed = [text for shop, text, _ in OPEN if not understand(text, vocabulary_of(shop)).is_occasion]
    assert len(missed) <= 0.06 * len(OPEN), missed


def test_styles_are_wishes_in_the_words_of_the_catalogue() -> None:
    pairs = [(understand(text, vocabulary_of(shop)).styles, styles, text) for shop, text, styles in OPEN]
    wrong = [text for said, styles, text in pairs if said != styles]
    assert len(wrong) <= 0.03 * len(OPEN), wrong


def test_what_one_does_is_not_a_misspelled_product() -> None:
    titles = ["Screen protection film", "Tablet protection cover", "Ten inch tablet"]
    shop = mine(
        Product(ProductId(f"p{i}"), title, 1_000, "USD", product_types=(kind,))
        for i, (title, kind) in enumerate(zip(titles, ["Screen Protection", "Protection", "Tablets"], strict=True))
    )
    read = understand("protecting a tablet", shop)
    assert read.is_occasion and not read.named
    assert "protecting" in read.text
