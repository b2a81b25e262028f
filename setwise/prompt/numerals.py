"""Numbers in digits and in words -> Decimal. Works on tokens; never on floats."""

import re
from decimal import Decimal
from functools import lru_cache

from setwise.languages import Language
from setwise.languages.tokens import Token

_GERMAN_TENS = re.compile(r"^(.*?)und(.+)$")


def number_at(tokens: list[Token], start: int, table: Language) -> tuple[int, Decimal, bool] | None:
    """(tokens used, value, in words) of the number that begins at `start`, or None."""
    token = tokens[start]
    if token.kind == "number":
        return 1, decimal_of(token.text), False
    if token.kind != "word" or not may_be_number(token.text, table):
        return None
    return _in_words(tokens, start, table)


def may_be_number(word: str, table: Language) -> bool:
    """True of the words that numbers can begin with, and of a few German ones more; most words are none."""
    return word in table.begins_number or (table.code == "de" and len(word) > 6)


def decimal_of(digits: str, keep_three: bool = False) -> Decimal:
    """'1.499,00' and '1,499.00' alike; a single separator before three digits parts thousands unless `keep_three`."""
    plain = digits.replace("'", "").replace("’", "").replace(" ", "")
    last = max(plain.rfind("."), plain.rfind(","))
    decimals = len(plain) - last - 1 if last >= 0 else 0
    if last >= 0 and (decimals != 3 or keep_three):
        return Decimal(re.sub(r"[.,]", "", plain[:last]) + "." + plain[last + 1 :])
    return Decimal(re.sub(r"[.,]", "", plain))


def _in_words(tokens: list[Token], start: int, table: Language) -> tuple[int, Decimal, bool] | None:
    total, current, i, used = 0, 0, start, 0
    said_unit = False
    while i < len(tokens):
        word = tokens[i].text
        value = word_value(word, table)
        if tokens[i].kind == "number" and used == 0:
            return None
        if word in table.one_before_scale and not used and i + 1 < len(tokens) and tokens[i + 1].text in table.scales:
            current, said_unit = 1, True
        elif word in table.scales:
            scale = table.scales[word]
            if scale == 1000:
                total, current = (total + max(current, 1)) * 1000, 0
            else:
                current = max(current, 1) * scale
            said_unit = False
            used = i + 1 - start
        elif value is not None:
            # 'four twenty' is eighty in French; else a smaller number follows a larger one ('twenty five').
            if said_unit and current == 4 and value in (20, 90) and table.code == "fr":
                current = 80 + (value - 20 if value > 20 else 0)
            elif (
                said_unit
                and not (current % 100 >= 20 and current % 10 == 0 and value < 20 and value > 0)
                and current % 100 != 0
            ):
                break
            else:
                current += value
            said_unit = True
            used = i + 1 - start
        elif (
            word in table.number_joins and used and i + 1 < len(tokens) and _may_join(tokens, i, table, current, total)
        ) or (
            word == "-"
            and used
            and tokens[i].glued
            and i + 1 < len(tokens)
            and word_value(tokens[i + 1].text, table) is not None
        ):
            pass
        else:
            break
        i += 1
    return (used, Decimal(total + current), True) if used else None


def _may_join(tokens: list[Token], i: int, table: Language, current: int, total: int) -> bool:
    """'Two hundred and fifty' is one number, 'ten and fifteen' are two; Spanish says 'treinta y cinco'."""
    following = word_value(tokens[i + 1].text, table)
    is_scaled = i + 2 < len(tokens) and (tokens[i + 2].text in table.scales or tokens[i + 2].text.startswith("vingt"))
    if following is None or is_scaled:
        return False
    if table.code in ("en", "de"):
        return following < 100 and ((current >= 100 and current % 100 == 0) or (total > 0 and current == 0))
    # French says 'vingt et un' and 'soixante et onze', and 'et' before no other.
    limit = (1, 11) if table.code == "fr" else range(1, 10)
    return current % 100 >= 20 and current % 10 == 0 and following in limit


@lru_cache(maxsize=16_384)
def word_value(word: str, table: Language) -> int | None:
    """The value of one number word below a thousand, or None; German ones are taken apart."""
    value = table.units.get(word)
    if value is None and table.code == "de" and len(word) > 6:
        return _german(word, table)
    return value


def _german(word: str, table: Language) -> int | None:
    for name, scale in (("tausend", 1000), ("hundert", 100)):
        before, found, after = word.partition(name)
        if found:
            left = 1 if not before else _german(before, table)
            right = 0 if not after else _german(after.removeprefix("und"), table)
            return None if left is None or right is None else left * scale + right
    if word in table.units:
        return table.units[word]
    match = _GERMAN_TENS.match(word)
    if match and match[1] in table.units and match[2] in table.units:
        return table.units[match[1]] + table.units[match[2]]
    return None
