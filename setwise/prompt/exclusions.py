"""What must not come: 'no leather or glass, but wood is fine', 'sugar-free', 'I already have a sofa'."""

from setwise.languages import stem
from setwise.prompt.denied_kinds import DeniedKinds
from setwise.prompt.denied_names import MAX_WORDS, TRAILING, DeniedNames
from setwise.prompt.lexicon import Entry
from setwise.prompt.reading import Match, Reading
from setwise.prompt.understanding import Exclusions

_OR = frozenset(["or", "nor", "oder", "noch", "ou", "ni", "o", "u"])
_FREE_ENDINGS = (
    *("freies", "freien", "freier", "freiem", "freie", "frei", "loses", "losen", "loser", "lose", "los"),
    *("allergie", "allergiker", "allergikerin", "intoleranz", "intolerant", "unverträglichkeit"),
)
_NOT_FREE = frozenset(
    ["range", "shipping", "delivery", "gift", "standing", "size", "sample", "returns", "style", "spirit", "time"]
)
_NOTHING_IN_IT = frozenset(
    "for is are a the of hands hand cruelty stress hassle worry care fuss maintenance guilt get".split()
)
_BRAND_LEADS = frozenset(["from", "by", "brand", "von", "marke", "marque", "marca", "chez"])
_THOSE = frozenset(["sea", "sean", "celle", "celles", "celui", "ceux", "el", "la", "los", "las"])
"""Before 'de' they speak of whose it is: 'celles de Corail', 'que no sea de Sol'."""
_TOO = frozenset(["too", "zu", "trop", "muy", "demasiado"])


class ExclusionReader:
    """Reads exclusions and marks their tokens `out`; negations that exclude nothing become `said`."""

    def __init__(self, reading: Reading) -> None:
        self.r = reading
        self.table = reading.table
        self.names = DeniedNames(reading)
        self.kinds = DeniedKinds(reading)

    def read(self) -> Exclusions:
        """All of the prompt's exclusions, in the catalogue's words."""
        i = 0
        while i < len(self.r.words):
            i += self._at(i) or 1
        return Exclusions(**{kind: list(dict.fromkeys(names)) for kind, names in self.kinds.found.items()})

    def _at(self, i: int) -> int:
        r, words = self.r, self.r.words
        if r.state[i] == "title":
            self._in_title(i)
        if r.state[i]:
            return 0
        if hit := self.table.traps.at(words, i):
            # "Not too short": the word it tempers is no wish either.
            end = i + hit[0] + (words[i + hit[0] - 1] in ("too", "zu", "trop", "muy"))
            self._mark(i, min(end, len(words)), "said")
            return hit[0]
        if hit := self.table.owned.at(words, i):
            return self._list(i, i + hit[0], owned=True)
        if hit := self.table.no.at(words, i):
            return self._list(i, i + hit[0], owned=False)
        if words[i] in self.table.free and i and self._free(i):
            return 1
        if self.r.code == "de" and (used := self._compound_free(i)):
            return used
        match = r.match_at[i]
        if match is not None and match.start == i and match.end < len(words):
            end = match.end
            if (hit := self.table.no_after.at(words, end)) and self._is_denied_after(match, end + hit[0], words[end]):
                self.kinds.add(match.entry, i, end)
                self._mark(i, end + hit[0], "out")
                return end + hit[0] - i
            if match.entry.product and (hit := self.table.owned_after.at(words, end)):
                self.kinds.add(match.entry, i, end, owned=True)
                self._mark(i, end + hit[0], "out")
                return end + hit[0] - i
            if hit := self.table.fine.at(words, end):
                self._mark(i, end + hit[0], "said")
                return end + hit[0] - i
        return 0

    def _in_title(self, i: int) -> None:
        """'Cerveza sin alcohol' may be a title: it is that product, and what must not be in it holds all the same."""
        r, hit = self.r, self.table.no.at(self.r.words, i)
        if r.words[i] in self.table.free and i and r.words[i - 1] not in _NOTHING_IN_IT:
            at = i - 1
        elif hit and " ".join(r.words[i : i + hit[0]]) in self.table.contents:
            at = i + hit[0]
        else:
            return
        if at >= len(r.words) or r.state[at] != "title":
            return
        match, entry = r.match_at[at], r.phrases.values.get(r.stems[at])
        if match is not None and (match.entry.thing or match.entry.material):
            self.kinds.add(match.entry, match.start, match.end)
        elif entry is not None and (entry.thing or entry.material):
            self.kinds.add(entry, at, at + 1)

    def _is_denied_after(self, match: Match, end: int, word: str) -> bool:
        """'Leather isn't', 'candles are out'; 'sofa, not red' is the other way round."""
        at_end = end >= len(self.r.words) or self.r.is_separator(end) or self.r.ends_sentence(end)
        is_kind = match.entry.is_attribute() or bool(match.entry.thing)
        return at_end and (is_kind or self.table.no.at([word], 0) is None)

    def _mark(self, start: int, end: int, state: str) -> None:
        for i in range(start, end):
            if not self.r.state[i]:
                self.r.state[i] = state

    def _free(self, i: int) -> bool:
        """'Palm oil free', 'leather-free'."""
        r = self.r
        if r.words[i + 1 : i + 2] and r.words[i + 1] in _NOT_FREE:
            return False
        match = r.match_at[i - 1]
        start = match.start if match is not None and match.end == i else i - 1
        if r.state[start] not in ("", "out") or r.tokens[start].kind != "word" or r.words[start] in _NOTHING_IN_IT:
            return False
        self.kinds.add(match.entry if match else None, start, i)
        r.state[start : i + 1] = ["out"] * (i + 1 - start)
        self._free_before(start)
        return True

    def _free_before(self, end: int) -> None:
        """'Sulfate & paraben free', 'sugar, nut and gluten free': what may be in a product, never a product."""
        r = self.r
        while end > 1 and r.words[end - 1] in ("and", "&", "or", "/", ","):
            match = r.match_at[end - 2]
            if match is None or r.state[match.start]:
                return
            is_sold = match.entry.product and bool(match.entry.shares)
            if is_sold or not (match.entry.thing or match.entry.material):
                return
            self.kinds.add(match.entry, match.start, match.end)
            self._mark(match.start, end, "out")
            end = match.start

    def _compound_free(self, i: int) -> int:
        """'glutenfrei', 'metallfreies', 'Nussallergie'."""
        word = self.r.words[i]
        for ending in _FREE_ENDINGS:
            if word.endswith(ending) and len(word) > len(ending) + 2:
                head = word.removesuffix(ending)
                entry = self._entry_of(head)
                if entry is None and ending.startswith("los"):
                    return 0
                if head in ("kabel", "draht", "zahl", "ruhe", "kosten"):
                    return 0
                self.kinds.sort(entry, self.r.one_of(head))
                self._mark(i, i + 1, "out")
                return 1
        return 0

    def _entry_of(self, word: str) -> Entry | None:
        for head in (word, word.removesuffix("s"), word.removesuffix("n")):
            entry = self.r.phrases.values.get(stem(head, "de"))
            if entry is not None:
                return entry
        return None

    def _list(self, start: int, i: int, *, owned: bool) -> int:
        """The items behind a negation, as far as its scope goes; 0 if there are none."""
        words = self.r.words
        first, kind, end = True, "", i
        by_brand = any(w in _BRAND_LEADS for w in words[start:i]) and words[start] not in (
            "frei",
            "free",
            "libre",
            "made",
        )
        is_content = not owned and self._is_in_a_product(start, i)
        while i < len(words):
            i, led = self._past_articles(i)
            by_brand = by_brand or led
            item = self.names.item(i, first)
            if item is None:
                break
            entry, stop = item
            this = self.kinds.kind(entry)
            of_brand = by_brand or (entry is not None and self._is_whose(i))
            if not first and not self._goes_on(entry, this, kind, stop, owned):
                break
            if is_content and entry is not None and entry.product and not entry.is_attribute() and not entry.thing:
                entry = None
            if this != "style" and any(w in _TOO for w in words[start:i]):
                break
            self.kinds.add(entry, i, stop, of_brand, owned)
            kind, first, end = this, False, stop
            step = self._next(end, this)
            if step == 0 or (end + step < len(words) and self.table.owned.at(words, end + step)):
                break
            i = end + step
        if first:
            return 0
        self._mark(start, end, "out")
        return end - start

    def _is_whose(self, i: int) -> bool:
        words = self.r.words
        return i > 1 and words[i - 1] == "de" and words[i - 2] in _THOSE

    def _is_in_a_product(self, start: int, end: int) -> bool:
        """'Nougat without almonds' is about what is in it, 'a hamper without chocolate' about what is chosen."""
        before = self.r.match_at[start - 1] if start else None
        is_product = before is not None and before.entry.product and not before.entry.hint
        return is_product and " ".join(self.r.words[start:end]) in self.table.contents

    def _past_articles(self, i: int) -> tuple[int, bool]:
        words, led = self.r.words, False
        while i < len(words) and words[i] in self.table.no_articles and not self._is_whole(i):
            led = led or words[i] in _BRAND_LEADS
            i += 1
        return i, led

    def _is_whole(self, i: int) -> bool:
        match = self.r.match_at[i]
        return match is not None and match.end - match.start > 1 and match.start == i

    def _next(self, end: int, kind: str) -> int:
        """Tokens between this item and the next one of the same negation, or 0."""
        words = self.r.words
        if end >= len(words):
            return 0
        if words[end] in (",", ".") and end + 1 < len(words) and (hit := self.table.list_or.at(words, end + 1)):
            return 0 if self._starts_anew(end + 1) else 1 + hit[0]
        if hit := self.table.list_or.at(words, end):
            return (
                0
                if self._starts_anew(end + hit[0] - 1) and hit[0] == 1 and words[end] in self.table.no.values
                else hit[0]
            )
        if words[end] == ",":
            return 1
        return 0

    def _starts_anew(self, i: int) -> bool:
        return self.table.no.at(self.r.words, i) is not None

    def _goes_on(self, entry: Entry | None, this: str, kind: str, stop: int, owned: bool) -> bool:
        """'Leather or glass' goes on; 'no leather, black sofa' does not: it is of another kind."""
        words = self.r.words
        if owned:
            return this == "product"
        was_comma, joined = False, ""
        for back in range(stop - 1, -1, -1):
            if words[back] in (",", "."):
                was_comma = True
                break
            if self.table.list_or.at(words, back) or back < stop - 4:
                joined = words[back]
                break
        at_end = (
            stop >= len(words)
            or self.r.tokens[stop].kind == "sign"
            or words[stop] in TRAILING
            or words[stop] == "ones"
            or self.table.list_or.at(words, stop) is not None
        )
        same = this == kind or {this, kind} <= {"thing", "product", ""}
        of_any_kind = this != "product" or kind not in ("material", "color", "style")
        if of_any_kind and at_end and (joined in _OR or (was_comma and self._ends_in_or(stop))):
            return True
        if not same:
            return not was_comma and at_end and kind in ("thing", "", "product") and this in ("thing", "", "product")
        if was_comma and (this in ("product", "") or not at_end):
            return False
        return at_end or this not in ("product", "color", "material", "style") or not self._product_follows(stop)

    def _ends_in_or(self, stop: int) -> bool:
        """'Sequins, lace or glitter': behind short items parted by commas, an 'or' says that all are of one list."""
        words, length = self.r.words, 0
        for i in range(stop, len(words)):
            if words[i] in _OR:
                return True
            length = 0 if words[i] == "," else length + 1
            is_plain = words[i] == "," or self.r.tokens[i].kind == "word"
            if length > MAX_WORDS or not is_plain or words[i] in self.table.prepositions or self.r.state[i]:
                return False
        return False

    def _product_follows(self, stop: int) -> bool:
        match = self.r.match_at[stop] if stop < len(self.r.words) else None
        return match is not None and match.entry.product
