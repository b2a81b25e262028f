"""Whether a clause is about an occasion, a room or a set, and leaves the choice of products to the shop."""

from setwise.prompt.nouns import Mention, NounReader
from setwise.prompt.reading import Reading


class OccasionReader:
    """Finds the occasion words that clauses are about."""

    def __init__(self, reading: Reading, nouns: NounReader) -> None:
        self.r, self.table = reading, reading.table
        self.nouns = nouns
        self.head_is_last = nouns.head_is_last

    def last(self, start: int, end: int, mentions: list[Mention], is_tail: bool = False) -> int | None:
        """The occasion word that the clause is about; one that only describes the product behind it is none."""
        r = self.r
        covered = {k for m in mentions for k in range(m.start, m.end)}
        for i in range(end - 1, start - 1, -1):
            if i in covered or r.state[i] or r.tokens[i].kind != "word":
                continue
            is_word = (
                r.stems[i] in self.table.occasions
                or self.ends_strong(i)
                or (r.code == "de" and self._german_occasion(r.words[i]))
            )
            match = r.match_at[i]
            is_name = match is not None and (
                (match.entry.product and bool(match.entry.shares))
                or (match.end - match.start > 1 and not match.entry.hint and not match.entry.thing)
            )
            if not is_word or is_name or (self.head_is_last and self._product_behind(i, mentions)):
                continue
            if (
                is_tail
                or (r.stems[i] in self.table.vague and not mentions)
                or self._is_room(i)
                or self._is_about(i, start, end, covered)
            ):
                return i
            return None
        return None

    def _is_room(self, i: int) -> bool:
        """'Make my bedroom cosy', 'the living room': what the shopper has is to be furnished."""
        words = self.r.words[max(0, i - 2) : i]
        return any(word in self.table.possessive or word in self.table.definite for word in words)

    def _is_about(self, i: int, start: int, end: int, covered: set[int]) -> bool:
        """'Birthday cake toppers' are no birthday: in English and German the last word says what it is."""
        rest = range(i + 1, end) if self.head_is_last else range(start, i)
        return all(
            k in covered or self.r.state[k] or not self.nouns.is_plain(k) or self.r.stems[k] in self.table.occasions
            for k in rest
        )

    def ends_strong(self, i: int) -> bool:
        return i > 0 and f"{self.r.words[i - 1]} {self.r.words[i]}" in self.table.strong.values

    def _german_occasion(self, word: str) -> bool:
        tails = self.table.occasion_tails
        return word.endswith(tails) and any(len(word) > len(tail) + 2 and word.endswith(tail) for tail in tails)

    def _product_behind(self, i: int, mentions: list[Mention]) -> bool:
        """'Christmas jumper': nothing but describing words stand between."""
        following = next((m for m in mentions if m.start > i), None)
        if following is None:
            return False
        between = range(i + 1, following.start)
        return all(
            self.r.tokens[k].kind == "word"
            and self.r.words[k] not in self.table.determiners
            and self.r.state[k] in ("", "size")
            for k in between
        )

    def is_modifier(self, mention: Mention, occasion_at: int) -> bool:
        """'Coffee gift set' is a gift: the product stands before what the clause is about."""
        if self.head_is_last:
            gap = range(mention.end, occasion_at)
            is_head = self.r.stems[occasion_at] in self.table.occasion_heads or self.r.code == "de"
            return (
                is_head
                and occasion_at >= mention.end
                and all(self.r.words[k] not in self.table.determiners and not self.r.state[k] for k in gap)
            )
        return occasion_at < mention.start and self.r.stems[occasion_at] in self.table.occasion_heads

    def only_describes(self, mention: Mention, occasion_at: int) -> bool:
        """'Smart tv with stereo sound', 't-shirt classic fit', 'robe de soirée': a word behind the product that is no
        set and, in French and Spanish, hangs on it by 'de'."""
        is_head = self.r.stems[occasion_at] in self.table.occasion_heads
        gap = self.r.words[mention.end : occasion_at]
        is_same = not any(word in self.table.determiners or not word.isalnum() for word in gap)
        if self.r.code in ("fr", "es"):
            return gap in (["de"], ["d'"])
        return self.r.code == "en" and occasion_at >= mention.end and not is_head and is_same

    def is_activity(self, start: int, end: int) -> bool:
        """'Protecting a tablet' names what it is for, not what is wished."""
        return start == 0 and end > 1 and self.r.words[0] in self.table.activities and not self.r.titles

    def varies(self, start: int, end: int) -> bool:
        """'Different styles of socks' leaves the choice to the shop."""
        return any(not self.r.state[i] and self.table.vary.at(self.r.words, i, end) for i in range(start, end))
