"""Asynchronous requests over HTTP with real processes: workers are killed, a ledger of the test's own is compared."""

import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from e2e_support import ROOT, SERVER_SETTINGS, serve

from online.log import build_log
from setwise.names import RESULTS_TOPIC
from setwise.settings import Settings

BROKERS = os.environ.get("SETWISE_KAFKA_BROKERS", "127.0.0.1:9092")
PROMPT = "a cosy mid-century living room under $1500, no leather"


@pytest.fixture(params=["sqlite and local log", "redis and kafka"])
def environ(request, profile: dict[str, str], require_server: Callable) -> dict[str, str]:
    """A built shop whose asynchronous requests go through one pair of boundaries, with a log of its own."""
    is_kafka = request.param == "redis and kafka"
    if is_kafka != (profile.get("SETWISE_VECTORS") == "weaviate"):
        pytest.skip("the other profile has this pair")
    environ = dict(profile)
    if is_kafka:
        host, port = BROKERS.split(",")[0].rsplit(":", 1)
        require_server("Kafka", host, int(port))
        environ |= {
            "SETWISE_REQUESTS": "redis", "SETWISE_LOG": "kafka", "SETWISE_KAFKA_BROKERS": BROKERS,
            "SETWISE_LOG_PREFIX": f"setwise-test-{uuid.uuid4().hex[:12]}", "SETWISE_LOG_PARTITIONS": "3",
        }  # fmt: skip
    return environ


@pytest.fixture
def workers(environ: dict[str, str]) -> Iterator[Callable[[], subprocess.Popen]]:
    """Starts one more `python -m online.worker`."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SETWISE_") or k in SERVER_SETTINGS}
    started: list[subprocess.Popen] = []

    def start() -> subprocess.Popen:
        command = [sys.executable, "-m", "online.worker"]
        started.append(subprocess.Popen(command, env={**clean, **environ}, cwd=ROOT, stderr=subprocess.DEVNULL))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def post(client, body: dict | None = None, **headers: str):
    for _ in range(40):
        reply = client.post("/v1/requests", json=body or {"prompt": PROMPT}, headers=headers)
        if reply.status_code != 503:
            return reply
        time.sleep(0.25)  # Kafka's topics are being made
    return reply


def until_ended(client, request_id: str, seconds: float = 60) -> dict:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        known = client.get(f"/v1/requests/{request_id}").json()
        if known["status"] in ("done", "failed"):
            return known
        time.sleep(0.02)
    raise AssertionError(f"{request_id} was not answered in {seconds} s: {known}")


def stream(client, url: str, **headers: str) -> list[tuple[int, str, dict]]:
    found = []
    for block in client.get(url, headers=headers).text.replace("\r\n", "\n").split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":") and ": " in line)
        if "event" in lines:
            found.append((int(lines["id"]), lines["event"], json.loads(lines["data"])))
    return found


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


def killed_under_a_ledger(environ: dict[str, str], start: Callable, n: int, kills: int) -> dict[str, float]:
    """Accepts n requests while workers are killed, and compares the client's own ledger with answers and results."""
    ledger: dict[str, float] = {}
    with serve({**environ, "SETWISE_REQUESTS_THREADS": "0"}) as client:
        assert post(client).status_code == 202  # the topics are there
        alive, hit = [start(), start()], 0
        time.sleep(3)
        for number in range(n):
            sent = time.perf_counter()
            reply = post(client, {"prompt": f"a rug and a vase under ${100 + number}"})
            if reply.status_code == 202:
                ledger[reply.json()["request_id"]] = (time.perf_counter() - sent) * 1_000
            if hit < kills and number % (n // kills) == n // kills - 1:
                victim = alive.pop(random.randrange(len(alive)))
                victim.send_signal(signal.SIGKILL)
                assert victim.wait() == -signal.SIGKILL
                alive.append(start())
                hit += 1
        known = {request_id: until_ended(client, request_id, 90) for request_id in ledger}
        ends = {one: Counter(name for _, name, _ in stream(client, f"/v1/requests/{one}/events")) for one in ledger}
    assert hit == kills
    assert Counter(one["status"] for one in known.values()) == {"done": len(ledger)}
    assert all(count["done"] == count["bundles"] == 1 for count in ends.values())
    results = results_of(environ, set(ledger))
    assert set(results) == set(ledger)
    assert all(len(answers) == 1 for answers in results.values())
    acks = sorted(ledger.values())
    return {"accepted": len(ledger), "p50_ms": acks[len(acks) // 2], "p99_ms": acks[int(len(acks) * 0.99)]}


def results_of(environ: dict[str, str], wanted: set[str]) -> dict[str, set[bytes]]:
    """Different answers of each request in the topic of results."""
    kept = {k: v for k, v in os.environ.items() if k in SERVER_SETTINGS}
    log = build_log(Settings.from_env({**kept, **environ}))
    tail, found = log.tail(RESULTS_TOPIC), dict[str, set[bytes]]()
    end = time.monotonic() + 20
    while time.monotonic() < end and not wanted <= set(found):
        for record in tail.poll(1_000, 0.5):
            if record.key in wanted:
                data = msgspec.json.decode(record.value)["data"]
                found.setdefault(record.key, set()).add(msgspec.json.encode(data, order="sorted"))
    tail.close()
    log.close()
    return found


def test_workers_that_are_killed_lose_and_double_nothing(environ, workers, record_property) -> None:
    figures = killed_under_a_ledger(environ, workers, n=150, kills=4)
    print(figures)
    for name, value in figures.items():
        record_property(name, value)
    assert figures["accepted"] == 150


def test_what_no_worker_survives_goes_to_the_dead_letters(environ, tmp_path: Path) -> None:
    from online.request_store import build_request_store
    from setwise.names import DEAD_LETTER, REQUESTS_TOPIC

    kept = {k: v for k, v in os.environ.items() if k in SERVER_SETTINGS}
    settings = Settings.from_env({**kept, **environ})
    with serve({**environ, "SETWISE_REQUESTS_THREADS": "0"}) as client:
        request_id = post(client).json()["request_id"]
    store = build_request_store(settings)
    for _ in range(settings.requests.attempts):  # as many workers as may begin it have died of it
        store.begin(request_id, "anonymous", "", datetime.now(UTC))
    store.close()
    with serve(environ) as client:
        known = until_ended(client, request_id)
        assert known["status"] == "failed" and known["problem"]["status"] == 500
        assert [name for _, name, _ in stream(client, f"/v1/requests/{request_id}/events")] == ["failed"]
    log = build_log(settings)
    tail, reasons, end = log.tail(REQUESTS_TOPIC + DEAD_LETTER), {}, time.monotonic() + 20
    while request_id not in reasons and time.monotonic() < end:
        reasons |= {r.key: msgspec.json.decode(r.value)["data"]["reason"] for r in tail.poll(100, 0.5)}
    tail.close()
    log.close()
    assert "ended its worker" in reasons[request_id]
