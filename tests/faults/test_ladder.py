"""Each fault gives exactly its rung; every answer is a 200 that keeps budget and stock; all is well soon afterwards."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fault_load import Reply, ask_now
from fault_servers import Service, Stage, serving, wait_until

LONG = os.environ.get("FAULTS") == "long"
MOST = 300_000
PROMPTS = ("a desk and an office chair", "a cosy living room, no leather", "a rug and a lamp")
BACK_S = 30
"""Five seconds are promised on a machine of its own."""


@pytest.fixture(scope="module")
def service(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with serving(stage.environ, tmp_path_factory.mktemp("log") / "service.log") as running:
        yield running


@pytest.fixture(scope="module")
def stock(stage: Stage) -> dict[str, dict[str, object]]:
    rows = map(json.loads, Path(stage.environ["SETWISE_FEED"]).read_text().splitlines())
    return {str(row["id"]): row for row in rows}


def ask(service: Service, number: int) -> Reply:
    body = {"prompt": PROMPTS[number % len(PROMPTS)], "user_id": f"u-{number}", "budget": {"max_cents": MOST}}
    return ask_now(service.port, "/v1/bundles", body)


def is_valid(reply: Reply, stock: dict[str, dict[str, object]]) -> bool:
    bundles = reply.body.get("bundles", [])
    items = [item for bundle in bundles for item in bundle["items"]]
    return (
        reply.status == 200
        and bool(bundles)
        and all(bundle["total_cents"] <= MOST for bundle in bundles)
        and all(b["total_cents"] == sum(i["price_cents"] * i["quantity"] for i in b["items"]) for b in bundles)
        and all(stock[item["product_id"]]["availability"] == "in_stock" for item in items)
    )  # fmt: skip


def rungs(service: Service, stock: dict[str, dict[str, object]], count: int = 200 if LONG else 12) -> set[str]:
    """The rungs of several answers, all of them valid."""
    replies = [ask(service, number) for number in range(count)]
    times = sorted(reply.ms for reply in replies)
    print(f"{count} answers, p50 {times[count // 2]:.0f} ms, p99 {times[int(0.99 * (count - 1))]:.0f} ms")
    assert all(is_valid(reply, stock) for reply in replies), [(r.status, r.body, r.problem) for r in replies]
    return {reply.body["served_by"] for reply in replies}


def is_full(service: Service) -> bool:
    return ask(service, 0).body.get("served_by") == "full"


FAULTS: dict[str, tuple[Callable[[Stage], None], Callable[[Stage], None], set[str], set[str]]] = {
    "Redis is down": (lambda s: s.redis.kill(), lambda s: s.redis.start(), {"no_profile"}, {"redis", "rules"}),
    "Redis is frozen": (
        lambda s: s.redis.send(signal.SIGSTOP), lambda s: s.redis.send(signal.SIGCONT), {"no_profile"},
        {"redis", "rules"},
    ),
    "Redis is slow": (
        lambda s: setattr(s.redis_proxy, "delay_s", 1.5), lambda s: setattr(s.redis_proxy, "delay_s", 0.0),
        {"no_profile"}, {"redis"},
    ),
    "Redis answers rubbish": (
        lambda s: setattr(s.redis_proxy, "is_wrong", True), lambda s: setattr(s.redis_proxy, "is_wrong", False),
        {"no_profile"}, {"redis", "rules"},
    ),
    "Weaviate is down": (lambda s: s.weaviate.kill(), lambda s: s.weaviate.start(), {"local_index"}, {"weaviate"}),
    "Weaviate is frozen": (
        lambda s: s.weaviate.send(signal.SIGSTOP), lambda s: s.weaviate.send(signal.SIGCONT), {"local_index"},
        {"weaviate"},
    ),
    "Weaviate is slow": (
        lambda s: setattr(s.weaviate_proxy, "delay_s", 1.5), lambda s: setattr(s.weaviate_proxy, "delay_s", 0.0),
        {"local_index"}, {"weaviate"},
    ),
    "Weaviate answers rubbish": (
        lambda s: setattr(s.weaviate_proxy, "is_wrong", True), lambda s: setattr(s.weaviate_proxy, "is_wrong", False),
        {"local_index"}, {"weaviate"},
    ),
    "both are down": (
        lambda s: (s.redis.kill(), s.weaviate.kill()), lambda s: (s.redis.start(), s.weaviate.start()),  # type: ignore[func-returns-value]
        {"local_index"}, {"redis", "rules", "weaviate"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_while_running_gives_its_rung_and_is_over_soon_after(stage, service, stock, fault: str) -> None:
    breaks, mends, expected, named = FAULTS[fault]
    wait_until(lambda: is_full(service), BACK_S, "full before the fault")
    breaks(stage)
    try:
        assert rungs(service, stock) == expected
        told = ask(service, 1).body["degraded"]
        assert {entry["dependency"] for entry in told} <= named
        assert all(entry["reason"] for entry in told)
        ready = ask_now(service.port, "/health/ready")
        assert ready.status == 200
        assert set(ready.body["degraded"]) & named
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
    stage.redis.kill()
    stage.weaviate.kill()
    try:
        with serving(stage.environ, tmp_path / "log") as fresh:
            ready = ask_now(fresh.port, "/health/ready")
            assert {"redis", "rules", "weaviate"} <= set(ready.body["degraded"])
            assert rungs(fresh, stock, 4) == {"local_index"}
            first = ask(fresh, 0).body["degraded"]
            assert {"dependency": "weaviate", "reason": "circuit open"} in first
            stage.redis.start()
            stage.weaviate.start()
            wait_until(lambda: is_full(fresh), BACK_S, "full once they are up")
    finally:
        stage.redis.kill()
        stage.weaviate.kill()
        stage.redis.start()
        stage.weaviate.start()
