"""The sentence -> Understanding. No model, no I/O: a vocabulary and rules, well under a millisecond."""

import re
import unicodedata

import msgspec

from setwise.prompt.budget import Budget, read_budget
from setwise.prompt.words import (
    COLORS,
    COUNTED_IN_A_NAME,
    FILLERS,
    MATERIALS,
    NUMBERS,
    OCCASIONS,
    STYLES,
)
from setwise.vocabulary import Vocabulary, joined_pairs, words_of

MAX_SLOTS = 7
MAX_QUANTITY = 99
_EXCLUSION = re.compile(
    r"(?:\b(?:but\s+)?(?:no|without|not|except(?:\s+for)?|excluding|avoid|free\s+of|anything\s+but|nothing\s+(?:in|with|made\s+of))\s+"
    r"(?P<after>[^,;.!?]+?)|\b(?P<before>[\w]+)-free\b)(?=$|[,;.!?]|(?<=-free)\s|\s+(?:but|and\s+(?:a|an|the|some|under|below)|with|under|below|for)\b)"
)
_SEPARATOR = re.compile(r"\s*(?:[,;+&]|\band\b|\bplus\b|\bas well as\b)\s*")
_COUNT = re.compile(
    r"^(?:(?P<pair>(?:a\s+)?pair\s+of|a\s+couple\s+of)|(?P<number>\d{1,2})\s*(?:x|×)?|(?P<word>[a-z]+))\s+(?P<rest>.+)$"
)


class SlotWish(msgspec.Struct, frozen=True):
    """A product that the shopper named, with how many."""

    name: str
    quantity: int = 1


class Exclusions(msgspec.Struct, frozen=True):
    """What no item may be; words are looked for in the product's text."""

    materials: list[str] = []
    colors: list[str] = []
    brands: list[str] = []
    styles: list[str] = []
    categories: list[str] = []
    words: list[str] = []

    def all_words(self) -> list[str]:
        """Every excluded name."""
        return [*self.materials, *self.colors, *self.brands, *self.styles, *self.categories, *self.words]


class Understanding(msgspec.Struct, frozen=True):
    """What was read out of the prompt. `text` is what is left for retrieval, money and exclusions taken out."""

    text: str
    budget: Budget | None = None
    named: list[SlotWish] = []
    is_occasion: bool = False
    colors: list[str] = []
    materials: list[str] = []
    styles: list[str] = []
    brands: list[str] = []
    exclude: Exclusions = Exclusions()
    conflicts: list[str] = []
    language: str = "en"


def understand(prompt: str, vocabulary: Vocabulary) -> Understanding:
    """Reads the whole prompt; never fails, whatever was typed."""
    text = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", prompt)).strip().lower()
    budget, text, conflicts = read_budget(text, vocabulary.currency)
    excluded, text = _exclusions(text, vocabulary)
    text = re.sub(r"\s+", " ", text).strip(" ,;.!?")
    segments = _segments(text, vocabulary)
    words = set(words_of(text))
    colors = sorted(words & COLORS)
    materials = sorted(words & MATERIALS)
    styles = sorted(words & STYLES)
    is_occasion = len(segments) == 1 and _is_occasion(segments[0])
    named = [] if is_occasion else _named(segments)
    for kind, wished in (("colour", colors), ("material", materials), ("style", styles)):
        both = sorted(set(wished) & set(excluded.all_words()))
        conflicts += [f"{kind}: {word} is both wished and excluded; excluded holds" for word in both]
    brands = [brand for brand in _brand_candidates(text) if brand in vocabulary.brands]
    return Understanding(
        text=text,
        budget=budget,
        named=named,
        is_occasion=is_occasion,
        colors=colors,
        materials=materials,
        styles=styles,
        brands=brands[:5],
        exclude=excluded,
        conflicts=conflicts,
    )


def _exclusions(text: str, vocabulary: Vocabulary) -> tuple[Exclusions, str]:
    kinds: dict[str, list[str]] = {name: [] for name in Exclusions.__struct_fields__}
    rest = text
    for match in _EXCLUSION.finditer(text):
        said = match["after"] or match["before"]
        names = [part for part in re.split(r"\s+(?:or|nor|and)\s+|\s*/\s*", said) if part]
        for name in names:
            cleaned = " ".join(word for word in words_of(name) if word not in FILLERS)
            if cleaned:
                kinds[_kind_of(cleaned, vocabulary)].append(cleaned)
        rest = rest[: match.start()] + "," + " " * (match.end() - match.start() - 1) + rest[match.end() :]
    return Exclusions(**{kind: list(dict.fromkeys(names)) for kind, names in kinds.items()}), rest


def _kind_of(name: str, vocabulary: Vocabulary) -> str:
    if name in MATERIALS or name in vocabulary.materials:
        return "materials"
    if name in COLORS or name in vocabulary.colors:
        return "colors"
    if name in vocabulary.brands:
        return "brands"
    if name in STYLES:
        return "styles"
    if name in vocabulary.categories or name + "s" in vocabulary.categories:
        return "categories"
    return "words"


def _segments(text: str, vocabulary: Vocabulary) -> list[str]:
    """The list a shopper wrote, cut at commas and 'and', but not inside what titles write as one thing."""
    segments: list[str] = []
    end, gap = 0, ""
    for match in [*_SEPARATOR.finditer(text), None]:
        piece = text[end : match.start() if match else len(text)].strip()
        if piece:
            both = f"{segments[-1]} {gap} {piece}" if segments else piece
            if segments and gap in ("and", "&", "+") and _is_one_thing(segments[-1], piece, vocabulary):
                segments[-1] = both
            elif segments and _only_describes(segments[-1]):
                segments[-1] = f"{segments[-1]} {piece}"
            else:
                segments.append(piece)
        if match:
            end, gap = match.end(), match[0].strip()
    return segments


def _is_one_thing(left: str, right: str, vocabulary: Vocabulary) -> bool:
    pairs = joined_pairs(f"{left} and {right}")
    last = (words_of(left) or [""])[-1]
    return any(pair in vocabulary.joined and pair.startswith(f"{last} and ") for pair in pairs)


def _only_describes(segment: str) -> bool:
    words = [word for word in words_of(segment) if word not in FILLERS]
    return bool(words) and all(word in STYLES or word in COLORS or word in MATERIALS for word in words)


def _is_occasion(segment: str) -> bool:
    # "sofa for the living room" names a sofa: the room behind "for" only says where it goes.
    head = re.split(r"\bfor\b|\bin\b", segment)[0] or segment
    words = words_of(head)
    meant = [word for word in words if word not in FILLERS]
    return not meant or any(word in OCCASIONS or word.rstrip("s") in OCCASIONS for word in meant[-2:])


def _named(segments: list[str]) -> list[SlotWish]:
    wishes: dict[str, SlotWish] = {}
    for segment in segments:
        quantity, name = _quantity(_without_fillers(segment))
        name = _without_fillers(name)
        if name and len(wishes) < MAX_SLOTS:
            unique = name[:64]
            wishes.setdefault(unique, SlotWish(unique, quantity))
    return list(wishes.values())


def _without_fillers(segment: str) -> str:
    words = segment.split()
    while words and words[0].strip("'") in FILLERS and not (words[0] == "a" and words[1:2] in (["pair"], ["couple"])):
        words.pop(0)
    return " ".join(words)


def _quantity(segment: str) -> tuple[int, str]:
    match = _COUNT.match(segment)
    if match is None:
        return 1, segment
    following = re.split(r"[\s-]", match["rest"])[0]
    if following in COUNTED_IN_A_NAME:
        return 1, segment
    if match["pair"]:
        return 2, match["rest"]
    if match["number"]:
        return min(max(int(match["number"]), 1), MAX_QUANTITY), match["rest"]
    return (NUMBERS[match["word"]], match["rest"]) if match["word"] in NUMBERS else (1, segment)


def _brand_candidates(text: str) -> list[str]:
    words = words_of(text)
    return [" ".join(words[i : i + n]) for n in (3, 2, 1) for i in range(len(words) - n + 1)]
