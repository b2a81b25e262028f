"""W3C trace context: the traceparent that came in goes on into answers, the log and, where they are wanted, spans."""

import random
import re
from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import msgspec

from setwise.settings import Seeing

if TYPE_CHECKING:  # every process logs with a trace's id, and only those that export spans load what makes them
    from opentelemetry.trace import Span, Tracer

    from online.messages import BundleAnswer, ProductsAnswer

_HEADER = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_ZERO_TRACE, _ZERO_SPAN = "0" * 32, "0" * 16
FLUSH_MS = 2_000


class Trace(msgspec.Struct, frozen=True):
    """Ids in lower-case hex, as in the header; `span` only where spans are exported."""

    trace_id: str
    span_id: str
    flags: int = 0
    span: "Span | None" = None

    @property
    def traceparent(self) -> str:
        """The header that stands for this request."""
        return f"00-{self.trace_id}-{self.span_id}-{self.flags:02x}"


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def parse(header: str) -> Trace | None:
    """None for a header that is not a trace context: then a trace of its own begins."""
    found = _HEADER.fullmatch(header.strip())
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == "ff" or (version == "00" and more) or trace_id == _ZERO_TRACE or span_id == _ZERO_SPAN:
        return None
    return Trace(trace_id, span_id, int(flags, 16) & 1)


def _drawn() -> Trace:
    # Not from the system: its call gives the interpreter away, which the event loop then waits for.
    return Trace(f"{random.getrandbits(128) or 1:032x}", f"{random.getrandbits(64) or 1:016x}")


def current_traceparent() -> str:
    """That of the request which this task answers; empty outside of one."""
    trace = _current.get()
    return "" if trace is None else trace.traceparent


def current_trace_id() -> str:
    """For log lines; empty outside of a request."""
    trace = _current.get()
    return "" if trace is None else trace.trace_id


def describe(answer: "BundleAnswer | ProductsAnswer") -> None:
    """Writes onto the span what was answered; never what was asked."""
    trace = _current.get()
    if trace is None or trace.span is None or not trace.span.is_recording():
        return
    attributes: dict[str, Any] = {f"setwise.{stage}_ms": ms for stage, ms in answer.timings_ms.items()}
    attributes |= {"setwise.request_id": answer.request_id, "setwise.served_by": answer.served_by}
    trace.span.set_attributes(attributes)


class Tracing:
    """Begins and ends the trace of each request. Without an address no span is made: a header costs 2 microseconds."""

    def __init__(self, tracer: "Tracer | None" = None, provider: Any = None) -> None:
        self._tracer, self._provider = tracer, provider

    def begin(self, headers: Mapping[bytes, bytes], method: str) -> Trace:
        """The trace that came in, else a new one; current in this task from now on."""
        came = parse(headers.get(b"traceparent", b"").decode("latin-1"))
        trace = came or _drawn()
        if self._tracer is not None:
            trace = self._with_span(came, method)
        _current.set(trace)
        return trace

    def _with_span(self, came: Trace | None, method: str) -> Trace:
        from opentelemetry import trace as otel
        from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags

        assert self._tracer is not None
        parent = None
        if came is not None:
            remote = SpanContext(int(came.trace_id, 16), int(came.span_id, 16), True, TraceFlags(came.flags))
            parent = otel.set_span_in_context(NonRecordingSpan(remote))
        span = self._tracer.start_span(method, parent, kind=SpanKind.SERVER, attributes={"http.request.method": method})
        own = span.get_span_context()
        return Trace(f"{own.trace_id:032x}", f"{own.span_id:016x}", int(own.trace_flags), span)

    def end(self, trace: Trace, method: str, route: str, status: int) -> None:
        """Closes the span under the template of its path."""
        if trace.span is None:
            return
        trace.span.update_name(f"{method} {route}")
        trace.span.set_attributes({"http.route": route, "http.response.status_code": status})
        if status >= 500:
            from opentelemetry.trace import StatusCode

            trace.span.set_status(StatusCode.ERROR)
        trace.span.end()

    def close(self) -> None:
        """Sends what waits."""
        if self._provider is not None:
            self._provider.force_flush(FLUSH_MS)
            self._provider.shutdown()


def build_tracing(seeing: Seeing) -> Tracing:
    """Spans go to the address that the settings name, by a thread of their own; without one there are none."""
    if not seeing.traces_url:
        return Tracing()
    # Only who exports spans pays for loading what does it.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    provider = TracerProvider(
        sampler=ParentBased(TraceIdRatioBased(seeing.traces_share)),
        resource=Resource.create({"service.name": "setwise"}),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=seeing.traces_url, timeout=2)))
    return Tracing(provider.get_tracer("setwise"), provider)
