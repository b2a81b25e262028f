"""Errors as RFC 9457 problem details: what was wrong, where, what to do. Never a stack trace, never a host name."""

import logging
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from online.messages import Problem

logger = logging.getLogger(__name__)
CONTENT_TYPE = "application/problem+json"


class ProblemError(Exception):
    """An error with its status and what to do about it."""

    def __init__(
        self, status: int, title: str, detail: str, retry_after_s: int | None = None,
        errors: list[dict[str, Any]] | None = None, headers: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(detail)
        self.status, self.title, self.detail, self.errors = status, title, detail, errors
        self.headers = dict(headers or {}) | ({"Retry-After": str(retry_after_s)} if retry_after_s else {})


def _respond(
    request: Request[Any, Any, Any], status: int, title: str, detail: str, errors: list[dict[str, Any]] | None = None,
    headers: dict[str, str] | None = None,
) -> Response[bytes]:  # fmt: skip
    problem = Problem("about:blank", title, status, detail, request.url.path, errors or [])
    return Response(msgspec.json.encode(problem), status_code=status, media_type=CONTENT_TYPE, headers=headers or {})


def on_problem(request: Request[Any, Any, Any], error: ProblemError) -> Response[bytes]:
    """Our own errors."""
    return _respond(request, error.status, error.title, error.detail, error.errors, error.headers)


_REMEDIES = {
    404: "look at /schema for the paths there are",
    405: "look at /schema for the methods of this path",
    413: "send at most 64 KiB, for rules 1 MiB",
    415: "send application/json",
}


def on_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Litestar's own: unknown path, wrong method, body too large, body that does not fit."""
    if isinstance(error, ValidationException):
        extra = error.extra if isinstance(error.extra, list) else []
        return _respond(
            request, 422, "Unprocessable Content", "the request does not fit the schema; see errors and /schema", extra
        )
    detail = _REMEDIES.get(error.status_code, error.detail)
    title = {404: "Not Found", 405: "Method Not Allowed", 413: "Content Too Large", 415: "Unsupported Media Type"}
    return _respond(request, error.status_code, title.get(error.status_code, "Error"), detail)


def on_crash(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """What nobody expected: logged here, told nobody."""
    logger.exception("unexpected error on %s", request.url.path, exc_info=error)
    return _respond(request, 500, "Internal Server Error", "an unexpected error; try again, and tell the operator")


def on_too_deep(request: Request[Any, Any, Any], _: RecursionError) -> Response[bytes]:
    """JSON whose lists and objects are nested a thousand deep."""
    return _respond(
        request, 400, "Bad Request", "the JSON is nested too deeply; nothing here needs more than ten levels"
    )


EXCEPTION_HANDLERS: dict[Any, Any] = {
    ProblemError: on_problem,
    HTTPException: on_http,
    RecursionError: on_too_deep,
    Exception: on_crash,
}
