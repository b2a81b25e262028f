"""Which variants did a tester choose? A token that only who knows the shop's secret can make, for a limited time."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

VARIANTS_HEADER = "Setwise-Variants"
MAX_TOKEN = 2_048
_PROOF = 32


class OverrideError(ValueError):
    """A token that is not ours, was changed, or has expired; says which."""


class _Said(msgspec.Struct, frozen=True, array_like=True):
    variants: dict[str, str]
    until_s: int


_decode = msgspec.msgpack.Decoder(_Said).decode


class Overrides:
    """Base64 of what is said and HMAC-SHA-256 over it. Every process of a shop has the same key."""

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.blake2b(key, digest_size=32, person=b"overrides").digest()

    def make(self, variants: Mapping[str, str], until: datetime) -> str:
        """A token for these variants by flag."""
        said = msgspec.msgpack.encode(_Said(dict(variants), int(until.timestamp())))
        return base64.urlsafe_b64encode(self._proof(said) + said).decode().rstrip("=")

    def read(self, token: str, now: datetime) -> dict[str, str]:
        """The variants by flag. Raises OverrideError."""
        try:
            if len(token) > MAX_TOKEN:
                raise ValueError("too long")
            found = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except ValueError as error:  # UnicodeEncodeError and binascii.Error are such
            raise OverrideError("it is no token of python -m online.variants") from error
        proof, said = found[:_PROOF], found[_PROOF:]
        if not hmac.compare_digest(proof, self._proof(said)):
            raise OverrideError("it was not made with this shop's secret, or it was changed")
        read = _decode(said)
        if read.until_s <= now.timestamp():
            until = datetime.fromtimestamp(read.until_s, UTC)
            raise OverrideError(f"it expired at {until:%Y-%m-%d %H:%M} UTC; make a new one")
        return read.variants

    def _proof(self, said: bytes) -> bytes:
        return hmac.digest(self._key, said, "sha256")
