"""Denied verbs that choose nothing: 'qui ne craignent pas la pluie', 'que no ocupe mucho', 'die nicht knittert'."""

from setwise.prompt.clauses import INFINITIVES
from setwise.prompt.reading import Reading

_FRENCH_NOT = frozenset(["pas", "plus", "jamais"])
_SPANISH_PRONOUNS = frozenset(["se", "me", "le", "les", "nos", "lo", "la", "te"])
_GERMAN_RELATIVES = frozenset(["der", "die", "das", "den"])

_WITHOUT = frozenset(["without", "ohne", "sans", "sin"])
_DOING = {"en": ("ing",), **INFINITIVES}
_OBJECTS = frozenset("anyone anybody everyone everybody them us me you personne a".split())


class DeniedVerbs:
    """Tells a denied verb by its place in the clause; those that choose ('contains', 'wants') are in the tables."""

    def __init__(self, reading: Reading) -> None:
        self.r, self.table = reading, reading.table

    def at(self, i: int) -> int:
        """Tokens, marked `said`, of a clause about something else whose negation begins at `i`; 0 if there is none."""
        if used := self._without_doing(i):
            return used
        if self.r.code == "fr":
            return self._french(i)
        if self.r.code == "es":
            return self._spanish(i)
        return self._german(i) if self.r.code == "de" else 0

    def _without_doing(self, i: int) -> int:
        """'Without waking anyone', 'sin despertar a nadie', 'ohne jemanden zu wecken': a verb and its object."""
        r, words, verb = self.r, self.r.words, i + 1
        if words[i] not in _WITHOUT or verb + 1 >= len(words):
            return 0
        if r.code == "de":
            end = next((k for k in range(verb, len(words)) if r.is_separator(k) or r.state[k]), len(words))
            is_doing = words[end - 2 : end - 1] == ["zu"] and words[end - 1].endswith("n")
            r.take(i, end if is_doing else i, "said")
            return end - i if is_doing else 0
        has_object = words[verb + 1] in _OBJECTS or words[verb + 1] in self.table.articles - self.table.prepositions
        if not has_object or r.match_at[verb] is not None or not words[verb].endswith(_DOING[r.code]):
            return 0
        return self._clause(i, verb + 2)

    def _french(self, i: int) -> int:
        """Between 'ne' and 'pas' stands a verb."""
        r, words = self.r, self.r.words
        is_negated = i > 1 and words[i] in _FRENCH_NOT and words[i - 2] in ("ne", "n'")
        if not is_negated or words[i - 1] in self.table.choosing_verbs:
            return 0
        end = i + 1
        while end < len(words) and words[end] in self.table.articles:
            end += 1
        if end < len(words) and r.tokens[end].kind == "word" and not r.state[end]:
            end += 1  # The verb's object, whatever it means elsewhere.
        r.take(i - 2, end, "said")
        return end - i

    def _spanish(self, i: int) -> int:
        """Behind 'que no' stands a verb."""
        words = self.r.words
        no = i + (words[i] == "que")
        if words[no : no + 1] != ["no"] or no == 0 or words[no - 1] != "que":
            return 0
        verb = no + 1
        while verb < len(words) and words[verb] in _SPANISH_PRONOUNS:
            verb += 1
        if verb >= len(words) or words[verb] in self.table.choosing_verbs or self.r.match_at[verb] is not None:
            return 0
        return self._clause(i, verb + 1)

    def _german(self, i: int) -> int:
        """The last word of a clause that 'die' begins, where it means nothing here."""
        words, verb = self.r.words, i + 1
        is_relative = words[i] == "nicht" and i > 1 and words[i - 1] in _GERMAN_RELATIVES
        is_last = verb < len(words) and (verb + 1 == len(words) or self.r.is_separator(verb + 1))
        if not is_relative or not is_last:
            return 0
        is_verb = words[verb].endswith(("t", "en")) and self.r.match_at[verb] is None
        return self._clause(i, verb + 1) if is_verb else 0

    def _clause(self, start: int, end: int) -> int:
        """Marks what follows as said, objects too, until a preposition or a new clause."""
        r = self.r
        while end < len(r.words) and r.tokens[end].kind == "word" and not r.state[end]:
            is_linked = r.words[end] in self.table.prepositions and r.words[end] not in self.table.articles
            if is_linked or r.is_separator(end) or self.table.no.at(r.words, end) is not None:
                break
            end += 1
        r.take(start, end, "said")
        return end - start
