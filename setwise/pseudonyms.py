"""Names for people that say nothing about them: the same person has the same one wherever the key is the same."""

import hashlib

_DIGEST = 15


class Pseudonyms:
    """Keyed BLAKE2b; who lacks the key cannot find out whether a pseudonym belongs to a known id."""

    def __init__(self, key: bytes) -> None:
        self._key = hashlib.blake2b(key, digest_size=32, person=b"pseudonyms").digest()

    def user(self, user_id: str | None) -> str:
        """Of a user_id; empty for none."""
        return self._of("u", user_id)

    def visitor(self, visitor_id: str | None) -> str:
        """Of a visitor_id; empty for none."""
        return self._of("v", visitor_id)

    def session(self, session_id: str | None) -> str:
        """Of a session_id; empty for none."""
        return self._of("s", session_id)

    def _of(self, kind: str, name: str | None) -> str:
        if not name:
            return ""
        said = name.encode("utf-8", "surrogatepass")
        return f"{kind}-{hashlib.blake2b(said, digest_size=_DIGEST, key=self._key, person=kind.encode()).hexdigest()}"
