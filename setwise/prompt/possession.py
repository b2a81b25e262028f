"""What the shopper has: 'I have a bed', 'Sessel hab ich schon', 'la leche la tengo en casa'. It is not needed again."""

import msgspec

from setwise.prompt.denied_kinds import DeniedKinds
from setwise.prompt.lexicon import Entry
from setwise.prompt.numerals import number_at
from setwise.prompt.reading import Match, Reading

MAX_DESCRIBING = 2
MAX_SUBJECT = 3
_TO_A = frozenset(["zu", "zum", "zur"])
_GOES = frozenset(["passt", "passen", "passend"])
_TO_DO = frozenset(["to", "that", "which", "zu", "à", "que", "por", "in"])
"""Behind what 'I have' names, they say that it is no possession: 'I have a hall to furnish'."""


class Owned(msgspec.Struct):
    """One thing that is there already, at `start` to `end`; without an entry it is a word that nobody knows."""

    start: int
    end: int
    entry: Entry | None


class PossessionReader:
    """Finds possessions in a reading whose money and sizes are marked; they are excluded by `kinds`."""

    def __init__(self, reading: Reading, kinds: DeniedKinds) -> None:
        self.r, self.table, self.kinds = reading, reading.table, kinds

    def ahead(self, i: int) -> int:
        """Tokens of a possession whose verb begins at `i`: 'we have curtains and a mirror'; 0 if there is none."""
        r = self.r
        hit = self.table.owned.at(r.words, i)
        if hit is None:
            return 0
        is_sure = self._is_sure(i, i + hit[0])
        if r.code == "de" and hit[0] == 1 and r.words[i] in self.table.already and not self._has_last(i + 1):
            return 0  # "Die schon Vasen haben"; "schon ab 20 Euro" speaks of no possession.
        is_enough = self.table.enough.isdisjoint(r.words[i : i + hit[0]])
        items = self._items(i + hit[0], may_be_unknown=is_sure and is_enough)
        if not items or not (is_sure or (self._has_subject(i) and self._is_closed(items[-1].end))):
            return 0
        return self._take(items, i, self._past_there(items[-1].end))

    def behind(self, match: Match) -> int:
        """Tokens of a possession whose first product is `match` and whose verb follows: 'Bett und Sofa haben wir'."""
        r, items = self.r, self._items(match.start)
        if not items or items[-1].end >= len(r.words):
            return 0
        last, before = items[-1].end, r.words[match.start - 1] if match.start else ""
        if before in self.table.determiners - self.table.definite and "," in r.words[match.start : last]:
            return 0  # "A table, bed and sofa we already have": the table is wished.
        hit = self.table.owned_after.at(r.words, last)
        if hit is None:
            return 0
        end = self._past_there(last + hit[0])
        is_end = self.is_end(end)
        if not is_end and (self.table.owned.at(r.words, last) is not None or not self._is_sure(last, last + hit[0])):
            return 0  # In "a table we already have chairs" what is owned follows.
        if not (len(items) == 1 and self._is_sure(last, end)) and not self.is_begun_here(match.start):
            return 0
        return self._take(items, match.start, end)

    def beside(self, i: int) -> int:
        """Tokens of 'goes with my grey sofa', 'passt zu einem Tisch': something is there that is not excluded."""
        r = self.r
        hit = self.table.goes_with.at(r.words, i)
        if hit and (items := self._items(i + hit[0])):
            self.r.owned += [item.entry for item in items[:1] if item.entry is not None]
            return self._beside(i, items[0].end)
        if hit and (end := self._named_before(i + hit[0])):
            return self._beside(i, end)
        return self._goes_last(i) if r.code == "de" and r.words[i] in _TO_A else 0

    def _named_before(self, i: int) -> int:
        """Where a clause ends at `i` or behind a pronoun: 'I have a desk, what goes with it?'; 0 if it goes on."""
        if i < len(self.r.words) and self.r.words[i] in self.table.named_before:
            i += 1
        return i if self.is_end(i) else 0

    def _goes_last(self, i: int) -> int:
        """'Die zum Eichentisch passen': in a German clause of its own the verb is the last word."""
        r = self.r
        end = next((k for k in range(i + 2, min(i + 5, len(r.words))) if r.words[k] in _GOES), 0)
        is_one = end and not any(r.is_separator(k) for k in range(i + 1, end))
        return self._beside(i, end + 1) if is_one else 0

    def _beside(self, i: int, end: int) -> int:
        r = self.r
        r.is_left_open = True
        if behind := self.table.owned_after.at(r.words, end) if end < len(r.words) else None:
            end += behind[0]  # "The sofa I have"
        r.state[i:end] = ["said" if state in ("", "title", "size") else state for state in r.state[i:end]]
        r.titles = [title for title in r.titles if title[1] <= i or title[0] >= end]
        return end - i

    def is_begun_here(self, i: int) -> bool:
        """True if a clause begins here, articles and 'we have' left aside."""
        r = self.r
        while i and not r.is_separator(i - 1) and not r.state[i - 1]:
            word = r.words[i - 1]
            if word in self.table.have:
                return True
            if word not in self.table.no_articles and word != "auf":
                return False
            i -= 1
        return True

    def is_end(self, i: int) -> bool:
        """True where a clause ends before token `i`."""
        return i >= len(self.r.words) or self.r.is_separator(i) or self.r.ends_sentence(i)

    def _has_last(self, i: int) -> bool:
        """True if the possessions that begin at `i` are followed by the verb, as in a German clause of its own."""
        items = self._items(i)
        end = items[-1].end if items else len(self.r.words)
        return end < len(self.r.words) and self.r.words[end] in self.table.have | {"hat", "besitzt"}

    def _is_sure(self, start: int, end: int) -> bool:
        return any(word in self.table.already for word in self.r.words[start:end])

    def _has_subject(self, i: int) -> bool:
        """A clause begins here, or has only its subject before: 'my brother has'. Questions are put to the shop."""
        r, start = self.r, i
        while start and not r.is_separator(start - 1) and not r.state[start - 1] and not r.ends_sentence(start - 1):
            start -= 1
        before = r.words[start:i]
        is_subject = bool(before) and before[0] in self.table.possessive | self.table.definite
        if len(before) > MAX_SUBJECT or not (is_subject or all(w in self.table.openers for w in before)):
            return False
        end = i
        while end < len(r.words) and not self.is_end(end):
            end += 1
        return end >= len(r.words) or r.words[end] != "?"

    def _is_closed(self, end: int) -> bool:
        """True if what follows the products is no part of their name, nor what is to be done with them."""
        r = self.r
        if self.is_end(end) or self.table.there.at(r.words, end):
            return True
        if r.words[end] in _TO_DO:
            return False
        return r.words[end] in self.table.prepositions | self.table.fillers | self.table.verbs

    def _items(self, i: int, *, may_be_unknown: bool = False) -> list[Owned]:
        """Products joined by commas and 'and', each with what describes it."""
        found: list[Owned] = []
        was_last = False
        while (item := self._item(i) or (self._unknown(i) if may_be_unknown and not found else None)) is not None:
            found.append(item)
            step, i = self._joined(item.end), item.end
            is_list = i < len(self.r.words) and self.r.words[i] == "," and step == 1
            if not step or (is_list and was_last):
                break  # "Lights and a lock, helmet is there": what follows the 'and' ends a list.
            was_last = not is_list
            i += step
        return found

    def _joined(self, i: int) -> int:
        words = self.r.words
        if i >= len(words):
            return 0
        if words[i] == ",":
            return 2 if i + 1 < len(words) and words[i + 1] in self.table.and_signs else 1
        return 1 if words[i] in self.table.and_signs or words[i] in self.table.alternatives.values else 0

    def _item(self, i: int) -> Owned | None:
        """The product that begins here behind articles, numbers and at most two describing words."""
        r, described = self.r, 0
        while i < len(r.words) and r.tokens[i].kind != "sign" and r.state[i] in ("", "title", "size"):
            if (product := self._product(i)) is not None:
                return product
            match = r.match_at[i]
            if number := number_at(r.tokens, i, self.table):
                i += number[0]
            elif r.state[i] == "size" or r.words[i] in self.table.articles:
                i += 1
            elif described < MAX_DESCRIBING and (
                (match is not None and match.entry.is_attribute() and not match.entry.product)
                or (match is not None and bool(match.entry.brand))
                or r.words[i] in self.table.praise
            ):
                described += 1
                i = match.end if match is not None else i + 1
            else:
                return None
        return None

    def _product(self, i: int) -> Owned | None:
        r, match = self.r, self.r.match_at[i]
        if match is not None:
            is_product = match.start == i and match.entry.product and not match.entry.hint
            is_thing = match.entry.is_attribute() and not (match.entry.synonym and match.entry.shares)
            if not is_product or is_thing or (r.words[i] in self.table.fillers and match.end == i + 1):
                return None
            following = r.match_at[match.end] if match.end < len(r.words) else None
            is_next = self.r.code in ("en", "de") and following is not None and following.start == match.end
            if is_next and following.entry.product and not following.entry.is_attribute():  # type: ignore[union-attr]
                return self._product(match.end)  # "a laptop bag"
            return Owned(i, match.end, match.entry)
        word = r.words[i]
        if r.code != "de" or r.tokens[i].kind != "word" or len(word) <= 5 or word in self.table.common:
            return None
        tail = r.german_tail(word)
        return Owned(i, i + 1, tail[1]) if tail is not None and tail[1].shares else None

    def _unknown(self, i: int) -> Owned | None:
        """'We already have napkins' where the shop has never heard of any."""
        r = self.r
        while i < len(r.words) and r.words[i] in self.table.articles:
            i += 1
        if i >= len(r.words) or r.tokens[i].kind != "word" or r.state[i] or r.match_at[i] is not None:
            return None
        is_grammar = r.words[i] in self.table.fillers | self.table.prepositions or r.stems[i] in self.table.occasions
        is_name = not is_grammar and (self._joined(i + 1) > 0 or self.is_end(i + 1))
        return Owned(i, i + 1, None) if is_name else None

    def _past_there(self, i: int) -> int:
        """'At home', 'already', 'schon da': words that only say again that it is there."""
        while i < len(self.r.words) and (hit := self.table.there.at(self.r.words, i)):
            i += hit[0]
        return i

    def _take(self, items: list[Owned], start: int, end: int) -> int:
        r = self.r
        for item in items:
            self.kinds.add(item.entry, item.start, item.end, owned=True)
        r.owned += [item.entry for item in items if item.entry is not None]
        # "Ya tenemos pasta y aceite de oliva": what is out is no title either.
        r.titles = [title for title in r.titles if title[1] <= start or title[0] >= end]
        r.state[start:end] = ["out" if state in ("", "title", "size") else state for state in r.state[start:end]]
        return end - start
