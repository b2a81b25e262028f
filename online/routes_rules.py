"""The merchant's rules over HTTP: read, replace, try without publishing."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import Response, get, put
from litestar.openapi.spec import Reference
from litestar.params import Body, HeaderParameter, Parameter

from online.doors import ADMIN, caller_of
from online.live_rules import RulesWatch
from online.messages import BundleRequest, RulesAnswer, RulesPreview
from online.pipeline import recommend_bundles
from online.problems import ProblemError
from online.routes import Any_Request, live_of
from online.rules_store import Publication, RulesStoreDownError, StaleRulesError
from setwise.rules import Checked, RuleSet, read_rules

MAX_BODY = 1024 * 1024
RulesBody = Annotated[
    dict[str, Any],
    Body(
        title="RuleSet",
        description="The whole document. `version` may be left out; where it is given, it is the one of If-Match.",
        schema_extra={"all_of": [Reference(ref="#/components/schemas/RuleSet")]},
    ),
]


def _etag(version: int) -> dict[str, str]:
    return {"ETag": f'"{version}"'}


@get("/v1/rules", opt=ADMIN, summary="The merchandising rules in force, or an earlier version of them")
async def rules(
    request: Any_Request, version: Annotated[int | None, Parameter(ge=0, le=2**31, description="an earlier one")] = None
) -> Response[RuleSet]:
    """The ETag is the version: send it back as If-Match to replace the rules."""
    watch: RulesWatch = request.app.state.rules

    def read() -> RuleSet | None:
        wanted = watch.store.version() if version is None else version
        return watch.store.read(wanted) if wanted else RuleSet()

    found = await _ask(request, read)
    if found is None:
        raise ProblemError(404, "Not Found", "no version of this number was published; see /v1/rules/history")
    return Response(found, headers=_etag(found.version))


@get("/v1/rules/history", opt=ADMIN, summary="Who published which version of the rules, and when")
async def rules_history(
    request: Any_Request, limit: Annotated[int, Parameter(ge=1, le=1_000)] = 100
) -> list[Publication]:
    """Newest first. `file_sha256` is given where the version came from the shop's file."""
    watch: RulesWatch = request.app.state.rules
    found: list[Publication] = await _ask(request, lambda: watch.store.history(limit))
    return found


@put("/v1/rules", opt=ADMIN, summary="Replace the rules, or try them", request_max_body_size=MAX_BODY)
async def put_rules(
    request: Any_Request,
    data: RulesBody,
    if_match: Annotated[
        str | None, HeaderParameter(name="If-Match", description="the version that is replaced")
    ] = None,
    preview: Annotated[
        str | None, Parameter(min_length=1, max_length=512, description="a prompt: answers it, publishes nothing")
    ] = None,
) -> Response[RulesAnswer | RulesPreview]:
    """Every process answers by the new version within two seconds; this one at once."""
    watch: RulesWatch = request.app.state.rules
    checked = read_rules(data, request.app.state.watch.is_known)
    if checked.rules is None:
        errors = [msgspec.to_builtins(error) for error in checked.errors]
        detail = f"{len(errors)} mistakes in the rules, nothing was published; see errors"
        raise ProblemError(422, "Unprocessable Content", detail, errors=errors)
    if preview is not None:
        return Response(await _preview(request, checked, checked.rules, preview))
    expected = await _expected(request, watch, if_match)
    if "version" in data and checked.rules.version != expected:
        detail = f"version is {checked.rules.version}, If-Match is {expected}; leave version out, or start from GET"
        raise ProblemError(422, "Unprocessable Content", detail)
    publication = Publication(0, datetime.now(UTC), caller_of(request).name)
    new = checked.rules

    def publish() -> RuleSet:
        published = watch.store.publish(new, expected, publication)
        watch.look()
        return published

    try:
        found: RuleSet = await _ask(request, publish)
    except StaleRulesError as error:
        detail = f"the rules are at version {error.current}; GET them, make the change again and send that If-Match"
        raise ProblemError(412, "Precondition Failed", detail, headers=_etag(error.current)) from error
    answer = RulesAnswer(found.version, found.rules, found.templates, checked.warnings)
    return Response(answer, headers=_etag(found.version))


async def _expected(request: Any_Request, watch: RulesWatch, if_match: str | None) -> int:
    text = (if_match or "").strip().removeprefix("W/").strip('"')
    if text == "*":
        current: int = await _ask(request, watch.store.version)
        return current
    if text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    detail = 'say which version is replaced: If-Match with the ETag of GET /v1/rules, "0" where none was published'
    raise ProblemError(428, "Precondition Required", detail)


async def _preview(request: Any_Request, checked: Checked, new: RuleSet, prompt: str) -> RulesPreview:
    state, live, now = request.app.state, live_of(request), datetime.now(UTC)
    watch: RulesWatch = state.rules

    def answer() -> RulesPreview:
        asked = BundleRequest(prompt=prompt, explain=True)
        before, after = (
            recommend_bundles(asked, live, state.dependencies, now, book) for book in (watch.book, watch.compiled(new))
        )
        return RulesPreview(before, after, checked.warnings)

    return await asyncio.get_running_loop().run_in_executor(state.pool, answer)


async def _ask(request: Any_Request, call: Any) -> Any:
    try:
        watch: RulesWatch = request.app.state.rules
        if not watch.is_reached:
            raise RulesStoreDownError("not reached")  # the watch asks twice a second: no request waits for it too
        return await asyncio.get_running_loop().run_in_executor(request.app.state.stores, call)
    except RulesStoreDownError as error:
        detail = "the store of the rules does not answer; the rules in force stay, try again"
        raise ProblemError(503, "Service Unavailable", detail, retry_after_s=5) from error


HANDLERS = (rules, rules_history, put_rules)
