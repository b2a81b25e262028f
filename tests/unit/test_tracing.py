import asyncio
import re

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler

from online.tracing import Tracing, build_tracing, current_traceparent, parse
from setwise.settings import Seeing

CAME = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def exporting(sampler: Sampler) -> tuple[Tracing, InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=ParentBased(sampler), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Tracing(provider.get_tracer("test"), provider), exporter


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        CAME.upper(),
        "00-" + "0" * 32 + "-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-" + "0" * 16 + "-01",
        CAME.replace("00-", "ff-", 1),
        CAME + "-more",
        CAME[:-1],
        CAME + "\r\nSet-Cookie: a=b",
    ],
)
def test_a_header_that_is_no_trace_context_begins_a_trace_of_its_own(header) -> None:
    assert parse(header) is None
    trace = Tracing().begin({b"traceparent": header.encode()}, "GET")
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", trace.traceparent)
    assert trace.trace_id not in header


def test_a_later_version_is_read_as_far_as_it_is_known() -> None:
    trace = parse(CAME.replace("00-", "01-", 1) + "-what-comes-later")
    assert trace is not None and trace.traceparent == CAME


def test_without_an_exporter_what_came_in_goes_on_as_it_is() -> None:
    tracing = build_tracing(Seeing())
    assert tracing.begin({b"traceparent": CAME.encode()}, "GET").traceparent == CAME
    assert current_traceparent() == CAME


def test_two_requests_at_once_do_not_see_each_others_trace() -> None:
    tracing = Tracing()

    async def one() -> tuple[str, str]:
        began = tracing.begin({}, "GET").traceparent
        await asyncio.sleep(0.01)
        return began, current_traceparent()

    async def both() -> list[tuple[str, str]]:
        return await asyncio.gather(one(), one())

    (first, still_first), (second, still_second) = asyncio.run(both())
    assert first == still_first != second == still_second


def test_a_span_is_the_child_of_the_one_that_came_in() -> None:
    tracing, exporter = exporting(ALWAYS_ON)
    trace = tracing.begin({b"traceparent": CAME.encode()}, "POST")
    tracing.end(trace, "POST", "/v1/bundles", 200)
    (span,) = exporter.get_finished_spans()
    assert span.name == "POST /v1/bundles" and span.parent is not None
    assert f"{span.parent.span_id:016x}" == "00f067aa0ba902b7"
    assert trace.traceparent == f"00-4bf92f3577b34da6a3ce929d0e0e4736-{span.context.span_id:016x}-01"
    assert dict(span.attributes or {}) == {
        "http.request.method": "POST",
        "http.route": "/v1/bundles",
        "http.response.status_code": 200,
    }


@pytest.mark.parametrize(("sampler", "flags", "count"), [(ALWAYS_ON, "00", 0), (ALWAYS_OFF, "01", 1)])
def test_a_caller_decides_whether_its_request_is_sampled(sampler, flags, count) -> None:
    tracing, exporter = exporting(sampler)
    trace = tracing.begin({b"traceparent": (CAME[:-2] + flags).encode()}, "GET")
    tracing.end(trace, "GET", "/health/live", 200)
    assert trace.traceparent.endswith(flags)
    assert len(exporter.get_finished_spans()) == count


def test_a_failed_request_is_a_failed_span() -> None:
    tracing, exporter = exporting(ALWAYS_ON)
    tracing.end(tracing.begin({}, "GET"), "GET", "/v1/bundles", 500)
    (span,) = exporter.get_finished_spans()
    assert not span.status.is_ok
