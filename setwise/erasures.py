"""Who is to be forgotten, said without naming anybody: marks of pseudonyms, up to a moment."""

import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec

from setwise.log import Record
from setwise.pseudonyms import Pseudonyms

ERASURE_TYPE, DONE_TYPE = "setwise.erasure", "setwise.erasure-done"
UNDER_WAY = timedelta(seconds=2)
"""What is being answered while somebody is forgotten counts as before it."""
SERVICE, TABLES = "service", "tables"
"""Who carries an erasure out: the service in its own stores, the loader in all others."""
_PSEUDONYM = re.compile(rb"[uv]-[0-9a-f]{30}")
# Of a text that is no JSON: quotes may be escaped, as often as the text was put into another one.
_NAMED = re.compile(rb'(user|visitor)_id\\*"\s*:\s*\\*"([^"\\]*)')
_DEEPEST = 50


class Erasure(msgspec.Struct, frozen=True):
    """What the log says of an erasure. It outlives what it erases, so that nothing brings the person back."""

    receipt_id: str
    marks: list[str]
    """SHA-256 of each pseudonym; nobody who lacks the shop's secret finds an id to it."""
    until: datetime
    """What happened up to then is forgotten; whoever comes back later is somebody new."""
    secret: str
    """Mark of nobody: whoever has another one makes other pseudonyms, and must not say that nothing was found."""


class StoreState(msgspec.Struct, frozen=True, omit_defaults=True):
    """Of one store: done with so many entries removed, or gone by itself at that time."""

    state: Literal["pending", "done", "expires"]
    at: datetime | None = None
    removed: int = 0


class Done(msgspec.Struct, frozen=True):
    """One part of an erasure was carried out."""

    receipt_id: str
    part: str
    stores: dict[str, StoreState]


class ErasureEvent(msgspec.Struct, frozen=True):
    """The record's CloudEvent."""

    time: datetime
    data: Erasure


class DoneEvent(msgspec.Struct, frozen=True):
    """The record's CloudEvent."""

    data: Done


class _Timed(msgspec.Struct, frozen=True):
    time: datetime


_erasure = msgspec.json.Decoder(ErasureEvent).decode
_done = msgspec.json.Decoder(DoneEvent).decode
_time = msgspec.json.Decoder(_Timed).decode


def mark_of(pseudonym: str) -> str:
    """As both databases compute it."""
    return hashlib.sha256(pseudonym.encode()).hexdigest()


def secret_of(pseudonyms: Pseudonyms) -> str:
    """What two processes with the same secret agree on."""
    return mark_of(pseudonyms.session("setwise"))


def read_record(record: Record) -> Erasure | Done:
    """Raises msgspec.MsgspecError."""
    return _done(record.value).data if record.headers.get("ce_type") == DONE_TYPE else _erasure(record.value).data


class Erasures:
    """All erasures that a reader knows."""

    def __init__(self, pseudonyms: Pseudonyms, known: Iterable[Erasure] = ()) -> None:
        self.pseudonyms = pseudonyms
        self._known: dict[str, Erasure] = {}
        for one in known:
            self.add(one)

    def __len__(self) -> int:
        return len(self._known)

    def add(self, erasure: Erasure) -> None:
        """A second time, or an older one, changes nothing."""
        for mark in erasure.marks:
            known = self._known.get(mark)
            if known is None or known.until < erasure.until:
                self._known[mark] = erasure

    def update(self, others: "Erasures") -> None:
        """Adds all that another one knows."""
        for one in list(others._known.values()):
            self.add(one)

    def since(self, moment: datetime) -> "Erasures":
        """Those that came after it."""
        return Erasures(self.pseudonyms, [one for one in self._known.values() if one.until > moment])

    def fingerprint(self) -> str:
        """Another one as soon as there is one more; empty for none."""
        said = "\n".join(f"{mark} {one.until.isoformat()}" for mark, one in sorted(self._known.items()))
        return hashlib.sha256(said.encode()).hexdigest() if said else ""

    def cover(self, user_id: str | None, visitor_id: str | None = None, at: datetime | None = None) -> bool:
        """Whether what this person did at that time, or ever did, is to be forgotten."""
        return self.covering(user_id, visitor_id, at) is not None

    def covering(self, user_id: str | None, visitor_id: str | None = None, at: datetime | None = None) -> str | None:
        """The receipt of the erasure that says so, or None."""
        return self._covering(_marks(self.pseudonyms, user_id, visitor_id), at)

    def covering_names(self, value: bytes, at: datetime | None = None) -> str | None:
        """The same of a text with pseudonyms."""
        return self._covering(pseudonym_marks(value), at) if self._known else None

    def cover_record(self, record: Record) -> bool:
        """The same of a record of the log, whatever it holds."""
        return self.covering_record(record) is not None

    def covering_record(self, record: Record) -> str | None:
        """The receipt of the erasure that says so, or None."""
        if not self._known or self._covering(found := marks_in(record.value, self.pseudonyms), None) is None:
            return None
        return self._covering(found, min(record.at, _time_of(record)))

    def _covering(self, marks: Iterable[str], at: datetime | None) -> str | None:
        found = (self._known[mark] for mark in marks if mark in self._known)
        return next((one.receipt_id for one in found if at is None or at <= one.until), None)


def erasure_of(
    receipt_id: str, user_id: str, visitor_ids: Iterable[str], pseudonyms: Pseudonyms, now: datetime
) -> Erasure:  # fmt: skip
    """`user_id` may be that of a visitor as well: who asks need not know which one it is."""
    named = [pseudonyms.user(user_id), *map(pseudonyms.visitor, [user_id, *visitor_ids])]
    return Erasure(receipt_id, list(dict.fromkeys(map(mark_of, named))), now + UNDER_WAY, secret_of(pseudonyms))


def pseudonym_marks(value: bytes) -> set[str]:
    """Of all pseudonyms of people in a text."""
    return {mark_of(name.decode()) for name in _PSEUDONYM.findall(value)}


def marks_in(value: bytes, pseudonyms: Pseudonyms) -> set[str]:
    """Of everybody whom a record names: by pseudonym anywhere, by id in `user_id` and `visitor_id`."""
    found = pseudonym_marks(value)
    if b"_id" in value:
        found.update(_named(value, pseudonyms))
    return found


def _named(value: bytes, pseudonyms: Pseudonyms) -> Iterable[str]:
    try:
        said: Any = msgspec.json.decode(value)
    except (msgspec.MsgspecError, RecursionError):
        for kind, name in _NAMED.findall(value):
            text = name.decode("utf-8", "replace")
            yield from _marks(pseudonyms, *((text, None) if kind == b"user" else (None, text)))
        return
    left = [(said, 0)]
    while left:
        one, depth = left.pop()
        if isinstance(one, dict):
            user, visitor = one.get("user_id"), one.get("visitor_id")
            yield from _marks(pseudonyms, *(name if isinstance(name, str) else None for name in (user, visitor)))
            # A dead letter has the event as a text.
            if isinstance(event := one.get("event"), str):
                yield from _named(event.encode("utf-8", "surrogatepass"), pseudonyms)
        if isinstance(one, dict | list) and depth < _DEEPEST:
            left += [(inner, depth + 1) for inner in (one.values() if isinstance(one, dict) else one)]


def _marks(pseudonyms: Pseudonyms, user_id: str | None, visitor_id: str | None) -> list[str]:
    return [mark_of(name) for name in (pseudonyms.user(user_id), pseudonyms.visitor(visitor_id)) if name]


def _time_of(record: Record) -> datetime:
    try:
        found = _time(record.value).time
    except (msgspec.MsgspecError, RecursionError):
        return record.at
    return found if found.tzinfo else found.replace(tzinfo=UTC)
