"""One field's text -> its value: money, availability, times, category paths, whole numbers, ratings, links."""

import html
import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache

from setwise.feeds.report import Refusal
from setwise.money import MoneyError, digits_of, is_currency, to_cents

_PLAIN = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?) ([A-Z]{3})")
_PRICE = re.compile(r"(?:([A-Za-z]{3}) ?)?([0-9][0-9 .,'’]*?)(?: ?([A-Za-z]{3}))?")
# Forms whose separators can mean one thing only; the point alone is the decimal point, as Google's feeds have it.
_COMMA_GROUPS = re.compile(r"[0-9]{1,3}(?:,[0-9]{2,3})*,[0-9]{3}\.[0-9]+|[0-9]{1,3}(?:,[0-9]{2,3})+,[0-9]{3}")
_POINT_GROUPS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+|[0-9]{1,3}(?:\.[0-9]{3}){2,}")
_OTHER_GROUPS = re.compile(r"[0-9]{1,3}(?:([ '’])[0-9]{3})(?:\1[0-9]{3})*(?:[.,][0-9]+)?")
_THREE_LAST = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.,]+ ?(?:Z|[+-][0-9:]{2,9})?)?", re.ASCII)
_STOCK = re.compile(r"(-?)([0-9]{1,9})(?:\.0+)?")
_RATING = re.compile(r"[0-9](?:[.,][0-9]{1,9})?")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_AVAILABILITY = {
    **dict.fromkeys(("instock", "limitedavailability", "onlineonly", "availablefororder"), "in_stock"),
    **dict.fromkeys(("outofstock", "soldout", "discontinued", "instoreonly", "reserved"), "out_of_stock"),
    **dict.fromkeys(("preorder", "presale"), "preorder"),
    **dict.fromkeys(("backorder", "madetoorder"), "backorder"),
}
LINK_CHARS = 2_000
PRICE_CHARS = 80


def money(field: str, text: str, default_currency: str | None) -> tuple[int, str]:
    """'1499.00 USD', 'USD 1,499.00' or '1.499,00 EUR' -> (149900, 'USD'); refused where it could mean two things."""
    text = text[:PRICE_CHARS]  # no price is as long, so one that was cut is refused all the same
    plain = _PLAIN.fullmatch(text)
    if plain is not None and (digits_of(plain[2]) or "." not in plain[1]):
        amount, currency = plain[1], plain[2]
    else:
        match = _PRICE.fullmatch(text)
        if match is None or (match[1] and match[3]):
            raise Refusal(field, text, "this is not an amount with a currency code", "write it as 1499.00 USD")
        currency = (match[1] or match[3] or default_currency or "").upper()
        if not currency:
            raise Refusal(field, text, "the currency is missing", "write it as 1499.00 USD, or set SETWISE_CURRENCY")
        amount = _point_only(field, text, match[2], currency)
    try:
        return to_cents(amount, currency), currency
    except MoneyError as error:
        raise Refusal(field, text, str(error), "write it as 1499.00 USD") from error


def _point_only(field: str, text: str, amount: str, currency: str) -> str:
    """The amount with a point as its only separator, or a refusal where a separator could be either kind."""
    has_no_minor = is_currency(currency) and digits_of(currency) == 0
    if _THREE_LAST.fullmatch(amount) and ("," in amount or has_no_minor):
        if has_no_minor and "," in amount:
            return amount.replace(",", "")
        raise Refusal(field, text, "the separator may mean thousands or decimals", "write it as 1499.00 USD")
    if _COMMA_GROUPS.fullmatch(amount):
        return amount.replace(",", "")
    if _POINT_GROUPS.fullmatch(amount):
        return amount.replace(".", "").replace(",", ".")
    if _OTHER_GROUPS.fullmatch(amount):
        return re.sub("[ '’]", "", amount).replace(",", ".")
    # What is left is plain, a single decimal comma, or nothing that to_cents will take.
    return amount.replace(",", ".")


def availability(text: str) -> str:
    """'in stock', 'In_Stock', 'https://schema.org/InStock' -> 'in_stock'."""
    word = re.split(r"[/:#]", text.rstrip("/"))[-1].lower()
    known = _AVAILABILITY.get(re.sub(r"[ _-]", "", word))
    if known is None:
        reason = "this availability is unknown" if text else "the availability is missing"
        raise Refusal("availability", text, reason, "use in_stock, out_of_stock, preorder or backorder")
    return known


def time(field: str, text: str) -> datetime:
    """An RFC 3339 time or a date, as UTC; without a zone it is UTC, a date is its midnight."""
    try:
        if not _TIME.fullmatch(text.upper()):
            raise ValueError
        read = datetime.fromisoformat(re.sub(r" (?=[+-]|Z$)", "", text.upper()))
        return read.replace(tzinfo=timezone.utc) if read.tzinfo is None else read.astimezone(timezone.utc)
    except (ValueError, OverflowError):
        raise Refusal(field, text, "this is not a time", "write it as 2026-11-27T09:00:00Z") from None


def period(field: str, text: str) -> tuple[datetime, datetime]:
    """'start/end'; an end that is only a date includes that day."""
    first, slash, last = (part.strip() for part in text.partition("/"))
    if not slash or not first or not last:
        raise Refusal(field, text, "this is not a start and an end", "write 2026-11-27T00:00Z/2026-12-01T00:00Z")
    starts_at, ends_at = time(field, first), time(field, last)
    if len(last) == len("2026-12-01") and ends_at.date() != datetime.max.date():
        ends_at += timedelta(days=1)
    if starts_at >= ends_at:
        raise Refusal(field, text, "the end is not after the start", "write the earlier time first")
    return starts_at, ends_at


@lru_cache(maxsize=16_384)  # a catalogue repeats a few thousand paths: half the reading time, and one string for all
def category_paths(text: str) -> tuple[str, ...]:
    """'Home>Sofas | Sale' -> ('Home > Sofas', 'Sale'); `text` is clean."""
    paths = []
    for path in re.split(r" \| ", html.unescape(text)):
        levels = [level.strip() for level in path.split(">")]
        if joined := " > ".join(level for level in levels if level):
            paths.append(joined)
    return tuple(dict.fromkeys(paths))


def stock(field: str, text: str) -> int:
    """Pieces in stock; below zero (oversold) is none."""
    match = _STOCK.fullmatch(text)
    if match is None:
        raise Refusal(field, text, "this is not a number of pieces", "write a whole number such as 12, or leave it out")
    return 0 if match[1] else int(match[2])


def rating(field: str, text: str) -> float:
    """Stars from 0 to 5."""
    stars = float(text.replace(",", ".")) if _RATING.fullmatch(text) else 6.0
    if stars > 5:
        raise Refusal(field, text, "this is not a rating from 0 to 5", "write a number such as 4.5, or leave it out")
    return stars


def link(field: str, text: str) -> str:
    """An http(s) or relative address; another scheme could run code in the shop front."""
    scheme = _SCHEME.match(text)
    if scheme is not None and scheme[1].lower() not in ("http", "https"):
        raise Refusal(field, text, "this address is not http or https", "start it with https://")
    if len(text) > LINK_CHARS:
        raise Refusal(field, text, f"this address has more than {LINK_CHARS} characters", "shorten it")
    return text
