"""The operator's pages over HTTP: all of it the admin's, nothing of it on the way of an answer."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import Response, get, post, put
from litestar.params import JSONBody, Parameter

from online.answers import older_than_elsewhere
from online.doors import ADMIN, OPEN
from online.live import LiveRelease
from online.live_counters import CountersDownError
from online.operator.business import LiveBusiness, live_business
from online.operator.catalogue import CatalogueHealth, catalogue_health
from online.operator.desk import Desk
from online.operator.figures import LiveFigures, live_figures
from online.operator.playground import PlaygroundAnswer, PlaygroundRequest, play
from online.operator.search_words import UnknownWord, unknown_words
from online.problems import ProblemError
from online.retrieval import InProcessRetriever
from online.routes import Any_Request, live_of, require_something
from online.web_files import ANEW, sent, web_files
from setwise.demo_player import Played, Switch, read_played, read_switch, write_switch
from setwise.experiment import NO_EXPERIMENT
from setwise.flags import Flags
from setwise.release import ReleaseError
from setwise.reports import Reports

T = TypeVar("T")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Scripts, styles and data of this service alone, and nothing of it inline."""


class DemoState(msgspec.Struct, frozen=True):
    """How the demo's shoppers are set, and what they did; `played` is null where none run."""

    switch: Switch
    played: Played | None


def _desk(request: Any_Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


async def _read(request: Any_Request, question: Callable[[], T]) -> T:
    """In a thread that no answer needs."""
    return await asyncio.get_running_loop().run_in_executor(request.app.state.stores, question)


@get("/v1/operator/live", opt=ADMIN, summary="The service at this moment, of all its processes")
async def operator_live(request: Any_Request) -> LiveFigures:
    """Sums since the start: read it twice for what happened in between."""
    live, desk, state = live_of(request), _desk(request), request.app.state
    missing = [*state.probes.degraded(), *(one.dependency for one in older_than_elsewhere(state.rules, state.changes))]

    def read() -> LiveFigures:
        return live_figures(live, desk.kept(), missing, state.probes.states(), desk.consumers())

    return await _read(request, read)


@get("/v1/operator/business", opt=ADMIN, summary="Served, shown, clicked and bought in the last minutes")
async def operator_business(
    request: Any_Request, minutes: Annotated[int, Parameter(ge=1, le=1_440, description="up to a day")] = 5
) -> LiveBusiness:
    """As the streams count it, a second or two behind."""
    now = datetime.now(UTC)
    until = int(now.timestamp()) // 60
    wanted = range(until - minutes + 1, until + 1)
    try:
        return await _read(request, lambda: live_business(_desk(request).counters.read(wanted), wanted, now))
    except CountersDownError as error:
        detail = "the store of live counts does not answer; try again"
        raise ProblemError(503, "Service Unavailable", detail, retry_after_s=5) from error


@get("/v1/operator/reports", opt=ADMIN, summary="What the marts say, by day")
async def operator_reports(request: Any_Request) -> Reports | None:
    """The same rows as in the marts, as of the last run of dbt; null before the first."""
    return await _read(request, _desk(request).reports)


@get("/v1/operator/words", opt=ADMIN, summary="Words of shoppers that no product has")
async def operator_words(request: Any_Request) -> list[UnknownWord]:
    """Of the prompts in the reports, as the live release reads them."""
    live, desk = live_of(request), _desk(request)

    def read() -> list[UnknownWord]:
        reports = desk.reports()
        asked = next((one for one in reports.reports if one.name == "prompts"), None) if reports else None
        if asked is None:
            return []
        prompt, answers = asked.columns.index("prompt"), asked.columns.index("answers")
        return unknown_words(live, [(row[prompt], row[answers]) for row in asked.rows])

    return await _read(request, read)


@get("/v1/operator/catalogue", opt=ADMIN, summary="Refused rows of the feed, stale prices, what can be sold")
async def operator_catalogue(
    request: Any_Request, stale_days: Annotated[float, Parameter(ge=0, le=3_650)] = 7.0
) -> CatalogueHealth:
    """Of the live release, and of the last feed that a build read in this data folder."""
    live, desk, now = live_of(request), _desk(request), datetime.now(UTC)
    allow: bool = request.app.state.dependencies.allow_preorder
    return await _read(request, lambda: catalogue_health(live, desk.data_dir, stale_days, now, allow))


@get("/v1/operator/experiments", opt=ADMIN, summary="What the experiments came to")
async def operator_experiments(request: Any_Request) -> dict[str, Any] | None:
    """As the last evaluation wrote it; null before the first."""
    return await _read(request, _desk(request).experiments)


@post("/v1/operator/playground", status_code=200, opt=ADMIN, summary="One prompt, step by step")
async def operator_playground(request: Any_Request, data: JSONBody[PlaygroundRequest]) -> PlaygroundAnswer:
    """Understood, found, scored, chosen; nothing is recorded, and no shopper's answer waits for it."""
    require_something(data.request)
    state, live, now = request.app.state, live_of(request), datetime.now(UTC)
    dependencies, book, desk = state.dependencies, state.rules.book, _desk(request)
    flags: Flags = state.experiments.watch.flags
    assignment = flags.chosen(data.variants) if data.variants else NO_EXPERIMENT
    if assignment.variants != data.variants:
        detail = "variants: no flag has all of these; GET /v1/operator/variants lists them"
        raise ProblemError(422, "Unprocessable Content", detail)

    def answer() -> PlaygroundAnswer:
        if data.release in ("", live.manifest.release_id):
            return play(data, live, dependencies, now, book, assignment)
        other: LiveRelease = state.changes.over(desk.release(data.release))
        # The vector store is asked about the live release's collection; an older one answers from its own files.
        own = msgspec.structs.replace(dependencies, retriever=InProcessRetriever())
        return play(data, other, own, now, book, assignment)

    try:
        return await _read(request, answer)
    except ReleaseError as error:
        raise ProblemError(404, "Not Found", f"no release of this name is kept: {error}") from error


@get("/v1/operator/demo", opt=ADMIN, summary="The demo's shoppers")
async def operator_demo(request: Any_Request) -> DemoState:
    """Their pace, and what they did since they were started."""
    folder = _desk(request).data_dir
    return await _read(request, lambda: DemoState(read_switch(folder), read_played(folder)))


@get("/v1/operator/variants", opt=ADMIN, summary="The variants of each flag")
async def operator_variants(request: Any_Request) -> dict[str, list[str]]:
    """Of the flags that this process answers by, those that are off too."""
    flags: Flags = request.app.state.experiments.watch.flags
    return {name: list(flag.variants) for name, flag in flags.flags.items()}


@put("/v1/operator/demo", opt=ADMIN, summary="Set the pace of the demo's shoppers, or let them pause")
async def set_operator_demo(request: Any_Request, data: JSONBody[Switch]) -> DemoState:
    """They follow within a second."""
    folder = _desk(request).data_dir

    def write() -> DemoState:
        write_switch(folder, data)
        return DemoState(data, read_played(folder))

    return await _read(request, write)


@get("/operator", opt=OPEN | {"policy": POLICY}, media_type="text/html", include_in_schema=False)
async def operator_pages(request: Any_Request) -> Response[bytes]:
    """The pages themselves, which hold no data and are open."""
    return sent(request, web_files().page("operator/index.html"), "text/html", ANEW)


HANDLERS = (
    operator_pages,
    operator_live, operator_business, operator_reports, operator_words, operator_catalogue, operator_experiments,
    operator_playground, operator_variants, operator_demo, set_operator_demo,
)  # fmt: skip
