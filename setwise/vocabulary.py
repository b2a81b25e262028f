"""The words of one catalogue, mined from its products: what is a brand, and that "black and decker" is no list."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec

from setwise.catalogue import Product, leaf_category

VOCABULARY_FILE = "vocabulary.json"
MAX_NAMES = 20_000
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_JOINED = re.compile(r"([^\W_]+)\s*(?:\band\b|&|\+)\s*([^\W_]+)")


class Vocabulary(msgspec.Struct, frozen=True):
    """Lower-case names of the catalogue; `joined` holds 'left and right' pairs that titles write as one thing."""

    currency: str
    currencies: frozenset[str]
    brands: frozenset[str]
    colors: frozenset[str]
    materials: frozenset[str]
    categories: frozenset[str]
    joined: frozenset[str]


def words_of(text: str) -> list[str]:
    """Lower-case words of a text, with inner apostrophes and hyphens."""
    return [word.replace("’", "'") for word in _WORD.findall(text.lower())]


def mine(products: Iterable[Product]) -> Vocabulary:
    """Reads the catalogue once; the rarest names are dropped beyond 20,000 of a kind."""
    found: dict[str, Counter[str]] = {
        name: Counter() for name in ("currency", "brands", "colors", "materials", "categories", "joined")
    }
    for product in products:
        found["currency"][product.currency] += 1
        found["brands"][product.brand.lower()] += 1
        found["categories"][leaf_category(product).lower()] += 1
        for kind, value in (("colors", product.color), ("materials", product.material)):
            found[kind].update(part.strip().lower() for part in re.split(r"[/,;|]", value))
        found["joined"].update(joined_pairs(product.title))
    currencies = found.pop("currency")
    names = {
        kind: frozenset(name for name, _ in sorted(counts.items(), key=_rank)[:MAX_NAMES] if name)
        for kind, counts in found.items()
    }
    main = min(currencies, key=lambda code: (-currencies[code], code)) if currencies else ""
    return Vocabulary(currency=main, currencies=frozenset(currencies), **names)


def _rank(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]


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
