"""POST /v1/catalogue/changes: price, stock and removal, in every process's answers before any re-indexing."""

import asyncio
import inspect
from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import Response, post
from litestar.openapi.spec import OpenAPIFormat, OpenAPIType, Reference, Schema
from litestar.params import Body

from online.catalogue_changes import ChangeRequest, ChangesAnswer, check
from online.doors import ADMIN
from online.live_changes import ChangesWatch
from online.problems import ProblemError
from online.routes import Any_Request, live_of
from online.tracing import current_traceparent
from setwise.log import LogDownError

MAX_BODY = 1024 * 1024
MAX_CHANGES = 1_000
_TEXT, _PRICE = Schema(type=OpenAPIType.STRING), Schema(type=[OpenAPIType.STRING, OpenAPIType.NUMBER])
_SALE_PRICE = Schema(type=[OpenAPIType.STRING, OpenAPIType.NUMBER, OpenAPIType.NULL])
_FIELDS: dict[str, Schema | Reference] = {
    "product_id": _TEXT,
    "price": _PRICE,
    "sale_price": _SALE_PRICE,
    "availability": _TEXT,
    "stock": Schema(type=[OpenAPIType.INTEGER, OpenAPIType.NULL]),
    "removed": Schema(type=OpenAPIType.BOOLEAN),
    "changed_at": Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.DATE_TIME),
}
_CHANGE = Schema(type=OpenAPIType.OBJECT, properties=_FIELDS, required=["product_id"], additional_properties=False)
# Decoded without a form: a change that cannot be read is a verdict on that change, not on the call.
ChangesBody = Annotated[
    list[Any],
    Body(
        title="Changes",
        description=inspect.cleandoc(ChangeRequest.__doc__ or ""),
        schema_extra={"items": _CHANGE, "max_items": MAX_CHANGES},
    ),
]


@post(
    "/v1/catalogue/changes",
    status_code=200,
    opt=ADMIN,
    summary="Price, stock or removal, now",
    request_max_body_size=MAX_BODY,
)
async def catalogue_changes(request: Any_Request, data: ChangesBody) -> Response[ChangesAnswer]:
    """Each change that was applied is durable, in this process's answers now, in every other's in two seconds."""
    if len(data) > MAX_CHANGES:
        detail = f"{len(data)} changes are too many for one call; send at most {MAX_CHANGES:,} at once"
        raise ProblemError(422, "Unprocessable Content", detail)
    live, watch = live_of(request), request.app.state.changes
    assert isinstance(watch, ChangesWatch)
    loop, pool = asyncio.get_running_loop(), request.app.state.pool
    checked = await loop.run_in_executor(pool, check, data, live.snapshot, watch, datetime.now(UTC))
    written = await loop.run_in_executor(pool, watch.write, checked.states, current_traceparent())
    try:
        await asyncio.wrap_future(written)
    except LogDownError as error:
        detail = "the log does not take changes at the moment; send them again, what was written twice changes nothing"
        raise ProblemError(503, "Service Unavailable", detail, retry_after_s=2) from error
    await loop.run_in_executor(pool, watch.take, checked.states)
    return Response(checked.answer())


HANDLERS = (catalogue_changes,)
