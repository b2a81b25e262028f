"""What is kept of one shopper: shown, and forgotten everywhere, with a receipt."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import delete, get
from litestar.params import Parameter, QueryParameter

from online.answers import KeptBundles
from online.bundle_store import BundleStoreDownError
from online.doors import ADMIN
from online.erasing import ErasureReceipt, ErasuresWatch
from online.hydration import FeatureStoreDownError
from online.messages import BundleRequest
from online.problems import ProblemError
from online.routes import Any_Request
from online.tracing import current_traceparent
from setwise.erasures import Erasures, StoreState, erasure_of
from setwise.log import LogDownError
from setwise.names import SHOPPER_PROFILES_VIEW, SHOPPER_SESSIONS_VIEW
from setwise.sessions import WINDOW

UserPath = Annotated[str, Parameter(min_length=1, max_length=64)]
Visitors = Annotated[
    list[Annotated[str, Parameter(min_length=1, max_length=64)]] | None,
    QueryParameter(
        name="visitor_id", max_items=100, description="visitor ids that are this person's, as often as needed"
    ),
]
T = TypeVar("T")


class KeptRequest(msgspec.Struct, frozen=True):
    """A request whose bundle can still be swapped."""

    bundle_id: str
    request: BundleRequest


class UserExport(msgspec.Struct, frozen=True):
    """All that the service keeps of a shopper, by store; null or empty where one keeps nothing. The tables for
    analysts name them by `known_as`."""

    user_id: str
    exported_at: datetime
    stores: dict[str, Any]
    known_as: dict[str, str]


@get("/v1/users/{user_id:str}", opt=ADMIN, summary="All that is kept of a shopper")
async def export_user(request: Any_Request, user_id: UserPath) -> UserExport:
    """Features as answers read them, and the requests of bundles that can still be swapped."""
    state, now = request.app.state, datetime.now(UTC)
    watch: ErasuresWatch = state.erasures
    kept: KeptBundles = state.kept
    people = watch.erasures.pseudonyms
    theirs = Erasures(people, [erasure_of("", user_id, (), people, now)])
    views = {SHOPPER_PROFILES_VIEW: user_id, SHOPPER_SESSIONS_VIEW: people.user(user_id)}
    asked = [(view, [key]) for view, key in views.items()]
    rows = await _ask(request, lambda: state.dependencies.features.read_views(asked, now))
    bundles = await _ask(request, lambda: kept.of(lambda one: theirs.cover(one.user_id, one.visitor_id)))
    requests = [KeptRequest(bundle.bundle_id, bundle.request) for bundle in bundles]
    known_as = {"user": people.user(user_id), "visitor": people.visitor(user_id)}
    features = {view: found[0] for view, found in zip(views, rows, strict=True)}
    return UserExport(user_id, now, {**features, "bundles": requests}, known_as)


@delete("/v1/users/{user_id:str}", status_code=200, opt=ADMIN, summary="Forget a shopper")
async def forget_user(request: Any_Request, user_id: UserPath, visitor_id: Visitors = None) -> ErasureReceipt:
    """Durable at once; the service's own stores are cleared before the answer, all others within a minute of it. The id
    may be a user's or a visitor's. Doing it twice is harmless."""
    state = request.app.state
    watch: ErasuresWatch = state.erasures
    erasure, written = watch.begin(user_id, visitor_id or (), current_traceparent())
    try:
        await asyncio.wrap_future(written)
    except LogDownError as error:
        detail = "the erasure cannot be made durable at the moment; send it again"
        raise ProblemError(503, "Service Unavailable", detail, retry_after_s=5) from error
    watch.take(erasure)

    people = watch.erasures.pseudonyms
    sessions = {people.user(user_id), *map(people.visitor, [user_id, *(visitor_id or ())])}

    def clear() -> None:
        forget, now = state.dependencies.features.forget, datetime.now(UTC)
        # The loader clears these too: where the store does not answer, the receipt says that they are pending.
        with contextlib.suppress(FeatureStoreDownError):
            was_there = forget(SHOPPER_PROFILES_VIEW, user_id)
            watch.note(erasure.receipt_id, SHOPPER_PROFILES_VIEW, StoreState("done", now, int(was_there)))
            removed = sum(forget(SHOPPER_SESSIONS_VIEW, key) for key in sessions)
            # A browser's session is a row of its own, which names nobody and goes within a day.
            watch.note(erasure.receipt_id, SHOPPER_SESSIONS_VIEW, StoreState("expires", now + WINDOW, removed))
        watch.carry_out(erasure)

    await asyncio.get_running_loop().run_in_executor(state.stores, clear)
    receipt = watch.receipt(erasure.receipt_id)
    assert receipt is not None
    return receipt


@get("/v1/erasures/{receipt_id:str}", opt=ADMIN, summary="What became of an erasure")
async def erasure_receipt(
    request: Any_Request, receipt_id: Annotated[str, Parameter(min_length=1, max_length=64)]
) -> ErasureReceipt:
    """Store by store: pending, done with what was removed, or gone by itself at a time."""
    watch: ErasuresWatch = request.app.state.erasures
    found = watch.receipt(receipt_id)
    if found is None:
        raise ProblemError(404, "Not Found", "no erasure of this id is known; the id is in the answer of DELETE")
    return found


async def _ask(request: Any_Request, question: Callable[[], T]) -> T:
    try:
        return await asyncio.get_running_loop().run_in_executor(request.app.state.stores, question)
    except (FeatureStoreDownError, BundleStoreDownError) as error:
        detail = "a store of what is known about shoppers does not answer; try again"
        raise ProblemError(503, "Service Unavailable", detail, retry_after_s=5) from error


HANDLERS = (export_user, forget_user, erasure_receipt)
