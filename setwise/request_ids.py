"""Ids of answers that prove themselves: whether one was given out is known without a look at any store."""

import hashlib
import hmac
import os
import re

_RANDOM, _PROOF = 10, 6
_FORM = re.compile(r"[0-9a-f]{32}")


class RequestIds:
    """32 hex digits: 80 random bits and 48 of a keyed BLAKE2b over them. Every process of a shop has the same key."""

    def __init__(self, key: bytes = b"") -> None:
        self._key = hashlib.blake2b(key or os.urandom(32), digest_size=32, person=b"request-ids").digest()

    def new(self) -> str:
        """An id for one answer."""
        drawn = os.urandom(_RANDOM)
        return (drawn + self._proof(drawn)).hex()

    def is_ours(self, request_id: str) -> bool:
        """True for what `new` gave out, in whatever process."""
        if not _FORM.fullmatch(request_id):
            return False
        said = bytes.fromhex(request_id)
        return hmac.compare_digest(said[_RANDOM:], self._proof(said[:_RANDOM]))

    def _proof(self, drawn: bytes) -> bytes:
        return hashlib.blake2b(drawn, digest_size=_PROOF, key=self._key).digest()
