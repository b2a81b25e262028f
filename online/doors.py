"""Who may come in: keys and their scopes, rate limits and security headers, before anything of a request is read."""

from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import msgspec
from litestar import Request
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from online.keys import ANONYMOUS, SCOPES, Caller
from online.keys.watch import KeysWatch
from online.messages import Problem
from online.problems import CONTENT_TYPE
from online.rate_limits import Rate
from setwise.settings import Doors, listed

RECOMMEND: dict[str, Any] = {"scope": "recommend"}
EVENTS: dict[str, Any] = {"scope": "events"}
ADMIN: dict[str, Any] = {"scope": "admin"}
OPEN: dict[str, Any] = {"scope": "open"}
LOCAL: dict[str, Any] = {"scope": "local"}
"""Open to this machine, else admin's. Every route states one of these; a route without one is nobody's."""
PAGES = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
DATA = "default-src 'none'; frame-ancestors 'none'"
"""What a browser may load for an answer; a route that needs another one names it as `policy`."""


def caller_of(request: Request[Any, Any, Any]) -> Caller:
    """Who sent this request."""
    caller = request.scope.get("auth")
    assert isinstance(caller, Caller), "the door stands before every route"
    return caller


class DoorMiddleware(ASGIMiddleware):
    """Answers 401, 403 and 429 itself; what it lets in carries its caller."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, doors: Doors, keys: KeysWatch, rate: Rate) -> None:
        self._doors, self._keys, self._rate = doors, keys, rate
        self._anonymous = frozenset(listed(doors.anonymous))
        self._proxies = frozenset(listed(doors.trusted_proxies))

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Key, then limit, then scope: what is refused costs its sender a place as well."""
        needed = scope["route_handler"].opt.get("scope", "admin")
        headers = dict(scope["headers"])
        address = self._address(scope, headers)
        said = headers.get(b"authorization")
        caller = self._caller(said, address)
        if needed == "open" or scope.get("method") == "OPTIONS":
            scope["auth"] = caller or self._nobody(address)
            await next_app(scope, receive, send)
            return
        wait_s = await self._wait_s(caller, address)
        if wait_s > 0:
            retry = [(b"retry-after", str(max(round(wait_s + 0.49), 1)).encode())]
            detail = "more requests than this client may send; wait as long as Retry-After says"
            await _refuse(scope, send, 429, "Too Many Requests", detail, retry)
        elif caller is None:
            detail = "this key is not valid: it is unknown, revoked or expired"
            await _refuse(scope, send, 401, "Unauthorized", detail, [(b"www-authenticate", b"Bearer")])
        elif needed in caller.scopes or (needed == "local" and _is_loopback(address)):
            scope["auth"] = caller
            await next_app(scope, receive, send)
        elif said is None:
            detail = f"send a key of scope {_named(needed)} as 'Authorization: Bearer <key>'; online.keys makes one"
            await _refuse(scope, send, 401, "Unauthorized", detail, [(b"www-authenticate", b"Bearer")])
        else:
            detail = f"this key has not the scope {_named(needed)}"
            await _refuse(scope, send, 403, "Forbidden", detail, [])

    def _caller(self, said: bytes | None, address: str) -> Caller | None:
        """None for a key that is not valid."""
        if said is None:
            return self._nobody(address)
        kind, _, text = said.decode("latin-1").partition(" ")
        key = self._keys.find(text.strip(), datetime.now(UTC)) if kind.lower() == "bearer" else None
        if key is None:
            return None
        scopes = frozenset(SCOPES) if "admin" in key.scopes else frozenset(key.scopes)
        return Caller(key.name, scopes, f"key:{key.key_id}")

    def _nobody(self, address: str) -> Caller:
        return Caller(ANONYMOUS, self._anonymous, f"address:{address}")

    async def _wait_s(self, caller: Caller | None, address: str) -> float:
        """A key has a limit of its own, everybody else shares that of the address."""
        doors, name = self._doors, (caller or self._nobody(address)).limited_by
        per_s, burst = doors.address_per_s, doors.address_burst
        if name.startswith("key:"):
            per_s, burst = doors.key_per_s, doors.key_burst
        return await self._rate.take(name, per_s, burst) if per_s > 0 else 0.0

    def _address(self, scope: Scope, headers: dict[bytes, bytes]) -> str:
        """The peer's, or what a trusted proxy says: the last address that is none of its own."""
        client = scope.get("client")
        address = client[0] if client else "unknown"
        for hop in reversed(headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")):
            if address not in self._proxies or not hop.strip():
                break
            address = hop.strip()
        return address[:64]


class SecurityHeaders:
    """Around everything, so that an unknown path and a wrong method have them as well."""

    def __init__(self, app: ASGIApp, doors: Doors) -> None:
        self._app = app
        self._always = [(b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer")]
        if doors.hsts:
            self._always.append((b"strict-transport-security", b"max-age=31536000; includeSubDomains"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Adds them when an answer begins; by then it is known whose route it is."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                kind = next((value for name, value in headers if name.lower() == b"content-type"), b"")
                handler = scope.get("route_handler")
                policy = handler.opt.get("policy") if handler else None
                policy = policy or (PAGES if kind.startswith(b"text/html") else DATA)
                message["headers"] = [*headers, *self._always, (b"content-security-policy", policy.encode())]
            await send(message)

        await self._app(scope, receive, sending)


def _named(needed: str) -> str:
    return "admin" if needed == "local" else needed


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:  # a client in the same process
        return address == "testclient"


async def _refuse(
    scope: Scope, send: Send, status: int, title: str, detail: str, more: list[tuple[bytes, bytes]]
) -> None:  # fmt: skip
    body = msgspec.json.encode(Problem("about:blank", title, status, detail, scope["path"]))
    headers = [(b"content-type", CONTENT_TYPE.encode()), (b"content-length", str(len(body)).encode()), *more]
    start: Any = {"type": "http.response.start", "status": status, "headers": headers}
    end: Any = {"type": "http.response.body", "body": body, "more_body": False}
    await send(start)
    await send(end)
