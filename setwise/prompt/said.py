"""How did the shopper say what was understood? So that a page can show it, and take it out of the sentence."""

from collections.abc import Iterable, Iterator
from functools import cache

from setwise.languages import concepts, key_of
from setwise.prompt.lexicon import Entry
from setwise.prompt.reading import Match, Reading

_KINDS = frozenset(["colors", "materials", "styles", "things", "products"])


def said_of(reading: Reading, names: Iterable[str]) -> dict[str, str]:
    """The catalogue's word -> the shopper's, for those of `names` where it is another one: as it was typed (in lower
    case), or its usual name in the sentence's language where it is part of a longer word ("Ledersofa")."""
    wanted, found = dict.fromkeys(names), dict[str, str]()
    for match in reading.matches:
        for name in _meanings(match.entry):
            if name in wanted:
                found.setdefault(name, _typed(reading, match))
    said = usual_names(wanted, reading.lexicon.home, reading.code) | found
    return {name: said[name] for name in wanted if said.get(name, name) != name}


def usual_names(names: Iterable[str], home: str, code: str) -> dict[str, str]:
    """The catalogue's words that the tables know -> what they are called in another language, in the singular."""
    if home == code:
        return {}
    usual = _usual(home, code)
    return {name: usual[key] for name in names if (key := key_of(name, home)) in usual}


def _meanings(entry: Entry) -> Iterator[str]:
    yield from (entry.color, entry.material, entry.style, entry.brand, entry.thing, entry.synonym)


def _typed(reading: Reading, match: Match) -> str:
    return reading.text[reading.tokens[match.start].start : reading.tokens[match.end - 1].end]


@cache
def _usual(home: str, code: str) -> dict[str, str]:
    """The stems of each name of a concept in one language -> its first name in another."""
    of_a_kind = [concept for concept in concepts() if concept.kind in _KINDS]
    return {
        key_of(name, home): concept.names[code][0]
        for concept in reversed(of_a_kind)
        for name in reversed(concept.names[home])
    }
