"""Which requests are let in: those that can be answered in time. The others are told so at once, and when to come."""

from typing import Any

import msgspec
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from online.messages import Problem

FIRST_GUESS_S = 0.01
WEIGHT = 0.1
"""What the newest answer counts in the measured time of one: the last ten decide."""
BURST = 3
"""So many requests a thread are let in however slow answers are: a page that asks for six sets at once is no overload,
and a slow first answer must not shut the door for good."""
RETRY_AFTER_S = 1
IS_ANSWER = {"is_answer": True}
"""The mark of a route whose handler computes an answer; all others are always let in."""


class Admission:
    """Requests in flight x the measured time of one answer / threads = what a new one would wait.

    Used from the event loop only."""

    def __init__(self, threads: int, longest_wait_s: float | None) -> None:
        self._threads, self._longest_wait_s = threads, longest_wait_s
        self._in_flight, self._answer_s = 0, FIRST_GUESS_S
        self.is_draining = False
        """True from SIGTERM on: the rest is answered, and connections are not kept."""

    def expected_wait_s(self) -> float:
        """Seconds until a thread is free for one more."""
        waiting = self._in_flight - self._threads + 1
        return max(waiting, 0) * self._answer_s / self._threads

    def enter(self) -> bool:
        """True where it may go on; then `leave` has to be called."""
        is_full = self._in_flight >= BURST * self._threads
        if is_full and self._longest_wait_s is not None and self.expected_wait_s() > self._longest_wait_s:
            return False
        self._in_flight += 1
        return True

    def leave(self) -> None:
        """It was answered, whatever came of it."""
        self._in_flight -= 1

    def note(self, seconds: float) -> None:
        """How long a thread was busy with an answer."""
        self._answer_s += WEIGHT * (seconds - self._answer_s)


_REFUSAL = Problem(
    "about:blank", "Service Unavailable", 503, "more requests are waiting than can be answered in time; try again", ""
)


class AdmissionMiddleware(ASGIMiddleware):
    """Refuses before the body is read: a refusal costs a tenth of a millisecond."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Lets the request in, or answers 503."""
        admission: Admission = scope["litestar_app"].state.admission
        sending = _closing(send) if admission.is_draining else send
        if not scope["route_handler"].opt.get("is_answer"):
            await next_app(scope, receive, sending)
        elif not admission.enter():
            await _refuse(scope, sending)
        else:
            try:
                await next_app(scope, receive, sending)
            finally:
                admission.leave()


def _closing(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), (b"connection", b"close")]
        await send(message)

    return sending


async def _refuse(scope: Scope, send: Send) -> None:
    body = msgspec.json.encode(msgspec.structs.replace(_REFUSAL, instance=scope["path"]))
    headers: list[tuple[bytes, bytes]] = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"retry-after", str(RETRY_AFTER_S).encode()),
    ]
    start: Any = {"type": "http.response.start", "status": 503, "headers": headers}
    end: Any = {"type": "http.response.body", "body": body, "more_body": False}
    await send(start)
    await send(end)
