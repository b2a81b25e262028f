"""Which words of this catalogue begin like what is being typed?"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Literal

import msgspec

from setwise.languages import concepts, key_of
from setwise.languages.tokens import words_in
from setwise.vocabulary import Vocabulary

Kind = Literal["thing", "color", "material", "style", "brand"]
MOST = 8
"""Terms that are suggested at once."""
SHORTEST = 2
"""Letters: one says nothing yet."""
SHORT = 3
"""Beginnings of up to so many letters are looked up, longer ones are found among the few terms that have them."""
LOOKED_AT = 500
_WORDS = 3
_KINDS: dict[str, Kind] = {"products": "thing", "colors": "color", "materials": "material", "styles": "style"}


class Term(msgspec.Struct, frozen=True):
    """A word or phrase of the catalogue."""

    text: str
    kind: Kind


class Suggestion(msgspec.Struct, frozen=True):
    """What was typed with its last words completed to a term."""

    text: str
    term: str
    kind: Kind


class Suggester:
    """The terms of a vocabulary in one of the languages, prepared once."""

    def __init__(self, vocabulary: Vocabulary, language: str) -> None:
        weights: dict[Term, int] = {}
        for term, weight in _terms(vocabulary, language):
            weights[term] = max(weight, weights.get(term, 0))
        best = sorted(weights, key=lambda term: (-weights[term], term.text))
        self._rank = {term: place for place, term in enumerate(best)}
        self._sorted = sorted(best, key=lambda term: term.text)
        self._texts = [term.text for term in self._sorted]
        self._language = language
        self._usual = [term for term in best if term.kind == "thing"][:LOOKED_AT]
        self._short: dict[str, list[Term]] = {}
        for term in best:
            for length in range(SHORTEST, SHORT + 1):
                found = self._short.setdefault(term.text[:length], [])
                if len(found) < 2 * MOST:
                    found.append(term)

    def suggest(self, typed: str, most: int = MOST) -> list[Suggestion]:
        """As many of the last words as begin a term, completed; none for a finished word. Where nothing was typed, what
        the catalogue has most of."""
        if not typed:
            return self._as_typed("", self._usual)[:most]
        for start in _starts(typed):
            begun = typed[start:].lower()
            found = self._as_typed(typed[:start], self._beginning(begun), begun)
            if found:
                return found[:most]
        return []

    def _as_typed(self, before: str, terms: Sequence[Term], begun: str = "") -> list[Suggestion]:
        """Of several forms of one word the one that is worth most, and none of what is there already."""
        found: dict[str, Suggestion] = {}
        for term in terms:
            found.setdefault(key_of(term.text, self._language), Suggestion(before + term.text, term.text, term.kind))
        found.pop(key_of(begun, self._language), None)
        return list(found.values())

    def _beginning(self, begun: str) -> list[Term]:
        if len(begun) < SHORTEST:
            return []
        if len(begun) <= SHORT:
            return self._short.get(begun, [])
        first = bisect_left(self._texts, begun)
        some = islice(self._sorted, first, first + LOOKED_AT)
        return sorted((term for term in some if term.text.startswith(begun)), key=self._rank.__getitem__)


def _starts(typed: str) -> list[int]:
    """Where the last three words, the last two and the last one begin; nowhere behind a space."""
    if not typed or typed[-1].isspace():
        return []
    starts = [at for at in range(len(typed)) if not typed[at].isspace() and (at == 0 or typed[at - 1].isspace())]
    return starts[-_WORDS:]


def _terms(vocabulary: Vocabulary, language: str) -> Iterator[tuple[Term, int]]:
    """With how much each is worth: things by how many products are called so, words of taste like a usual thing."""
    home = vocabulary.language
    counts = {name: sum(leaves.values()) for name, leaves in vocabulary.nouns.items()}
    keys = {key_of(name, home): count for name, count in counts.items()}
    usual = sorted(counts.values())[len(counts) // 2] if counts else 1
    of_styles = set[str]()
    for concept in concepts():
        mine, kind = concept.names[home], _KINDS.get(concept.kind)
        if kind == "style":
            of_styles |= {word for name in mine if len(words := words_in(name)) > 1 for word in words}
        weight = 0
        if kind == "thing":
            weight = max(keys.get(key_of(name, home), 0) for name in mine)
        elif kind is not None:
            known = {"color": vocabulary.colors, "material": vocabulary.materials, "style": vocabulary.words}[kind]
            weight = usual if any(_is_among(name, known) for name in mine) else 0
        if kind is not None and weight:
            yield Term(concept.names[language][0], kind), weight
    yield from ((Term(name, "brand"), 1) for name in vocabulary.brands)
    if language == home:
        yield from ((Term(name, "color"), usual) for name in vocabulary.colors)
        yield from ((Term(name, "material"), usual) for name in vocabulary.materials)
        for name, count in counts.items():
            # Where titles say "Mid-Century Sofa", "century sofa" is counted as a name too.
            if of_styles.isdisjoint(words_in(name)):
                yield Term(name, "thing"), count


def _is_among(name: str, known: frozenset[str]) -> bool:
    return name in known or all(word in known for word in words_in(name))
