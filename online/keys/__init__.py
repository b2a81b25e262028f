"""API keys: what one looks like, what of it is kept, and whose it is. The key itself is shown once and kept nowhere."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal, get_args

import msgspec

Scope = Literal["recommend", "events", "admin"]
SCOPES: tuple[str, ...] = get_args(Scope)
PREFIX = "swk"
"""A key starts so: what was published by mistake can be searched for."""
SECRET_BYTES = 32
_NOBODY = hashlib.sha256(b"").hexdigest()


class Key(msgspec.Struct, frozen=True):
    """What is kept of a key. Keys of one name belong to one client: a new one beside the old rotates it."""

    key_id: str
    name: str
    scopes: list[Scope]
    secret_sha256: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class Caller(msgspec.Struct, frozen=True):
    """Who sends a request: a client by its keys' name, or nobody in particular."""

    name: str
    scopes: frozenset[str]
    limited_by: str
    """What its requests are counted under."""


ANONYMOUS = "anonymous"


def make_key(name: str, scopes: Iterable[Scope], now: datetime, expires_at: datetime | None = None) -> tuple[Key, str]:
    """A new key, and the text that its client sends. 256 random bits need no slow hash."""
    key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(SECRET_BYTES)
    key = Key(key_id, name, sorted(set(scopes)), _hashed(secret), now, expires_at)
    return key, f"{PREFIX}_{key_id}_{secret}"


def find_key(keys: Mapping[str, Key], text: str, now: datetime) -> Key | None:
    """The valid key that this text is, or None; the same work is done for every text."""
    prefix, _, rest = text.partition("_")
    key_id, _, secret = rest.partition("_")
    key = keys.get(key_id)
    is_right = hmac.compare_digest(_hashed(secret), key.secret_sha256 if key else _NOBODY)
    return key if key is not None and is_right and prefix == PREFIX and key.is_valid(now) else None


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
