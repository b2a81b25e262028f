"""Each fault gives exactly its rung; every answer is a 200 that keeps budget and stock; all is well soon afterwards."""

import os
import signal
from collections.abc import Iterator

import pytest
from fault_ladder import FAULTS, ask, degraded, is_full, is_valid
from fault_load import ask_now
from fault_servers import Service, Stage, serving, wait_until

LONG = os.environ.get("FAULTS") == "long"
SHORT = (
    "Redis is down",
    "Redis answers rubbish",
    "Weaviate is frozen",
    "Weaviate is slow",
    "Kafka is frozen",
    "all are down",
)
BACK_S = 30
"""Five seconds are promised on a machine of its own."""
NOTICED_S = 10
"""A log that fell silent is asked after a second whether it is there."""


@pytest.fixture(scope="module")
def service(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(stage.environ, tmp_path_factory.mktemp("log") / "service.log") as running:
        yield running


def rungs(service: Service, stock: dict[str, dict[str, object]], count: int = 200 if LONG else 12) -> set[str]:
    """The rungs of several answers, all of them valid."""
    replies = [ask(service, number) for number in range(count)]
    times = sorted(reply.ms for reply in replies)
    print(f"{count} answers, p50 {times[count // 2]:.0f} ms, p99 {times[int(0.99 * (count - 1))]:.0f} ms")
    assert all(is_valid(reply, stock) for reply in replies), [(r.status, r.body, r.problem) for r in replies]
    return {reply.body["served_by"] for reply in replies}


@pytest.mark.parametrize("fault", FAULTS if LONG else SHORT)
def test_a_fault_while_running_gives_its_rung_and_is_over_soon_after(stage, service, stock, fault: str) -> None:
    breaks, mends, expected, named = FAULTS[fault]
    wait_until(lambda: is_full(service), BACK_S, "full before the fault")
    breaks(stage)
    try:
        assert rungs(service, stock) == expected
        told = ask(service, 1).body["degraded"]
        assert {entry["dependency"] for entry in told} <= named
        assert all(entry["reason"] for entry in told)
        wait_until(lambda: degraded(service) & named, NOTICED_S, "said by /health/ready")
    finally:
        mends(stage)
    wait_until(lambda: is_full(service), BACK_S, "full after the fault")


def test_a_frozen_store_is_waited_for_only_until_its_breaker_opens(stage, service, stock) -> None:
    wait_until(lambda: is_full(service), BACK_S, "full before the fault")
    stage.weaviate.send(signal.SIGSTOP)
    try:
        replies = [ask(service, number) for number in range(12)]
        reasons = [
            entry["reason"]
            for reply in replies
            for entry in reply.body["degraded"]
            if entry["dependency"] == "weaviate"
        ]
    finally:
        stage.weaviate.send(signal.SIGCONT)
    assert reasons == ["timeout"] * 5 + ["circuit open"] * 7


def test_it_starts_and_answers_from_files_with_every_server_down_and_takes_them_up_when_they_come(
    stage, stock, tmp_path
) -> None:
    servers = (stage.redis, stage.weaviate, stage.kafka)
    for server in servers:
        server.kill()
    try:
        with serving(stage.environ, tmp_path / "log") as fresh:
            ready = ask_now(fresh.port, "/health/ready")
            assert {"redis", "rules", "weaviate", "changes"} <= set(ready.body["degraded"])
            assert rungs(fresh, stock, 4) == {"local_index"}
            first = ask(fresh, 0).body["degraded"]
            assert {"dependency": "weaviate", "reason": "circuit open"} in first
            for server in servers:
                server.start()
            wait_until(lambda: is_full(fresh), BACK_S, "full once they are up")
    finally:
        for server in servers:
            server.ensure()
