"""Sizes and measures of the wished product as the catalogue spells them: '65 inch', '3-seater', 'w32 l34'."""

import re
from decimal import Decimal

from setwise.languages import Language
from setwise.prompt.numerals import number_at
from setwise.prompt.reading import Reading

_UNITS = {
    "inch": ("inch", "inches", "in", '"', "″", "zoll", "pouce", "pouces", "pulgada", "pulgadas"),
    "ft": ("ft", "feet", "foot"),
    "cm": ("cm", "zentimeter", "centimeter", "centimetre"),
    "mm": ("mm",),
    "m": ("m", "metre", "meter", "metres", "meters", "metern", "metro", "metros", "mètre", "mètres"),
    "kg": ("kg", "kilo", "kilos", "kilogram", "kilograms"),
    "g": ("g", "gram", "grams", "gramm", "gramme", "grammes", "gramo", "gramos"),
    "l": ("l", "litre", "liter", "litres", "liters", "litern", "litro", "litros"),
    "ml": ("ml",),
    "cl": ("cl",),
    "gb": ("gb", "go", "gigabyte"),
    "tb": ("tb", "to", "terabyte"),
    "w": ("w", "watt", "watts", "vatios"),
    "mah": ("mah",),
    "lb": ("lb", "lbs", "pound", "pounds", "pfund", "livre", "livres", "libra", "libras"),
    "oz": ("oz", "ounce", "ounces"),
    "pack": ("pack", "packs", "er-pack", "pk"),
    "pieces": ("pieces", "piece", "teile", "pièces", "piezas"),
    "bags": ("bags", "bolsas", "beutel", "sachets"),
    "person": ("person", "man"),
}
_UNIT_OF = {name: unit for unit, names in _UNITS.items() for name in names}
_PEOPLE = frozenset(["personen", "places", "plazas", "people", "persons", "personnes", "personas"])
_SEATS = frozenset(["seater", "sitzer", "seats"])
_BY = re.compile(r"x(\d{1,4})(\w*)")
_JEANS = re.compile(r"[wl]\d{2}")
_LONG = ("inch", "ft", "cm", "mm", "m")
_WHOLE = frozenset(["kilo", "kilos", "litre", "liter", "litro", "litros"])
_HEAVY = ("kg", "g", "lb", "oz")
_SMALLER = {"kg": "g", "l": "ml"}
_COUNTED = ("bags", "pieces")
_BED = frozenset(["king", "queen", "full", "twin", "double", "single"])


class SizeReader:
    """Reads sizes and marks their tokens `size`; what only bounds a size ('under 200 grams') is marked `limit`."""

    def __init__(self, reading: Reading) -> None:
        self.r = reading
        self.table: Language = reading.table
        self.known = reading.lexicon.vocabulary.sizes
        self.sizes: list[tuple[int, str]] = []

    def read(self) -> list[str]:
        """Sizes in the order they are said; budgets have to be read before."""
        r, i = self.r, 0
        while i < len(r.words):
            if r.state[i] not in ("", "title"):
                i += 1
                continue
            used = self._measure(i) or self._named(i)
            i += used or 1
        return list(dict.fromkeys(size for _, size in self.sizes))

    def _take(self, start: int, end: int, size: str | None) -> int:
        """Marks the tokens; behind a bound, or 'for a', they are no size of what is wished."""
        r = self.r
        bound = next(
            (
                n
                for n in range(min(4, start), 0, -1)
                if " ".join(r.words[start - n : start]) in self.table.size_limits.values
            ),
            0,
        )
        if not bound and start and r.words[start - 1] in ("than", "als", "que"):
            bound = 1  # "No wider than 40 cm"
        if size is None or bound or self._is_of_something_else(start, end):
            r.state[start - bound : end] = ["limit"] * (end - start + bound)
            return end - start
        self.sizes.append((start, size))
        r.state[start:end] = ["size" if state == "" else state for state in r.state[start:end]]
        return end - start

    def _is_of_something_else(self, start: int, end: int) -> bool:
        """'Stand for a 65 inch tv', 'in a 10 by 12 ft room', 'holds 80 pounds': no measure of what is wished."""
        words = self.r.words
        before = words[max(0, start - 2) : start]
        unit = _UNIT_OF.get(words[end - 1], "")
        is_for_it = unit in _LONG and not self.table.purpose_of.isdisjoint(before[-1:])
        around = words[max(0, start - 3) : start] + words[end : end + 1]
        if is_for_it or before[-1:] in (["am"], ["boils"]):
            return True
        if unit in _HEAVY and not self.table.weighing.isdisjoint(around):
            return True
        if start > 2 and before[-1] in ("de", "d'") and words[start - 3] in self.table.determiners:
            # "Un sac qui tient un ordi de 15 pouces"
            entry = self.r.phrases.values.get(self.r.stems[start - 2])
            is_named = any(
                (e := self.r.phrases.values.get(key)) and e.product and e.shares for key in self.r.stems[: start - 3]
            )
            return is_named and not (entry is not None and entry.product)
        if len(before) < 2 or before[1] not in self.table.determiners | self.table.possessive:
            return False
        if before[0] in self.table.purpose_of or before[0] in self.table.places:
            return True
        return before[0] == "in" and end < len(words) and self.r.stems[end] in self.table.occasions

    def _measure(self, i: int) -> int:
        """'65 inch', '8x10 ft', '2-person', 'six pack', 'W32 L34'."""
        r, words = self.r, self.r.words
        if _JEANS.fullmatch(words[i]):
            if i + 1 < len(words) and _JEANS.fullmatch(words[i + 1]):
                return self._take(i, i + 2, f"{words[i]} {words[i + 1]}")
            return self._take(i, i + 1, words[i]) if any(s.startswith(words[i] + " ") for s in self.known) else 0
        number = number_at(r.tokens, i, self.table)
        if number is None and (half := self.table.half_a.at(words, i)):
            return self._half(i, i + half[0])
        if number is None and i + 1 < len(words) and words[i + 1] in _WHOLE and words[i] in self.table.determiners:
            number = 1, Decimal(1), True  # "A kilo of rice"
        if number is None or i + number[0] >= len(words):
            return 0
        end = i + number[0]
        more = self.table.half.at(words, end + 1) if end + 1 < len(words) and words[end] in _WHOLE else None
        if more is not None:  # "Un kilo y medio"
            return self._take(i, end + 1 + more[0], f"{number[1] + Decimal('0.5'):f} {_UNIT_OF[words[end]]}")
        value = f"{number[1].normalize():f}"
        if not number[2] and (by := _BY.fullmatch(words[end])) and r.tokens[end].glued:
            return self._by(i, end, value, by)
        if words[end] == "by" and end + 2 < len(words) and (other := number_at(r.tokens, end + 1, self.table)):
            stop = end + 1 + other[0]
            unit = _UNIT_OF.get(words[stop], "") if stop < len(words) else ""
            size = f"{value}x{other[1].normalize():f} {unit}".strip()
            return self._take(i, stop + bool(unit), size) if unit or size in self.known else 0
        if words[end] in _SEATS or (
            words[end] in _PEOPLE and words[end] in ("places", "plazas") and self._seats(value)
        ):
            return self._take(i, end + 1, self._seats(value) or f"{value}-{words[end]}")
        if words[end] in _PEOPLE or (words[end] == "person"):
            person = f"{value}-person"
            return self._take(i, end + 1, person) if person in self.known and self._is_tent(i) else 0
        unit = _UNIT_OF.get(words[end], "")
        if not unit or (
            unit == "m" and not r.tokens[end].glued and end + 1 < len(words) and words[end] == "m" and number[2]
        ):
            return 0
        if words[end] == "packs" and not (i and number_at(r.tokens, i - 1, self.table)):
            return 0  # "12 packs" are twelve; "a 12 pack" is one, "two six packs" are two.
        if unit == "pack" or unit in _COUNTED:
            packed = self._spelled(value, unit)
            return (
                self._take(i, end + 1, packed)
                if packed or (unit == "pack" and not number[2]) or words[end] == "pack"
                else 0
            )
        if unit == "person" or (unit in ("inch",) and words[end] == "in" and not self._is_measure_in(end)):
            return 0
        if words[end] == "to" and not r.tokens[end].glued:
            return 0
        return self._take(i, end + 1, self._spelled(value, unit) or f"{value} {unit}")

    def _half(self, start: int, i: int) -> int:
        """'Medio kilo' is 500 g, as catalogues write it."""
        unit = _SMALLER.get(_UNIT_OF.get(self.r.words[i], "")) if i < len(self.r.words) else None
        return self._take(start, i + 1, self._spelled("500", unit) or f"500 {unit}") if unit else 0

    def _is_measure_in(self, end: int) -> bool:
        """'84 in long' is a measure, '5 in red' is not."""
        words = self.r.words
        if self.r.tokens[end].glued or end + 1 >= len(words):
            return True
        return words[end + 1] in ("long", "wide", "tall", "high", "deep", ",", "x")

    def _is_tent(self, i: int) -> bool:
        """'Zelt für 4 Personen' is a size, 'Stühle für 4 Personen' a number of guests."""
        return not any(self.r.stems[k] in self.table.seated for k in range(i))

    def _seats(self, value: str) -> str | None:
        return next(
            (
                s
                for s in (f"{value}-seater", f"{value}-sitzer", f"{value} places", f"{value} plazas")
                if s in self.known
            ),
            None,
        )

    def _by(self, start: int, end: int, value: str, by: re.Match[str]) -> int:
        stop, unit = end + 1, by[2]
        if not unit and stop < len(self.r.words) and self.r.words[stop] in _UNIT_OF:
            unit, stop = self.r.words[stop], stop + 1
        size = f"{value}x{by[1]}"
        if not unit:
            unit = next((s.removeprefix(size + " ") for s in sorted(self.known) if s.startswith(size + " ")), "")
        if not unit and not any("x" in s for s in self.known):
            return 0
        if not unit:
            units = {s.rpartition(" ")[2] for s in self.known if re.match(r"\d+x\d+ ", s)}
            unit = units.pop() if len(units) == 1 else ""
        return self._take(start, stop, f"{size} {unit}".strip())

    def _spelled(self, value: str, unit: str) -> str | None:
        """As the catalogue writes it, or None."""
        candidates = (
            [f"{value} {name}" for name in _UNITS[unit]]
            + [f"{value}{name}" for name in _UNITS[unit]]
            + [f"{value}-{unit}"]
        )
        if unit == "pack":
            candidates.append(f"{value} unidades")
        return next((c for c in candidates if c in self.known), None)

    def _named(self, i: int) -> int:
        """'size 10', 'xl', 'queen', 'seats three'."""
        r, words = self.r, self.r.words
        if hit := self.table.size_words.at(words, i):
            if hit[1] in self.known or words[i - 1 : i] == ["size"]:
                is_whole = words[i] != "small" or words[i - 1 : i] == ["size"]
                return self._take(i, i + hit[0], hit[1]) if is_whole and words[i] not in ("small", "large") else 0
            return 0
        if words[i] == "seats" and i + 1 < len(words) and (number := number_at(r.tokens, i + 1, self.table)):
            value = f"{number[1]:f}"
            return self._take(i, i + 1 + number[0], self._seats(value) or f"{value}-seater")
        if words[i] in self.table.size_before:
            return self._after_size(i)
        if words[i] in _BED:
            return self._take(i, i + 1, words[i]) if words[i] in self.known and self._is_bed_size(i) else 0
        if words[i] in self.table.letter_sizes:
            return self._take(i, i + 1, words[i]) if words[i] in self.known and not r.tokens[i].glued else 0
        if used := self._pack_of(i):
            return used
        if (
            r.tokens[i].kind == "number"
            and words[i] in self.known
            and i
            and not self._counts(i)
            and self._follows_product(i)
        ):
            return self._take(i, i + 1, words[i])
        return 0

    def _pack_of(self, i: int) -> int:
        """'Packs de 6', 'pack of 12'."""
        words = self.r.words
        if (
            words[i] in ("pack", "packs")
            and i + 2 < len(words)
            and words[i + 1] in ("de", "of")
            and words[i + 2].isdigit()
        ):
            return self._take(i, i + 3, self._spelled(words[i + 2], "pack") or f"{words[i + 2]} pack")
        return 0

    def _follows_product(self, i: int) -> bool:
        """A bare number is a size behind a product or what describes it, or behind a comma."""
        before = self.r.words[i - 1]
        if before == "," or self.table.genders.at(self.r.words, i - 1) is not None:
            return True
        entry = self.r.phrases.values.get(self.r.stems[i - 1]) or self.r.lexicon.at_home.values.get(
            self.r.home_stems[i - 1]
        )
        return entry is not None or (
            self.r.words[i - 1] in self.r.lexicon.home_words and before not in self.table.fillers
        )

    def _is_bed_size(self, i: int) -> bool:
        """'Full' and 'single' are sizes only beside what has such a size."""
        near = self.r.words[max(0, i - 3) : i + 3]
        return self.r.words[i] in ("king", "queen") or any(
            w in ("bed", "size", "mattress", "sheets", "duvet") for w in near
        )

    def _counts(self, i: int) -> bool:
        """True if the number says how many of what follows."""
        following = self.r.tokens[i + 1] if i + 1 < len(self.r.words) else None
        if following is None or following.kind != "word":
            return following is not None and following.text in ("%", "-", "×") and following.glued
        entry = self.r.phrases.at(self.r.stems, i + 1)
        is_attribute = entry is not None and entry[1].is_attribute() and not entry[1].product
        return not is_attribute and following.text not in self.table.prepositions

    def _after_size(self, i: int) -> int:
        r, words = self.r, self.r.words
        k = i + 1
        if k < len(words) and words[k] in (":", "'", "s"):
            k += 1
        if k >= len(words):
            return 0
        number = number_at(r.tokens, k, self.table)
        if (
            number is not None
            and not r.state[k]
            and (words[i] not in ("us", "uk", "eu", "t") or words[i - 1 : i] != ["to"])
        ):
            return self._take(i, k + number[0], f"{number[1].normalize():f}")
        if words[k] in self.table.letter_sizes and not r.state[k]:
            return self._take(i, k + 1, words[k])
        if hit := self.table.size_words.at(words, k):
            return self._take(i, k + hit[0], hit[1])
        return 0
