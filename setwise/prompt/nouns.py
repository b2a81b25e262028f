"""Which words name products: phrases, German compounds, and the names that are shown."""

import re

import msgspec

from setwise.languages import stem
from setwise.prompt.attributes import AttributeReader
from setwise.prompt.clauses import ClauseReader
from setwise.prompt.lexicon import EXACT, Entry
from setwise.prompt.numerals import number_at
from setwise.prompt.reading import Match, Reading

_TIMES = re.compile(r"x\d{1,2}")
_NO_PART_OF_A_NAME = frozenset(["ones", "brand", "x", "×", "moins", "menos"])


class Mention(msgspec.Struct):
    """A product named at `start` to `end`; `stem` is its name where the word says more (a compound)."""

    start: int
    end: int
    entry: Entry
    stem: str = ""


class NounReader:
    """Finds products in ranges of tokens. In English and German the last of several nouns says what it is."""

    def __init__(self, reading: Reading, attributes: AttributeReader, clauses: ClauseReader) -> None:
        self.r, self.table = reading, reading.table
        self.attributes, self.clauses = attributes, clauses
        self.head_is_last = reading.code in ("en", "de")

    def head(self, mentions: list[Mention]) -> Mention:
        """The one of adjacent mentions that says what it is."""
        if not self.head_is_last:
            return mentions[0]
        is_set = len(mentions) > 1 and self.r.stems[mentions[-1].end - 1] in self.table.occasion_heads
        # A "scarf set" is of scarves, whatever else is sold as a set.
        return mentions[-2] if is_set and mentions[-1].end - mentions[-1].start == 1 else mentions[-1]

    def mentions(self, start: int, end: int) -> list[Mention]:
        found: list[Mention] = []
        i = start
        while i < end:
            match = self.r.match_at[i]
            is_whole = match is not None and bool(match.entry.synonym and match.entry.shares)
            if not is_whole and (match is None or match.end - match.start == 1) and (mention := self._compound(i)):
                found.append(mention)
                i += 1
                continue
            if match is not None and match.start == i:
                if self._names_product(match, start, end) and match.end <= end:
                    found.append(Mention(match.start, match.end, match.entry))
                i = match.end
                continue
            if mention := self._tail(i):
                found.append(mention)
            i += 1
        return found

    def _names_product(self, match: Match, start: int, end: int) -> bool:
        entry = match.entry
        if not entry.product or entry.hint or self.r.state[match.start] not in ("", "title"):
            return False
        if self._is_somebodys(match.start):
            return False
        if match.end - match.start == 1 and self._is_measure(match) and not entry.synonym:
            return False
        if self._is_container(match) or (not entry.shares and self.r.stems[match.end - 1] in self.table.occasions):
            return False
        if self.r.words[match.start] in self.table.fillers and match.end - match.start == 1:
            return self._is_contained(match.start)
        if self._counts_what_is_named(match, start) or self._is_in_an_occasion(match) or self._is_a_set(match):
            return False
        word = self.r.words[match.start : match.end]
        if len(word) == 1 and (self.table.genders.at(word, 0) or self.table.ages.at(word, 0)):
            return False
        if entry.is_attribute() or entry.brand:
            # "Glass" is a glass only where no other product follows and nothing is made of it.
            later = any(
                m.entry.product and not m.entry.hint and not m.entry.is_attribute()
                for m in self.matches(start, end)
                if m is not match
            )
            return not later and (EXACT in entry.shares.values() or bool(entry.synonym))
        return True

    def _is_contained(self, i: int) -> bool:
        """'Latas de bonito' are of tuna, however pretty the word is elsewhere."""
        words = self.r.words
        return i > 1 and words[i - 1] in ("de", "d'", "of") and words[i - 2] in self.table.containers

    def _is_somebodys(self, i: int) -> bool:
        """'For my sofa', 'the old sofa' wish no sofa; 'a phone and its case' wishes a case."""
        words = self.r.words
        k = next((k for k in range(i - 1, max(-1, i - 3), -1) if words[k] in self.table.possessive), -1)
        if i > 1 and words[i - 1] in self.table.former and words[i - 2] in self.table.definite:
            return True
        is_joined = k > 0 and words[k] in self.table.its and words[k - 1] in self.table.and_signs
        return k >= 0 and not is_joined

    def _is_in_an_occasion(self, match: Match) -> bool:
        """'Garde-robe' is no robe."""
        first, last = match.start, match.end
        while first and self.hangs_on(first):
            first -= 1
        while last < len(self.r.words) and self.hangs_on(last):
            last += 1
        is_longer = last - first > match.end - match.start
        return is_longer and stem(self.r.original(first, last), self.r.code) in self.table.occasions

    def _is_a_set(self, match: Match) -> bool:
        """'A fitness set', 'yoga starter set': the shop's own sets are of something else."""
        r, at = self.r, match.start
        if match.end - at > 1 or r.stems[at] not in self.table.occasion_heads or EXACT in match.entry.shares.values():
            return False
        return at > 0 and r.stems[at - 1] in self.table.occasions

    def _is_measure(self, match: Match) -> bool:
        return (
            self.r.words[match.start] in self.table.not_money and self.r.words[match.start] not in self.table.containers
        )

    def _counts_what_is_named(self, match: Match, start: int) -> bool:
        """'Dark chocolate, 3 bars'."""
        i = match.start
        is_counted = match.end - i == 1 and self.r.words[i] in self.table.containers and i > start + 1
        return is_counted and number_at(self.r.tokens, i - 1, self.table) is not None

    def _is_container(self, match: Match) -> bool:
        """'Pots de confiture', 'Flaschen Rotwein': what something else comes in."""
        r, end = self.r, match.end
        if match.end - match.start > 1 or r.words[match.start] not in self.table.containers or end >= len(r.words):
            return False
        if r.words[end] in ("of", "de", "d'"):
            return True
        following = r.match_at[end]
        return r.code == "de" and following is not None and following.start == end and following.entry.product

    def matches(self, start: int, end: int) -> list[Match]:
        return [m for m in (self.r.match_at[i] for i in range(start, end)) if m is not None]

    def _compound(self, i: int) -> Mention | None:
        """'Ledersofa': a German word of a colour, material or style and a product."""
        if not self._may_be_compound(i) or (parts := self.r.compound(self.r.words[i])) is None:
            return None
        self.attributes.add(parts[0], i)
        return Mention(i, i + 1, parts[1], stem=parts[2])

    def _tail(self, i: int) -> Mention | None:
        """'Gartenlampe': a German word whose end is a product."""
        if not self._may_be_compound(i) or (tail := self.r.german_tail(self.r.words[i])) is None:
            return None
        if not tail[1].shares and self.r.words[i].endswith(self.table.occasion_tails):
            return None  # "Frühstückskorb" where no baskets are sold
        return Mention(i, i + 1, tail[1])

    def _may_be_compound(self, i: int) -> bool:
        r = self.r
        is_word = r.code == "de" and r.state[i] in ("", "title") and r.tokens[i].kind == "word" and len(r.words[i]) >= 6
        return is_word and r.stems[i] not in self.table.occasions and r.words[i] not in self.table.common

    def hint(self, start: int, end: int) -> Mention | None:
        """'Cheddar' where nothing else in the clause is a product."""
        hints = [
            m
            for m in self.matches(start, end)
            if m.entry.hint and not m.entry.is_attribute() and not m.entry.brand and not self.r.state[m.start]
        ]
        hints = [
            m
            for m in hints
            if not (
                m.end - m.start == 1
                and self.r.words[m.start]
                in self.table.fillers | self.table.common | self.table.prepositions | self.table.not_money
            )
        ]
        if not hints:
            return None
        match = hints[-1] if self.head_is_last else hints[0]
        return Mention(match.start, match.end, match.entry)

    def parts(self, left: Mention, right: Mention, mentions: list[Mention]) -> bool:
        words = self.r.words[left.end : right.start]
        if any(w in self.table.determiners or (w.isdigit() and n) for n, w in enumerate(words)):
            return True
        if self.head_is_last:
            return False
        exact = EXACT in left.entry.shares.values() and EXACT in right.entry.shares.values()
        return not words and (len(mentions) > 2 or exact)

    def span(self, lo: int, mention: Mention, end: int) -> tuple[int, int]:
        """The noun with the plain words that belong to it: 'gaming laptop', 'vinagre de jerez'."""
        r, first, last = self.r, mention.start, mention.end
        if self.head_is_last:
            said_again = r.stems[mention.end - 1]
            while first > lo and (self.is_plain(first - 1) or self.hangs_on(first)):
                if r.stems[first - 1] == said_again:
                    break  # "Chair chair chair" is one chair.
                first -= 1
        else:
            while last < end and (
                self.is_plain(last)
                or (r.words[last] in ("de", "d'", "à") and last + 1 < end and self.is_plain(last + 1))
            ):
                last += 1
                if last - mention.end >= 3:
                    break
        return first, last

    def is_described(self, i: int) -> bool:
        """True for a word that only describes: a colour, a style, a size or filling."""
        match = self.r.match_at[i]
        is_attribute = match is not None and match.entry.is_attribute()
        return is_attribute or self.r.state[i] == "size" or self.r.words[i] in self.table.fillers

    def hangs_on(self, i: int) -> bool:
        """True if a hyphen joins the word to the one before it: 'over-ear'."""
        token, before = self.r.tokens[i], self.r.tokens[i - 1]
        return before.kind == "word" and not token.glued and token.start == before.end

    def is_plain(self, i: int) -> bool:
        r = self.r
        if r.tokens[i].kind != "word" or r.state[i] not in ("", "title"):
            return False
        if r.tokens[i].glued and i and r.tokens[i - 1].kind == "number":
            return False
        match = r.match_at[i]
        if match is not None and (match.entry.is_attribute() or match.entry.brand) and not match.entry.product:
            return False
        word = r.words[i]
        skipped = word in self.table.fillers or word in self.table.prepositions or word in self.table.determiners
        is_person = self.table.genders.at(r.words, i) is not None or self.table.ages.at(r.words, i) is not None
        is_count = (
            word in self.table.containers
            or self.clauses.pair_at(i)
            or _TIMES.fullmatch(word) is not None
            or word in self.table.units
        )
        return not (skipped or is_person or is_count or word in _NO_PART_OF_A_NAME)

    def has_unknown(self, start: int, end: int) -> bool:
        """'Gas grill with cover' where no grill is known: what stands before 'with' is wished, not the cover."""
        words, of_grammar = self.r.words, self.table.grammar | self.table.detect
        return any(self.is_plain(i) and words[i] not in of_grammar for i in range(start, end))

    def name_of(self, first: int, last: int, mention: Mention) -> str:
        r = self.r
        if mention.stem:
            return mention.stem
        head = mention.end - 1 if self.head_is_last else mention.start
        while not self.head_is_last and head + 1 < mention.end and self.hangs_on(head + 1):
            head += 1
        parts: list[str] = []
        for i in range(first, last):
            word = r.words[i]
            is_adjective = not self.head_is_last and i == head + 1
            shown = r.one_of(word) if i == head or is_adjective else word
            gap = (
                " "
                if parts and r.tokens[i].start > r.tokens[i - 1].end
                else "-"
                if parts and not r.tokens[i].glued
                else ""
            )
            parts.append(gap + shown)
        return "".join(parts)
