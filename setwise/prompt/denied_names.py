"""Where the name of what must not come begins and ends: 'mirror doors', 'col roulé', 'brass handles'."""

from setwise.prompt.lexicon import EXACT, Entry
from setwise.prompt.reading import Match, Reading

MAX_WORDS = 3
LINKS = frozenset(["de", "d'", "à"])
TRAILING = frozenset(
    "though please pls plz thanks obviously lol either whatsoever allowed wanted bitte danke gracias merci "
    "favor svp allergy at all really inside ideally preferably actually ok okay sorry thx colour color "
    "coloured colored allergic added included needed required involved extra whatever "
    "mehr anymore añadido añadida añadidos añadidas ajouté ajoutée ajoutés ajoutées zugesetzt nötig dabei drin".split()
)
"""What may stand behind a name without being a part of it."""
_HOW = frozenset(["in", "aus", "made", "of", "from", "en", "de", "d'", "von", "by", "chez"])
"""Between a product and what it is made of, which colour it has or who makes it."""
_BUT = frozenset(["but", "außer", "except", "a", "an", "einem", "einer", "ein", "eine", "einen"])
_COMPARED = {
    "en": (frozenset(["more", "less", "as"]), frozenset(["than", "as"])),
    "de": (frozenset(["so", "mehr", "weniger"]), frozenset(["als", "wie"])),
    "fr": (frozenset(["plus", "moins", "aussi"]), frozenset(["que", "qu'"])),
    "es": (frozenset(["más", "menos", "tan"]), frozenset(["que", "como"])),
}
"""What begins a comparison, besides English and German words in -er, and what stands before its second half."""


class DeniedNames:
    """Finds one excluded name at a time in a reading whose money and sizes are marked already."""

    def __init__(self, reading: Reading) -> None:
        self.r, self.table = reading, reading.table

    def item(self, i: int, first: bool) -> tuple[Entry | None, int] | None:
        """One excluded name: the next phrase that means something, else up to three plain words."""
        r, words = self.r, self.r.words
        if i >= len(words) or r.tokens[i].kind != "word" or r.state[i] not in ("", "title"):
            return None
        match = r.match_at[i]
        if match is not None and match.start == i:
            return self._whole_item(match)
        if match is not None:
            return match.entry, match.end
        return self._unknown_item(i, first)

    def _unknown_item(self, i: int, first: bool) -> tuple[Entry | None, int] | None:
        r, words, end = self.r, self.r.words, i
        while end < len(words) and end - i < MAX_WORDS and r.tokens[end].kind == "word" and not r.state[end]:
            word = words[end]
            found = r.match_at[end]
            if found is not None and end > i and found.start == end and not hangs_on(r, end):
                # "Small parts", "goat cheese": the name goes on.
                if found.entry.product or found.entry.thing:
                    end = found.end
                break
            stops = word in self.table.prepositions or word in TRAILING or r.is_separator(end)
            if stops or self.table.list_or.at(words, end) is not None:
                break
            if end > i and word in self.table.fillers:
                break
            end += 1
        if end == i or (first and words[i] in self.table.prepositions):
            return None
        if part := self._of_which(None, end):
            return part
        if (
            r.code in ("fr", "es")
            and end + 1 < len(words)
            and words[end] in LINKS
            and self._is_noun(end + 1, is_led=True)
        ):
            end += 2
        return None, end

    def _whole_item(self, match: Match) -> tuple[Entry | None, int]:
        """'Brass handles' excludes brass, 'blue cheese' the cheese that is blue."""
        r = self.r
        end = match.end
        if part := self._of_which(match.entry, end):
            return part
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
                if match.start and r.words[match.start - 1] in _BUT and EXACT in following.entry.shares.values():
                    r.denied_kinds.append(following)  # "Anything but a grey sofa"
                return (None if is_name else match.entry), following.end
            is_part = following.entry.product or following.entry.thing or following.entry.hint
            is_noun = (match.entry.hint or match.entry.thing) and not match.entry.brand
            is_noun = is_noun and r.words[end] not in ("one", "ones")
            if not match.entry.is_attribute() and is_part and is_noun:
                return None, following.end
        if (longer := self._longer(match)) > end:
            return None, longer
        if match.entry.is_attribute() and end < len(r.words) and r.tokens[end].kind == "word" and not r.state[end]:
            word = r.words[end]
            is_noun = word not in self.table.prepositions | self.table.fillers | TRAILING and not r.is_separator(end)
            if (
                is_noun
                and self.table.no.at(r.words, end) is None
                and self.table.list_or.at(r.words, end) is None
                and self.table.fine.at(r.words, end) is None
            ):
                return match.entry, end + 1
        return match.entry, end

    def _of_which(self, entry: Entry | None, i: int) -> tuple[Entry, int] | None:
        """'Keine Kissen in Rosa', 'no chairs made of plastic', 'pas de robe noire': what is denied is how they are."""
        r, start = self.r, i
        is_noun = entry is None or bool(entry.thing) or (entry.product and not entry.hint)
        while i < len(r.words) and i < start + 2 and r.words[i] in _HOW and not r.state[i]:
            i += 1
        match = r.match_at[i] if i < len(r.words) else None
        # In English and German an adjective stands before the noun.
        if not is_noun or match is None or match.start != i or r.state[i] or (i == start and r.code in ("en", "de")):
            return None
        entry, colors = match.entry, r.lexicon.vocabulary.colors
        is_attribute = bool(entry.material or entry.brand or (entry.color and colors)) and not entry.product
        if not is_attribute or not self._ends(match.end):
            return None
        before = r.match_at[start - 1] if start else None
        if before is not None and before.entry.product:
            r.denied_kinds.append(before)
        return entry, match.end

    def _ends(self, i: int) -> bool:
        r = self.r
        return (
            i >= len(r.words)
            or r.is_separator(i)
            or bool(r.state[i])
            or r.words[i] in TRAILING
            or self.table.list_or.at(r.words, i) is not None
        )

    def _longer(self, match: Match) -> int:
        """Where 'mirror doors' and 'col roulé' end: a product's or title's word that another word makes a part of."""
        r, entry, end = self.r, match.entry, match.end
        if entry.is_attribute() or entry.brand or entry.thing:
            return end
        while end < len(r.words) and end - match.start < MAX_WORDS:
            # "Semillas de sésamo", "col à revers"
            step = 2 if r.words[end] in LINKS and end + 1 < len(r.words) and r.code in ("fr", "es") else 1
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
        is_grammar = r.words[i] in self.table.prepositions | self.table.fillers | self.table.verbs | TRAILING
        tables = (self.table.no, self.table.list_or, self.table.fine, self.table.no_after, self.table.owned_after)
        return not is_grammar and all(table.at(r.words, i) is None for table in tables)


def hangs_on(reading: Reading, i: int) -> bool:
    """True if a hyphen joins the word to the one before it: 'v-neck'."""
    if not i or reading.tokens[i - 1].kind != "word":
        return False
    token, before = reading.tokens[i], reading.tokens[i - 1]
    return not token.glued and token.start == before.end


def compared(words: list[str], i: int, code: str) -> int:
    """Where 'wider than', 'so hoch wie', 'plus longue que' ends that begins at `i`: a bound, no exclusion; else 0."""
    signs, joins = _COMPARED[code]
    if i >= len(words):
        return 0
    is_form = code in ("en", "de") and words[i].endswith("er") and len(words[i]) > 4
    if not is_form and words[i] not in signs:
        return 0
    return next((k + 1 for k in range(i + 1, min(i + 4, len(words))) if words[k] in joins), 0)
