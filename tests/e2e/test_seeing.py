"""What operators see of a whole service: metrics, traces and log lines of real requests."""

import logging
import re
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from e2e_support import serve
from litestar.testing import TestClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from setwise.names import CHANGES_TOPIC

# Asks nothing of a store that the suites of the stores do not ask.
pytestmark = pytest.mark.long_on("servers")

CAME = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
PROMPT = {"prompt": "a desk and an office chair under $900, zanzibar"}


def figures(client: TestClient) -> dict[str, float]:
    """The page, by series."""
    page = client.get("/metrics")
    assert page.headers["content-type"].startswith("text/plain")
    lines = [line for line in page.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def counted(before: dict[str, float], after: dict[str, float], series: str) -> float:
    return after.get(series, 0) - before.get(series, 0)


def test_every_request_is_counted_by_the_template_of_its_path(client) -> None:
    before = figures(client)
    client.post("/v1/bundles", json=PROMPT)
    client.get("/v1/products/nobody-has-this")
    client.get("/v1/products/nor-this")
    client.get("/wp-login.php")
    client.post("/v1/bundles", json={"prompt": ""})
    client.put("/v1/bundles", json={})
    after = figures(client)
    count = "setwise_request_duration_seconds_count"
    assert counted(before, after, f'{count}{{route="/v1/bundles",status="200"}}') == 1
    assert counted(before, after, f'{count}{{route="/v1/bundles",status="422"}}') == 1
    assert counted(before, after, f'{count}{{route="/v1/products/{{product_id}}",status="404"}}') == 2
    assert counted(before, after, f'{count}{{route="unmatched",status="404"}}') == 1
    assert not [series for series in after if "wp-login" in series or "nobody-has" in series]


def test_an_answer_is_counted_with_its_rung_its_stages_and_its_cost(client) -> None:
    before = figures(client)
    answered = client.post("/v1/bundles", json=PROMPT | {"user_id": "u-1"}).json()
    assert answered["served_by"] == "full" and answered["bundles"]
    time.sleep(1.2)  # what the process uses is noted once a second
    after = figures(client)
    assert counted(before, after, 'setwise_answers_total{served_by="full"}') == 1
    assert counted(before, after, 'setwise_stage_duration_seconds_count{stage="assemble"}') == 1
    assert counted(before, after, "setwise_constraint_violations_total") == 0
    cpu = counted(before, after, "setwise_cpu_seconds_total")
    assert cpu > 0
    assert counted(before, after, "setwise_cost_dollars_total") == pytest.approx(cpu * 0.04 / 3600)
    assert 0 < after["setwise_index_age_seconds"] < 3600
    assert 0 < after["setwise_feature_age_seconds"] < 86_400 * 365
    assert after["setwise_resident_bytes"] > 50_000_000
    states = {name: value for name, value in after.items() if name.startswith("setwise_dependency_up")}
    assert len(states) >= 4 and set(states.values()) == {1.0}


def test_a_trace_goes_through_the_service_into_the_records_of_the_log(client, shop_rows) -> None:
    product_id = next(iter(shop_rows))
    done = client.post(
        "/v1/catalogue/changes", json=[{"product_id": product_id, "stock": 50}], headers={"traceparent": CAME}
    )
    assert done.status_code == 200 and done.headers["traceparent"] == CAME
    tail = client.app.state.log.tail(CHANGES_TOPIC)
    try:
        found: list[dict[str, str]] = []
        until = time.monotonic() + 20
        while not any(headers.get("traceparent") == CAME for headers in found) and time.monotonic() < until:
            found += [record.headers for record in tail.poll(500, 0.5)]
    finally:
        tail.close()
    assert CAME in [headers.get("traceparent") for headers in found]


def test_a_request_without_a_trace_gets_one_and_an_unknown_path_too(client) -> None:
    first, second = client.get("/health/live").headers["traceparent"], client.get("/nowhere").headers["traceparent"]
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", first) and first != second


class Collector:
    """An OTLP collector that keeps what it gets."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        kept = self.spans

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    kept.extend(span for scope in resource.scope_spans for span in scope.spans)
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/traces"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


def test_spans_go_to_a_collector_with_stages_and_without_prompts(profile, collector) -> None:
    with serve(profile | {"SETWISE_TRACES_URL": collector.url, "SETWISE_TRACES_SHARE": "0"}) as client:
        answered = client.post("/v1/bundles", json=PROMPT | {"user_id": "person-7"}, headers={"traceparent": CAME})
        assert client.get("/health/live").status_code == 200
    (span,) = collector.spans
    attributes = {one.key: one.value for one in span.attributes}
    assert span.name == "POST /v1/bundles" and span.parent_span_id.hex() == "00f067aa0ba902b7"
    assert answered.headers["traceparent"] == f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01"
    assert attributes["setwise.request_id"].string_value == answered.json()["request_id"]
    assert attributes["setwise.assemble_ms"].double_value == answered.json()["timings_ms"]["assemble"]
    assert attributes["http.response.status_code"].int_value == 200
    assert b"zanzibar" not in span.SerializeToString() and b"person-7" not in span.SerializeToString()


def test_a_collector_that_is_down_costs_no_answer(profile) -> None:
    with serve(profile | {"SETWISE_TRACES_URL": "http://127.0.0.1:9/v1/traces", "SETWISE_TRACES_SHARE": "1"}) as client:
        assert client.post("/v1/bundles", json=PROMPT).status_code == 200


def test_no_log_line_of_a_request_has_what_was_asked_or_the_key(client, caplog) -> None:
    key = client.headers["Authorization"].removeprefix("Bearer ")
    with caplog.at_level(logging.DEBUG):
        client.post("/v1/bundles", json=PROMPT | {"user_id": "u-1"})
        client.get("/v1/search", params={"q": "zanzibar lamp"})
        client.get("/v1/search", params={"q": "zanzibar lamp"}, headers={"Authorization": "Bearer swk_a_hush"})
    ours = [record.getMessage() for record in caplog.records if record.name.startswith(("online", "setwise"))]
    ways = [re.sub(r" in [\d.]+ ms$", "", message) for message in ours]
    assert {"POST /v1/bundles 200", "GET /v1/search 200", "GET /v1/search 401"} <= set(ways)
    assert not [message for message in ours if "zanzibar" in message or "hush" in message or key in message]
