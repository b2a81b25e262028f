"""HTTP only: decode, hand to the pipeline in a thread, encode."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody, Parameter

from online import metrics
from online.admission import IS_ANSWER
from online.answer_cache import AnswerCache
from online.answers import bundles_of, older_than_elsewhere
from online.candidates import RankedBy
from online.deadline import Deadline
from online.devices import device_of
from online.doors import LOCAL, OPEN, RECOMMEND, caller_of
from online.exploring import Explorer
from online.gather import Dependencies
from online.live import LiveRelease, ReleaseWatch
from online.messages import (
    BundleAnswer,
    BundleRequest,
    Degraded,
    ProductDetail,
    ProductsAnswer,
    ProductsRequest,
)  # fmt: skip
from online.metrics import observe_assignment
from online.observing import arrived, observe_answer
from online.operator.desk import Desk
from online.pipeline import recommend_bundles, recommend_products, recommend_to_learn_from
from online.problems import ProblemError
from online.recording import Answered
from online.stages import Waits
from online.stream_metrics import families
from online.tracing import current_traceparent
from setwise.catalogue import is_sellable, price_now
from setwise.events.served import Route
from setwise.experiment import Assignment
from setwise.names import ProductId
from setwise.overrides import VARIANTS_HEADER, OverrideError
from setwise.rules import RuleBook

Any_Request = Request[Any, Any, Any]
Answer = TypeVar("Answer", BundleAnswer, ProductsAnswer)
Recommend = Callable[[Any, LiveRelease, Dependencies, datetime, RuleBook, Deadline, Assignment], Answer]
_VARIANTS_NAME = VARIANTS_HEADER.lower().encode()


def live_of(request: Any_Request) -> LiveRelease:
    """The release to answer from; a 503 before there is one."""
    watch: ReleaseWatch = request.app.state.watch
    if watch.live is None:
        raise ProblemError(503, "Service Unavailable", "no release is live yet; run make build", retry_after_s=5)
    return watch.live


def deadline_of(request: Any_Request) -> Deadline:
    """The deadline of this request, from now on: time in a queue counts."""
    seconds: float | None = request.app.state.deadline_s
    return Deadline() if seconds is None else Deadline(seconds)


def override_of(request: Any_Request) -> str:
    """A tester's token: a header, or `variants` in the query for pages; '' where there is none."""
    for name, value in request.scope["headers"]:  # request.headers would read all of them, for each answer
        if name == _VARIANTS_NAME:
            return value.decode("latin-1")
    return str(request.query_params.get("variants", "")) if request.scope["query_string"] else ""


def refused_override(error: OverrideError) -> ProblemError:
    """What is said of a token that is not taken: an answer without it would be taken for one with it."""
    return ProblemError(403, "Forbidden", f"{VARIANTS_HEADER}: {error}")


async def _answer(request: Any_Request, body: Any, recommend: Recommend[Answer], route: Route) -> Response[Answer]:
    live, deadline = live_of(request), deadline_of(request)
    waits = Waits(arrived(request.scope))
    loop = asyncio.get_running_loop()
    state, now = request.app.state, datetime.now(UTC)
    book: RuleBook = state.rules.book
    cache: AnswerCache | None = state.answers
    try:
        assignment: Assignment = state.experiments.assign(body, override_of(request))
    except OverrideError as error:
        raise refused_override(error) from error
    explorer: Explorer = state.explorer.under(assignment)
    wanted = explorer.widened(body)

    ranked_by: RankedBy | None = None

    async def run(pipeline: Callable[..., Any], asked: Any) -> Any:
        given = (asked, live, state.dependencies, now, book, deadline, assignment)
        return await loop.run_in_executor(state.pool, waits.timed, pipeline, *given)

    async def make(asked: Any) -> Answer:
        made: Answer = await run(recommend, asked)
        state.admission.note(made.timings_ms["total"] / 1000)
        return made

    key = cache.key_of(wanted, live, book, assignment) if cache is not None else None
    if cache is not None and key is not None:
        answer: Answer = await cache.answer(key, live, book, now, lambda: make(wanted))
    elif not state.recorder.wants_features():
        answer = await make(wanted)
    elif isinstance(body, BundleRequest):
        answer = await make(msgspec.structs.replace(body, explain=True))
    else:
        answer, ranked_by = await run(recommend_to_learn_from, wanted)
        state.admission.note(answer.timings_ms["total"] / 1000)
    answer = explorer.explored(body, answer)
    unread: list[Degraded] = older_than_elsewhere(state.rules, state.changes)
    degraded = [*answer.degraded, *unread] if unread else answer.degraded
    answer = msgspec.structs.replace(answer, degraded=degraded, timings_ms=waits.around(answer.timings_ms))
    if isinstance(answer, BundleAnswer):
        state.kept.keep(bundles_of(body, answer, book.version, caller_of(request).name, assignment.unit))
    observe_answer(body, answer)
    observe_assignment(assignment)
    client, release, trace = caller_of(request).name, live.manifest.release_id, current_traceparent()
    device = device_of(request.scope["headers"])
    state.recorder.record(Answered(route, body, answer, client, release, now, trace, assignment, ranked_by, device))
    told: Any = unexplained(answer) if isinstance(answer, BundleAnswer) and not body.explain else answer
    return Response(told, headers=server_timing(answer.timings_ms))


def unexplained(answer: BundleAnswer) -> BundleAnswer:
    """Without the parts of scores, which were computed for its record."""
    if not any(bundle.parts for bundle in answer.bundles):
        return answer
    replace = msgspec.structs.replace
    bundles = [
        replace(bundle, parts=None, items=[replace(item, parts=None) for item in bundle.items])
        for bundle in answer.bundles
    ]  # fmt: skip
    return replace(answer, bundles=bundles)


def server_timing(timings_ms: dict[str, float]) -> dict[str, str]:
    """The stages as browsers show them."""
    return {"Server-Timing": ", ".join(f"{stage};dur={ms}" for stage, ms in timings_ms.items())}


def require_something(body: BundleRequest) -> None:
    """A 422 for a request that says nothing."""
    if not ((body.prompt or "").strip() or body.lock or body.basket or body.slots):
        raise ProblemError(422, "Unprocessable Content", "say something: prompt, lock or basket is required")


@post("/v1/bundles", status_code=200, opt=RECOMMEND | IS_ANSWER, summary="Complete bundles for a prompt")
async def bundles(request: Any_Request, data: JSONBody[BundleRequest]) -> Response[BundleAnswer]:
    """Several complete bundles that never exceed the budget; only prompt, lock or basket is required."""
    require_something(data)
    return await _answer(request, data, recommend_bundles, "bundles")


@post("/v1/products", status_code=200, opt=RECOMMEND | IS_ANSWER, summary="Single products, ranked")
async def products(request: Any_Request, data: JSONBody[ProductsRequest]) -> Response[ProductsAnswer]:
    """Products for a prompt, a shopper or a basket; `candidates` ranks exactly these."""
    if not ((data.prompt or "").strip() or data.user_id or data.basket or data.candidates):
        raise ProblemError(422, "Unprocessable Content", "say something: prompt, user_id or basket is required")
    if data.k > 200 and data.candidates is None:
        raise ProblemError(422, "Unprocessable Content", "k is at most 200, and 1,000 only with candidates")
    return await _answer(request, data, recommend_products, "products")


@get("/v1/search", opt=RECOMMEND | IS_ANSWER, summary="Products for a search box")
async def search(
    request: Any_Request,
    q: Annotated[str, Parameter(min_length=1, max_length=512, description="what the shopper typed")],
    k: Annotated[int, Parameter(ge=1, le=200)] = 20,
    offset: Annotated[int, Parameter(ge=0, le=1_000)] = 0,
) -> Response[ProductsAnswer]:
    """The short form of POST /v1/products."""
    if not q.strip():
        raise ProblemError(422, "Unprocessable Content", "q holds only spaces; say what to look for")
    return await _answer(request, ProductsRequest(prompt=q, k=k, offset=offset), recommend_products, "search")


@get("/v1/products/{product_id:str}", opt=RECOMMEND, summary="One product as it is sold now")
async def product(request: Any_Request, product_id: FromPath[str]) -> ProductDetail:
    """404 where the live catalogue lacks it."""
    live = live_of(request)
    row = live.snapshot.row_of(ProductId(product_id))
    if row is None:
        raise ProblemError(404, "Not Found", "the live catalogue has no product of this id")
    found, now = live.snapshot[row], datetime.now(UTC)
    allow: bool = request.app.state.dependencies.allow_preorder
    return ProductDetail(
        product_id=found.id,
        title=found.title,
        description=found.description,
        price_cents=price_now(found, now),
        currency=found.currency,
        is_sellable=is_sellable(found, now, allow_preorder=allow),
        availability=found.availability,
        brand=found.brand,
        color=found.color,
        material=found.material,
        size=found.size,
        categories=list(found.product_types),
        link=found.link,
        image_link=found.image_link,
        item_group_id=found.item_group_id,
        stock=found.stock,
        rating=found.rating,
    )


@get("/health/live", opt=OPEN, summary="The process runs")
async def health_live() -> dict[str, str]:
    """200 as long as the process answers at all."""
    return {"status": "live"}


@get("/health/ready", opt=OPEN, summary="The process can answer")
async def health_ready(request: Any_Request) -> dict[str, Any]:
    """200 with the release and what answers go without, 503 before there is a release and while it drains."""
    live, state = live_of(request), request.app.state
    unread = older_than_elsewhere(state.rules, state.changes)
    if state.admission.is_draining:
        raise ProblemError(503, "Service Unavailable", "draining", retry_after_s=1)
    return {
        "status": "ready",
        "release": live.manifest.release_id,
        "products": len(live.snapshot),
        "created_at": live.manifest.created_at,
        "degraded": [*state.probes.degraded(), *(one.dependency for one in unread)],
    }


@get("/metrics", opt=LOCAL, summary="Prometheus metrics", media_type="text/plain", include_in_schema=False)
async def metrics_page(request: Any_Request) -> Response[bytes]:
    """Base units; histograms start below a millisecond."""
    desk: Desk = request.app.state.desk

    def page() -> bytes:
        return metrics.render(families(desk.consumers(), desk.earned()))

    found = await asyncio.get_running_loop().run_in_executor(request.app.state.stores, page)
    return Response(found, media_type=metrics.CONTENT_TYPE)


HANDLERS = (bundles, products, search, product, health_live, health_ready, metrics_page)
