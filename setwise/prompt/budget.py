"""What the shopper wants to spend, read out of the sentence."""

from decimal import Decimal
from itertools import pairwise

import msgspec

from setwise.languages import Language, stem
from setwise.languages.tokens import Token
from setwise.money import MAX_CENTS, MoneyError, to_cents
from setwise.prompt.amounts import SYMBOLS, Amount, AmountReader
from setwise.prompt.numerals import number_at
from setwise.prompt.passing import SPENT, passing

AROUND_PERCENT = 10
"""'Around 500' allows this much more."""
LEAST_BARE = 10
"""A number without a currency is money only from here on."""
_RANGE_SIGNS = ("-", "–", "—")
_SKIPPED_BEFORE = frozenset([":", "of", "a", "is", "de", "von", "der", "the", "me", "an", "about", "d'"])
_ENDS = frozenset([",", ".", ";", "!", "?", ")", "(", "]", ":", "–", "—"])
_PER = {"en": "per", "de": "pro", "fr": "par", "es": "por"}
_NO_UNITS = frozenset(["favor", "max", "mini"])
"""'Por favor', and names of models: 'pro max'."""
_EACH_OF = frozenset(["cada", "chaque"])
_ARTICLES = frozenset("a the der die das la le el".split())
_LONGEST_BOUND = 8
_PIECES = frozenset(["stück", "pièce", "unidad", "unité"])
_ON = frozenset(["on", "en", "in", "sur", "dans"])
_NEGATIONS = frozenset("not don't no never cannot can't nicht pas no ne n' won't doesn't".split())
_WEAK = frozenset(
    "for i have we have i've got got to spend total in total zusammen insgesamt für pour à a por le tout en total "
    "davon some so um sobre vers de from von within about around over above über ab near".split()
)


class Budget(msgspec.Struct, frozen=True):
    """Minor units of `currency`; scope 'total' for the bundle, 'item' for each item. Bounds are as they were said."""

    min_cents: int | None
    max_cents: int | None
    currency: str
    scope: str = "total"
    approximate: bool = False


class _Found(msgspec.Struct):
    kind: str
    low: Decimal | None
    high: Decimal | None
    currency: str
    start: int
    end: int
    scope: str = "total"
    around: bool = False
    said: bool = True
    """False for an amount that stands alone: an explicit bound wins over it."""
    passing: str = ""


class BudgetReader:
    """Reads the money of one prompt; `taken` marks the tokens that were about it."""

    def __init__(
        self, tokens: list[Token], words: list[str], tables: list[Language], currency: str, sizes: frozenset[str]
    ) -> None:
        self.tokens, self.words, self.tables = tokens, words, tables
        self.currency, self.sizes = currency, sizes
        self.amounts = AmountReader(tokens, words, tables, currency)
        self.taken = [False] * len(tokens)

    def read(self) -> tuple[Budget | None, list[str]]:
        """The budget and what contradicts itself."""
        found = self._found()
        found = [f for f in found if not f.passing] or [f for f in found if f.passing != SPENT]
        if not found:
            return None, []
        if any(f.said for f in found):
            found = [f for f in found if f.said]
        code = next((f.currency for f in found if f.currency), "") or self.currency
        lows = [c for f in found if f.low is not None and (c := _cents(f.low, code)) is not None]
        highs = [c for f in found if f.high is not None and (c := _cents(f.high, code)) is not None]
        if not lows and not highs:
            return None, []
        low, high = (max(lows) if lows else None), (min(highs) if highs else None)
        conflicts = []
        if low is not None and high is not None and low > high:
            conflicts.append("budget: at least is more than at most; at most holds")
        if len({f.currency for f in found if f.currency}) > 1:
            conflicts.append(f"budget: two currencies; {code} holds")
        scope = "item" if any(f.scope == "item" for f in found) else "total"
        return Budget(low, high, code, scope, any(f.around for f in found)), conflicts

    def _found(self) -> list[_Found]:
        found: list[_Found] = []
        i = 0
        while i < len(self.tokens):
            amount = self.amounts.at(i)
            if amount is None:
                i += 1
                continue
            before = list(self.taken)
            one = self._range(amount) or self._one(amount)
            if one is not None:
                found.append(one)
                i = one.end
            else:
                self.taken = before
                i = amount.end
        return found

    def _range(self, first: Amount) -> _Found | None:
        to = self._to(first.end)
        if not to or first.end + to >= len(self.words):
            return None
        second = self.amounts.at(first.end + to)
        if second is None:
            return None
        start, lead = first.start, self._lead(first.start, "between")
        code = first.currency or second.currency
        is_dash = self.words[first.end] in _RANGE_SIGNS
        word = self.words[first.end]
        if not (code or lead):
            bare = (is_dash or word not in ("and", "und", "et", "y", "or")) and min(
                first.value, second.value
            ) >= LEAST_BARE
            is_price = word not in ("and", "und", "et", "y", "or") and self._is_for_each(second.end)
            if not is_price and not (bare and self._is_last(second.end)):
                return None
        if not lead and word in ("and", "und", "et", "y", "or", "ou"):
            return None
        low, high = first.value, second.value
        if second.thousands and not first.thousands and low < 1000:
            low *= 1000
        if low > high:
            return None
        start -= lead
        found = _Found("range", low, high, code, start, second.end)
        self._finish(found)
        return found

    def _to(self, i: int) -> int:
        if i >= len(self.words):
            return 0
        if self.words[i] in _RANGE_SIGNS:
            return 1
        return next((hit[0] for t in self.tables if (hit := t.to.at(self.words, i))), 0)

    def _lead(self, start: int, kind: str) -> int:
        """Words before `start` that say 'between'."""
        for n in range(min(3, start), 0, -1):
            text = " ".join(self.words[start - n : start])
            if any(text in getattr(table, kind).values for table in self.tables):
                return n
        return 0

    def _one(self, amount: Amount) -> _Found | None:
        length, kind, text = self._bound(amount.start)
        found = _Found(kind or "max", None, None, amount.currency, amount.start - length, amount.end)
        after = self._finish(found)
        if kind in ("", "max") and "after_min" in after:
            kind = "min"
        elif kind == "min" and "after_max" in after:
            kind = "max"
        around = kind == "around" or "after_around" in after or amount.around
        if kind in ("", "around") and not after - {"each", "total"}:
            found.passing, verb = passing(self.words, found.start, found.end, self.tables)
            if found.passing:
                self.taken[verb] = True
            if found.passing == SPENT:
                self._take_object(found)
        is_weak = not kind or all(word in _WEAK for word in text.split(" "))
        is_small = amount.value < LEAST_BARE and amount.value == amount.value.to_integral_value()
        if not amount.currency and not kind and after == {"each"} and is_small:
            return None
        is_price = found.scope == "item" and amount.value >= LEAST_BARE and self._is_last(found.end)  # "Je 90"
        is_alone = is_price or self._stands_alone(amount, bool(kind))
        is_alone = is_alone or (bool(found.passing) and amount.value >= LEAST_BARE)
        if not amount.currency and is_weak and not after and not is_alone:
            return None
        if (
            not amount.currency
            and amount.spelled
            and amount.value < 20
            and (not after or (is_weak and after == {"total"}))
        ):
            return None  # "para cuatro, todo menos queso" counts guests
        if not amount.currency and amount.spelled and amount.value == 1:
            return None  # "A new one up to 250"
        if not amount.currency and amount.thousands and not kind and not after and not self._is_last(amount.end):
            return None
        if not amount.currency and kind == "" and "after_min" in after and self.words[amount.end] in ("plus", "+"):
            return None
        if kind == "min" and self._is_denied(found):
            kind = "max"
        value = amount.value
        found.kind, found.around = kind or "max", around and kind != "min"
        found.said = bool(kind) or bool(after - {"each", "total"})
        if kind == "min":
            found.low = value
        else:
            found.high = value * (100 + AROUND_PERCENT) / 100 if found.around else value
        return found

    def _take_object(self, found: _Found) -> None:
        """'I spent 80 on jeans': what was paid for is no wish; 'for our last mattress' tells of one."""
        end, table = found.end, self.tables[0]
        if end >= len(self.words) or self.words[end] not in table.purpose_of | _ON:
            return
        stop = end
        while stop < len(self.words) and self.words[stop] not in _ENDS and self.words[stop] not in table.clause_joins:
            stop += 1
        said = self.words[end:stop]
        is_replaced = any(a in table.definite and b in table.former for a, b in pairwise(said))
        if not is_replaced and table.possessive.isdisjoint(said):
            self.taken[end:stop] = [True] * (stop - end)
            found.end = stop

    def _stands_alone(self, amount: Amount, has_bound: bool) -> bool:
        """A number without a currency: at the end of a clause, and not a size of this catalogue."""
        if amount.value < LEAST_BARE or not self._is_last(amount.end):
            return False
        if has_bound:
            return True
        if amount.spelled or (amount.end - amount.start == 1 and self.words[amount.start] in self.sizes):
            return False
        before = self.words[amount.start - 1] if amount.start else ","
        has_decimals = amount.value != amount.value.to_integral_value() or "." in self.words[amount.start]
        return before in _ENDS or has_decimals

    def _is_last(self, end: int) -> bool:
        if (
            end >= len(self.words)
            or self.words[end] in _ENDS
            or self.words[end] in ("for", "für", "pour", "para")
            or self.tokens[end].text in ("but", "aber", "pero", "mais", "and", "to")
        ):
            return True
        return not (self.tokens[end].text.isalnum() or self.words[end] in ("+", "&", "-", "/"))

    def _bound(self, start: int) -> tuple[int, str, str]:
        """(words before the amount, kind, text) of the longest bound that ends where the amount begins."""
        end = start
        while end and self.words[end - 1] in _SKIPPED_BEFORE and start - end < 3:
            hit = self._bound_ending(end)
            if hit:
                return start - end + hit[0], hit[1], hit[2]
            end -= 1
        hit = self._bound_ending(end)
        return (start - end + hit[0], hit[1], hit[2]) if hit else (0, "", "")

    def _bound_ending(self, end: int) -> tuple[int, str, str] | None:
        for n in range(min(_LONGEST_BOUND, end), 0, -1):
            text = self.words[end - 1] if n == 1 else " ".join(self.words[end - n : end])
            for table in self.tables:
                if kind := table.before.values.get(text):
                    return n, kind, text
        return None

    def _finish(self, found: _Found) -> set[str]:
        """Reads what stands behind the amount and before its bound (each, in total, or less); marks all of it."""
        after: set[str] = set()
        for _ in range(3):
            i = found.end
            if (
                i < len(self.words)
                and self.words[i] in (",", "(")
                and (hit := self.amounts.after(i + 1))
                and hit[1] in ("each", "total")
            ):
                found.end = i + 1 + hit[0]
                after.add(hit[1])
            elif i < len(self.words) and self.words[i] in _EACH_OF and self._names_a_unit(i):
                found.end = i + 2
                after.add("each")
            elif hit := self.amounts.after(i):
                if hit[1] in ("after_min", "after_max") and self._amount_follows(i + hit[0]):
                    break
                found.end = i + hit[0]
                after.add(hit[1])
            elif self._names_a_unit(i):
                found.end = i + 2
                after.add("each")
        if "each" in after or self._each_before(found):
            found.scope = "item"
        for i in range(found.start, found.end):
            self.taken[i] = True
        return after

    def _names_a_unit(self, i: int) -> bool:
        """'5 per jar', '2 euros la bolsa', '9 € die Flasche'; '20 dollars a box of tea' may be the price of the box."""
        words = self.words
        if i + 1 < len(words) and words[i] in _EACH_OF.union(_PER.values()) and self.tokens[i + 1].kind == "word":
            return True
        if i + 1 >= len(words) or words[i] not in _ARTICLES:
            return False
        key = stem(words[i + 1], self.tables[0].code)
        is_named = any(stem(word, self.tables[0].code) == key for word in words[:i])  # "Five shirts, $35 a shirt"
        if not is_named and words[i + 1] not in self.tables[0].containers | self.tables[0].not_money:
            return False
        return i + 2 >= len(words) or words[i + 2] in _ENDS

    def _is_for_each(self, i: int) -> bool:
        """'12 to 18 a bottle', '5-8 each': without a currency it is money all the same."""
        hit = self.amounts.after(i)
        return (hit is not None and hit[1] == "each") or self._names_a_unit(i)

    def _amount_follows(self, i: int) -> bool:
        """'At least 30, minimum 50': the word belongs to the number behind it."""
        return i < len(self.tokens) and (self.tokens[i].kind == "number" or self.words[i] in SYMBOLS)

    def _each_before(self, found: _Found) -> bool:
        unit = found.start - 1
        is_per = unit > 0 and self.words[unit - 1] == _PER[self.tables[0].code] and self.tokens[unit].kind == "word"
        if is_per and self.words[unit] not in _NO_UNITS:
            self.taken[unit - 1] = self.taken[unit] = True
            return True
        for back in range(5):
            end = found.start - back
            if back and (end < 0 or self.words[end] in (".", ";", "!", "?") or self.tokens[end].kind == "number"):
                return False
            for n in range(1, min(3, end) + 1):
                text = " ".join(self.words[end - n : end])
                is_each = any(text in table.each.values for table in self.tables)
                # "A pair of jeans for 100" is what is wished, "100 a pair" is a price.
                counted = end - n - 1
                is_count = counted >= 0 and any(number_at(self.tokens, counted, t) for t in self.tables)
                is_piece = not is_count or text not in _PIECES  # "Sechs Stück"
                is_each = is_each and is_piece
                if is_each and self.words[end] not in ("of", "de", "d'") and self.words[end - n - 1] not in ("of", "2"):
                    for i in range(end - n, found.start):
                        self.taken[i] = True
                    return True
        return False

    def _is_denied(self, found: _Found) -> bool:
        """'Mehr als 800 Euro möchte ich nicht ausgeben', 'don't want to pay over 60' set an upper bound."""
        for i in range(found.start - 1, max(-1, found.start - 9), -1):
            if self.words[i] in _ENDS:
                break
            if self.words[i] in _NEGATIONS:
                return True
        for i in range(found.end, min(len(self.words), found.end + 6)):
            if self.words[i] in _ENDS:
                break
            if self.words[i] in ("nicht", "pas"):
                return True
        return False


def read_budget(
    tokens: list[Token], words: list[str], tables: list[Language], currency: str, sizes: frozenset[str] = frozenset()
) -> tuple[Budget | None, list[str], list[bool]]:
    """The budget, what contradicts itself and which tokens were about money. `currency` is meant where none is said."""
    reader = BudgetReader(tokens, words, tables, currency, sizes)
    budget, conflicts = reader.read()
    return budget, conflicts, reader.taken


def _cents(value: Decimal, currency: str) -> int | None:
    try:
        cents = to_cents(f"{value:f}", currency)
    except MoneyError:
        return None
    return cents if cents <= MAX_CENTS else None


__all__ = ["AROUND_PERCENT", "Budget", "read_budget"]
