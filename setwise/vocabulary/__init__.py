"""The words of one catalogue, mined from its products: what it sells, by which names, in which language."""

import re
from pathlib import Path

import msgspec

VOCABULARY_FILE = "vocabulary.json"
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_JOINED = re.compile(r"([^\W_]+)\s*(?:\band\b|&|\+)\s*([^\W_]+)")


class Vocabulary(msgspec.Struct, frozen=True):
    """Names of the catalogue in lower case. A part of every release; the reader of prompts is compiled from it."""

    currency: str
    currencies: frozenset[str]
    language: str = "en"
    brands: frozenset[str] = frozenset()
    colors: frozenset[str] = frozenset()
    materials: frozenset[str] = frozenset()
    sizes: frozenset[str] = frozenset()
    categories: dict[str, int] = {}
    """Leaf category as the catalogue spells it -> number of products."""
    places: dict[str, str] = {}
    """Leaf category -> the level above it ('Sofas' -> 'Living Room')."""
    levels: frozenset[str] = frozenset()
    """The levels above all leaves, in lower case ('living room', 'shoes')."""
    nouns: dict[str, dict[str, int]] = {}
    """What titles say a product is ('sofa', 'floor lamp') -> counts by leaf category; {} where there are none."""
    hints: dict[str, dict[str, int]] = {}
    """Words that titles have of one kind of thing only ('cheddar' -> Cheese): they name it if nothing else does."""
    ordinary: frozenset[str] = frozenset()
    """Brands whose name other brands' titles use as a word: only 'from X' or 'X brand' means them."""
    joined: frozenset[str] = frozenset()
    """'left and right' pairs that titles write as one thing."""
    titles: frozenset[str] = frozenset()
    """The first three words of each title, letters only: who types them names that product."""
    words: frozenset[str] = frozenset()
    """Words of titles, as they are spelled."""
    typed: dict[str, dict[str, int]] = {}
    """Words that no product has and shoppers type ('telly') -> people who bought of it, by leaf category."""


def words_of(text: str) -> list[str]:
    """Lower-case words of a text, with inner apostrophes and hyphens."""
    return [word.replace("’", "'") for word in _WORD.findall(text.lower())]


def joined_pairs(text: str) -> set[str]:
    """'Black & Decker Drill' -> {'black and decker'}."""
    lowered = text.lower()
    pairs, start = set(), 0
    while match := _JOINED.search(lowered, start):
        pairs.add(f"{match[1]} and {match[2]}")
        start = match.start(2)
    return pairs


def write_vocabulary(vocabulary: Vocabulary, folder: Path) -> None:
    """Writes it as readable JSON."""
    (folder / VOCABULARY_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(vocabulary, order="deterministic")))


def read_vocabulary(folder: Path) -> Vocabulary:
    """Reads what write_vocabulary wrote."""
    return msgspec.json.decode((folder / VOCABULARY_FILE).read_bytes(), type=Vocabulary)


from setwise.vocabulary.mining import mine  # noqa: E402 (the struct comes first: mining makes it)

__all__ = ["VOCABULARY_FILE", "Vocabulary", "joined_pairs", "mine", "read_vocabulary", "words_of", "write_vocabulary"]
