"""What must not come: 'no leather or glass, but wood is fine', 'sugar-free', 'I already have a sofa'."""

from setwise.languages import key_of, language, stem
from setwise.languages.stems import singular
from setwise.prompt.lexicon import EXACT, Entry
from setwise.prompt.reading import Match, Reading
from setwise.prompt.understanding import Exclusions

MAX_WORDS = 3
_NOT_FREE = frozenset(
    ["range", "shipping", "delivery", "gift", "standing", "size", "sample", "returns", "style", "spirit", "time"]
)
_BRAND_LEADS = frozenset(["from", "by", "brand", "von", "marke", "marque", "marca", "chez"])
_THOSE = frozenset(["sea", "sean", "celle", "celles", "celui", "ceux", "el", "la", "los", "las"])
"""Before 'de' they speak of whose it is: 'celles de Corail', 'que no sea de Sol'."""
_TOO = frozenset(["too", "zu", "trop", "muy", "demasiado"])
_KINDS = ("brand", "material", "color", "style", "thing", "product")


class ExclusionReader:
    """Reads exclusions and marks their tokens `out`; negations that exclude nothing become `said`."""

    def __init__(self, reading: Reading) -> None:
        self.r = reading
        self.table = reading.table
        self.found: dict[str, list[str]] = {name: [] for name in Exclusions.__struct_fields__}

    def read(self) -> Exclusions:
        """All of the prompt's exclusions, in the catalogue's words."""
        i = 0
        while i < len(self.r.words):
            i += self._at(i) or 1
        return Exclusions(**{kind: list(dict.fromkeys(names)) for kind, names in self.found.items()})

    def _at(self, i: int) -> int:
        r, words = self.r, self.r.words
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
                self._add(match.entry, i, end)
                self._mark(i, end + hit[0], "out")
                return end + hit[0] - i
            if match.entry.product and (hit := self.table.owned_after.at(words, end)):
                self._add(match.entry, i, end, owned=True)
                self._mark(i, end + hit[0], "out")
                return end + hit[0] - i
            if hit := self.table.fine.at(words, end):
                self._mark(i, end + hit[0], "said")
                return end + hit[0] - i
        return 0

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
        if (
            r.state[start] not in ("", "out")
            or r.tokens[start].kind != "word"
            or r.words[start] in ("for", "is", "are", "a", "the", "of")
        ):
            return False
        self._add(match.entry if match else None, start, i)
        r.state[start : i + 1] = ["out"] * (i + 1 - start)
        return True

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
                self._sort(entry, self.r.one_of(head))
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
            item = self._item(i, first)
            if item is None:
                break
            entry, stop = item
            this = self._kind(entry)
            of_brand = by_brand or (entry is not None and self._is_whose(i))
            if not first and not self._goes_on(entry, this, kind, stop, owned):
                break
            if is_content and entry is not None and entry.product and not entry.is_attribute() and not entry.thing:
                entry = None
            if this != "style" and any(w in _TOO for w in words[start:i]):
                break
            self._add(entry, i, stop, of_brand, owned)
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
            or words[stop] in _TRAILING
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

    def _item(self, i: int, first: bool) -> tuple[Entry | None, int] | None:
        """One excluded name: the next phrase that means something, else up to three plain words."""
        r, words = self.r, self.r.words
        if i >= len(words) or r.tokens[i].kind != "word" or r.state[i] not in ("",):
            return None
        match = r.match_at[i]
        if match is not None and match.start == i:
            return self._whole_item(match)
        if match is not None:
            return match.entry, match.end
        return self._unknown_item(i, first)

    def _hangs_on(self, i: int) -> bool:
        """'V-neck': a hyphen joins the word to the one before it."""
        token = self.r.tokens[i]
        return i > 0 and self.r.tokens[i - 1].kind == "word" and not token.glued and token.start == self.r.tokens[i - 1].end

    def _unknown_item(self, i: int, first: bool) -> tuple[None, int] | None:
        r, words, end = self.r, self.r.words, i
        while end < len(words) and end - i < MAX_WORDS and r.tokens[end].kind == "word" and not r.state[end]:
            word = words[end]
            found = r.match_at[end]
            if found is not None and end > i and found.start == end and not self._hangs_on(end):
                # "Small parts", "goat cheese": the name goes on.
                if found.entry.product or found.entry.thing:
                    end = found.end
                break
            stops = word in self.table.prepositions or word in _TRAILING or r.is_separator(end)
            if stops or self.table.list_or.at(words, end) is not None:
                break
            if end > i and word in self.table.fillers:
                break
            end += 1
        if end == i or (first and words[i] in self.table.prepositions):
            return None
        if r.code in ("fr", "es") and end + 1 < len(words) and words[end] in _OF and self._is_noun(end + 1, is_led=True):
            end += 2
        return None, end

    def _whole_item(self, match: Match) -> tuple[Entry | None, int]:
        """'Brass handles' excludes brass, 'blue cheese' the cheese that is blue."""
        r = self.r
        end = match.end
        if (
            end < len(r.words)
            and not r.state[end]
            and (following := r.match_at[end]) is not None
            and following.start == end
        ):
            if (
                match.entry.is_attribute()
                and (not match.entry.product or r.code in ("en", "de"))
                and following.entry.product
                and not following.entry.hint
            ):
                is_name = match.entry.color and not r.lexicon.vocabulary.colors
                return (None if is_name else match.entry), following.end
            if not match.entry.is_attribute() and following.entry.product and (match.entry.hint or match.entry.thing):
                return None, following.end
        if (longer := self._longer(match)) > end:
            return None, longer
        if match.entry.is_attribute() and end < len(r.words) and r.tokens[end].kind == "word" and not r.state[end]:
            word = r.words[end]
            is_noun = word not in self.table.prepositions | self.table.fillers | _TRAILING and not r.is_separator(end)
            if (
                is_noun
                and self.table.no.at(r.words, end) is None
                and self.table.list_or.at(r.words, end) is None
                and self.table.fine.at(r.words, end) is None
            ):
                return match.entry, end + 1
        return match.entry, end

    def _longer(self, match: Match) -> int:
        """Where 'mirror doors' and 'col roulé' end: a product's or title's word that another word makes a part of."""
        r, entry, end = self.r, match.entry, match.end
        if entry.is_attribute() or entry.brand or entry.thing:
            return end
        while end < len(r.words) and end - match.start < MAX_WORDS:
            # "Semillas de sésamo", "col à revers"
            step = 2 if r.words[end] in _OF and end + 1 < len(r.words) and r.code in ("fr", "es") else 1
            if not self._is_noun(end + step - 1, step == 2):
                break
            end += step
        is_whole = end >= len(r.words) or r.is_separator(end) or bool(r.state[end])
        is_whole = is_whole or self.table.list_or.at(r.words, end) is not None
        return end if is_whole else match.end

    def _is_noun(self, i: int, is_led: bool = False) -> bool:
        """True for a word that is not of grammar and means nothing else here; behind 'de' it may mean something."""
        r, match = self.r, self.r.match_at[i]
        means = match is not None and not match.entry.hint and not is_led
        if r.tokens[i].kind != "word" or r.state[i] or means or r.is_separator(i):
            return False
        is_grammar = r.words[i] in self.table.prepositions | self.table.fillers | self.table.verbs | _TRAILING
        tables = (self.table.no, self.table.list_or, self.table.fine, self.table.no_after, self.table.owned_after)
        return not is_grammar and all(table.at(r.words, i) is None for table in tables)

    def _kind(self, entry: Entry | None) -> str:
        if entry is None:
            return ""
        return next((kind for kind in _KINDS if getattr(entry, kind)), "")

    def _add(self, entry: Entry | None, start: int, end: int, by_brand: bool = False, owned: bool = False) -> None:
        words = [w for w in self.r.words[start:end] if w not in _TRAILING]
        if not words:
            return
        said = self._said(start, start + len(words)) if words == self.r.words[start : start + len(words)] else ""
        said = said or " ".join([*words[:-1], self.r.one_of(words[-1])])
        if entry is None and by_brand and len(words) <= 2:
            self.found["brands"].append(" ".join(words))
            return
        self._sort(entry, said, by_brand, owned)

    def _said(self, start: int, end: int) -> str:
        """The words with their hyphens, the noun in the singular."""
        r = self.r
        at = end - 1 if r.code in ("en", "de") else start
        head, tail = r.original(start, at), r.original(at + 1, end)
        one = r.one_of(r.words[at])
        if r.code in ("fr", "es") and at + 1 < end and r.words[at + 1] not in _OF:
            tail = " ".join([singular(r.words[at + 1], r.code, self.table.keep_plural), *r.words[at + 2 : end]])
        if r.code == "de" and end - start == 1 and start and r.words[start - 1] == "nichts" and one.endswith("es"):
            one = one.removesuffix("es")
        if head:
            return head + ("-" if self._hangs_on(at) else " ") + one
        return one + (("-" if self._hangs_on(at + 1) else " ") + tail if tail else "")

    def _sort(self, entry: Entry | None, said: str, by_brand: bool = False, owned: bool = False) -> None:
        found, home = self.found, self.r.lexicon
        if entry is None:
            found["words"].append(said)
        elif entry.brand and (by_brand or not self._is_sold_as_word(entry)):
            found["brands"].append(entry.brand)
        elif (
            entry.product
            and EXACT in entry.shares.values()
            and not entry.thing
            and (leaf := self._leaf(entry, said, owned))
        ):
            found["categories"].append(leaf)
        elif entry.thing and not owned and (entry.color not in home.vocabulary.colors) and not entry.material:
            found["words"].append(said if self.r.code == home.home else entry.thing)
        elif entry.material and not (
            entry.color and entry.material not in home.vocabulary.materials and entry.color in home.vocabulary.colors
        ):
            found["materials"].append(entry.material)
        elif entry.color:
            found["colors"].append(entry.color)
        elif entry.style:
            found["styles"].append(entry.style)
        elif entry.product and (leaf := self._leaf(entry, said, owned)):
            found["categories"].append(leaf)
        elif entry.product and entry.synonym:
            found["words"].append(entry.synonym if self.r.code != home.home else said)
        else:
            found["words"].append(said)

    def _is_sold_as_word(self, entry: Entry) -> bool:
        """'Apple' is the fruit where a shop speaks of apples, else the brand."""
        is_word_here = bool(entry.thing) and entry.thing in self.r.lexicon.home_words
        return is_word_here or bool(entry.material or entry.color or entry.product)

    def _leaf(self, entry: Entry, said: str, owned: bool) -> str:
        """The category in lower case and singular, if the word means all of it."""
        shares = sorted(entry.shares.items(), key=lambda e: (-e[1], e[0]))
        if not shares or shares[0][1] < 0.95:
            return ""
        leaf = shares[0][0]
        home = self.r.lexicon
        words = leaf.lower().split(" ")
        name, whole = key_of(entry.synonym or said, home.home), key_of(leaf, home.home)
        is_narrower = name.endswith(" " + whole) or name.startswith(whole + " ")
        # "Headphones without a cable" speaks of a part; "I already have a stove" of the camping stove.
        is_wider = not owned and (whole.endswith(" " + name) or whole.startswith(name + " "))
        # "No lentils" is about lentils even where one product of lentils is sold, among the pasta.
        is_kind = shares[0][1] > 1 or name == whole or (owned and bool(entry.synonym))
        if is_narrower or is_wider or not is_kind:
            return ""
        if home.home == "de":
            return self.r._german_singular(words[0]) if len(words) == 1 else leaf.lower()
        keep = language(home.home).keep_plural
        first = 0 if home.home in ("fr", "es") else len(words) - 1
        return " ".join(singular(w, home.home, keep) if i == first else w for i, w in enumerate(words))


_OF = frozenset(["de", "d'", "à"])
_OR = frozenset(["or", "nor", "oder", "noch", "ou", "ni", "o", "u"])
_FREE_ENDINGS = (
    *("freies", "freien", "freier", "freiem", "freie", "frei", "loses", "losen", "loser", "lose", "los"),
    *("allergie", "allergiker", "allergikerin", "intoleranz", "intolerant", "unverträglichkeit"),
)


_TRAILING = frozenset(
    "though please pls plz thanks obviously lol either whatsoever allowed wanted bitte danke gracias merci "
    "favor svp allergy at all really inside ideally preferably actually ok okay sorry thx colour color "
    "coloured colored allergic added included needed required involved extra whatever "
    "añadido añadida añadidos añadidas ajouté ajoutée ajoutés ajoutées zugesetzt nötig dabei drin".split()
)
