"""Word -> the key under which all its forms are found, and the singular that is shown. Rules, no dictionary."""

import unicodedata
from functools import lru_cache

_IRREGULAR = {
    "en": {
        "mice": "mouse", "men": "man", "women": "woman", "children": "child", "feet": "foot", "teeth": "tooth",
        "geese": "goose", "people": "person", "knives": "knife", "wives": "wife", "lives": "life", "scarves": "scarf",
        "shelves": "shelf", "bookshelves": "bookshelf", "loaves": "loaf", "leaves": "leaf", "halves": "half",
        "wolves": "wolf", "potatoes": "potato", "tomatoes": "tomato", "shoes": "shoe", "canoes": "canoe",
        "toes": "toe", "mangoes": "mango", "ties": "tie", "movies": "movie", "cookies": "cookie", "beanies": "beanie",
        "hoodies": "hoodie", "smoothies": "smoothie", "selfies": "selfie", "brownies": "brownie", "pies": "pie",
        "axes": "axe", "lenses": "lens", "blouses": "blouse", "vases": "vase", "cases": "case", "purses": "purse",
        "houses": "house", "horses": "horse", "hoses": "hose", "nurses": "nurse", "bases": "base", "roses": "rose",
        "noses": "nose", "phases": "phase", "cheeses": "cheese", "sleeves": "sleeve", "gloves": "glove",
        "olives": "olive", "stoves": "stove", "chives": "chive", "drives": "drive", "caches": "cache",
        "headaches": "headache", "mustaches": "mustache", "archives": "archive", "waves": "wave", "valves": "valve",
        "eaves": "eave", "graves": "grave", "octaves": "octave", "curves": "curve", "sieves": "sieve",
    },
    "fr": {"yeux": "oeil", "bijoux": "bijou", "chevaux": "cheval", "œufs": "œuf"},
    "es": {"luces": "luz", "peces": "pez", "nueces": "nuez", "lápices": "lápiz", "relojes": "reloj",
           "grises": "gris", "meses": "mes", "países": "país", "autobuses": "autobús"},
    "de": {},
}  # fmt: skip


def fold(word: str) -> str:
    """Without accents: 'stühle' -> 'stuhle', 'weiß' -> 'weiss'."""
    if word.isascii():
        return word
    plain = word.replace("ß", "ss").replace("œ", "oe").replace("æ", "ae").replace("ø", "o")
    return "".join(c for c in unicodedata.normalize("NFD", plain) if not unicodedata.combining(c))


@lru_cache(maxsize=65_536)
def stem(word: str, language: str) -> str:
    """The same key for singular, plural and the common endings; short words keep theirs."""
    irregular = _IRREGULAR[language].get(word)
    plain = fold(irregular or word)
    if language == "de":
        return _german(plain)
    if language == "en":
        return _english(plain)
    if len(plain) > 3 and plain[-1] in "sx" and not plain.endswith("ss") and (language == "fr" or plain[-1] == "s"):
        plain = plain[:-1]
    if len(plain) > 3 and plain[-1] == "e":
        plain = plain[:-1]
    return plain


def _english(plain: str) -> str:
    if plain.endswith(("'s", "s'")):
        plain = plain[:-2]
    if len(plain) > 2 and plain[-1] == "s" and plain[-2] not in ("su'" if len(plain) > 4 else "suaio'"):
        plain = plain[:-1]
    if len(plain) > 3 and plain[-1] == "e":
        plain = plain[:-1]
    if len(plain) > 3 and plain[-1] in "yv":
        plain = plain[:-1] + ("i" if plain[-1] == "y" else "f")
    return plain


_ENDS_IN_S = ("as", "es", "is", "os", "us")


def _german(plain: str) -> str:
    for ending, least in (("en", 3), ("er", 4), ("em", 3), ("es", 3)):
        if plain.endswith(ending) and len(plain) - 2 >= least:
            # "Weingläser" as "Weinglas", but "Matrosen" as "Matrose".
            return plain[:-3] if ending == "er" and len(plain) > 6 and plain[-4:-2] in _ENDS_IN_S else plain[:-2]
    if len(plain) > 3 and plain[-1] == "e":
        return plain[:-1]
    if len(plain) > 4 and (
        (plain[-1] == "n" and plain[-2] in "el") or (plain[-1] == "s" and plain[-2] in "aeioukrmtp")
    ):
        return plain[:-1]
    return plain


@lru_cache(maxsize=16_384)
def singular(word: str, language: str, keep: frozenset[str] = frozenset()) -> str:
    """'shelves' -> 'shelf'; `keep` are words without another form. Of German only what is regular."""
    if word in keep or len(word) < 3:
        return word
    if word in _IRREGULAR[language]:
        return _IRREGULAR[language][word]
    if language == "en":
        return _english_singular(word)
    if language == "fr":
        if word.endswith("eaux"):
            return word[:-1]
        return (
            word[:-1]
            if word[-1] in "sx" and len(word) > 3 and not word.endswith(("ss", "is", "us", "eux", "ois"))
            else word
        )
    if language == "es":
        return _spanish_singular(word)
    return _german_singular(word)


def _english_singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zzes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is", "'s")):
        return word[:-1]
    return word


_ACCENTED = {"an": "án", "en": "én", "in": "ín", "on": "ón", "un": "ún"}


def _spanish_singular(word: str) -> str:
    if word.endswith("ces") and len(word) > 4 and word[-4] in "aeiouáéíóú":
        return word[:-3] + "z"  # "Nueces", "arroces"; "dulces" keeps its c.
    # "Colores" loses both letters; "vinagres", "muebles" and "trajes" only the last.
    if word.endswith("es") and len(word) > 4 and word[-3] in "lrndzy" and word[-4] in "aeiouáéíóú":
        root = word[:-2]
        return root[:-2] + _ACCENTED[root[-2:]] if root.endswith(("on", "in")) and len(root) > 3 else root
    is_plural = word[-2] in "éáó" or (len(word) > 3 and word[-2] in "aeiou")  # "Tés", but "gas"
    return word[:-1] if word.endswith("s") and is_plural else word


_GERMAN_FEMININES = tuple(
    "lampen leuchten vasen decken taschen hosen jacken kerzen matratzen kommoden sandalen socken mützen blusen bohnen "
    "karten flaschen tassen federn nudeln lehnen blumen".split()
)


def _german_singular(word: str) -> str:
    if word.endswith("innen"):
        return word[:-3]
    if word.endswith(_GERMAN_FEMININES):
        return word[:-1]
    return word
