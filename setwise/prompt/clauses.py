"""A prompt's clauses: where each ends, where its own words begin, and what stands behind its prepositions."""

import msgspec

from setwise.prompt.numerals import number_at
from setwise.prompt.reading import Match, Reading

MAX_SUBJECT = 3
_TO_DO = frozenset(["to", "pour", "para"])
INFINITIVES = {"fr": ("er", "ir", "re"), "es": ("ar", "er", "ir")}


class Chunk(msgspec.Struct):
    """A clause or an item of a list: tokens `start` to `end`."""

    start: int
    end: int
    is_title: bool = False
    is_alternative: bool = False
    """True behind an 'or'."""


class ClauseReader:
    """Cuts a prompt whose money, sizes and exclusions are marked already."""

    def __init__(self, reading: Reading) -> None:
        self.r, self.table = reading, reading.table
        self.is_request = False
        """True once 'I am looking for' was said: one product is described, however many words follow."""

    def chunks(self) -> list[Chunk]:
        chunks: list[Chunk] = []
        titles = dict(self.r.titles)
        start, i, alternative = 0, 0, False
        n = len(self.r.words)

        def close(end: int) -> None:
            if end > start:
                chunks.append(Chunk(start, end, False, alternative))

        while i < n:
            if i in titles:
                close(i)
                chunks.append(Chunk(i, titles[i], True, False))
                i = start = titles[i]
                alternative = False
            elif self._is_boundary(i):
                close(i)
                alternative = self.r.words[i] in self.table.alternatives.values and self.r.state[i] == ""
                i += 1
                start = i
            else:
                i += 1
        close(n)
        return chunks

    def _is_boundary(self, i: int) -> bool:
        r = self.r
        if r.state[i] in ("out", "money"):
            return True
        if r.state[i] or (r.match_at[i] is not None and r.match_at[i].start < i):  # type: ignore[union-attr]
            return False
        return r.is_separator(i) or r.words[i] in self.table.alternatives.values

    def skip_lead(self, chunk: Chunk) -> int:
        """Past 'I am looking for' and other words that begin a wish and name nothing."""
        r, i = self.r, chunk.start
        if chunk.is_title:
            return i
        i = self._past_subject(i, chunk.end)
        while i < chunk.end:
            if hit := self.table.requests.at(r.words, i, chunk.end):
                self.is_request = True
                i += hit[0]
            elif (
                (r.words[i] in self.table.fillers or r.words[i] in self.table.verbs)
                and not self._is_meant(i)
                and not self.pair_at(i)
                and r.words[i] not in self.table.purpose
            ):
                i += 1
            elif i and r.words[i] in self.table.prepositions and r.state[i - 1] == "money":
                i += 1  # "1.2k for a laptop"
            elif r.state[i] in ("limit", "people") or (
                r.words[i] in self.table.before.values and i + 1 < chunk.end and r.tokens[i + 1].kind == "number"
            ):
                i += 1  # "minimum 5 cans"
            else:
                break
        return i

    def joins_purpose(self, chunk: Chunk, start: int) -> bool:
        """'To watch movies and drink wine', 'pour lire et boire un café': a second thing to do, behind 'and'."""
        words = self.r.words
        is_joined = chunk.start > 0 and words[chunk.start - 1] in self.table.and_signs and start < chunk.end
        if not is_joined or not self._is_doing(start):
            return False
        for i in range(chunk.start - 2, 0, -1):
            if self.r.ends_sentence(i):
                return False
            if words[i - 1] in _TO_DO and self._is_doing(i):
                return True
        return False

    def _is_doing(self, i: int) -> bool:
        word = self.r.words[i]
        is_infinitive = word.endswith(INFINITIVES.get(self.r.code, ())) and self.r.match_at[i] is None
        return word in self.table.doing or is_infinitive

    def _past_subject(self, i: int, end: int) -> int:
        """'My son needs two shirts': past who needs it."""
        r = self.r
        if i >= end or (r.words[i] not in self.table.possessive and r.words[i] not in self.table.definite):
            return i
        for verb in range(i + 1, min(i + MAX_SUBJECT + 1, end)):
            if self.table.requests.at(r.words, verb, end):
                return verb
            match = r.match_at[verb]
            if r.state[verb] or (match is not None and match.entry.product):
                return i
        return i

    def _is_meant(self, i: int) -> bool:
        match = self.r.match_at[i]
        return self.r.stems[i] in self.table.occasions or (match is not None and match.start == i)

    def pair_at(self, i: int) -> bool:
        return self.table.pairs.at(self.r.words, i) is not None or self.table.dozens.at(self.r.words, i) is not None

    def regions(self, start: int, end: int) -> tuple[int, list[tuple[int, int]]]:
        """Where the head of the clause ends, and the parts behind prepositions, each with its preposition."""
        r, cuts = self.r, []
        has_content = False
        counted = start
        for i in range(start, end):
            word = r.words[i]
            match = r.match_at[i]
            if hit := self.table.dozens.at(r.words, i) or self.table.pairs.at(r.words, i):
                counted = i + hit[0]
            is_compound = (
                i + 1 < len(r.words) and not r.tokens[i + 1].glued and r.tokens[i + 1].start == r.tokens[i].end
            )
            inside = (match is not None and match.start < i) or i < counted or is_compound
            if (
                word in self.table.prepositions
                and not inside
                and not r.state[i]
                and (has_content or word not in self.table.verbs)
            ):
                if not self._is_link(i):
                    cuts.append(i)
            elif r.tokens[i].kind == "word" and word not in self.table.fillers:
                has_content = True
        ends = [*cuts[1:], end] if cuts else []
        return (cuts[0] if cuts else end), list(zip(cuts, ends, strict=True))

    def _is_link(self, i: int) -> bool:
        """'De' in 'vinagre de jerez' and 'of' in 'a jar of honey', 'a litre of milk' belong to the name."""
        word = self.r.words[i]
        if word not in ("de", "d'", "of", "à", "en", "del", "des", "du"):
            return False
        if i and (self.r.words[i - 1] in self.table.containers or self.r.state[i - 1] == "size"):
            return True
        if i and word in ("of", "de", "d'") and self.r.words[i - 1] in self.table.measures:
            return True
        following = self.r.match_at[i + 1] if i + 1 < len(self.r.words) else None
        if i and self._is_counted(i, following):
            return True
        is_wish = following is not None and (following.entry.is_attribute() or following.entry.product)
        return word in ("de", "d'", "du") and i > 0 and not is_wish and self.r.code in ("fr", "es")

    def _is_counted(self, i: int, following: Match | None) -> bool:
        """'Dos de mejillones', 'seis bricks de leche': a number and, if anything, a word for what it comes in."""
        r = self.r
        if following is None or not following.entry.product or r.words[i] not in ("de", "d'", "of"):
            return False
        for at in (i - 1, i - 2):
            if at < 0 or r.state[at]:
                return False
            number = number_at(r.tokens, at, self.table)
            if number is not None:
                return number[1] > 1
            if r.match_at[at] is not None or r.tokens[at].kind != "word" or r.words[at] in self.table.grammar:
                return False
        return False

    def sentence(self, i: int) -> int:
        """1 for the first sentence, and so on."""
        return 1 + sum(word in (".", "!", "?", ";") for word in self.r.words[:i])
