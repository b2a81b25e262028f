"""What a client said in any form, and the readers of single fields that all forms share."""

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from setwise.events.interaction import Kind
from setwise.money import MAX_CENTS, MoneyError, is_currency, to_cents

MAX_ID = 64
MAX_TEXT = 512
MAX_ITEMS = 200
MAX_QUANTITY = 100_000
MAX_POSITION = 10_000
_WHOLE = re.compile(r"-?[0-9]{1,18}")


class RefusedEventError(ValueError):
    """An event that is not taken; the text names the field and what to do."""


class SaidItem(msgspec.Struct, frozen=True):
    """A product as it was said; money in minor units."""

    product_id: str
    quantity: int = 1
    price_cents: int | None = None
    slot: str = ""
    position: int | None = None
    bundle_id: str = ""


class Said(msgspec.Struct, frozen=True):
    """One event in the words of no particular form, before it is judged."""

    kind: Kind
    id: str
    source: str
    form: str
    time: datetime | None = None
    user_id: str = ""
    visitor_id: str = ""
    session_id: str = ""
    consent: bool = True
    request_id: str = ""
    bundle_id: str = ""
    items: list[SaidItem] = []
    currency: str = ""
    order_id: str = ""
    query: str = ""
    user_agent: str = ""


def text_of(raw: Any, name: str, longest: int = MAX_ID) -> str:
    """A text or a whole number as text; empty where nothing was said."""
    if raw is None:
        return ""
    if isinstance(raw, bool) or not isinstance(raw, str | int):
        raise RefusedEventError(f"{name}: a text was expected, not {_kind(raw)}")
    if isinstance(raw, int) and abs(raw) >= 10**MAX_ID:
        raise RefusedEventError(f"{name}: at most {longest} characters")
    text = str(raw).strip()
    if len(text) > longest:
        raise RefusedEventError(f"{name}: at most {longest} characters, not {len(text)}")
    if not text.isprintable():
        raise RefusedEventError(f"{name}: it has characters that cannot be printed")
    return text


def words_of(raw: Any, name: str) -> str:
    """What a shopper typed: spaces of any kind become one, and it is cut where it is too long."""
    if raw is None:
        return ""
    if not isinstance(raw, str):
        raise RefusedEventError(f"{name}: a text was expected, not {_kind(raw)}")
    words = " ".join(raw[: 4 * MAX_TEXT].split())
    return "".join(letter for letter in words if letter.isprintable())[:MAX_TEXT]


def whole_of(raw: Any, name: str, most: int) -> int | None:
    """A whole number from 0 to `most`; 2.0 and "2" are 2. None where nothing was said."""
    if raw is None or raw == "":
        return None
    if isinstance(raw, str) and _WHOLE.fullmatch(raw.strip()):
        raw = int(raw)
    if isinstance(raw, float) and raw.is_integer():
        raw = int(raw)
    if isinstance(raw, bool) or not isinstance(raw, int):
        raise RefusedEventError(f"{name}: a whole number was expected")
    if raw < 0:
        raise RefusedEventError(f"{name}: it is negative; say what was sent back as a refund")
    if raw > most:
        raise RefusedEventError(f"{name}: at most {most:,}")
    return int(raw)


def quantity_of(raw: Any, name: str) -> int:
    """1 where nothing was said; never 0."""
    quantity = whole_of(raw, name, MAX_QUANTITY)
    if quantity == 0:
        raise RefusedEventError(f"{name}: at least 1; leave the item out")
    return 1 if quantity is None else quantity


def cents_of(raw: Any, name: str, currency: str) -> int | None:
    """A price in major units, as number or text, in minor ones. None where nothing was said."""
    if raw is None or raw == "":
        return None
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise RefusedEventError(f"{name}: an amount was expected, not {_kind(raw)}")
    if isinstance(raw, int) and abs(raw) > MAX_CENTS:
        raise RefusedEventError(f"{name}: it is more than any product costs")
    text = raw.strip() if isinstance(raw, str) else f"{raw:.6f}"
    if text.startswith("-"):
        raise RefusedEventError(f"{name}: it is negative; a price is what was paid for one piece")
    if not currency:
        raise RefusedEventError("currency: say it, no catalogue is live whose currency it could be")
    try:
        return to_cents(text, currency)
    except MoneyError as error:
        raise RefusedEventError(f"{name}: {error}") from error


def currency_of(raw: Any, main: str) -> str:
    """An ISO 4217 code; the catalogue's main one where nothing was said."""
    code = text_of(raw, "currency").upper()
    if code and not is_currency(code):
        raise RefusedEventError(f"currency: {code!r} is not an ISO 4217 code such as USD")
    return code or main


def moment_of(raw: Any, name: str) -> datetime | None:
    """RFC 3339, or seconds, milli- or microseconds since 1970 by their number of digits; without a zone it is UTC."""
    if raw is None or raw == "":
        return None
    if isinstance(raw, str) and _WHOLE.fullmatch(raw.strip()):
        raw = int(raw)
    try:
        if isinstance(raw, str):
            found = datetime.fromisoformat(raw.strip())
            return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        if isinstance(raw, int | float) and not isinstance(raw, bool):
            steps = 1 if raw < 10**11 else 10**3 if raw < 10**14 else 10**6
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=raw / steps)
    except (ValueError, OverflowError):
        pass
    raise RefusedEventError(f"{name}: send a time such as 2026-01-31T12:00:00Z")


def object_of(raw: Any, name: str) -> dict[str, Any]:
    """A JSON object; empty where nothing was said."""
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise RefusedEventError(f"{name}: an object was expected, not {_kind(raw)}")
    return raw


def list_of(raw: Any, name: str) -> list[Any]:
    """A JSON list of at most MAX_ITEMS; empty where nothing was said."""
    if raw is None:
        return []
    if not isinstance(raw, list):
        raise RefusedEventError(f"{name}: a list was expected, not {_kind(raw)}")
    if len(raw) > MAX_ITEMS:
        raise RefusedEventError(f"{name}: at most {MAX_ITEMS}, not {len(raw)}")
    return raw


def id_of(raw: Any, *fallbacks: Any) -> str:
    """The id that was said, in 64 characters; else a hash of the fallbacks: the same payload has the same id."""
    if isinstance(raw, str | int) and not isinstance(raw, bool) and raw != "":
        text = str(raw).strip() if isinstance(raw, str) or abs(raw) < 10**MAX_ID else ""
        if text and len(text) <= MAX_ID and text.isprintable():
            return text
        return _hashed(text)
    return _hashed(fallbacks)


def _hashed(value: Any) -> str:
    said = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return "h-" + hashlib.blake2b(said.encode(), digest_size=16).hexdigest()


def _kind(raw: Any) -> str:
    names = {"dict": "an object", "list": "a list", "bool": "true or false", "float": "a number", "int": "a number"}
    return names.get(type(raw).__name__, "nothing")
