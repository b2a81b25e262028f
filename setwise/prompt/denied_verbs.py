"""Denied verbs that choose nothing: 'qui ne craignent pas la pluie', 'que no ocupe mucho', 'die nicht knittert'."""

from setwise.prompt.reading import Reading

_FRENCH_NOT = frozenset(["pas", "plus", "jamais"])
_SPANISH_PRONOUNS = frozenset(["se", "me", "le", "les", "nos", "lo", "la", "te"])
_GERMAN_RELATIVES = frozenset(["der", "die", "das", "den"])


class DeniedVerbs:
    """Tells a denied verb by its place in the clause; those that choose ('contains', 'wants') are in the tables."""

    def __init__(self, reading: Reading) -> None:
        self.r, self.table = reading, reading.table

    def at(self, i: int) -> int:
        """Tokens, marked `said`, of a clause about something else whose negation begins at `i`; 0 if there is none."""
        if self.r.code == "fr":
            return self._french(i)
        if self.r.code == "es":
            return self._spanish(i)
        return self._german(i) if self.r.code == "de" else 0

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
