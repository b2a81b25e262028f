"""Asynchronous requests: accepted as soon as they are durable, looked at later, or followed as a stream of events."""

import asyncio
import hashlib
import weakref
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import msgspec
from litestar import Response, get, post
from litestar.params import HeaderParameter, JSONBody, Parameter
from litestar.response import ServerSentEvent
from litestar.response.sse import ServerSentEventMessage

from online.devices import device_of
from online.doors import RECOMMEND, caller_of
from online.messages import BundleAnswer, BundleRequest, RequestAccepted, RequestStatus
from online.problems import ProblemError
from online.progress import BUNDLES, DONE, FAILED
from online.request_store import RequestRecord, RequestStore, RequestStoreDownError
from online.request_worker import REQUEST_TYPE, AskedFor
from online.routes import Any_Request, override_of, refused_override, require_something
from online.tracing import current_traceparent
from setwise.cloud_event import CloudEvent
from setwise.log import LogDownError
from setwise.names import REQUESTS_TOPIC
from setwise.overrides import OverrideError

WAIT_S = 2.0
"""A stream looks up so often whether it is to end; events do not wait for it."""
KEEP_ALIVE_S = 12.0
LONGEST_S = 600.0
"""A stream ends after so long; its client comes back with Last-Event-ID."""
COME_BACK_MS = 1_000
T = TypeVar("T")
RequestId = Annotated[str, Parameter(min_length=1, max_length=64)]


class Streams:
    """How many event streams this process has open."""

    def __init__(self, limit: int) -> None:
        self.limit, self.open = limit, 0

    def take(self) -> Callable[[], None] | None:
        """What gives the place back, once however often it is called; None where all are taken."""
        if self.open >= self.limit:
            return None
        self.open += 1
        is_taken = True

        def give_back() -> None:
            nonlocal is_taken
            self.open -= is_taken
            is_taken = False

        return give_back


@post("/v1/requests", status_code=202, opt=RECOMMEND, summary="Bundles, answered later")
async def accept(
    request: Any_Request,
    data: JSONBody[BundleRequest],
    idempotency_key: Annotated[
        str | None,
        HeaderParameter(
            name="Idempotency-Key", max_length=255, description="the same again: the same request, not another"
        ),
    ] = None,
) -> Response[RequestAccepted]:
    """The body of /v1/bundles; 202 as soon as it cannot be lost any more."""
    require_something(data)
    state, owner, key = request.app.state, caller_of(request).name, idempotency_key or ""
    store: RequestStore = state.request_store
    body_hash = hashlib.sha256(msgspec.json.encode(data)).hexdigest()
    try:
        chosen = state.experiments.chosen(token) if (token := override_of(request)) else {}
    except OverrideError as error:
        raise refused_override(error) from error
    now, new_id = datetime.now(UTC), request.app.state.dependencies.request_ids.new()
    known = await _ask(state.stores, lambda: store.create(new_id, owner, body_hash, key, now))
    if known.body_hash != body_hash:
        detail = "another request has this Idempotency-Key; send a new key with a new request"
        raise ProblemError(409, "Conflict", detail)
    if not known.is_accepted:
        asked = AskedFor(known.request_id, owner, body_hash, data, chosen, device_of(request.scope["headers"]))
        event = CloudEvent(known.request_id, REQUEST_TYPE, now, asked, subject=known.request_id)
        headers = event.headers(current_traceparent())
        try:
            await asyncio.wrap_future(
                state.log.append(REQUESTS_TOPIC, known.request_id, event.encoded(), headers)
            )  # fmt: skip
        except LogDownError as error:
            detail = "requests cannot be made durable at the moment; try again with the same Idempotency-Key"
            raise ProblemError(503, "Service Unavailable", detail, retry_after_s=2) from error
        if key:  # without one nobody can send it again
            await _ask(state.stores, lambda: store.accept(known.request_id))
    url = f"/v1/requests/{known.request_id}"
    return Response(RequestAccepted(known.request_id, url, f"{url}/events"), headers={"Location": url})


@get("/v1/requests/{request_id:str}", opt=RECOMMEND, summary="How far a request is")
async def status(request: Any_Request, request_id: RequestId) -> RequestStatus:
    """404 where it is unknown, expired, or another's."""
    known = await _known(request, request_id)
    if not known.has_ended:
        return RequestStatus(request_id, known.status)
    store: RequestStore = request.app.state.request_store
    events = await _ask(request.app.state.stores, lambda: store.events(request_id, 0))
    data = {event.name: event.data for event in events}
    answer = msgspec.json.decode(data[BUNDLES], type=BundleAnswer) if BUNDLES in data else None
    problem = msgspec.json.decode(data[FAILED]) if FAILED in data else None
    return RequestStatus(request_id, known.status, answer, problem)


@get(
    "/v1/requests/{request_id:str}/events",
    opt=RECOMMEND,
    summary="A request as it is answered",
    media_type="text/event-stream",
)
async def events(
    request: Any_Request,
    request_id: RequestId,
    last_event_id: Annotated[str | None, HeaderParameter(name="Last-Event-ID", max_length=20)] = None,
) -> Response[None] | ServerSentEvent:
    """understood, slot, bundles, then done or failed; Last-Event-ID resumes. 204 where nothing follows it."""
    state, known = request.app.state, await _known(request, request_id)
    store: RequestStore = state.request_store
    text = (last_event_id or "").strip()
    after = int(text) if text.isascii() and text.isdigit() else 0
    if known.has_ended and not await _ask(state.stores, lambda: store.events(request_id, after)):
        return Response(None, status_code=204)
    streams: Streams = state.streams
    give_back = streams.take()
    if give_back is None:
        detail = "too many event streams are open; come back, or look at the status"
        raise ProblemError(503, "Service Unavailable", detail, retry_after_s=2)
    told = _stream(store, request_id, after, give_back, lambda: state.admission.is_draining)
    weakref.finalize(told, give_back)  # a client that is gone before the first word
    return ServerSentEvent(told)


async def _stream(
    store: RequestStore, request_id: str, after: int, give_back: Callable[[], None], is_draining: Callable[[], bool]
) -> AsyncIterator[ServerSentEventMessage]:
    loop = asyncio.get_running_loop()
    ends_at, said_at = loop.time() + LONGEST_S, loop.time()
    try:
        yield ServerSentEventMessage(data=None, comment="events of a request", retry=COME_BACK_MS)
        while loop.time() < ends_at and not is_draining():
            for event in await store.wait(request_id, after, WAIT_S):
                yield ServerSentEventMessage(event.data, event=event.name, id=event.id)
                after, said_at = event.id, loop.time()
                if event.name in (DONE, FAILED):
                    return
            if loop.time() - said_at >= KEEP_ALIVE_S:
                said_at = loop.time()
                yield ServerSentEventMessage(data=None, comment="still here")
    except RequestStoreDownError:
        return  # the client comes back with the last id that it has seen
    finally:
        give_back()


async def _known(request: Any_Request, request_id: str) -> RequestRecord:
    state = request.app.state
    store: RequestStore = state.request_store
    found = await _ask(state.stores, lambda: store.get(request_id, datetime.now(UTC)))
    if found is None or found.owner != caller_of(request).name:
        raise ProblemError(404, "Not Found", "no request of this id, or it has expired; send it anew")
    return found


async def _ask(pool: ThreadPoolExecutor, call: Callable[[], T]) -> T:
    try:
        return await asyncio.get_running_loop().run_in_executor(pool, call)
    except RequestStoreDownError as error:
        detail = "the store of requests does not answer; try again with the same Idempotency-Key"
        raise ProblemError(503, "Service Unavailable", detail, retry_after_s=2) from error


HANDLERS = (accept, status, events)
