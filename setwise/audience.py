"""Whom clothes and shoes are for, from a product's fields or else its title: what one bundle must agree on."""

import re

import msgspec

from setwise.catalogue import Product

GENDERS = ("", "male", "female")
"""'' is unknown or unisex."""
AGE_GROUPS = ("", "newborn", "infant", "toddler", "kids", "adult")
_WORD = re.compile(r"[^\W\d_]+")
_SAID = {
    word: meaning
    for words, meaning in (
        ("men mens man gentlemen herren homme hommes hombre caballero", ("male", "adult")),
        ("women womens woman ladies damen femme femmes mujer señora", ("female", "adult")),
        ("boy boys jungen garçon garçons niño", ("male", "kids")),
        ("girl girls mädchen fille filles niña", ("female", "kids")),
        ("kids children childrens kinder enfant enfants niños", ("", "kids")),
        ("toddler toddlers kleinkinder", ("", "toddler")),
        ("baby babies infant infants bebé bébé", ("", "infant")),
    )
    for word in words.split()
}


class Audience(msgspec.Struct, frozen=True):
    """Google Merchant's words; '' where it is not known, or for everybody."""

    gender: str = ""
    age_group: str = ""
    size_system: str = ""


def audience_of(product: Product) -> Audience:
    """The fields where they say it, else the words of the title; a title for both genders is for everybody."""
    genders, ages = said_in(product.title)
    gender = product.gender.lower() or (genders.pop() if len(genders) == 1 else "")
    age = product.age_group.lower() or (ages.pop() if len(ages) == 1 else "")
    return Audience(
        gender if gender in GENDERS else "", age if age in AGE_GROUPS else "", product.size_system.upper()
    )  # fmt: skip


def said_in(text: str) -> tuple[set[str], set[str]]:
    """Genders and age groups that a text names."""
    found = [_SAID[word] for word in _WORD.findall(text.lower().replace("'s", "s").replace("’s", "s")) if word in _SAID]
    ages = {age for _, age in found}
    # "Baby girls" are infants, "toddler boys" toddlers: the narrower word holds.
    narrow = ages & {"toddler", "infant"}
    return {gender for gender, _ in found if gender}, narrow or ages
