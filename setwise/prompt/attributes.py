"""Wished colours, materials, styles and brands, in the catalogue's words, and what to search for."""

from setwise.prompt.lexicon import EXACT, Entry
from setwise.prompt.reading import Match, Reading

MAX_WISHES = 10
_IN_THE_WAY_OF = frozenset("style styled look vibe vibes inspired dupe dupes lookalike stil estilo".split())
_LEADS = frozenset("from by von brand brands marke marque marca de only nur solo preferably chez love".split())
_NOT_A_BRAND = frozenset("on in at for next with el der die das im am keep".split())
_MADE_OF = frozenset(["wooden", "woolen", "woollen", "hölzern", "hölzernes", "hölzerne"])
_ONLY_IF_SOLD = frozenset(["natural", "clear", "transparent", "natur", "naturel", "vinyl", "tin"])


class AttributeReader:
    """Finds the wishes in what nobody took; `within` and `search_words` read a range of tokens."""

    def __init__(self, reading: Reading) -> None:
        self.r = reading
        self.v = reading.lexicon.vocabulary
        self.found: list[tuple[int, str, str]] = []
        for match in reading.matches:
            if reading.state[match.start] in ("", "title"):
                self._read(match)
        if reading.code == "de":
            for i, word in enumerate(reading.words):
                if reading.match_at[i] is None and not reading.state[i] and (entry := reading.german_material(word)):
                    self.add(entry, i)

    def add(self, entry: Entry, at: int) -> None:
        """A wish that is part of a longer word."""
        if attribute := self._attribute(entry):
            self._put(at, *attribute)

    def of(self, kind: str) -> list[str]:
        """All wishes of a kind in the order they are said."""
        return list(dict.fromkeys(name for _, of, name in sorted(self.found) if of == kind))[:MAX_WISHES]

    def within(self, start: int, end: int) -> list[str]:
        """The wishes said in a range, sizes included."""
        sizes = [(i, "", size) for i, size in self.r.sizes if start <= i < end]
        return list(dict.fromkeys(name for i, _, name in sorted([*self.found, *sizes]) if start <= i < end))

    def search_words(self, start: int, end: int, everything: bool = False) -> list[str]:
        """What a range says to the index: the catalogue's words where the table knows them, no money and no filling."""
        r, i, words = self.r, start, list[str]()
        while i < end:
            match = r.match_at[i]
            if r.state[i] in ("out", "money", "said", "people", "limit") and not everything:
                i += 1
                continue
            if (
                match is not None
                and match.start == i
                and (r.code != r.lexicon.home or match.entry.typed)
                and not everything
            ):
                words.append(self._at_home(match))
                i = match.end
                continue
            is_filling = (
                r.tokens[i].kind == "sign" or r.words[i] in r.table.fillers or r.words[i] in r.table.determiners
            )
            if (everything and r.tokens[i].kind != "sign") or not is_filling:
                words.append(r.words[i])
            i += 1
        return words

    def sentence(self) -> str:
        """The whole prompt without money, exclusions and 'I am looking for', in the catalogue's words where known.
        '' where only words of grammar are left: 'what else do I need?'"""
        r, i, words = self.r, 0, list[str]()
        has_content = False
        while i < len(r.words):
            match = r.match_at[i]
            if r.state[i] in ("out", "money", "said"):
                i += 1
            elif hit := r.table.requests.at(r.words, i):
                i += hit[0]
            elif match is not None and match.start == i and (r.code != r.lexicon.home or match.entry.typed):
                words.append(self._at_home(match))
                i, has_content = match.end, True
            else:
                if r.tokens[i].kind != "sign":
                    words.append(r.words[i])
                    has_content |= match is not None or not self._is_grammar(i)
                i += 1
        return " ".join(words) if has_content else ""

    def _is_grammar(self, i: int) -> bool:
        table = self.r.table
        word = self.r.words[i]
        return word in table.grammar or word in table.detect or self.r.stems[i] in table.vague

    def _at_home(self, match: Match) -> str:
        entry = match.entry
        attribute = self._attribute(entry)
        if attribute is not None and not entry.product:
            return attribute[1]
        return entry.synonym or entry.thing or self.r.original(match.start, match.end)

    def _put(self, at: int, kind: str, name: str) -> None:
        self.found.append((at, kind, name))

    def _read(self, match: Match) -> None:
        entry = match.entry
        if entry.brand and self._is_brand(match):
            self._put(match.start, "brands", entry.brand)
            return
        if entry.product and not entry.hint and not self._is_only_described(match):
            parts = self.r.compound(self.r.words[match.start]) if self.r.code == "de" else None
            if parts is not None and parts[0].material and not parts[0].color:
                self.add(parts[0], match.start)
            inner = self.r.phrases.values.get(self.r.stems[match.start])
            if self.r.words[match.start] in _MADE_OF and inner is not None and match.end - match.start > 1:
                self.add(inner, match.start)
            return
        if attribute := self._attribute(entry):
            self._put(match.start, *attribute)

    def _is_only_described(self, match: Match) -> bool:
        """A material that is also a product ('jean', 'glass') is the material beside another product."""
        if not match.entry.is_attribute():
            return False
        r = self.r
        before = r.words[match.start - 1] if match.start else ""
        following = r.match_at[match.end] if match.end < len(r.words) else None
        return (
            before in ("en", "in", "aus", "of", "de")
            or (following is not None and following.entry.product)
            or not (EXACT in match.entry.shares.values() or match.entry.synonym)
        )

    def _attribute(self, entry: Entry) -> tuple[str, str] | None:
        v = self.v
        if entry.material and entry.color:
            is_material = entry.material in v.materials or entry.color not in v.colors
            if entry.material not in v.materials and entry.color not in v.colors:
                is_material = not entry.color.startswith(("gold", "silver", "or", "dor", "plat"))
            return ("materials", entry.material) if is_material else ("colors", entry.color)
        if entry.material:
            return (
                None
                if entry.material in _ONLY_IF_SOLD and entry.material not in v.materials
                else ("materials", entry.material)
            )
        if entry.color:
            is_name = entry.color in _ONLY_IF_SOLD or (entry.thing and entry.thing == entry.color)
            return None if is_name and entry.color not in v.colors else ("colors", entry.color)
        return ("styles", entry.style) if entry.style else None

    def _is_brand(self, match: Match) -> bool:
        """Rare words and names of several words always are; an everyday word ('summit') needs a sign of it."""
        r = self.r
        at = match.start - 1 - (match.start > 1 and r.words[match.start - 1] == ":")
        before = r.words[at] if at >= 0 else ""
        after = r.words[match.end] if match.end < len(r.words) else ""
        if after in _IN_THE_WAY_OF or before in _IN_THE_WAY_OF:
            return False  # "Ikea style" is asked for where Ikea is not.
        if before in _LEADS or after in ("brand", "only") or match.end - match.start > 1:
            return True
        entry = match.entry
        if entry.is_attribute() or entry.product:
            return False
        is_behind = self._product_before(match) and (after == "" or r.tokens[match.end].kind == "sign")
        if entry.brand in self.v.ordinary:
            return is_behind
        if r.words[match.start] not in r.table.known:
            return True
        if before in _NOT_A_BRAND:
            return False
        return is_behind or self._product_before(match) or self._stands_as_brand(match, before, after)

    def _product_before(self, match: Match) -> bool:
        previous = self.r.match_at[match.start - 1] if match.start else None
        return previous is not None and previous.entry.product

    def _stands_as_brand(self, match: Match, before: str, after: str) -> bool:
        """'Summit backpack', 'summit black backpack', 'backpack, summit', 'summit or rally'."""
        r = self.r
        following = r.match_at[match.end] if after else None
        if following is not None and (following.entry.product or following.entry.is_attribute()):
            return True
        if after in r.table.alternatives.values and match.end + 1 < len(r.words):
            other = r.match_at[match.end + 1]
            if other is not None and other.entry.brand:
                return True
        is_item = before in ("", ",") and (after == "" or r.tokens[match.end].kind == "sign")
        return is_item or before in r.table.alternatives.values
