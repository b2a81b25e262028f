"""POST /v1/events: what shoppers do, in the words that a shop's pages already use."""

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Response, post
from litestar.openapi.spec import OpenAPIType, Schema
from litestar.params import Body

from online.doors import EVENTS, caller_of
from online.event_intake import EventIntake, EventsAnswer, Sender
from online.keys import ANONYMOUS
from online.problems import ProblemError
from online.routes import Any_Request
from online.tracing import current_traceparent
from setwise.events import MAX_EVENTS, expanded
from setwise.log import LogDownError

MAX_BODY = 1024 * 1024
BROWSERS = ("Mozilla/", "Opera/")
_FORMS = (
    "One event or a list of at most 500, each a CloudEvent 1.0 of a type such as setwise.click, a GA4 e-commerce "
    "payload, or a Segment e-commerce track call. docs/events.md names fields, identities and verdicts."
)
_EVENT = Schema(type=OpenAPIType.OBJECT)
# Decoded without a form: an event that cannot be read is a verdict on that event, not on the call.
EventsBody = Annotated[
    Any,
    Body(
        title="Events",
        description=_FORMS,
        schema_extra={
            "one_of": [_EVENT, Schema(type=OpenAPIType.ARRAY, items=_EVENT, min_items=1, max_items=MAX_EVENTS)]
        },
    ),
]


@post("/v1/events", status_code=200, opt=EVENTS, summary="What shoppers did", request_max_body_size=MAX_BODY)
async def events(request: Any_Request, data: EventsBody) -> Response[EventsAnswer]:
    """Accepted means durable. A second event of the same source and id is a duplicate and changes nothing."""
    entries = expanded(data)
    if not 0 < len(entries) <= MAX_EVENTS:
        detail = f"a call has from 1 to {MAX_EVENTS} events, not {len(entries)}"
        raise ProblemError(422, "Unprocessable Content", detail)
    state, loop = request.app.state, asyncio.get_running_loop()
    intake: EventIntake = state.events
    currency = state.watch.live.manifest.currency if state.watch.live is not None else ""
    sender = Sender(caller_of(request).name, _agent_of(request), datetime.now(UTC), current_traceparent())
    taken = await loop.run_in_executor(state.stores, intake.begin, entries, sender, currency)
    with contextlib.suppress(LogDownError):  # which ones were not taken, the answer says
        await asyncio.wrap_future(taken.settled)
    try:
        return Response(await loop.run_in_executor(state.stores, intake.end, taken))
    except LogDownError as error:
        detail = "the log does not take events at the moment; send them again, what came twice changes nothing"
        raise ProblemError(503, "Service Unavailable", detail, retry_after_s=2) from error


def _agent_of(request: Any_Request) -> str:
    """The shopper's browser. A shop's server that passes events on with a key is no bot, whatever library it uses."""
    agent = request.headers.get("user-agent", "")[:512]
    return agent if caller_of(request).name == ANONYMOUS or agent.startswith(BROWSERS) else ""


HANDLERS = (events,)
