"""Whether a clause says more about the product before it, or names another one."""

import msgspec

from setwise.prompt.clauses import Chunk, ClauseReader
from setwise.prompt.lexicon import EXACT, Entry
from setwise.prompt.nouns import Mention, NounReader
from setwise.prompt.quantities import QuantityReader
from setwise.prompt.reading import Reading

_SENTENCE_ENDS = frozenset([".", "!", "?", ";"])


class Draft(msgspec.Struct):
    """A slot while its words are gathered; `head` is the stem of what it is."""

    name: str
    head: str
    entry: Entry | None
    start: int
    end: int
    quantity: int = 1
    has_quantity: bool = False
    wishes: list[str] = []
    words: list[str] = []


class ContinuationReader:
    """Knows what clauses that only go on look like."""

    def __init__(self, reading: Reading, clauses: ClauseReader, nouns: NounReader, quantities: QuantityReader) -> None:
        self.r, self.table = reading, reading.table
        self.clauses, self.nouns, self.quantities = clauses, nouns, quantities
        self.open_tail = 0
        """The sentence whose last product is followed by 'with' or 'that'; 0 if none is."""

    def goes_on(self, slots: list[Draft], chunk: Chunk, start: int, mentions: list[Mention], end: int) -> bool:
        """True if the clause, although it mentions products, describes the last slot."""
        return (
            self.r.words[chunk.end - 1] in ("one", "ones")  # "cookies, chocolate chip ones"
            or self._says_again(slots[-1], chunk, mentions)
            or self._only_says_more(slots[0], chunk, start)
            or self._describes(chunk, mentions[-1], end)
        )

    def _says_again(self, last: Draft, chunk: Chunk, mentions: list[Mention]) -> bool:
        """'Beer, six pack, pale ale': behind a comma, a narrower word for what the slot before holds."""
        if (
            chunk.is_title
            or chunk.start == 0
            or self.r.words[chunk.start - 1] in self.table.and_signs
            or len(mentions) > 1
        ):
            return False
        entry = mentions[0].entry
        if (
            last.entry is None
            or entry.synonym
            or EXACT in entry.shares.values()
            or self.quantities.quantity(chunk.start, mentions[0], chunk.end)[1]
        ):
            return False
        shares = last.entry.shares
        top = max(shares, key=lambda leaf: shares[leaf], default="")
        return top in entry.shares and shares[top] >= 1.0

    def _only_says_more(self, first: Draft, chunk: Chunk, start: int) -> bool:
        """A later sentence, 'the camera should ...', 'with a and b': it goes on about the product before it."""
        r = self.r
        if chunk.is_title or chunk.start == 0:
            return False
        lead = r.words[chunk.start : start + 1]
        begins_anew = any(
            w in self.table.determiners and w not in self.table.definite for w in lead
        ) or self.quantities.starts_with_number(start, chunk.end)
        if begins_anew or any(w in self.table.also for w in lead) or self.table.requests.at(r.words, chunk.start):
            return False
        is_later = any(r.words[i] in _SENTENCE_ENDS for i in range(first.start, chunk.start))
        if r.words[chunk.start] in self.table.verbs or r.words[chunk.start] in self.table.relative:
            return True
        is_about_it = any(w in self.table.definite for w in lead) and any(
            r.words[i] in self.table.verbs for i in range(start, chunk.end)
        )
        return (
            (is_later and self.clauses.is_request)
            or is_about_it
            or (self.open_tail > 0 and self.open_tail == self.clauses.sentence(chunk.start))
        )

    def is_about_the_same(self, chunk: Chunk, start: int, has_product: bool) -> bool:
        """'I need a toothpaste ...; make sure it has natural ingredients': the occasion's word only describes."""
        lead = self.r.words[chunk.start : start + 1]
        is_new = any(w in self.table.determiners or w in self.table.also for w in lead)
        return self.clauses.is_request and has_product and not is_new

    def _describes(self, chunk: Chunk, last: Mention, end: int) -> bool:
        """'..., honey consistency', 'plant-based': in English something unknown that a product only describes."""
        if not self.nouns.head_is_last or chunk.is_title or not self.clauses.is_request:
            return False
        return last.end < end and self.nouns.is_plain(last.end)
