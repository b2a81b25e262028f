"""What kind of thing an excluded name is, and how the catalogue spells it."""

import msgspec

from setwise.languages import key_of, language
from setwise.languages.stems import singular, stem
from setwise.prompt.denied_names import LINKS, TRAILING, hangs_on
from setwise.prompt.lexicon import EXACT, Entry
from setwise.prompt.reading import Reading
from setwise.prompt.understanding import Exclusions

_PREPOSITIONS = frozenset("de à en con sin para pour sans avec a y et del du".split())
_ADJECTIVAL = frozenset(["ic", "isch", "isé", "isée"])
"""'Nothing alcoholic' is about alcohol."""
_NOT = frozenset(["pas", "ni", "non"])
_KINDS = ("brand", "material", "color", "style", "thing", "product")


class DeniedKinds:
    """Sorts excluded names into the fields of Exclusions."""

    def __init__(self, reading: Reading) -> None:
        self.r, self.table = reading, reading.table
        self.found: dict[str, list[str]] = {name: [] for name in Exclusions.__struct_fields__}

    def kind(self, entry: Entry | None) -> str:
        if entry is None:
            return ""
        return next((kind for kind in _KINDS if getattr(entry, kind)), "")

    def add(
        self,
        entry: Entry | None,
        start: int,
        end: int,
        by_brand: bool = False,
        owned: bool = False,
        *,
        is_chosen: bool = False,
    ) -> None:
        words = [w for w in self.r.words[start:end] if w not in TRAILING]
        if not words:
            return
        said = self._said(start, start + len(words)) if words == self.r.words[start : start + len(words)] else ""
        said = said or " ".join([*words[:-1], self.r.one_of(words[-1])])
        if entry is None and self.r.code == "de" and len(words) == 1:
            # "Nichts Goldenes", "nichts Alkoholisches", "keine Metallbeine"
            entry = self.r.phrases.values.get(stem(said, "de")) or self.r.german_material(words[0])
        if entry is None and by_brand and len(words) <= 2:
            self.found["brands"].append(" ".join(words))
            return
        if is_chosen and entry is not None and entry.thing and EXACT in entry.shares.values():
            entry = msgspec.structs.replace(entry, thing="")
        self.sort(entry, said, by_brand, owned)

    def _said(self, start: int, end: int) -> str:
        """The words with their hyphens, the noun in the singular."""
        r = self.r
        at = end - 1 if r.code in ("en", "de") else start
        head, tail = r.original(start, at), r.original(at + 1, end)
        one = r.one_of(r.words[at])
        if r.code == "de" and head.endswith("en") and one != r.words[at]:
            head = head[:-1]  # "Scharfen Kanten": one is a "scharfe Kante".
        if r.code in ("fr", "es") and at + 1 < end and r.words[at + 1] not in LINKS:
            tail = " ".join([singular(r.words[at + 1], r.code, self.table.keep_plural), *r.words[at + 2 : end]])
        if r.code == "de" and end - start == 1 and start and r.words[start - 1] == "nichts" and one.endswith("es"):
            one = one.removesuffix("es")
        if r.code == "fr" and end - start == 1 and start and r.words[start - 1] in _NOT and one.endswith("ée"):
            one = one[:-1]  # "Pas plissée": the adjective's base form
        if head:
            return head + ("-" if hangs_on(r, at) else " ") + one
        return one + (("-" if hangs_on(r, at + 1) else " ") + tail if tail else "")

    def sort(self, entry: Entry | None, said: str, by_brand: bool = False, owned: bool = False) -> None:
        found, home = self.found, self.r.lexicon
        if entry is None:
            level = self._level(said)
            found["categories" if level else "words"].append(level or said)
        elif entry.describes:
            found["words"].append(entry.thing)
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
            is_adjective = said.removeprefix(entry.thing) in _ADJECTIVAL
            found["words"].append(said if self.r.code == home.home and not is_adjective else entry.thing)
        elif entry.material and not (
            entry.color and entry.material not in home.vocabulary.materials and entry.color in home.vocabulary.colors
        ):
            found["materials"].append(entry.material)
        elif entry.color and not home.vocabulary.colors:
            found["words"].append(said)  # "Neither green nor black" where only tea has a colour
        elif entry.color:
            found["colors"].append(entry.color)
        elif entry.style:
            found["styles"].append(entry.style)
        elif entry.product and (leaf := self._leaf(entry, said, owned)):
            found["categories"].append(leaf)
        elif entry.product and (level := self._level(entry.synonym or said)):
            found["categories"].append(level)
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
        if owned and (level := self._level(entry.synonym or said)):
            return level
        name, whole = key_of(entry.synonym or said, home.home), key_of(leaf, home.home)
        is_narrower = name.endswith(" " + whole) or name.startswith(whole + " ")
        # "Headphones without a cable" speaks of a part; "I already have a stove" of the camping stove.
        is_wider = not owned and (whole.endswith(" " + name) or whole.startswith(name + " "))
        # "No lentils" is about lentils even where one product of lentils is sold, among the pasta.
        is_kind = shares[0][1] > 1 or name == whole or (owned and bool(entry.synonym))
        if is_narrower or is_wider or not is_kind:
            return ""
        return self._shown(leaf)

    def _level(self, name: str) -> str:
        """'No shoes' where sneakers and boots are kept below shoes; '' if no level above the leaves is called so."""
        level = self.r.lexicon.levels.get(key_of(name, self.r.lexicon.home))
        return self._shown(level) if level else ""

    def _shown(self, name: str) -> str:
        """A category's name in lower case and singular."""
        home, words = self.r.lexicon, name.lower().split(" ")
        if home.home == "de":
            return self.r._german_singular(words[0]) if len(words) == 1 else name.lower()
        keep = language(home.home).keep_plural
        if home.home in ("fr", "es"):
            # "Patatas fritas" and "vinos tintos", but "aceites de oliva"
            linked = next((i for i, w in enumerate(words) if w in _PREPOSITIONS), len(words))
            return " ".join(singular(w, home.home, keep) if i < linked else w for i, w in enumerate(words))
        return " ".join([*words[:-1], singular(words[-1], home.home, keep)])
