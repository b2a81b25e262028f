"""What the shopper wants to spend, read out of the sentence."""

import re
from collections.abc import Iterator

import msgspec

from setwise.money import CURRENCY_CODES, MoneyError, to_cents
from setwise.prompt.words import NOT_MONEY

_SYMBOLS = {"$": "USD", "us$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₺": "TRY", "zł": "PLN"}
_WORDS = {
    "dollar": "USD", "dollars": "USD", "bucks": "USD", "euro": "EUR", "euros": "EUR", "pound": "GBP",
    "pounds": "GBP", "quid": "GBP", "yen": "JPY", "rupees": "INR", "francs": "CHF",
}  # fmt: skip
# Codes that are also English words ("all", "top") would turn a sentence into money.
_LOOKS_LIKE_A_WORD = {"ALL", "TOP", "TRY", "MAD", "PEN", "CUP", "RON", "SOS", "LAK", "GEL", "BOB"}
_CODES = "|".join(sorted(CURRENCY_CODES - _LOOKS_LIKE_A_WORD))
_SYMBOL = r"us\$|[$€£¥₹₺]|zł"
_CURRENCY = rf"(?:{_SYMBOL}|(?:{_CODES}|{'|'.join(_WORDS)})\b)"
_UNITS = "|".join(sorted(NOT_MONEY))
_NUMBER = r"(?:\d{1,3}(?:[.,' ]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,3})?)"


def _amount(n: int) -> str:
    return (
        rf"(?P<pre{n}>{_SYMBOL}|\b(?:{_CODES})\b)?\s*(?<![\d.,])(?P<num{n}>{_NUMBER})(?!\d)\s*(?P<k{n}>k\b)?"
        rf"(?!\s*[-]?(?:{_UNITS})\b|[\"″%])(?:\s*(?P<post{n}>{_CURRENCY}))?"
    )


_MAX = (
    r"(?:for\s+)?(?:under|below|less\s+than|at\s+most|max(?:imum)?(?:\s+of)?|up\s+to|no\s+more\s+than|not\s+more\s+than|"
    r"not\s+over|within|cheaper\s+than|(?:with\s+(?:a\s+)?)?budget(?:\s+(?:of|is|under|below|up\s+to|max))?\s*:?|<=?)"
)
_MIN = r"(?:for\s+)?(?:over|above|more\s+than|at\s+least|min(?:imum)?(?:\s+of)?|from|>=?)"
_AROUND = r"(?:for\s+)?(?:around|about|approximately|approx\.?|roughly|circa|ca\.?|~)"
_SCOPE = (
    r"(?P<scope>\s*(?:each|apiece|per\s+(?:item|piece|product)|in\s+total|total|altogether|all\s+together|"
    r"or\s+less|or\s+under|max(?:imum)?)\b)?"
)
_RANGE = re.compile(rf"(?:\b(?:between|from)\s+)?{_amount(1)}\s*(?:and|to|-|–)\s*{_amount(2)}{_SCOPE}", re.I)
_ONE = re.compile(
    rf"(?:\b(?P<max>{_MAX})|\b(?P<min>{_MIN})|(?<!\w)(?P<around>{_AROUND}))?\s*{_amount(1)}{_SCOPE}", re.I
)
AROUND_PERCENT = 10
"""'Around 500' allows this much more."""


class Budget(msgspec.Struct, frozen=True):
    """Minor units of `currency`; scope 'total' for the bundle, 'item' for each item of it."""

    min_cents: int | None
    max_cents: int | None
    currency: str
    scope: str = "total"
    approximate: bool = False


def read_budget(text: str, currency: str) -> tuple[Budget | None, str, list[str]]:
    """The budget, the text without it, and what contradicts itself. `currency` is meant where none is said."""
    found: list[tuple[str, Budget]] = []
    rest = text
    for kind, budget, span in _amounts(text, currency):
        found.append((kind, budget))
        rest = rest[: span[0]] + " " * (span[1] - span[0]) + rest[span[1] :]
    if not found:
        return None, text, []
    mins = [b.min_cents for _, b in found if b.min_cents is not None]
    maxs = [b.max_cents for _, b in found if b.max_cents is not None]
    low, high = (max(mins) if mins else None), (min(maxs) if maxs else None)
    conflicts = []
    if low is not None and high is not None and low > high:
        conflicts.append("budget: at least is more than at most; at most holds")
        low = None
    said = found[0][1]
    if any(budget.currency != said.currency for _, budget in found):
        conflicts.append(f"budget: two currencies; {said.currency} holds")
    scope = "item" if any(budget.scope == "item" for _, budget in found) else "total"
    approximate = any(budget.approximate for _, budget in found)
    return Budget(low, high, said.currency, scope, approximate), rest, conflicts


def _amounts(text: str, currency: str) -> Iterator[tuple[str, Budget, tuple[int, int]]]:
    taken: list[tuple[int, int]] = []
    for match in _RANGE.finditer(text):
        code = _code(match["pre1"]) or _code(match["post1"]) or _code(match["pre2"]) or _code(match["post2"])
        is_said = bool(code) or match[0].lower().startswith("between")
        if not is_said:
            continue
        low, high = (_cents(match[f"num{n}"], match[f"k{n}"] or match["k2"], code or currency) for n in (1, 2))
        if low is not None and high is not None and low <= high:
            taken.append(match.span())
            yield "range", Budget(low, high, code or currency, _scope(match["scope"])), match.span()
    for match in _ONE.finditer(text):
        start, end = match.span()
        if any(start < stop and begin < end for begin, stop in taken):
            continue
        code = _code(match["pre1"]) or _code(match["post1"])
        suffix = (match["scope"] or "").strip().lower()
        if not (code or match["max"] or match["around"] or (match["min"] and match["min"].lower() != "from")):
            continue
        cents = _cents(match["num1"], match["k1"], code or currency)
        if cents is None:
            continue
        span = match.span()
        scope = _scope(suffix)
        if match["min"]:
            yield "min", Budget(cents, None, code or currency, scope), span
        elif match["around"]:
            more = cents + cents * AROUND_PERCENT // 100
            yield "around", Budget(None, more, code or currency, scope, True), span
        else:
            yield "max", Budget(None, cents, code or currency, scope), span


def _code(text: str | None) -> str | None:
    if not text:
        return None
    said = text.strip()
    return _SYMBOLS.get(said.lower()) or _WORDS.get(said.lower()) or said.upper()


def _scope(text: str | None) -> str:
    words = (text or "").strip().lower()
    return "item" if words.startswith(("each", "apiece", "per")) else "total"


def _cents(number: str, thousands: str | None, currency: str) -> int | None:
    """'1.499,00' and '1,499.00' alike; a single separator before three digits parts thousands."""
    digits = number.replace("'", "").replace(" ", "")
    last = max(digits.rfind("."), digits.rfind(","))
    decimals = len(digits) - last - 1 if last >= 0 else 0
    if last >= 0 and (decimals != 3 or thousands):
        plain = re.sub(r"[.,]", "", digits[:last]) + "." + digits[last + 1 :]
    else:
        plain = re.sub(r"[.,]", "", digits)
    try:
        return to_cents(plain, currency) * (1000 if thousands else 1)
    except MoneyError:
        return None
