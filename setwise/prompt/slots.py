"""Which products the shopper names, how many of each, and whether the choice is left to the shop."""

from setwise.prompt.attributes import AttributeReader
from setwise.prompt.categories import best_categories, main_leaf
from setwise.prompt.clauses import Chunk, ClauseReader
from setwise.prompt.continuations import ContinuationReader, Draft
from setwise.prompt.former import is_about_the_former, is_replaced
from setwise.prompt.lexicon import EXACT, Entry
from setwise.prompt.nouns import Mention, NounReader
from setwise.prompt.numerals import number_at
from setwise.prompt.occasions import OccasionReader
from setwise.prompt.quantities import MAX_QUANTITY, QuantityReader
from setwise.prompt.reading import Reading
from setwise.prompt.spelling import is_word_like
from setwise.prompt.understanding import MAX_NAME, SlotWish

MAX_SLOTS = 7


class SlotReader:
    """Goes through the clauses of a prompt whose money, sizes and exclusions are marked already."""

    def __init__(self, reading: Reading, attributes: AttributeReader) -> None:
        self.r, self.table = reading, reading.table
        self.attributes = attributes
        self.clauses = ClauseReader(reading)
        self.nouns = NounReader(reading, attributes, self.clauses)
        self.quantities = QuantityReader(reading, self.clauses, self.nouns)
        self.occasions = OccasionReader(reading, self.nouns)
        self.continuations = ContinuationReader(reading, self.clauses, self.nouns, self.quantities)
        self.head_is_last = self.nouns.head_is_last
        self.slots: list[Draft] = []
        self.is_occasion = self.is_vague = self.tail_occasion = self.is_for_somebody = False
        self.pending: Chunk | None = None
        self.fallback: list[tuple[bool, Chunk, int, int, list[Mention]]] = []
        self.unknown: list[Chunk] = []

    def read(self) -> tuple[list[SlotWish], bool]:
        """The named products, and whether anything is left to the shop."""
        self.quantities.take_people()
        for chunk in self.clauses.chunks():
            self._read(chunk)
        if self.pending is not None and not self.slots and not self.is_occasion and not self.fallback:
            start = self.clauses.skip_lead(self.pending)
            self._describe_pending(start, self.clauses.regions(start, self.pending.end)[0])
        if not self.slots and not (self.is_occasion or self.is_vague or self.tail_occasion):
            for _, chunk, start, end, mentions in sorted(self.fallback, key=lambda found: found[0])[:1]:
                self._add(chunk, start, self.nouns.head(mentions), start, end)
            if not self.slots:
                self._name_the_denied()
            if not self.slots and not self.r.is_left_open:
                self._name_the_replaced()
            if not self.slots and not self.r.is_left_open:
                self._name_the_unknown()
        is_occasion = self.is_occasion or (
            not self.slots and (self.is_vague or self.tail_occasion or self.r.is_left_open or self.is_for_somebody)
        )
        return self._wishes(), is_occasion

    def _read(self, chunk: Chunk) -> None:
        start = self.clauses.skip_lead(chunk)
        is_said = is_about_the_former(self.r, chunk) or self.clauses.joins_purpose(chunk, start)
        if self._is_only_quantity(start, chunk.end) or is_said:
            return
        head_end, tails = self.clauses.regions(start, chunk.end)
        if chunk.is_title:
            head_end, tails = chunk.end, []
        mentions = self.nouns.mentions(start, head_end)
        if self.occasions.is_activity(start, head_end):
            self.is_occasion = True
            return
        if mentions and self.slots and self.continuations.goes_on(self.slots, chunk, start, mentions, head_end):
            self._describe(self.slots[-1], chunk)
            return
        if self.occasions.varies(start, chunk.end):
            self.is_occasion = True
        occasion_at = None if chunk.is_title else self.occasions.last(start, head_end, mentions)
        if mentions and occasion_at is not None and self.occasions.only_describes(mentions[-1], occasion_at):
            occasion_at = None
        if mentions and (occasion_at is None or not self.occasions.is_modifier(mentions[-1], occasion_at)):
            if occasion_at is not None:
                self._found_occasion(occasion_at)
            if chunk.is_alternative and self.slots and not self.quantities.starts_with_number(start, chunk.end):
                self._describe(self.slots[-1], chunk)
                return
            self._add_groups(chunk, start, mentions)
        elif occasion_at is not None and self.continuations.is_about_the_same(
            chunk, start, bool(self.slots) or self.pending is not None
        ):
            if self.slots:
                self._describe(self.slots[-1], chunk)
        elif occasion_at is not None:
            self._found_occasion(occasion_at)
        elif chunk.is_title:
            self._add(chunk, start, None, start, chunk.end)
        self._read_tails(chunk, tails, bool(mentions), occasion_at is not None)
        if not mentions and occasion_at is None and not chunk.is_title:
            self._describe_or_keep(chunk, start, head_end)

    def _found_occasion(self, i: int) -> None:
        if self.table.strong.at(self.r.words, i) or self.occasions.ends_strong(i):
            self.is_occasion = True
        elif self.r.stems[i] in self.table.vague:
            self.is_vague = True
        else:
            self.is_occasion = True

    def _add_groups(self, chunk: Chunk, start: int, mentions: list[Mention]) -> None:
        """One slot for each noun phrase: 'laptop bag' is one, 'a sofa a lamp' are two."""
        groups: list[list[Mention]] = []
        for mention in mentions:
            if (groups and not chunk.is_title and not self.nouns.parts(groups[-1][-1], mention, mentions)) or (
                groups and chunk.is_title
            ):
                groups[-1].append(mention)
            else:
                groups.append([mention])
        for number, group in enumerate(groups):
            head = self.nouns.head(group)
            lo = start if number == 0 else groups[number - 1][-1].end
            hi = groups[number + 1][0].start if number + 1 < len(groups) else chunk.end
            self._add(chunk, lo, head, lo, hi)

    def _add(self, chunk: Chunk, lo: int, mention: Mention | None, begin: int, end: int) -> None:
        if mention is None:
            name, head = self.r.original(lo, end), ""
            quantity, has_quantity = 1, False
            slot = Draft(name[:MAX_NAME].strip(), head, None, begin, end, quantity, has_quantity)
        else:
            first, last = self.nouns.span(lo, mention, end)
            name = self.nouns.name_of(first, last, mention)
            quantity, has_quantity = (1, False) if chunk.is_title else self.quantities.quantity(lo, mention, end)
            if chunk.is_title:
                quantity, has_quantity = self.quantities.times(mention.end, end)
            slot = Draft(
                name[:MAX_NAME].strip(),
                self.r.stems[mention.end - 1 if self.head_is_last else mention.start],
                mention.entry,
                begin,
                end,
                quantity,
                has_quantity,
            )
        self._describe_range(slot, begin, end, is_title=chunk.is_title)
        if slot.name:
            self._put(slot)

    def _put(self, slot: Draft) -> None:
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

    def _counts_again(self, same: Draft, slot: Draft) -> bool:
        """'Socks for him, socks for her' are two; 'chips chips chips' are chips."""
        if any(word in self.table.definite for word in self.r.words[max(0, slot.start - 2) : slot.start + 2]):
            return False  # "Tea, but the tea should not be green"
        return slot.start > same.end and not any(
            w in ("?", ".", "!", ":", ";") for w in self.r.words[same.end : slot.start]
        )

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
            or w in self.table.verbs
            or w in self.table.containers
            or ((m := r.match_at[i]) is not None and m.entry.is_attribute())
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

    def _read_tails(self, chunk: Chunk, tails: list[tuple[int, int]], has_product: bool, has_occasion: bool) -> None:
        """Behind a preposition a product is named if it is counted: 'a bed with two nightstands'."""
        for start, end in tails:
            prep = self.r.words[start]
            if prep in self.table.relative and has_product:
                self.continuations.open_tail = self.clauses.sentence(chunk.start)
            begins = self.r.words[start + 1] if start + 1 < end else ""
            self.is_for_somebody |= prep in self.table.purpose_of and begins in self.table.articles
            mentions = self.nouns.mentions(start + 1, end)
            place = self.occasions.last(start + 1, end, mentions, is_tail=True)
            if place is not None and not has_product:
                self.tail_occasion = True
                # "Work from home setup": what the clause ends in is what it is about.
                is_about = place == chunk.end - 1 and self.r.stems[place] in self.table.occasion_heads
                is_wish = self.clauses.is_request or prep in self.table.relative or not self.head_is_last
                is_heading = chunk.end < len(self.r.words) and self.r.words[chunk.end] == ":"
                self.is_occasion |= is_heading or (is_about and not is_wish)
            is_beside = prep in self.table.together and self.nouns.has_unknown(chunk.start, tails[0][0])
            if mentions and not has_product and not has_occasion and not is_beside:
                self.fallback.append((prep in self.table.purpose, chunk, start + 1, end, mentions))
            if not mentions or (prep not in self.table.together and place is None):
                continue
            mention = self.nouns.head(mentions)
            if has_product and prep in self.table.together and self._is_for_the_last(mention):
                self._add(chunk, start + 1, mention, start + 1, end)
                self.continuations.open_tail = 0
                continue
            if has_product and mention.entry.thing:
                continue  # "A dresser with 6 drawers": a part of it
            quantity, counted = self.quantities.quantity(start + 1, mention, end)
            before = range(start + 1, mention.start)
            has_article = all(self.r.words[i] in self.table.determiners or self.nouns.is_described(i) for i in before)
            after_place = (
                place is not None
                and mention.start > place
                and any(
                    w in self.table.determiners and w not in self.table.definite
                    for w in self.r.words[place + 1 : mention.start]
                )
            )
            # "For our guest room a bed and a lamp": named products, and the rest of the room is open.
            self.is_occasion |= after_place
            together = prep in self.table.together
            # "A tv with a soundbar": both are sold for themselves.
            is_whole = has_article and bool(before) and EXACT in mention.entry.shares.values()
            is_other = has_product and is_whole and not self._is_of_the_last(mention)
            if after_place or (
                together
                and ((counted and quantity > 1) or is_other or (has_occasion and not has_product and has_article))
            ):
                self._add(chunk, start + 1, mention, start + 1, end)

    def _describe_or_keep(self, chunk: Chunk, start: int, head_end: int) -> None:
        """A clause without product or occasion says more about the slot before it, or names something unknown."""
        if any(not self.r.state[i] and self.r.tokens[i].kind == "word" for i in range(start, head_end)):
            self.unknown.append(Chunk(start, head_end))
        hint = self.nouns.hint(start, head_end)
        if hint is None and not self.slots and self._is_one_of_several(chunk, start, head_end):
            self._add_unknown(chunk, start, head_end)
        elif self.clauses.is_request and not self.slots and self.unknown and self.pending is None and not self.is_vague:
            # "A gold plated, high speed cable": what it is may follow; it does not, if this sentence names nothing.
            self.pending = chunk
        elif hint is not None and self.slots and self._is_of_the_last(hint):
            self._describe(self.slots[-1], chunk)
        elif hint is not None and (not self.slots or self._is_list_item(chunk, start, head_end)):
            self._add(chunk, start, hint, start, chunk.end)
        elif self.slots:
            counted = self.quantities.starts_with_number(start, head_end) or self.r.words[chunk.start] in (
                "a",
                "an",
                "ein",
                "eine",
                "einen",
                "un",
                "une",
                "una",
            )
            counted = counted or (chunk.start > 0 and self.r.words[chunk.start - 1] == "+")
            if counted and self._is_list_item(chunk, start, head_end):
                self._add_unknown(chunk, start, head_end)
            else:
                self._describe(self.slots[-1], chunk)

    def _is_one_of_several(self, chunk: Chunk, start: int, end: int) -> bool:
        """'A hammock and a rug': an article before what nobody knows, and before what it is joined to."""
        r, last = self.r, chunk.end
        has_article = any(w in self.table.determiners for w in r.words[chunk.start : start + 1])
        is_joined = last + 1 < len(r.words) and r.words[last] in (*self.table.and_signs, ",")
        begins = r.words[last + 1] if is_joined else ""
        is_counted = begins in self.table.determiners or begins.isdigit()
        is_plain = 0 < end - start <= 3 and all(self.nouns.is_plain(i) for i in range(max(start, end - 1), end))
        return has_article and is_counted and is_plain and end == chunk.end

    def _is_of_the_last(self, hint: Mention) -> bool:
        """'Swimsuit, one piece', 'a cushion, by fox and quill': the word is used of what was just named."""
        shares = self.slots[-1].entry.shares if self.slots[-1].entry is not None else {}
        return any(share >= EXACT and hint.entry.shares.get(leaf, 0.0) >= 0.95 for leaf, share in shares.items())

    def _is_for_the_last(self, mention: Mention) -> bool:
        """'A phone with case', 'grill with cover': sold by itself, in a category that is called after the product."""
        last = self.slots[-1] if self.slots else None
        if last is None or last.entry is None:
            return False
        of = best_categories(self.r.lexicon, mention.entry, "", self.r.code, frozenset(), frozenset())
        belongs_to = self.r.lexicon.belongs_to
        return any(belongs_to.get(leaf) == main_leaf(last.entry) for leaf in of)

    def _describe_pending(self, start: int, head_end: int) -> None:
        """Nothing known is wished: the first clause names it."""
        chunk = self.pending
        if chunk is not None:
            hint = self.nouns.hint(start, head_end)
            if hint is not None:
                self._add(chunk, start, hint, start, chunk.end)
            else:
                self._add_unknown(chunk, start, head_end)

    def _is_list_item(self, chunk: Chunk, start: int, end: int) -> bool:
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

    def _add_unknown(self, chunk: Chunk, start: int, end: int) -> None:
        last = end
        while last > start and not self.nouns.is_plain(last - 1):
            last -= 1
        first = last
        while first > start and self.nouns.is_plain(first - 1):
            first -= 1
        if first < last and is_word_like("".join(self.r.words[first:last])):
            mention = Mention(last - 1, last, Entry(product=True))
            self._add(chunk, start, mention, start, chunk.end)

    def _name_the_denied(self) -> None:
        """'Kein Bett aus Metall': nothing else is named, so a bed is wished."""
        for match in self.r.denied_kinds[:1]:
            chunk = Chunk(match.start, match.end)
            self._add(chunk, match.start, Mention(match.start, match.end, match.entry), match.start, match.end)

    def _name_the_replaced(self) -> None:
        """'My phone died', 'we paid 900 for our last bed': nothing else is named, so another one of it is wished."""
        for match in self.r.matches:
            if match.entry.product and match.entry.shares and is_replaced(self.r, match.start):
                mention = Mention(match.start, match.end, match.entry)
                self._add(Chunk(match.start, match.end), match.start, mention, match.start, match.end)
                return

    def _name_the_unknown(self) -> None:
        """Nothing known is named: the first clause that could be a thing is one."""
        for chunk in self.unknown:
            self._add_unknown(chunk, chunk.start, chunk.end)
            if self.slots:
                return

    def _describe(self, slot: Draft, chunk: Chunk) -> None:
        self._describe_range(slot, chunk.start, chunk.end)

    def _describe_range(self, slot: Draft, start: int, end: int, is_title: bool = False) -> None:
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
            if self.quantities.people and not slot.has_quantity and slot.head in self.table.seated:
                quantity = self.quantities.people
            near = frozenset(self.r.home_stems[slot.start : slot.end])
            text = (
                " ".join(dict.fromkeys(slot.words))
                if not any(s == slot.start for s, _ in self.r.titles)
                else " ".join(slot.words)
            )
            categories = best_categories(self.r.lexicon, slot.entry, slot.name, self.r.code, near, prompt_stems)
            is_kind = slot.entry is not None and bool(slot.entry.synonym)
            made.append(SlotWish(slot.name, quantity, text or slot.name, categories, slot.wishes, is_kind))
        return made
