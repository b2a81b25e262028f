"""Amounts of money in a prompt: a number, in digits or words, with or without a currency, that counts nothing else."""

from decimal import Decimal

import msgspec

from setwise.languages import Language
from setwise.languages.tokens import Token
from setwise.money import CURRENCY_CODES
from setwise.prompt.numerals import decimal_of, may_be_number, number_at

SYMBOLS = {
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
_WITH = frozenset("max maximum tops each apiece total budget limit sterling or and ish".split())
_CODES = {code.lower(): code for code in CURRENCY_CODES - _LOOKS_LIKE_A_WORD}


class Amount(msgspec.Struct):
    """Tokens `start` to `end`; `currency` is '' where none is said."""

    start: int
    end: int
    value: Decimal
    currency: str
    thousands: bool = False
    spelled: bool = False
    around: bool = False


class AmountReader:
    """Finds amounts, and what is said right behind them."""

    def __init__(self, tokens: list[Token], words: list[str], tables: list[Language], currency: str) -> None:
        self.tokens, self.words, self.tables = tokens, words, tables
        self.currency = currency

    def at(self, i: int) -> Amount | None:
        """A number with or without a currency beside it that counts nothing else."""
        words = self.words
        if self.tokens[i].kind != "number" and not self._may_begin(words[i]):
            return None
        start, code = i, self._currency_before(i)
        if code:
            i += 1
            if i >= len(words):
                return None
        for table in self.tables:
            if named := table.amounts.at(words, i):
                return Amount(start, i + named[0], Decimal(named[1]), code or self.currency, False, False)
        if self.words[i] in self.tables[0].begins_amount and (found := self._half(i) or self._collective(i)):
            return found
        number = next((n for t in self.tables if (n := number_at(self.tokens, i, t))), None)
        if number is None:
            return None
        used, value, spelled = number
        if spelled and value < 10 and (hundreds := self._short_hundreds(i, used)):
            used, value = hundreds[0], value * 100 + hundreds[1]
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
        if hundredths := self._minor(end):
            return Amount(start, end + 1, value / 100, code or hundredths, thousands, spelled)
        after = self._currency_after(end)
        if after and not code and self._is_weight(start, end, value):
            return None
        if after:
            code, end = code or after[1], end + after[0]
        if code and (rest := self._hundredths(end)):
            value, end = value + rest[1], rest[0]
        for table in self.tables:
            if half := table.half.at(words, end) if end < len(words) else None:
                value, end = value + Decimal("0.5"), end + half[0]
        if self._is_of_something_else(i, end, bool(code), thousands):
            return None
        if self.tokens[start].glued and start and self.tokens[start - 1].kind == "word" and not code:
            return None
        return Amount(start, end, value, code or "", thousands, spelled)

    def _may_begin(self, word: str) -> bool:
        """Most words begin no amount, and this is asked of each of a prompt."""
        is_currency = word in SYMBOLS or word in _CODES
        return is_currency or any(word in t.begins_money or may_be_number(word, t) for t in self.tables)

    def _minor(self, i: int) -> str:
        """The currency of the 'cents' or 'pence' at `i`, the shop's where the word is of any; '' if there are none."""
        word = self.words[i] if i < len(self.words) else ""
        return next((table.minor[word] or self.currency for table in self.tables if word in table.minor), "")

    def _hundredths(self, i: int) -> tuple[int, Decimal] | None:
        """(end, value) of '50 cents' behind '3 dollars', joined by 'and' or not."""
        if i + 1 < len(self.words) and any(self.words[i] in table.cents_joins for table in self.tables):
            i += 1
        number = next((n for t in self.tables if i < len(self.words) and (n := number_at(self.tokens, i, t))), None)
        if number is None or number[1] >= 100 or not self._minor(i + number[0]):
            return None
        return i + number[0] + 1, number[1] / 100

    def _half(self, i: int) -> Amount | None:
        """'Half of 600 dollars', 'la mitad de 600'."""
        for table in self.tables:
            hit = table.halves.at(self.words, i)
            if hit and i + hit[0] < len(self.words) and (whole := self.at(i + hit[0])) and whole.currency:
                return msgspec.structs.replace(whole, start=i, value=whole.value / 2)
        return None

    def _collective(self, i: int) -> Amount | None:
        """'Une centaine d'euros', 'a couple of hundred dollars': about so much; a currency has to follow."""
        for table in self.tables:
            if hit := table.collective.at(self.words, i):
                end = i + hit[0]
                end += end < len(self.words) and self.words[end] in ("de", "d'", "of")
                if named := self._currency_after(end):
                    return Amount(i, end + named[0], Decimal(hit[1]), named[1], spelled=True, around=True)
        return None

    def _is_weight(self, start: int, end: int, value: Decimal) -> bool:
        """'Under 6 pounds' of what weighs so much, 'a 5 pound bag', 'half a pound of butter': no British money."""
        words = self.words
        table = next((t for t in self.tables if words[end] in t.weights), None)
        if table is None:
            return False
        behind = words[end + 1] if end + 1 < len(words) else ""
        if behind in ("of", "de", "d'") and end + 2 < len(words):
            return True
        near = words[max(0, start - 5) : start] + words[end + 1 : end + 3]
        if any(word in table.weighing for word in near):
            return True
        is_noun = end + 1 < len(words) and self.tokens[end + 1].kind == "word" and behind not in table.grammar
        is_adjective = table.code == "en" and words[end] == "pound" and value != 1 and is_noun and behind not in _WITH
        # "Zwei Pfund Kaffee" where nobody pays in pounds.
        is_german = table.code == "de" and self.currency != "GBP" and is_noun and behind not in table.known
        return is_adjective or is_german

    def _short_hundreds(self, i: int, used: int) -> tuple[int, Decimal] | None:
        """'Under two fifty' is 250; without a bound before it the two numbers may count and cost."""
        table = self.tables[0]
        if table.code != "en" or not i or self.words[i - 1] not in table.before.values or i + used >= len(self.words):
            return None
        tens = number_at(self.tokens, i + used, table)
        return (used + tens[0], tens[1]) if tens and tens[2] and 20 <= tens[1] < 100 else None

    def _currency_before(self, i: int) -> str:
        word = self.words[i]
        if word in SYMBOLS:
            return SYMBOLS[word]
        if word in _CODES and i + 1 < len(self.words) and (self.tokens[i + 1].kind == "number"):
            return _CODES[word]
        return ""

    def _currency_after(self, i: int) -> tuple[int, str] | None:
        if i >= len(self.words):
            return None
        word = self.words[i]
        if word in SYMBOLS:
            # "20 $30": the sign belongs to the number that follows it without a space.
            follows = i + 1 < len(self.tokens) and self.tokens[i + 1].glued and self.tokens[i + 1].kind == "number"
            return None if follows and not self.tokens[i].glued else (1, SYMBOLS[word])
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
            if after.glued and after.kind == "word" and after.text not in SYMBOLS:
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
        return is_glued_word and following not in ("ish", "k") and not self.after(end)

    def after(self, i: int) -> tuple[int, str] | None:
        if i >= len(self.words):
            return None
        return next((hit for t in self.tables if (hit := t.after.at(self.words, i))), None)
