"""What is kept of one shopper: shown, and forgotten."""

import asyncio
import uuid
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import delete, get
from litestar.params import Parameter

from online.doors import ADMIN
from online.hydration import FeatureStoreDownError
from online.problems import ProblemError
from online.routes import Any_Request
from setwise.names import SHOPPER_PROFILES_VIEW, SHOPPER_SESSIONS_VIEW

UserPath = Annotated[str, Parameter(min_length=1, max_length=64)]


class UserExport(msgspec.Struct, frozen=True):
    """All that the stores of the service keep of a shopper, by store; null where one keeps nothing."""

    user_id: str
    exported_at: datetime
    stores: dict[str, dict[str, Any] | None]


class ErasureReceipt(msgspec.Struct, frozen=True):
    """What was forgotten: each store, and whether it had anything. Answers, kept for an hour for swaps, name no shopper
    to others; orders and events are the merchant's files and are erased there."""

    receipt_id: str
    user_id: str
    erased_at: datetime
    stores: dict[str, bool]


@get("/v1/users/{user_id:str}", opt=ADMIN, summary="All that is kept of a shopper")
async def export_user(request: Any_Request, user_id: UserPath) -> UserExport:
    """Read as answers read it."""
    features, now = request.app.state.dependencies.features, datetime.now(UTC)
    keys = _keys_of(request, user_id)
    rows = await _ask(request, lambda: features.read_views([(view, [key]) for view, key in keys.items()], now))
    return UserExport(user_id, now, {view: found[0] for view, found in zip(keys, rows, strict=True)})


@delete("/v1/users/{user_id:str}", status_code=200, opt=ADMIN, summary="Forget a shopper")
async def forget_user(request: Any_Request, user_id: UserPath) -> ErasureReceipt:
    """Answers know nothing of the shopper from now on; doing it twice is harmless."""
    features = request.app.state.dependencies.features
    keys = _keys_of(request, user_id)
    was_there = await _ask(request, lambda: {view: features.forget(view, key) for view, key in keys.items()})
    return ErasureReceipt(uuid.uuid4().hex, user_id, datetime.now(UTC), was_there)


def _keys_of(request: Any_Request, user_id: str) -> dict[str, str]:
    """What the shopper is called in each view."""
    pseudonyms = request.app.state.dependencies.pseudonyms
    sessions = {} if pseudonyms is None else {SHOPPER_SESSIONS_VIEW: pseudonyms.user(user_id)}
    return {SHOPPER_PROFILES_VIEW: user_id} | sessions


async def _ask(request: Any_Request, question: Any) -> Any:
    try:
        return await asyncio.get_running_loop().run_in_executor(request.app.state.stores, question)
    except FeatureStoreDownError as error:
        detail = "the store of shopper profiles does not answer; try again"
        raise ProblemError(503, "Service Unavailable", detail, retry_after_s=5) from error


HANDLERS = (export_user, forget_user)
