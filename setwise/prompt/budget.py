"""What the shopper wants to spend, read out of the sentence."""

from decimal import Decimal

import msgspec

from setwise.languages import Language, Phrases
from setwise.languages.tokens import Token
from setwise.money import CURRENCY_CODES, MAX_CENTS, MoneyError, to_cents
from setwise.prompt.numerals import decimal_of, number_at

AROUND_PERCENT = 10
"""'Around 500' allows this much more."""
LEAST_BARE = 10
"""A number without a currency is money only from here on."""
_SYMBOLS = {
    "$": "USD",
    "us$": "USD",
    "€": "EUR",
    "£": "GBP",
    "¥": "JPY",
    "₹": "INR",
    "₺": "TRY",
    "zł": "PLN",
    "₩": "KRW",
    "₽": "RUB",
}
# Codes that are also words ("all", "top") would turn a sentence into money.
_LOOKS_LIKE_A_WORD = {
    "ALL",
    "TOP",
    "TRY",
    "MAD",
    "PEN",
    "CUP",
    "RON",
    "SOS",
    "LAK",
    "GEL",
    "BOB",
    "MOP",
    "BAM",
    "COP",
    "DOP",
    "MUR",
}
_CODES = {code.lower(): code for code in CURRENCY_CODES - _LOOKS_LIKE_A_WORD}
_RANGE_SIGNS = ("-", "–", "—")
_SKIPPED_BEFORE = frozenset([":", "of", "a", "is", "de", "von", "der", "the", "me", "an", "about", "d'"])
_ENDS = frozenset([",", ".", ";", "!", "?", ")", "(", "]", ":", "–", "—"])
_LONGEST_BOUND = 8
_NEGATIONS = frozenset("not don't no never cannot can't nicht pas no ne n' won't doesn't".split())
_WEAK = frozenset(
    "for i have we have i've got got to spend total in total zusammen insgesamt für pour à a por le tout en total some so um sobre vers de from von "
    "within about around over above über ab near".split()
)


class Budget(msgspec.Struct, frozen=True):
    """Minor units of `currency`; scope 'total' for the bundle, 'item' for each item of it. Both bounds are as they were said."""

    min_cents: int | None
    max_cents: int | None
    currency: str
    scope: str = "total"
    approximate: bool = False


class _Amount(msgspec.Struct):
    start: int
    end: int
    value: Decimal
    currency: str
    thousands: bool = False
    spelled: bool = False


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


class BudgetReader:
    """Reads the money of one prompt; `taken` marks the tokens that were about it."""

    def __init__(
        self, tokens: list[Token], words: list[str], tables: list[Language], currency: str, sizes: frozenset[str]
    ) -> None:
        self.tokens, self.words, self.tables = tokens, words, tables
        self.currency, self.sizes = currency, sizes
        self.taken = [False] * len(tokens)

    def read(self) -> tuple[Budget | None, list[str]]:
        """The budget and what contradicts itself."""
        found = self._found()
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
            amount = self._amount(i)
            if amount is None:
                i += 1
                continue
            one = self._range(amount) or self._one(amount)
            if one is not None:
                found.append(one)
                i = one.end
            else:
                i = amount.end
        return found

    def _amount(self, i: int) -> _Amount | None:
        """A number with or without a currency beside it that counts nothing else."""
        words = self.words
        start, code = i, self._currency_before(i)
        if code:
            i += 1
            if i >= len(words):
                return None
        for table in self.tables:
            if named := table.amounts.at(words, i):
                return _Amount(start, i + named[0], Decimal(named[1]), code or self.currency, False, False)
        number = next((n for t in self.tables if (n := number_at(self.tokens, i, t))), None)
        if number is None:
            return None
        used, value, spelled = number
        end = i + used
        thousands = False
        if end < len(words) and words[end] == "k" and self.tokens[end - 1].kind == "number":
            value, thousands, end = decimal_of(words[i], True) * 1000, True, end + 1
        elif end < len(words) and not spelled and words[end] in ("grand", "mil", "tausend", "mille", "thousand"):
            value, end = value * 1000, end + 1
        if (
            end < len(words)
            and words[end] == "."
            and end + 1 < len(words)
            and words[end + 1] in ("-", "–")
            and self.tokens[end].glued
        ):
            end += 2  # "230.-" as the Swiss write it
        after = self._currency_after(end)
        if after:
            code, end = code or after[1], end + after[0]
        for table in self.tables:
            if half := table.half.at(words, end) if end < len(words) else None:
                value, end = value + Decimal("0.5"), end + half[0]
        if self._is_of_something_else(i, end, bool(code), thousands):
            return None
        if self.tokens[start].glued and start and self.tokens[start - 1].kind == "word" and not code:
            return None
        return _Amount(start, end, value, code or "", thousands, spelled)

    def _currency_before(self, i: int) -> str:
        word = self.words[i]
        if word in _SYMBOLS:
            return _SYMBOLS[word]
        if word in _CODES and i + 1 < len(self.words) and (self.tokens[i + 1].kind == "number"):
            return _CODES[word]
        return ""

    def _currency_after(self, i: int) -> tuple[int, str] | None:
        if i >= len(self.words):
            return None
        word = self.words[i]
        if word in _SYMBOLS:
            # "20 $30": the sign belongs to the number that follows it without a space.
            follows = i + 1 < len(self.tokens) and self.tokens[i + 1].glued and self.tokens[i + 1].kind == "number"
            return None if follows and not self.tokens[i].glued else (1, _SYMBOLS[word])
        if word in _CODES:
            return 1, _CODES[word]
        return next((hit for t in self.tables if (hit := t.currencies.at(self.words, i))), None)

    def _is_of_something_else(self, i: int, end: int, has_currency: bool, thousands: bool) -> bool:
        """'120 cm', '4k tv', '72%', '5x7', '2-person'."""
        if has_currency:
            return False
        if i and (self.words[i - 1] in ("=", "#") or (self.words[i - 1] in ("x", "×", "*") and self.tokens[i].glued)):
            return True
        if end >= len(self.words):
            return False
        following = self.words[end]
        if following in ("%", '"', "″", "'", "=", "×", "*"):
            return True
        if following == "+" and self.tokens[end].glued:
            return True
        if following == "-" and self.tokens[end].glued and end + 1 < len(self.words):
            after = self.tokens[end + 1]
            if after.glued and after.kind == "word" and after.text not in _SYMBOLS:
                return True
        if following == "in" and end + 1 < len(self.words):
            return self.tokens[end].glued or self.words[end + 1] in (
                "long",
                "wide",
                "tall",
                "high",
                "deep",
                "tv",
                "x",
                ",",
            )
        if any(following in table.not_money for table in self.tables):
            return not (following == "pounds" or thousands)
        is_glued_word = self.tokens[end].glued and self.tokens[end].kind == "word"
        return is_glued_word and following not in ("ish", "k") and not self._after(end)

    def _range(self, first: _Amount) -> _Found | None:
        to = self._to(first.end)
        if not to or first.end + to >= len(self.words):
            return None
        second = self._amount(first.end + to)
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
            if not (bare and self._is_last(second.end)):
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

    def _one(self, amount: _Amount) -> _Found | None:
        length, kind, text = self._bound(amount.start)
        found = _Found(kind or "max", None, None, amount.currency, amount.start - length, amount.end)
        after = self._finish(found)
        if kind in ("", "max") and "after_min" in after:
            kind = "min"
        elif kind == "min" and "after_max" in after:
            kind = "max"
        around = kind == "around" or "after_around" in after
        is_weak = not kind or all(word in _WEAK for word in text.split(" "))
        if not amount.currency and not kind and after == {"each"} and amount.value < LEAST_BARE:
            return self._undo(found)
        if not amount.currency and is_weak and not after and not self._stands_alone(amount, bool(kind)):
            return self._undo(found)
        if not amount.currency and amount.spelled and amount.value < 20 and not after:
            return self._undo(found)
        if not amount.currency and amount.thousands and not kind and not after and not self._is_last(amount.end):
            return self._undo(found)
        if not amount.currency and kind == "" and "after_min" in after and self.words[amount.end] in ("plus", "+"):
            return self._undo(found)
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

    def _undo(self, found: _Found) -> None:
        for i in range(found.start, found.end):
            self.taken[i] = False

    def _stands_alone(self, amount: _Amount, has_bound: bool) -> bool:
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

    def _after(self, i: int) -> tuple[int, str] | None:
        if i >= len(self.words):
            return None
        return next((hit for t in self.tables if (hit := t.after.at(self.words, i))), None)

    def _finish(self, found: _Found) -> set[str]:
        """Reads what stands behind the amount and before its bound (each, in total, or less); marks all of it."""
        after: set[str] = set()
        for _ in range(3):
            i = found.end
            if (
                i < len(self.words)
                and self.words[i] in (",", "(")
                and (hit := self._after(i + 1))
                and hit[1] in ("each", "total")
            ):
                found.end = i + 1 + hit[0]
                after.add(hit[1])
            elif hit := self._after(i):
                if hit[1] == "after_min" and self._amount_follows(i + hit[0]):
                    break
                found.end = i + hit[0]
                after.add(hit[1])
            elif (
                i + 1 < len(self.words)
                and self.words[i] in ("per", "pro", "par", "por")
                and self.tokens[i + 1].kind == "word"
            ):
                found.end = i + 2
                after.add("each")
        if "each" in after or self._each_before(found):
            found.scope = "item"
        for i in range(found.start, found.end):
            self.taken[i] = True
        return after

    def _amount_follows(self, i: int) -> bool:
        """'At least 30, minimum 50': the word belongs to the number behind it."""
        return i < len(self.tokens) and (self.tokens[i].kind == "number" or self.words[i] in _SYMBOLS)

    def _each_before(self, found: _Found) -> bool:
        for back in range(5):
            end = found.start - back
            if back and (end < 0 or self.words[end] in (".", ";", "!", "?") or self.tokens[end].kind == "number"):
                return False
            for n in range(1, min(3, end) + 1):
                text = " ".join(self.words[end - n : end])
                if any(text in table.each.values for table in self.tables) and (
                    end - n == 0 or self.words[end - n - 1] not in ("of", "2")
                ):
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


__all__ = ["AROUND_PERCENT", "Budget", "Phrases", "read_budget"]
