"""Money as integers in a currency's minor units; nothing here ever touches a float."""

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

# ISO 4217: every active currency and, where it is not 2, its number of digits after the point.
CURRENCY_CODES = frozenset(
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF "
    "CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG "
    "HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA "
    "MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD "
    "RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX "
    "USD UYU UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG".split()
)
_DIGITS = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
}
MAX_CENTS = 10**15
"""A price above this is a mistake in the feed; it also keeps every sum inside 64 bits."""

_AMOUNT = re.compile(r"[0-9]{1,15}(\.[0-9]{1,12})?")


class MoneyError(ValueError):
    """An amount that cannot be read; the message says what would be accepted."""


def is_currency(code: str) -> bool:
    """True for an active ISO 4217 code in capitals."""
    return code in CURRENCY_CODES


def digits_of(currency: str) -> int:
    """Digits after the point: 2 for most, 0 for JPY, 3 for KWD."""
    return _DIGITS.get(currency, 2)


def to_cents(amount: str, currency: str) -> int:
    """'1499.005' -> minor units, rounded half up. `amount` has a point as its only separator; raises MoneyError."""
    if not is_currency(currency):
        raise MoneyError(f"{currency!r} is not an ISO 4217 currency code such as USD")
    if not _AMOUNT.fullmatch(amount):
        raise MoneyError(f"{amount[:40]!r} is not an amount such as 1499.00")
    try:
        cents = int(Decimal(amount).scaleb(digits_of(currency)).quantize(Decimal(1), rounding=ROUND_HALF_UP))
    except InvalidOperation as error:
        raise MoneyError(f"{amount[:40]!r} has too many digits") from error
    if cents > MAX_CENTS:
        raise MoneyError(f"{amount[:40]!r} is more than any product costs")
    return cents


def format_cents(cents: int, currency: str) -> str:
    """Minor units -> '1499.00 USD', exact."""
    digits = digits_of(currency)
    return f"{Decimal(cents).scaleb(-digits):.{digits}f} {currency}"
