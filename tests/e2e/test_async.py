"""Asynchronous requests over HTTP with real processes: workers are killed, a ledger of the test's own is compared."""

import os
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec
import pytest
from e2e_support import own_copy, serve
from fault_servers import free_port
from request_ledger import Worker, Workers, killed_under_a_ledger, post, results_of, settings_of, stream, until_ended

from online.log import build_log
from online.request_store import RequestStoreDownError, build_request_store
from setwise.names import DEAD_LETTER, REQUESTS_TOPIC

BROKERS = os.environ.get("SETWISE_KAFKA_BROKERS", "127.0.0.1:9092")
NO_THREADS = {"SETWISE_REQUESTS_THREADS": "0"}


@pytest.fixture
def environ(profile: dict[str, str], require_server: Callable, tmp_path: Path) -> dict[str, str]:
    """A built shop with the local store and log, or, on the profile of servers, Redis and topics of this test's own."""
    if profile.get("SETWISE_LOG") != "kafka":
        return own_copy(profile, tmp_path)
    host, port = BROKERS.split(",")[0].rsplit(":", 1)
    require_server("Kafka", host, int(port))
    prefix = f"{profile['SETWISE_LOG_PREFIX']}.{uuid.uuid4().hex[:8]}"
    return profile | {"SETWISE_REQUESTS": "redis", "SETWISE_LOG_PREFIX": prefix, "SETWISE_LOG_PARTITIONS": "3"}


@pytest.fixture
def workers(environ: dict[str, str], tmp_path: Path) -> Iterator[Workers]:
    """Processes of their own that answer asynchronous requests."""
    group = Workers(environ, tmp_path)
    yield group
    group.close()


def test_a_request_is_accepted_followed_answered_and_its_bundles_can_be_swapped(environ) -> None:
    with serve(environ) as client:
        accepted = post(client)
        assert accepted.status_code == 202, accepted.text
        events = stream(client, accepted.json()["events_url"])
        names = [name for _, name, _ in events]
        assert [number for number, _, _ in events] == list(range(1, len(events) + 1))
        assert names[0] == "understood" and "slot" in names and names[-2:] == ["bundles", "done"]
        assert events[0][2]["budget"]["max_cents"] == 150_000
        known = until_ended(client, accepted.json()["request_id"])
        assert known["answer"] == events[-2][2] and known["answer"]["request_id"] == accepted.json()["request_id"]
        assert len(known["answer"]["bundles"]) == 3
        first = known["answer"]["bundles"][0]
        slot = {"slot": first["items"][0]["slot"], "mode": "different"}
        assert client.post(f"/v1/bundles/{first['bundle_id']}/swap", json=slot).status_code in (200, 409)


def test_a_retry_with_the_same_key_is_harmless_and_another_body_is_refused(environ) -> None:
    key = {"Idempotency-Key": uuid.uuid4().hex}
    with serve(environ) as client:
        first, again = post(client, **key), post(client, **key)
        assert first.status_code == again.status_code == 202 and first.json() == again.json()
        assert post(client, {"prompt": "a rug"}, **key).status_code == 409
        assert client.get("/v1/requests/unknown").status_code == 404
        assert client.get("/v1/requests/unknown/events").status_code == 404
        assert post(client, {"prompt": " "}).status_code == 422


def test_a_stream_resumes_on_another_process_and_after_a_restart(environ) -> None:
    with serve(environ) as client:
        accepted = post(client).json()
        whole = stream(client, accepted["events_url"])
    with serve(environ) as client:
        assert stream(client, accepted["events_url"], **{"Last-Event-ID": "1"}) == whole[1:]
        assert stream(client, accepted["events_url"]) == whole
        after = client.get(accepted["events_url"], headers={"Last-Event-ID": str(whole[-1][0])})
        assert after.status_code == 204


@pytest.mark.long  # as short as can be, on both logs, in the suite of faults
def test_workers_that_are_killed_lose_and_double_nothing(environ, workers, record_property) -> None:
    kills = 2
    with serve(environ | NO_THREADS) as client:
        for _ in range(2):
            workers.start()
        until_ended(client, post(client).json()["request_id"], 180)
        ledger = killed_under_a_ledger(client, environ, 60, [workers.replace_oldest] * kills, 180)
    print(ledger)
    record_property("ledger", msgspec.to_builtins(ledger))
    assert (ledger.accepted, ledger.answered, ledger.lost, ledger.doubled) == (60, 60, 0, 0)
    # What a killed worker had answered and not yet marked is said once more, with the same answer.
    assert ledger.repeated <= kills * int(environ.get("SETWISE_LOG_PARTITIONS", "1"))


def dead_letters_until(environ: dict[str, str], request_id: str, seconds: float = 20) -> dict[str, str]:
    """Reason of each dead letter, read until this one's is there."""
    log = build_log(settings_of(environ))
    tail, reasons, end = log.tail(REQUESTS_TOPIC + DEAD_LETTER), {}, time.monotonic() + seconds
    while request_id not in reasons and time.monotonic() < end:
        reasons |= {r.key: msgspec.json.decode(r.value)["data"]["reason"] for r in tail.poll(100, 0.5)}
    tail.close()
    log.close()
    return reasons


def test_a_worker_shows_what_it_answered_on_a_port_of_its_own(environ, tmp_path) -> None:
    port = free_port()
    worker = Worker(environ | {"SETWISE_REQUESTS_METRICS_PORT": str(port)}, tmp_path / "worker.log")
    try:
        with serve(environ | {"SETWISE_REQUESTS_THREADS": "0"}) as client:
            worker.wait_ready()
            until_ended(client, post(client).json()["request_id"], 60)
        # What is counted is noted before the answer is stored, what the process uses once a second.
        time.sleep(1.2)
        page = httpx.get(f"http://127.0.0.1:{port}/metrics").text
        figures = dict(line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))
        assert float(figures['setwise_async_requests_total{result="done"}']) >= 1
        assert float(figures['setwise_answers_total{served_by="full"}']) >= 1
        assert float(figures["setwise_cpu_seconds_total"]) > 0
    finally:
        worker.kill()


def test_what_no_worker_survives_goes_to_the_dead_letters(environ) -> None:
    settings = settings_of(environ)
    with serve(environ | NO_THREADS) as client:
        request_id = post(client).json()["request_id"]
    store = build_request_store(settings)
    for _ in range(settings.requests.attempts):  # as many workers as may begin it have died of it
        store.begin(request_id, "anonymous", "", datetime.now(UTC))
    store.close()
    with serve(environ) as client:
        known = until_ended(client, request_id)
        assert known["status"] == "failed" and known["problem"]["status"] == 500
        assert [name for _, name, _ in stream(client, f"/v1/requests/{request_id}/events")] == ["failed"]
    assert "ended its worker" in dead_letters_until(environ, request_id)[request_id]


def test_what_cannot_be_read_goes_to_the_dead_letters_and_the_next_one_is_answered(environ) -> None:
    with serve(environ) as client:
        post(client)  # the topics are there
        rubbish = uuid.uuid4().hex
        client.app.state.log.append(REQUESTS_TOPIC, rubbish, b'{"data": {"body": 7}}', {}).result(20)
        until_ended(client, post(client).json()["request_id"])
        assert "cannot be read" in dead_letters_until(environ, rubbish)[rubbish]


def test_a_store_that_fails_after_the_log_has_the_request_costs_a_retry_and_no_second_answer(environ) -> None:
    with serve(environ | NO_THREADS) as client:
        post(client)  # the topics are there
        store, key = client.app.state.request_store, {"Idempotency-Key": uuid.uuid4().hex}
        accept, said = store.accept, []

        def fails_once(request_id: str) -> None:
            said.append(request_id)
            if len(said) == 1:
                raise RequestStoreDownError("ConnectionError")
            accept(request_id)

        store.accept = fails_once
        body = {"prompt": "a rug under $200"}
        first = client.post("/v1/requests", json=body, headers=key)
        assert first.status_code == 503 and first.headers["retry-after"]
        again, third = (client.post("/v1/requests", json=body, headers=key) for _ in range(2))
    request_id = again.json()["request_id"]
    assert again.status_code == third.status_code == 202 and third.json() == again.json()
    assert said == [request_id, request_id]
    with serve(environ) as client:
        until_ended(client, request_id)
        # The log has it twice; whoever reads the second record finds the answer of the first.
        until_ended(client, post(client).json()["request_id"])
        names = [name for _, name, _ in stream(client, f"/v1/requests/{request_id}/events")]
    assert names.count("bundles") == names.count("done") == 1
    answers, _ = results_of(environ, {request_id})
    assert len(answers[request_id]) == 1
