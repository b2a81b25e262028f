"""What must not be in a product, said behind or within a word: 'palm oil free', 'glutenfrei', 'Nussallergie'."""

from setwise.languages import stem
from setwise.prompt.denied_kinds import DeniedKinds
from setwise.prompt.lexicon import Entry
from setwise.prompt.reading import Reading

_FREE_ENDINGS = (
    *("freies", "freien", "freier", "freiem", "freie", "frei", "loses", "losen", "loser", "lose", "los"),
    *("allergie", "allergiker", "allergikerin", "intoleranz", "intolerant", "unverträglichkeit"),
)
_NOT_FREE = frozenset(
    ["range", "shipping", "delivery", "gift", "standing", "size", "sample", "returns", "style", "spirit", "time"]
)
NOTHING_IN_IT = frozenset(
    "iron for is are a the of hands hand cruelty stress hassle worry care fuss maintenance guilt get".split()
)


class FreeReader:
    """Finds what products are free of; it is excluded by `kinds`."""

    def __init__(self, reading: Reading, kinds: DeniedKinds) -> None:
        self.r, self.kinds = reading, kinds

    def behind(self, i: int) -> bool:
        """'Palm oil free', 'leather-free'."""
        r = self.r
        if r.words[i + 1 : i + 2] and r.words[i + 1] in _NOT_FREE:
            return False
        match = r.match_at[i - 1]
        start = match.start if match is not None and match.end == i else i - 1
        if r.words[start] == "iron":
            self.r.take(start, i + 1, "said")
        if r.state[start] not in ("", "out") or r.tokens[start].kind != "word" or r.words[start] in NOTHING_IN_IT:
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
            self.r.take(match.start, end, "out")
            end = match.start

    def in_compound(self, i: int) -> int:
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
                self.r.take(i, i + 1, "out")
                return 1
        return 0

    def _entry_of(self, word: str) -> Entry | None:
        for head in (word, word.removesuffix("s"), word.removesuffix("n")):
            entry = self.r.phrases.values.get(stem(head, "de"))
            if entry is not None:
                return entry
        return None
