"""How many of what is named: 'two', 'a pair of', 'x4', 'half a dozen', 'for six people'."""

import re
from decimal import Decimal

from setwise.prompt.clauses import ClauseReader
from setwise.prompt.nouns import Mention, NounReader
from setwise.prompt.numerals import number_at
from setwise.prompt.reading import Reading

MAX_QUANTITY = 99
_TIMES = re.compile(r"x(\d{1,2})")


class QuantityReader:
    """Reads quantities beside names; `people` is how many are to be served or seated, 0 if nobody said."""

    def __init__(self, reading: Reading, clauses: ClauseReader, nouns: NounReader) -> None:
        self.r, self.table = reading, reading.table
        self.clauses, self.nouns = clauses, nouns
        self.people = 0

    def take_people(self) -> None:
        """'For six people', 'we are six', 'zu sechst': how many chairs and plates; nothing else counts it."""
        r = self.r
        for i in range(len(r.words)):
            if r.words[i] not in self.table.begins_people or r.state[i]:
                continue
            if party := self.table.party.at(r.words, i):
                self.people = party[1]
                r.take(i, i + party[0], "people")
                continue
            we_are = self.table.we_are.at(r.words, i)
            led = we_are or self.table.for_people.at(r.words, i)
            if led is None or i + led[0] >= len(r.words):
                continue
            at = i + led[0]
            number = number_at(r.tokens, at, self.table)
            if number is None or any(r.state[at : at + number[0]]):
                continue
            end = at + number[0]
            if end < len(r.words) and (hit := self.table.people.at(r.words, end)):
                end += hit[0]
            elif end < len(r.words) and not (we_are or r.is_separator(end)):
                continue
            if 1 <= number[1] <= MAX_QUANTITY:
                self.people = int(number[1])
                r.state[i:end] = ["people"] * (end - i)

    def quantity(self, lo: int, mention: Mention, end: int) -> tuple[int, bool]:
        r = self.r
        pair_sold = r.stems[mention.end - 1 if self.nouns.head_is_last else mention.start] in self.table.sold_as_pair
        i = lo
        while i < mention.start:
            if hit := self.table.dozens.at(r.words, i):
                times = number_at(r.tokens, i - 1, self.table) if i > lo and not r.state[i - 1] else None
                is_whole = times is not None and times[0] == 1 and times[1] == times[1].to_integral_value()
                return (_bounded(times[1] * hit[1]) if times and is_whole else hit[1]), True  # "2 dozen eggs"
            if self.table.pairs.at(r.words, i) and not r.state[i]:
                before = number_at(r.tokens, i - 1, self.table) if i > lo else None
                if before is not None:
                    return _bounded(before[1]), True
                return (1 if pair_sold else 2), True
            match = r.match_at[i]
            is_brand = match is not None and bool(match.entry.brand)
            number = number_at(r.tokens, i, self.table) if not r.state[i] and not is_brand else None
            after = i + number[0] if number else mention.start
            is_of_dozens = after < mention.start and self.table.dozens.at(r.words, after) is not None
            is_count = number is not None and not is_of_dozens and not self._is_model(lo, i)
            if number is not None and is_count and (count := self._count(i, number)) is not None:
                return count, True
            i += number[0] if number else 1
        return self.times(mention.end, end)

    def times(self, start: int, end: int) -> tuple[int, bool]:
        """'x4', 'x 4', '2 jars' behind the name."""
        r = self.r
        sized = {at for at, _ in r.sizes}
        for k in range(start, end):
            if r.state[k] not in ("", "title") or k in sized:
                continue
            if times := _TIMES.fullmatch(r.words[k]):
                return _bounded(Decimal(times[1])), True
            if (
                r.words[k] in ("x", "×")
                and k + 1 < len(r.words)
                and r.tokens[k + 1].kind == "number"
                and r.state[k + 1] in ("", "title")
            ):
                return _bounded(Decimal(r.words[k + 1])), True
            number = number_at(r.tokens, k, self.table)
            if number is not None and k + number[0] < end and r.words[k + number[0]] in self.table.containers:
                return _bounded(number[1]), True
        return 1, False

    def _is_model(self, lo: int, i: int) -> bool:
        """'iphone 15 case': a number behind a word that names something is a part of the name."""
        return any(self.nouns.is_plain(k) and not self.r.state[k] for k in range(lo, i))

    def _count(self, i: int, number: tuple[int, Decimal, bool]) -> int | None:
        """A whole number up to 99 that does not belong to a name; articles count as one."""
        used, value, in_words = number
        if value != value.to_integral_value() or not 1 <= value <= MAX_QUANTITY:
            return None
        after = self.r.words[i + used] if i + used < len(self.r.words) else ""
        if after in self.table.counted_in_a_name or after in ("%", '"', "″", "+", "/"):
            return None
        if in_words and value == 1:
            return None
        if used == 1 and i and self.r.tokens[i].glued and self.r.tokens[i - 1].kind == "word":
            return None
        return int(value)

    def starts_with_number(self, start: int, end: int) -> bool:
        number = number_at(self.r.tokens, start, self.table) if start < end and not self.r.state[start] else None
        return number is not None and number[1] > 1


def _bounded(value: Decimal) -> int:
    return int(min(max(value, Decimal(1)), Decimal(MAX_QUANTITY)))
