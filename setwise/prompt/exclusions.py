"""What must not come: 'no leather or glass, but wood is fine', 'sugar-free', 'I already have a sofa'."""

import msgspec

from setwise.prompt.denied_kinds import DeniedKinds
from setwise.prompt.denied_names import MAX_WORDS, TRAILING, DeniedNames, compared
from setwise.prompt.denied_verbs import DeniedVerbs
from setwise.prompt.free_of import NOTHING_IN_IT, FreeReader
from setwise.prompt.lexicon import Entry
from setwise.prompt.numerals import number_at
from setwise.prompt.possession import PossessionReader
from setwise.prompt.reading import Match, Reading
from setwise.prompt.understanding import Exclusions

_OUT_OF = frozenset(["en", "aus", "of"])
_OR = frozenset(["or", "nor", "oder", "noch", "ou", "ni", "o", "u"])
_BRAND_LEADS = frozenset(["from", "by", "brand", "von", "marke", "marque", "marca", "chez"])
_THOSE = frozenset(["sea", "sean", "celle", "celles", "celui", "ceux", "el", "la", "los", "las"])
"""Before 'de' they speak of whose it is: 'celles de Corail', 'que no sea de Sol'."""
_ALL = frozenset(["anything", "everything", "all", "alles", "tout", "todo", "cualquier"])
_NO = frozenset(["no", "nope", "nein", "nee", "non"])
_CONTENT = frozenset(
    "allergic allergy intolerant sensitive free contain containing contains "
    "allergisch allergie unverträglichkeit frei "
    "allergique intolérant intolérante exempt exempte dépourvu contienne "
    "alérgico alérgica alérgicos alergia intolerante "
    "intolerantes intolerancia libre libres exento contenga contengan contiene sin ohne sans without w/o".split()
)
"""In a negation they say that it is about what is in a product, not about what is chosen."""
_TOO = frozenset(["too", "zu", "trop", "muy", "demasiado"])
_MERELY_NOT = frozenset(["pas", "no"])
"""'Pas trop long' tempers what 'rien de trop long' denies."""


class ExclusionReader:
    """Reads exclusions and marks their tokens `out`; negations that exclude nothing become `said`."""

    def __init__(self, reading: Reading) -> None:
        self.r = reading
        self.table = reading.table
        self.names = DeniedNames(reading)
        self.kinds = DeniedKinds(reading)
        self.possession = PossessionReader(reading, self.kinds)
        self.verbs = DeniedVerbs(reading)
        self.free = FreeReader(reading, self.kinds)

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
        if used := self._either_way(i):
            return used
        denied = self.table.no.at(words, i)
        # "No need for a sofa" is longer than "no need".
        if (hit := self.table.traps.at(words, i)) and (denied is None or hit[0] >= denied[0]):
            # "Not too short": the word it tempers is no wish either.
            end = i + hit[0] + (words[i + hit[0] - 1] in ("too", "zu", "trop", "muy"))
            self.r.take(i, min(end, len(words)), "said")
            return hit[0]
        if used := self.possession.ahead(i) or self.possession.beside(i):
            return used
        if denied and (used := self.verbs.at(i)):
            return used
        if denied and (end := compared(words, i + denied[0], r.code)):
            self.r.take(i, end, "said")
            return end - i
        if denied:
            used = self._list(i, i + denied[0])
            r.is_left_open |= used > 0 and words[i] in _ALL and denied[0] > 1
            return used
        if words[i] == "?" and (used := self._answered(i)):
            return used
        if words[i] in self.table.free and i and self.free.behind(i):
            return 1
        if self.r.code == "de" and (used := self.free.in_compound(i)):
            return used
        match = r.match_at[i]
        if match is not None and match.start == i and match.end < len(words):
            if used := self._pair_denied_after(match):
                return used
            end = match.end
            if (hit := self.table.no_after.at(words, end)) and self._is_denied_after(match, end, end + hit[0]):
                self.kinds.add(match.entry, i, end)
                self.r.take(i, end + hit[0], "out")
                return end + hit[0] - i
            if used := self.possession.behind(match):
                return used
            if hit := self.table.fine.at(words, end):
                self.r.take(i, end + hit[0], "said")
                return end + hit[0] - i
        return self._unknown_denied_after(i) if match is None else 0

    def _either_way(self, i: int) -> int:
        """'Doesn't have to be leather', 'I don't mind black': neither wished nor denied; the tokens used, or 0."""
        hit = self.table.either_way.at(self.r.words, i)
        if hit is None:
            return 0
        end = at = i + hit[0]
        while (item := self.names.item(self._past_articles(at)[0], at == i + hit[0])) is not None:
            end = item[1]
            step = self._next(end)
            if not step or self.r.words[end] == ",":
                break
            at = end + step
        self.r.take(i, end, "said")
        return end - i

    def _unknown_denied_after(self, i: int) -> int:
        """'Jewellery no', 'bijoux non merci': a clause of one word that means nothing here, and of a denial."""
        r, end = self.r, i + 1
        if end >= len(r.words) or (hit := self.table.no_after.at(r.words, end)) is None:
            return 0
        if r.tokens[i].kind != "word" or r.words[i] in self.table.grammar:
            return 0
        if not self.possession.is_begun_here(i) or not self.possession.is_end(end + hit[0]):
            return 0
        self.kinds.add(None, i, end)
        self.r.take(i, end + hit[0], "out")
        return 1 + hit[0]

    def _pair_denied_after(self, first: Match) -> int:
        """'Curtains and rugs are out': both, where nothing is asked for before."""
        r, words = self.r, self.r.words
        at = first.end + 1
        is_joined = words[first.end] in _OR or words[first.end] in self.table.and_signs
        if any(r.state[first.start : first.end]) or not is_joined:
            return 0
        while at < len(words) and words[at] in self.table.no_articles and r.match_at[at] is None:
            at += 1
        second = r.match_at[at] if at < len(words) else None
        if second is None or second.start != at or second.end >= len(words) or any(r.state[first.start : second.end]):
            return 0
        hit = self.table.no_after.at(words, second.end)
        if hit is None or not self._is_denied_after(second, second.end, second.end + hit[0]):
            return 0
        if not self.possession.is_begun_here(first.start):
            return 0
        self.kinds.add(first.entry, first.start, first.end)
        self.kinds.add(second.entry, second.start, second.end)
        end = second.end + hit[0]
        self.r.take(first.start, end, "out")
        return end - first.start

    def _answered(self, i: int) -> int:
        """'Federkissen? Nein: ...' takes back what was asked; the tokens used, or 0."""
        r = self.r
        if i + 2 >= len(r.words) or r.words[i + 1] not in _NO or r.tokens[i + 2].kind != "sign":
            return 0
        start = i
        while start and not r.ends_sentence(start - 1):
            start -= 1
        self.r.take(start, i + 2, "said")
        return 2

    def _in_title(self, i: int) -> None:
        """'Cerveza sin alcohol' may be a title: it is that product, and what must not be in it holds all the same."""
        r, hit = self.r, self.table.no.at(self.r.words, i)
        if r.words[i] in self.table.free and i and r.words[i - 1] not in NOTHING_IN_IT:
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

    def _is_denied_after(self, match: Match, start: int, end: int) -> bool:
        """'Leather isn't', 'candles are out', 'jewellery no'; 'sofa, not red' is the other way round."""
        if not self.possession.is_end(end) or compared(self.r.words, end, self.r.code):
            return False
        # English puts its "not" before, "queso no" and "Käse nicht" end in it.
        is_kind = match.entry.is_attribute() or bool(match.entry.thing) or self.r.code != "en"
        word = self.r.words[start]
        if is_kind or end - start > 1 or self.table.no.at([word], 0) is None:
            return True
        return word == "no" and self.possession.is_begun_here(match.start)

    def _list(self, start: int, i: int) -> int:
        """The items behind a negation, as far as its scope goes; 0 if there are none."""
        words = self.r.words
        first, kind, end, step, was_led = True, "", i, 0, False
        by_brand = any(w in _BRAND_LEADS for w in words[start:i]) and words[start] not in (
            "frei",
            "free",
            "libre",
            "made",
        )
        is_content = self._is_in_a_product(start, i)
        is_chosen = not (_CONTENT.intersection(words[start:i]) or self._is_of_a_product(start))
        while i < len(words):
            begin = i
            i, led = self._past_articles(i)
            by_brand = by_brand or led
            item = self.names.item(i, first)
            is_led = any(w in self.table.determiners for w in words[start if first else begin : i])
            if item is None or (step and not was_led and self._is_given(begin, end, is_led)):
                break
            entry, stop = item
            was_led = was_led or (first and is_led)
            if not first and self.table.fine.at(words, stop) if stop < len(words) else False:
                break  # "No neoprene, cast iron ok"
            if stop < len(words) and self.r.state[stop] == "limit":
                # "No dumbbells over 10 kg": what is bounded is not excluded.
                self.r.take(begin, stop, "said")
                return (stop if first else end) - start
            if entry is not None and entry.product and entry.material and i and words[i - 1] in _OUT_OF:
                entry = msgspec.structs.replace(entry, product=False)  # "Pas en jean"
            this = self.kinds.kind(entry)
            if entry is None and not self.table.says_nothing.isdisjoint(words[i:stop]):
                self.r.take(begin if step else start, stop, "said")  # "No problems", "nothing expensive"
                return (end if step else stop) - start
            of_brand = by_brand or (entry is not None and bool(entry.brand) and self._is_whose(i))
            if not first and not self._goes_on(entry, this, kind, stop):
                break
            if not first and this != kind and words[begin - 1] == "," and self._was_denied_apart(start):
                break
            if is_content and not first and self._is_sold_beside(entry, kind, begin):
                break
            if is_content and entry is not None and entry.product and not entry.is_attribute() and not entry.thing:
                entry = None
            is_denied = entry is not None and entry.describes and words[start] not in _MERELY_NOT
            is_quality = this == "style" or is_denied
            if not is_quality and any(w in _TOO for w in words[start if first else begin : i]):
                break
            self.kinds.add(entry, i, stop, of_brand, is_chosen=is_chosen)
            kind, first, end = this, False, stop
            step = self._next(end)
            if step == 0 or (end + step < len(words) and self.table.owned.at(words, end + step)):
                break
            i = end + step
        if first:
            return 0
        r = self.r
        r.titles = [title for title in r.titles if title[1] <= start or title[0] >= end]
        r.state[start:end] = ["out" if state in ("", "title") else state for state in r.state[start:end]]
        return end - start

    def _was_denied_apart(self, start: int) -> bool:
        """'Not Stride, not Coast, gray or purple': who denies one by one has ended where no 'not' stands."""
        return start > 1 and self.r.words[start - 1] == "," and self.r.state[start - 2] == "out"

    def _is_given(self, i: int, joined: int, is_led: bool) -> bool:
        """'Pas de noir, un manteau', 'sans sucre et du pain': an article where the first had none begins a wish."""
        words = self.r.words
        if words[joined] not in self.table.and_signs and words[joined] != ",":
            return False
        number = number_at(self.r.tokens, i, self.table)
        if number is not None and number[1] > 1:
            return True
        is_indefinite = words[i] in self.table.determiners - self.table.definite
        return is_indefinite or (is_led and words[joined] == ",")

    def _is_sold_beside(self, entry: Entry | None, kind: str, begin: int) -> bool:
        """'Pan sin gluten y queso': French and Spanish go on denying with 'ni', so that what 'y' joins is wished, if
        it is sold and not itself known for what products hold."""
        is_joined = self.r.code in ("fr", "es") and self.r.words[begin - 1] in self.table.and_signs
        is_sold = entry is not None and entry.product and bool(entry.shares) and not entry.thing
        return is_joined and is_sold and kind != "product"

    def _is_whose(self, i: int) -> bool:
        words = self.r.words
        return i > 1 and words[i - 1] == "de" and words[i - 2] in _THOSE

    def _is_in_a_product(self, start: int, end: int) -> bool:
        """'Nougat without almonds' is about what is in it, 'a hamper without chocolate' about what is chosen."""
        at = start - 1
        while at > 0 and start - at < 3 and (self.r.words[at] == "," or self.r.match_at[at] is None):
            at -= 1  # "Turrón blando, que no sea de chocolate"
        before = self.r.match_at[at] if at >= 0 else None
        is_product = before is not None and before.entry.product and bool(before.entry.shares) and not before.entry.hint
        return is_product and " ".join(self.r.words[start:end]) in self.table.contents

    def _is_of_a_product(self, end: int) -> bool:
        """'Cookies, no eggs' is about what is in them; in 'brunch, no eggs' eggs are what is not chosen."""
        return any(
            m.entry.product and m.entry.shares and not m.entry.hint and self.r.state[m.start] != "out"
            for m in self.r.matches
            if m.start < end
        )

    def _past_articles(self, i: int) -> tuple[int, bool]:
        words, led = self.r.words, False
        while i < len(words) and words[i] in self.table.no_articles and not self._is_whole(i):
            led = led or words[i] in _BRAND_LEADS
            i += 1
        return i, led

    def _is_whole(self, i: int) -> bool:
        match = self.r.match_at[i]
        return match is not None and match.end - match.start > 1 and match.start == i

    def _next(self, end: int) -> int:
        """Tokens between this item and the next one of the same negation, or 0; a negation of its own is read anew."""
        step = self._joiner(end)
        at, words = end + step, self.r.words
        if not step or at >= len(words) or self._starts_anew(at):
            return 0
        # Only English writes a comma before the "and" of a list.
        is_anew = words[end] == "," and words[end + 1] in self.table.and_signs and self.r.code != "en"
        return 0 if is_anew or self._has_its_own(at, words[at - 1]) else step

    def _has_its_own(self, i: int, joined: str) -> bool:
        """'Thé sans théine et biscuits sans beurre': behind 'and' a product with a denial of its own."""
        match = self.r.match_at[i]
        is_product = match is not None and match.start == i and match.entry.product and bool(match.entry.shares)
        if not is_product or joined not in self.table.and_signs or match.end >= len(self.r.words):  # type: ignore[union-attr]
            return False
        hit = self.table.no.at(self.r.words, match.end)  # type: ignore[union-attr]
        return hit is not None and " ".join(self.r.words[match.end : match.end + hit[0]]) in self.table.contents  # type: ignore[union-attr]

    def _joiner(self, end: int) -> int:
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

    def _goes_on(self, entry: Entry | None, this: str, kind: str, stop: int) -> bool:
        """'Leather or glass' goes on; 'no leather, black sofa' does not: it is of another kind."""
        words = self.r.words
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
            or words[stop] in self.table.verbs
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
