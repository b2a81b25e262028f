"""POST /v1/bundles/{bundle_id}/swap: another product for one slot."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from litestar import Response, post
from litestar.params import JSONBody, Parameter

from online import metrics
from online.admission import IS_ANSWER
from online.answers import KeptBundles
from online.bundle_store import BundleStoreDownError, KeptBundle
from online.devices import device_of
from online.doors import RECOMMEND, caller_of
from online.experiments import Experiments
from online.messages import BundleOut, SwapRequest
from online.problems import ProblemError
from online.recording import AnsweredSwap
from online.routes import Any_Request, deadline_of, live_of, override_of, refused_override, server_timing
from online.swap import Swapped, SwapRefusedError, swap
from online.tracing import current_traceparent
from setwise.experiment import NO_EXPERIMENT
from setwise.overrides import OverrideError


@post(
    "/v1/bundles/{bundle_id:str}/swap",
    status_code=200,
    opt=RECOMMEND | IS_ANSWER,
    summary="Another product for one slot of a bundle",
)
async def swap_slot(
    request: Any_Request, bundle_id: Annotated[str, Parameter(min_length=1, max_length=64)], data: JSONBody[SwapRequest]
) -> Response[BundleOut]:
    """The other items and the budget stay; the answer is a new bundle that can be swapped on."""
    live, state = live_of(request), request.app.state
    kept: KeptBundles = state.kept
    book = state.rules.book

    experiments: Experiments = state.experiments
    assignment = NO_EXPERIMENT
    loop, deadline = asyncio.get_running_loop(), deadline_of(request)

    def answer(found: KeptBundle) -> Swapped:
        return swap(found, data, live, state.dependencies, datetime.now(UTC), book, deadline, assignment)

    try:
        found = await loop.run_in_executor(state.stores, kept.find, bundle_id)
        if found is not None and found.owner != caller_of(request).name:
            found = None  # another client's bundle is none of this one's business
        if found is not None:
            assignment = experiments.of_swap(found, override_of(request))
        done = None if found is None else await loop.run_in_executor(state.pool, answer, found)
    except BundleStoreDownError as error:
        detail = "the store of answered bundles does not answer; try again, or ask anew"
        raise ProblemError(503, "Service Unavailable", detail, retry_after_s=2) from error
    except OverrideError as error:
        raise refused_override(error) from error
    except SwapRefusedError as error:
        title = "Conflict" if error.status == 409 else "Unprocessable Content"
        raise ProblemError(error.status, title, str(error)) from error
    if done is None:
        raise ProblemError(404, "Not Found", "no bundle of this id was answered lately; ask /v1/bundles anew")
    state.admission.note(done.timings_ms["total"] / 1000)
    kept.keep([done.kept])
    metrics.observe_stages(done.timings_ms)
    metrics.observe_assignment(assignment)
    client, now = caller_of(request).name, datetime.now(UTC)
    device = device_of(request.scope["headers"])
    state.recorder.record(AnsweredSwap(done, data.user_id, client, now, current_traceparent(), assignment, device))
    return Response(done.answer, headers=server_timing(done.timings_ms))


HANDLERS = (swap_slot,)
