"""Which products the shopper names, how many of each, and whether the choice is left to the shop."""

import re
from decimal import Decimal

import msgspec

from setwise.prompt.attributes import AttributeReader
from setwise.prompt.categories import best_categories
from setwise.prompt.lexicon import Entry
from setwise.prompt.numerals import number_at
from setwise.prompt.reading import Match, Reading
from setwise.prompt.understanding import MAX_NAME, SlotWish

MAX_SLOTS = 7
MAX_QUANTITY = 99
_TIMES = re.compile(r"x(\d{1,2})")
_VERBS = frozenset(
    [
        "is",
        "are",
        "was",
        "be",
        "can",
        "should",
        "must",
        "will",
        "would",
        "could",
        "has",
        "have",
        "ist",
        "sind",
        "est",
        "sont",
        "es",
        "son",
        "a",
        "ont",
    ]
)
_TOGETHER = frozenset(["with", "around", "mit", "avec", "con", "including", "includes", "incl", "w/"])
_FOR = frozenset(
    ["for", "für", "fürs", "pour", "para", "in", "im", "en", "dans", "about", "über", "because", "like", "at", "on"]
)
_POSSESSIVE = frozenset(
    ["my", "our", "his", "her", "their", "mein", "meine", "meinen", "meinem", "mon", "ma", "mes", "mi", "mis"]
)
_THE = frozenset(["the", "der", "die", "das", "den", "le", "la", "les", "l'", "el", "los", "las"])
_ALSO = frozenset(["also", "plus", "auch", "aussi", "también", "además", "otherwise", "sinon", "sonst"])
_OPEN = frozenset(
    ["with", "that", "which", "has", "have", "featuring", "features", "made", "mit", "avec", "con", "que", "qui"]
)
_AND_SIGNS = frozenset(["and", "und", "et", "y", "plus", "+", "&", "e"])
_ALTERNATIVE = frozenset(["or", "oder", "ou", "o", "u"])


class _Mention(msgspec.Struct):
    """A product named at `start` to `end`."""

    start: int
    end: int
    entry: Entry
    stem: str = ""


class _Slot(msgspec.Struct):
    """A slot while its words are gathered."""

    name: str
    head: str
    entry: Entry | None
    start: int
    end: int
    quantity: int = 1
    wishes: list[str] = []
    words: list[str] = []
    has_quantity: bool = False


class _Chunk(msgspec.Struct):
    start: int
    end: int
    is_title: bool = False
    is_alternative: bool = False


class SlotReader:
    """Goes through the clauses of a prompt whose money, sizes and exclusions are marked already."""

    def __init__(self, reading: Reading, attributes: AttributeReader) -> None:
        self.r, self.table = reading, reading.table
        self.attributes = attributes
        self.slots: list[_Slot] = []
        self.is_occasion = False
        self.is_vague = False
        self.tail_occasion = False
        self.people = 0
        self.is_request = False
        self.open_tail = 0
        self.pending: _Chunk | None = None
        self.fallback: list[tuple[bool, _Chunk, int, int, list[_Mention]]] = []
        self.unknown: list[_Chunk] = []
        self.head_is_last = reading.code in ("en", "de")

    def read(self) -> tuple[list[SlotWish], bool]:
        """The named products, and whether anything is left to the shop."""
        self._take_people()
        for chunk in self._chunks():
            self._read(chunk)
        if self.pending is not None and not self.slots and not self.is_occasion and not self.fallback:
            start = self._skip_lead(self.pending)
            self._describe_pending(start, self._regions(start, self.pending.end)[0])
        if not self.slots and not (self.is_occasion or self.is_vague or self.tail_occasion):
            for _, chunk, start, end, mentions in sorted(self.fallback, key=lambda found: found[0])[:1]:
                self._add(chunk, start, mentions[-1] if self.head_is_last else mentions[0], start, end)
            if not self.slots:
                self._name_the_unknown()
        is_occasion = self.is_occasion or (not self.slots and (self.is_vague or self.tail_occasion))
        return self._wishes(), is_occasion

    def _chunks(self) -> list[_Chunk]:
        chunks: list[_Chunk] = []
        titles = dict(self.r.titles)
        start, i, alternative = 0, 0, False
        n = len(self.r.words)

        def close(end: int) -> None:
            if end > start:
                chunks.append(_Chunk(start, end, False, alternative))

        while i < n:
            if i in titles:
                close(i)
                chunks.append(_Chunk(i, titles[i], True, False))
                i = start = titles[i]
                alternative = False
            elif self._is_boundary(i):
                close(i)
                alternative = self.r.words[i] in _ALTERNATIVE and self.r.state[i] == ""
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
        return r.is_separator(i) or (r.words[i] in _ALTERNATIVE and r.words[i] in self.table.alternatives.values)

    def _take_people(self) -> None:
        """'For six people' says how many chairs and plates; it is marked so that nothing else counts it."""
        r = self.r
        for i, word in enumerate(r.words):
            if word not in self.table.for_people or i + 1 >= len(r.words) or r.state[i]:
                continue
            number = number_at(r.tokens, i + 1, self.table)
            if number is None or any(r.state[i + 1 : i + 1 + number[0]]):
                continue
            end = i + 1 + number[0]
            if end < len(r.words) and (hit := self.table.people.at(r.words, end)):
                end += hit[0]
            elif end < len(r.words) and not r.is_separator(end):
                continue
            if 1 <= number[1] <= MAX_QUANTITY:
                self.people = int(number[1])
                r.state[i:end] = ["people"] * (end - i)

    def _read(self, chunk: _Chunk) -> None:
        start = self._skip_lead(chunk)
        if self._is_only_quantity(start, chunk.end):
            return
        head_end, tails = self._regions(start, chunk.end)
        if chunk.is_title:
            head_end, tails = chunk.end, []
        mentions = self._mentions(start, head_end)
        if self._is_activity(start, head_end):
            self.is_occasion = True
            return
        goes_on = (
            self.slots
            and (
                self._says_again(chunk, mentions)
                or self._only_says_more(chunk, start)
                or self._describes(chunk, mentions[-1], head_end)
            )
            if mentions
            else False
        )
        if goes_on:
            self._describe(self.slots[-1], chunk)
            return
        if self._varies(start, chunk.end):
            self.is_occasion = True
        occasion_at = None if chunk.is_title else self._last_occasion(start, head_end, mentions)
        if mentions and (occasion_at is None or not self._is_modifier(mentions[-1], occasion_at)):
            if occasion_at is not None:
                self._found_occasion(occasion_at)
            if chunk.is_alternative and self.slots and not self._starts_with_number(start, chunk.end):
                self._describe(self.slots[-1], chunk)
                return
            self._add_groups(chunk, start, mentions)
        elif occasion_at is not None and self._goes_on_about(chunk, start):
            if self.slots:
                self._describe(self.slots[-1], chunk)
        elif occasion_at is not None:
            self._found_occasion(occasion_at)
        elif chunk.is_title:
            self._add(chunk, start, None, start, chunk.end)
        self._read_tails(chunk, tails, bool(mentions), occasion_at is not None)
        if not mentions and occasion_at is None and not chunk.is_title:
            self._describe_or_keep(chunk, start, head_end)

    def _says_again(self, chunk: _Chunk, mentions: list[_Mention]) -> bool:
        """'Beer, six pack, pale ale': behind a comma, a narrower word for what the slot before holds."""
        if (
            not self.slots
            or chunk.is_title
            or chunk.start == 0
            or self.r.words[chunk.start - 1] in _AND_SIGNS
            or len(mentions) > 1
        ):
            return False
        last, entry = self.slots[-1], mentions[0].entry
        if (
            last.entry is None
            or entry.synonym
            or 1.5 in entry.shares.values()
            or self._quantity(chunk.start, mentions[0], chunk.end)[1]
        ):
            return False
        top = max(last.entry.shares, key=lambda leaf: last.entry.shares[leaf], default="") if last.entry else ""
        return bool(top) and top in entry.shares and max(last.entry.shares.values()) >= 1.0

    def _is_activity(self, start: int, end: int) -> bool:
        """'Protecting a tablet' names what it is for, not what is wished."""
        return start == 0 and end > 1 and self.r.words[0] in self.table.activities and not self.r.titles

    def _varies(self, start: int, end: int) -> bool:
        """'Different styles of socks' leaves the choice to the shop."""
        return any(not self.r.state[i] and self.table.vary.at(self.r.words, i, end) for i in range(start, end))

    def _only_says_more(self, chunk: _Chunk, start: int) -> bool:
        """A clause that goes on about the product before it: a later sentence, 'the camera should ...', 'with a and b'."""
        r = self.r
        if chunk.is_title or chunk.start == 0:
            return False
        lead = r.words[chunk.start : start + 1]
        begins_anew = any(w in self.table.determiners and w not in _THE for w in lead) or self._starts_with_number(
            start, chunk.end
        )
        if begins_anew or any(w in _ALSO for w in lead) or self.table.requests.at(r.words, chunk.start):
            return False
        is_later = any(r.words[i] in (".", "!", "?", ";") for i in range(self.slots[0].start, chunk.start))
        if r.words[chunk.start] in _VERBS or r.words[chunk.start] in _OPEN:
            return True
        is_about_it = any(w in _THE for w in lead) and any(r.words[i] in _VERBS for i in range(start, chunk.end))
        return (
            (is_later and self.is_request)
            or is_about_it
            or (self.open_tail and self.open_tail == self._sentence(chunk.start))
        )

    def _goes_on_about(self, chunk: _Chunk, start: int) -> bool:
        """'I need a toothpaste ...; make sure it has natural ingredients': the occasion's word only describes."""
        lead = self.r.words[chunk.start : start + 1]
        is_new = any(w in self.table.determiners or w in _ALSO for w in lead)
        return self.is_request and (bool(self.slots) or self.pending is not None) and not is_new

    def _describes(self, chunk: _Chunk, last: _Mention, end: int) -> bool:
        """'..., honey consistency', 'plant-based': in English something unknown that a product only describes."""
        if not self.head_is_last or chunk.is_title or not self.is_request:
            return False
        return last.end < end and self._is_plain(last.end)

    def _sentence(self, i: int) -> int:
        """1 for the first sentence, and so on."""
        return 1 + sum(word in (".", "!", "?", ";") for word in self.r.words[:i])

    def _skip_lead(self, chunk: _Chunk) -> int:
        """Past 'I am looking for' and other words that begin a wish and name nothing."""
        r, i = self.r, chunk.start
        if chunk.is_title:
            return i
        while i < chunk.end:
            if hit := self.table.requests.at(r.words, i, chunk.end):
                self.is_request = True
                i += hit[0]
            elif (
                (r.words[i] in self.table.fillers or r.words[i] in _VERBS)
                and not self._is_meant(i)
                and not self._pair_at(i)
                and r.words[i] not in _FOR
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

    def _is_meant(self, i: int) -> bool:
        match = self.r.match_at[i]
        return self.r.stems[i] in self.table.occasions or (match is not None and match.start == i)

    def _pair_at(self, i: int) -> bool:
        return self.table.pairs.at(self.r.words, i) is not None or self.table.dozens.at(self.r.words, i) is not None

    def _regions(self, start: int, end: int) -> tuple[int, list[tuple[int, int]]]:
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
                and (has_content or word not in _VERBS)
            ):
                if not self._is_link(i):
                    cuts.append(i)
            elif r.tokens[i].kind == "word" and word not in self.table.fillers:
                has_content = True
        ends = [*cuts[1:], end] if cuts else []
        return (cuts[0] if cuts else end), list(zip(cuts, ends, strict=True))

    def _is_link(self, i: int) -> bool:
        """'De' in 'vinagre de jerez' and 'of' in 'a jar of honey' belong to the name."""
        word = self.r.words[i]
        if word not in ("de", "d'", "of", "à", "en", "del", "des", "du"):
            return False
        if i and (self.r.words[i - 1] in self.table.containers or self.r.state[i - 1] == "size"):
            return True
        following = self.r.match_at[i + 1] if i + 1 < len(self.r.words) else None
        is_wish = following is not None and (following.entry.is_attribute() or following.entry.product)
        return word in ("de", "d'", "du") and i > 0 and not is_wish and self.r.code in ("fr", "es")

    def _mentions(self, start: int, end: int) -> list[_Mention]:
        found: list[_Mention] = []
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
                    found.append(_Mention(match.start, match.end, match.entry))
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
        if any(word in _POSSESSIVE for word in self.r.words[max(0, match.start - 2) : match.start]):
            return False
        if match.end - match.start == 1 and self._is_measure(match) and not entry.synonym:
            return False
        if self._is_container(match) or (not entry.shares and self.r.stems[match.end - 1] in self.table.occasions):
            return False
        if self.r.words[match.start] in self.table.fillers and match.end - match.start == 1:
            return False
        word = self.r.words[match.start : match.end]
        if len(word) == 1 and (self.table.genders.at(word, 0) or self.table.ages.at(word, 0)):
            return False
        if entry.is_attribute() or entry.brand:
            # "Glass" is a glass only where no other product follows and nothing is made of it.
            later = any(
                m.entry.product and not m.entry.hint and not m.entry.is_attribute()
                for m in self._matches(start, end)
                if m is not match
            )
            return not later and (1.5 in entry.shares.values() or bool(entry.synonym))
        return True

    def _is_measure(self, match: Match) -> bool:
        return (
            self.r.words[match.start] in self.table.not_money and self.r.words[match.start] not in self.table.containers
        )

    def _is_container(self, match: Match) -> bool:
        """'Pots de confiture', 'Flaschen Rotwein': what something else comes in."""
        r, end = self.r, match.end
        if match.end - match.start > 1 or r.words[match.start] not in self.table.containers or end >= len(r.words):
            return False
        if r.words[end] in ("of", "de", "d'"):
            return True
        following = r.match_at[end]
        return r.code == "de" and following is not None and following.start == end and following.entry.product

    def _matches(self, start: int, end: int) -> list[Match]:
        return [m for m in (self.r.match_at[i] for i in range(start, end)) if m is not None]

    def _compound(self, i: int) -> _Mention | None:
        """'Ledersofa': a German word of a colour, material or style and a product."""
        if not self._may_be_compound(i) or (parts := self.r.compound(self.r.words[i])) is None:
            return None
        self.attributes.add(parts[0], i)
        return _Mention(i, i + 1, parts[1], stem=parts[2])

    def _tail(self, i: int) -> _Mention | None:
        """'Gartenlampe': a German word whose end is a product."""
        if not self._may_be_compound(i) or (tail := self.r.german_tail(self.r.words[i])) is None:
            return None
        return _Mention(i, i + 1, tail[1])

    def _may_be_compound(self, i: int) -> bool:
        r = self.r
        is_word = r.code == "de" and r.state[i] in ("", "title") and r.tokens[i].kind == "word" and len(r.words[i]) >= 6
        return is_word and r.stems[i] not in self.table.occasions and r.words[i] not in self.table.common

    def _last_occasion(self, start: int, end: int, mentions: list[_Mention], is_tail: bool = False) -> int | None:
        """The occasion word that the clause is about; one that only describes the product behind it is none."""
        r = self.r
        covered = {k for m in mentions for k in range(m.start, m.end)}
        for i in range(end - 1, start - 1, -1):
            if i in covered or r.state[i] or r.tokens[i].kind != "word":
                continue
            is_word = (
                r.stems[i] in self.table.occasions
                or self._ends_strong(i)
                or (r.code == "de" and self._german_occasion(r.words[i]))
            )
            match = r.match_at[i]
            is_name = match is not None and (
                (match.entry.product and bool(match.entry.shares)) or match.end - match.start > 1
            )
            if not is_word or is_name or (self.head_is_last and self._product_behind(i, mentions)):
                continue
            if is_tail or self._is_room(i) or self._is_about(i, start, end, covered):
                return i
            return None
        return None

    def _is_room(self, i: int) -> bool:
        """'Make my bedroom cosy', 'the living room': what the shopper has is to be furnished."""
        words = self.r.words[max(0, i - 2) : i]
        return any(word in _POSSESSIVE or word in _THE for word in words)

    def _is_about(self, i: int, start: int, end: int, covered: set[int]) -> bool:
        """'Birthday cake toppers' are no birthday: in English and German the last word says what it is, else the first."""
        rest = range(i + 1, end) if self.head_is_last else range(start, i)
        return all(
            k in covered or self.r.state[k] or not self._is_plain(k) or self.r.stems[k] in self.table.occasions
            for k in rest
        )

    def _ends_strong(self, i: int) -> bool:
        return i > 0 and f"{self.r.words[i - 1]} {self.r.words[i]}" in self.table.strong.values

    def _german_occasion(self, word: str) -> bool:
        heads = (
            "geschenk",
            "geschenke",
            "set",
            "tour",
            "abend",
            "feier",
            "zimmer",
            "ecke",
            "ausrüstung",
            "kleidung",
            "korb",
            "party",
        )
        return len(word) > 7 and any(word.endswith(head) for head in heads)

    def _product_behind(self, i: int, mentions: list[_Mention]) -> bool:
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

    def _is_modifier(self, mention: _Mention, occasion_at: int) -> bool:
        """'Coffee gift set' is a gift: the product stands before what the clause is about."""
        if self.head_is_last:
            gap = range(mention.end, occasion_at)
            return occasion_at >= mention.end and all(
                self.r.words[k] not in self.table.determiners and not self.r.state[k] for k in gap
            )
        return occasion_at < mention.start and self.r.stems[occasion_at] in self.table.occasion_heads

    def _found_occasion(self, i: int) -> None:
        if self.table.strong.at(self.r.words, i) or self._ends_strong(i):
            self.is_occasion = True
        elif self.r.stems[i] in self.table.vague:
            self.is_vague = True
        else:
            self.is_occasion = True

    def _add_groups(self, chunk: _Chunk, start: int, mentions: list[_Mention]) -> None:
        """One slot for each noun phrase: 'laptop bag' is one, 'a sofa a lamp' are two."""
        groups: list[list[_Mention]] = []
        for mention in mentions:
            if groups and not chunk.is_title and not self._parts(groups[-1][-1], mention, mentions):
                groups[-1].append(mention)
            elif groups and chunk.is_title:
                groups[-1].append(mention)
            else:
                groups.append([mention])
        for number, group in enumerate(groups):
            head = group[-1] if self.head_is_last else group[0]
            lo = start if number == 0 else groups[number - 1][-1].end
            hi = groups[number + 1][0].start if number + 1 < len(groups) else chunk.end
            self._add(chunk, lo, head, lo, hi)

    def _parts(self, left: _Mention, right: _Mention, mentions: list[_Mention]) -> bool:
        words = self.r.words[left.end : right.start]
        if any(w in self.table.determiners or (w.isdigit() and n) for n, w in enumerate(words)):
            return True
        if self.head_is_last:
            return False
        exact = 1.5 in left.entry.shares.values() and 1.5 in right.entry.shares.values()
        return not words and (len(mentions) > 2 or exact)

    def _add(self, chunk: _Chunk, lo: int, mention: _Mention | None, begin: int, end: int) -> None:
        if mention is None:
            name, head = self.r.original(lo, end), ""
            quantity, has_quantity = 1, False
            slot = _Slot(name[:MAX_NAME].strip(), head, None, begin, end, quantity, [], [], has_quantity)
        else:
            first, last = self._name_span(chunk, lo, mention, end)
            name = self._name(first, last, mention)
            quantity, has_quantity = (1, False) if chunk.is_title else self._quantity(lo, mention, end)
            if chunk.is_title:
                quantity, has_quantity = self._times(mention.end, end)
            slot = _Slot(
                name[:MAX_NAME].strip(),
                self.r.stems[mention.end - 1 if self.head_is_last else mention.start],
                mention.entry,
                begin,
                end,
                quantity,
                [],
                [],
                has_quantity,
            )
        self._describe_range(slot, begin, end, is_title=chunk.is_title)
        if slot.name:
            self._put(slot)

    def _put(self, slot: _Slot) -> None:
        same = next((s for s in self.slots if s.name == slot.name), None)
        if same is not None and not any(start == slot.start for start, _ in self.r.titles):
            same.quantity = (
                min(MAX_QUANTITY, same.quantity + slot.quantity) if self._counts_again(same, slot) else same.quantity
            )
            same.wishes += [w for w in slot.wishes if w not in same.wishes]
        elif len(self.slots) < MAX_SLOTS:
            self.slots.append(slot)
            if self.pending is not None:
                pending, self.pending = self.pending, None
                self._describe(slot, pending)

    def _counts_again(self, same: _Slot, slot: _Slot) -> bool:
        """'Socks for him, socks for her' are two; 'chips chips chips' are chips."""
        return slot.start > same.end and not any(
            w in ("?", ".", "!", ":", ";") for w in self.r.words[same.end : slot.start]
        )

    def _name_span(self, chunk: _Chunk, lo: int, mention: _Mention, end: int) -> tuple[int, int]:
        """The noun with the plain words that belong to it: 'gaming laptop', 'vinagre de jerez'."""
        r, first, last = self.r, mention.start, mention.end
        if self.head_is_last:
            while first > lo and (self._is_plain(first - 1) or self._hangs_on(first)):
                first -= 1
        else:
            while last < end and (
                self._is_plain(last)
                or (r.words[last] in ("de", "d'", "à") and last + 1 < end and self._is_plain(last + 1))
            ):
                last += 1
                if last - mention.end >= 3:
                    break
        return first, last

    def _hangs_on(self, i: int) -> bool:
        """True if a hyphen joins the word to the one before it: 'over-ear'."""
        token, before = self.r.tokens[i], self.r.tokens[i - 1]
        return before.kind == "word" and not token.glued and token.start == before.end

    def _is_plain(self, i: int) -> bool:
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
            or self._pair_at(i)
            or _TIMES.fullmatch(word) is not None
            or word in self.table.units
        )
        return not (skipped or is_person or is_count or word in ("ones", "brand", "x", "×"))

    def _name(self, first: int, last: int, mention: _Mention) -> str:
        r = self.r
        if mention.stem:
            return mention.stem
        head = mention.end - 1 if self.head_is_last else mention.start
        while not self.head_is_last and head + 1 < mention.end and self._hangs_on(head + 1):
            head += 1
        parts = []
        for i in range(first, last):
            word = r.words[i]
            shown = r.one_of(word) if i == head else word
            gap = (
                " "
                if parts and r.tokens[i].start > r.tokens[i - 1].end
                else "-"
                if parts and not r.tokens[i].glued
                else ""
            )
            parts.append(gap + shown)
        return "".join(parts)

    def _quantity(self, lo: int, mention: _Mention, end: int) -> tuple[int, bool]:
        r = self.r
        pair_sold = r.stems[mention.end - 1 if self.head_is_last else mention.start] in self.table.sold_as_pair
        i = lo
        while i < mention.start:
            if hit := self.table.dozens.at(r.words, i):
                return hit[1], True
            if (hit2 := self.table.pairs.at(r.words, i)) and not r.state[i]:
                before = number_at(r.tokens, i - 1, self.table) if i > lo else None
                if before is not None:
                    return _bounded(before[1]), True
                return (1 if pair_sold else 2), True
            number = number_at(r.tokens, i, self.table) if not r.state[i] else None
            if (
                number is not None
                and not self._is_model(lo, i)
                and (count := self._count(i, number, mention)) is not None
            ):
                return count, True
            i += number[0] if number else 1
        return self._times(mention.end, end)

    def _times(self, start: int, end: int) -> tuple[int, bool]:
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
        return any(self._is_plain(k) and not self.r.state[k] for k in range(lo, i))

    def _count(self, i: int, number: tuple[int, Decimal, bool], mention: _Mention) -> int | None:
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
        del mention
        return int(value)

    def _starts_with_number(self, start: int, end: int) -> bool:
        number = number_at(self.r.tokens, start, self.table) if start < end and not self.r.state[start] else None
        return number is not None and number[1] > 1

    def _is_only_quantity(self, start: int, end: int) -> bool:
        """'Keyrings, four, brown', '2 of each', 'a couple of pink ones': a number for what was named before."""
        r = self.r
        if not self.slots or start >= end or r.state[start]:
            return False
        number = number_at(r.tokens, start, self.table)
        pair = self.table.pairs.at(r.words, start)
        if number is None and pair is None:
            return False
        used = number[0] if number else pair[0]  # type: ignore[index]
        value = int(number[1]) if number and number[1] == number[1].to_integral_value() else 2
        rest = [i for i in range(start + used, end) if not r.state[i]]
        words = [r.words[i] for i in rest]
        if words[:2] == ["of", "each"] and 1 <= value <= MAX_QUANTITY:
            for slot in self.slots:
                slot.quantity = value
            return True
        is_plain = all(
            w in ("ones", "of", "de", "pieces", "stück", "in", "x")
            or w in self.table.fillers
            or w in _VERBS
            or w in self.table.containers
            or (m := r.match_at[i]) is not None
            and m.entry.is_attribute()
            for i, w in zip(rest, words, strict=True)
        )
        if (
            not is_plain
            or not 1 <= value <= MAX_QUANTITY
            or self.slots[-1].has_quantity
            or (number and number[2] and value == 1)
        ):
            return False
        self.slots[-1].quantity, self.slots[-1].has_quantity = value, True
        self._describe_range(self.slots[-1], start, end)
        return True

    def _read_tails(self, chunk: _Chunk, tails: list[tuple[int, int]], has_product: bool, has_occasion: bool) -> None:
        """Behind a preposition a product is named only if it is counted, or if nothing else is: 'a bed with two nightstands'."""
        for start, end in tails:
            prep = self.r.words[start]
            if prep in _OPEN and has_product:
                self.open_tail = self._sentence(chunk.start)
            mentions = self._mentions(start + 1, end)
            place = self._last_occasion(start + 1, end, mentions, is_tail=True)
            if place is not None and not has_product:
                self.tail_occasion = True
                # "Work from home setup": what the clause ends in is what it is about.
                self.is_occasion |= (
                    place == chunk.end - 1 and self.r.stems[place] in self.table.occasion_heads and self.head_is_last
                )
            if mentions and not has_product and not has_occasion:
                self.fallback.append((prep in _FOR, chunk, start + 1, end, mentions))
            if not mentions or (prep not in _TOGETHER and place is None):
                continue
            mention = mentions[-1] if self.head_is_last else mentions[0]
            quantity, counted = self._quantity(start + 1, mention, end)
            has_article = any(w in self.table.determiners for w in self.r.words[start + 1 : mention.start])
            after_place = (
                place is not None
                and mention.start > place
                and any(w in self.table.determiners and w not in _THE for w in self.r.words[place + 1 : mention.start])
            )
            together = prep in _TOGETHER
            if after_place or (
                together and ((counted and quantity > 1) or (has_occasion and not has_product and has_article))
            ):
                self._add(chunk, start + 1, mention, start + 1, end)

    def _describe_or_keep(self, chunk: _Chunk, start: int, head_end: int) -> None:
        """A clause without product or occasion says more about the slot before it, or names something unknown."""
        if any(not self.r.state[i] and self.r.tokens[i].kind == "word" for i in range(start, head_end)):
            self.unknown.append(_Chunk(start, head_end))
        hint = self._hint(start, head_end)
        if self.is_request and not self.slots and self.unknown and self.pending is None and not self.is_vague:
            # "A gold plated, high speed cable": what it is may follow; it does not, if this sentence names nothing.
            self.pending = chunk
        elif hint is not None and (not self.slots or self._is_list_item(chunk, start, head_end)):
            self._add(chunk, start, hint, start, chunk.end)
        elif self.slots:
            counted = self._starts_with_number(start, head_end) or self.r.words[chunk.start] in (
                "a",
                "an",
                "ein",
                "eine",
                "einen",
                "un",
                "une",
                "una",
            )
            if counted and self._is_list_item(chunk, start, head_end):
                self._add_unknown(chunk, start, head_end)
            else:
                self._describe(self.slots[-1], chunk)

    def _describe_pending(self, start: int, head_end: int) -> None:
        """Nothing known is wished: the first clause names it."""
        chunk = self.pending
        if chunk is not None:
            hint = self._hint(start, head_end)
            if hint is not None:
                self._add(chunk, start, hint, start, chunk.end)
            else:
                self._add_unknown(chunk, start, head_end)

    def _hint(self, start: int, end: int) -> _Mention | None:
        """'Cheddar' where nothing else in the clause is a product."""
        hints = [
            m
            for m in self._matches(start, end)
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
        return _Mention(match.start, match.end, match.entry)

    def _is_list_item(self, chunk: _Chunk, start: int, end: int) -> bool:
        content = [
            i
            for i in range(start, end)
            if self.r.tokens[i].kind == "word" and not self.r.state[i] and self.r.words[i] not in self.table.fillers
        ]
        rest = range(end, chunk.end)
        is_rest_a_wish = all(
            self.r.words[i] in self.table.prepositions or self.r.state[i] or self._is_wish(i) for i in rest
        )
        return 0 < len(content) <= 3 and not chunk.is_alternative and is_rest_a_wish

    def _is_wish(self, i: int) -> bool:
        match = self.r.match_at[i]
        return match is not None and (match.entry.is_attribute() or bool(match.entry.brand))

    def _add_unknown(self, chunk: _Chunk, start: int, end: int) -> None:
        last = end
        while last > start and not self._is_plain(last - 1):
            last -= 1
        first = last
        while first > start and self._is_plain(first - 1):
            first -= 1
        if first < last and _is_word_like("".join(self.r.words[first:last])):
            mention = _Mention(last - 1, last, Entry(product=True))
            self._add(chunk, start, mention, start, chunk.end)

    def _name_the_unknown(self) -> None:
        """Nothing known is named: the first clause that could be a thing is one."""
        for chunk in self.unknown:
            self._add_unknown(chunk, chunk.start, chunk.end)
            if self.slots:
                return

    def _describe(self, slot: _Slot, chunk: _Chunk) -> None:
        self._describe_range(slot, chunk.start, chunk.end)

    def _describe_range(self, slot: _Slot, start: int, end: int, is_title: bool = False) -> None:
        """Adds a range's wishes and search words to the slot."""
        for wish in self.attributes.within(start, end):
            if wish not in slot.wishes:
                slot.wishes.append(wish)
        slot.words += self.attributes.search_words(start, end, everything=is_title)

    def _wishes(self) -> list[SlotWish]:
        made = []
        prompt_stems = frozenset(self.r.home_stems) | frozenset(self.r.stems)
        for slot in self.slots:
            quantity = slot.quantity
            if self.people and not slot.has_quantity and slot.head in self.table.seated:
                quantity = self.people
            near = frozenset(self.r.home_stems[slot.start : slot.end])
            text = (
                " ".join(dict.fromkeys(slot.words))
                if not any(s == slot.start for s, _ in self.r.titles)
                else " ".join(slot.words)
            )
            categories = best_categories(self.r.lexicon, slot.entry, slot.name, self.r.code, near, prompt_stems)
            made.append(SlotWish(slot.name, quantity, text or slot.name, categories, slot.wishes))
        return made


def _bounded(value: Decimal) -> int:
    return int(min(max(value, Decimal(1)), Decimal(MAX_QUANTITY)))


_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]{5,}")
_ROWS = ("qwertzuiop", "qwertyuiop", "asdfghjkl", "yxcvbnm", "zxcvbnm", "azertyuiop")


def _is_word_like(text: str) -> bool:
    """False for what fingers type when they mean nothing: no vowel, long runs of consonants, rows of keys."""
    if len(text) < 3 or not re.search(r"[aeiouyäöüáéíóúàèùâêîôû]", text) or _CONSONANTS.search(text):
        return False
    return not any(
        text[i : i + 4] in row or text[i : i + 4] in row[::-1] for row in _ROWS for i in range(len(text) - 3)
    )
