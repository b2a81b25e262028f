"""Asynchronous requests while workers and the broker are killed: a ledger of the client's own says what was lost.

FAULTS=long sends REQUESTS_N requests, 1,000 where it is not set."""

import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from fault_servers import kafka_libraries, kafka_server, redis_server, serving
from request_ledger import Ledger, Workers, killed_under_a_ledger, post, until_ended

LONG = os.environ.get("FAULTS") == "long"
N = int(os.environ.get("REQUESTS_N", "1000" if LONG else "40"))
KILLS = 10 if LONG else 1
AWAY_S = 3.0
PATIENCE_S = 300
ROOMY = {"SETWISE_DEADLINE_MS": "5000", "SETWISE_QUEUE_MS": "5000", "SETWISE_DRAIN_S": "0.3"}


@contextmanager
def shop_with_workers(environ: dict[str, str], folder: Path) -> Iterator[tuple[httpx.Client, Workers]]:
    """A service that answers nothing itself, and two workers of which one has answered something."""
    workers = Workers(environ | ROOMY, folder)
    with serving(environ | ROOMY | {"SETWISE_REQUESTS_THREADS": "0"}, folder / "log") as service:
        try:
            for _ in range(2):
                workers.start()
            with httpx.Client(base_url=f"http://127.0.0.1:{service.port}", timeout=60) as client:
                until_ended(client, post(client).json()["request_id"], 180)
                yield client, workers
        finally:
            workers.close()


def is_whole(ledger: Ledger, n: int) -> bool:
    print(ledger)
    return (ledger.accepted, ledger.answered, ledger.lost, ledger.doubled) == (n, n, 0, 0)


@pytest.mark.long  # on Kafka below; that the local log goes on after a kill is in the suite of the logs
def test_workers_killed_on_the_local_log_lose_and_double_nothing(embedded, tmp_path) -> None:
    with shop_with_workers(embedded, tmp_path) as (client, workers):
        ledger = killed_under_a_ledger(client, embedded, N, [workers.replace_oldest] * KILLS, PATIENCE_S)
    assert is_whole(ledger, N)
    assert ledger.repeated <= KILLS


@pytest.fixture
def on_kafka(embedded, tmp_path, leave_out) -> Iterator[tuple[dict[str, str], Callable[[], None]]]:
    """The shop on a broker and a Redis of this test's own, and what kills the broker and starts it again."""
    libraries = kafka_libraries()
    if libraries is None:
        leave_out("Kafka of its own", "it needs Java and the jars that `make services` fetches")
    if shutil.which("redis-server") is None:
        leave_out("Redis of its own", "there is no redis-server on PATH")
    redis, redis_port = redis_server(tmp_path / "redis")
    broker, port = kafka_server(tmp_path / "kafka", libraries)

    def restart() -> None:
        broker.kill()
        time.sleep(AWAY_S)
        broker.start()

    try:
        redis.start()
        broker.start()
        settings = {
            "SETWISE_REQUESTS": "redis", "SETWISE_REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
            "SETWISE_LOG": "kafka", "SETWISE_KAFKA_BROKERS": f"127.0.0.1:{port}", "SETWISE_LOG_PARTITIONS": "3",
            "SETWISE_LOG_PREFIX": f"setwise-{uuid.uuid4().hex[:8]}",
        }  # fmt: skip
        yield embedded | settings, restart
    finally:
        broker.kill()
        redis.kill()


def test_workers_and_the_broker_killed_in_turn_lose_and_double_nothing(on_kafka, tmp_path) -> None:
    environ, restart_broker = on_kafka
    with shop_with_workers(environ, tmp_path) as (client, workers):
        breaks = [workers.replace_oldest, restart_broker] * max(1, KILLS // 2)
        ledger = killed_under_a_ledger(client, environ, N, breaks, PATIENCE_S)
    assert is_whole(ledger, N)
    # Each kill leaves at most one answered request of each partition that is not marked yet.
    assert ledger.repeated <= 3 * len(breaks)
