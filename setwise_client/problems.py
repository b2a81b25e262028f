"""What does a call raise when the service does not answer it?"""

from typing import Any

import msgspec


class ProblemError(Exception):
    """Problem details (RFC 9457): what was wrong, where, and what to do; `retry_after_s` where the service says it."""

    def __init__(
        self, status: int, title: str, detail: str, errors: list[dict[str, Any]], retry_after_s: float | None
    ) -> None:  # fmt: skip
        super().__init__(f"{status} {title}: {detail}")
        self.status, self.title, self.detail = status, title, detail
        self.errors, self.retry_after_s = errors, retry_after_s


class Problem(msgspec.Struct, frozen=True):
    """The body of such an answer; everything may be missing, as proxies answer too."""

    title: str = "Error"
    status: int = 0
    detail: str = ""
    errors: list[dict[str, Any]] = []


def problem_of(status: int, body: bytes, retry_after: str = "") -> ProblemError:
    """From an answer that is none of the expected ones."""
    try:
        found = msgspec.json.decode(body, type=Problem)
    except msgspec.MsgspecError:
        found = Problem(detail=body[:500].decode(errors="replace"))
    wait_s = float(retry_after) if retry_after.isdigit() else None
    return ProblemError(found.status or status, found.title, found.detail, found.errors, wait_s)
