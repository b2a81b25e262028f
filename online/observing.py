"""Requests and answers as metrics, traces and log lines: around the application, and at the end of each answer."""

import logging
import time

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from online import metrics, tracing
from online.failures import Failures
from online.messages import BundleAnswer, BundleRequest, ProductsAnswer, ProductsRequest
from online.process_watch import ProcessWatch
from online.promises import broken
from setwise.settings import Seeing

logger = logging.getLogger(__name__)
ARRIVED = "setwise_arrived"
UNMATCHED = "unmatched"
"""The route of a path that nobody serves: paths that clients invent must not become series."""


def observe_answer(request: BundleRequest | ProductsRequest, answer: BundleAnswer | ProductsAnswer) -> None:
    """Notes stages, rung, what was missing and, of bundles, every promise that is broken."""
    violations: list[str] = []
    if isinstance(request, BundleRequest) and isinstance(answer, BundleAnswer):
        violations = broken(request, answer)
    if violations:
        logger.error("answer %s breaks its promises: %s", answer.request_id, ", ".join(violations))
    metrics.observe_stages(answer.timings_ms)
    metrics.observe_answer(answer.served_by, answer.degraded, len(violations))
    tracing.describe(answer)


def arrived(scope: Scope) -> float:
    """When the request came, by time.perf_counter()."""
    return float(scope["state"].get(ARRIVED) or time.perf_counter())


class RequestWatch:
    """Around everything, so that a refusal, an unknown path and a crash are seen as well.

    A request lasts until its answer begins: a stream of events stays open for minutes, and none of them is a wait."""

    def __init__(self, app: ASGIApp, traces: tracing.Tracing, failures: Failures) -> None:
        self._app, self._tracing, self._failures = app, traces, failures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets it through, and looks on."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0
        scope.setdefault("state", {})[ARRIVED] = started
        trace = self._tracing.begin(dict(scope["headers"]), scope["method"])

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"traceparent", trace.traceparent.encode())]
                seconds, route = time.perf_counter() - started, route_of(scope)
                metrics.observe_request(route, status, seconds)
                self._failures.note(route, status)
                if logger.isEnabledFor(logging.DEBUG):
                    logger.debug("%s %s %d in %.2f ms", scope["method"], route, status, seconds * 1000)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            self._tracing.end(trace, scope["method"], route_of(scope), status)


def route_of(scope: Scope) -> str:
    """The template of the path, as in the OpenAPI."""
    return scope.get("path_template") or UNMATCHED


def observe_app(app: Litestar, seeing: Seeing) -> None:
    """Puts the watch around a finished application, and lets the process be watched as long as it runs."""
    traces, state = tracing.build_tracing(seeing), app.state
    failures = Failures(state.recorder)
    app.asgi_handler = RequestWatch(app.asgi_handler, traces, failures)
    process = ProcessWatch(state.watch, state.dependencies.features, seeing.cpu_hour_price, state.probes)
    app.on_startup += [process.start, failures.start]
    app.on_shutdown[:0] = [process.stop, failures.stop]
    app.on_shutdown.append(traces.close)
