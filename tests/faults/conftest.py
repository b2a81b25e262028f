"""A small shop, built on servers of these tests' own behind proxies, and once on the embedded defaults."""

import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from built_once import files_of, sample_shop
from e2e_support import build, built_shop
from fault_load import ask_now
from fault_servers import (
    Proxy,
    Stage,
    kafka_libraries,
    kafka_server,
    redis_server,
    wait_until,
    weaviate_binary,
    weaviate_server,
)
from warehouses import warehouse_settings

BROKERS = os.environ.get("SETWISE_KAFKA_BROKERS", "127.0.0.1:9092")
# Ten minutes each: they run by `make faults`.
collect_ignore = [] if os.environ.get("FAULTS") == "long" else ["test_endurance.py"]

ROOMY = {
    "SETWISE_DEADLINE_MS": "1500",
    "SETWISE_DEADLINE_ENCODE_MS": "1000",
    "SETWISE_DEADLINE_RETRIEVE_MS": "250",
    "SETWISE_DEADLINE_FEATURES_MS": "150",
    "SETWISE_QUEUE_MS": "1500",
}
"""Ten times the usual waits: these tests tell rungs apart, and a crowded machine must not do so."""


@pytest.fixture(scope="session")
def fault_shop() -> dict[str, str]:
    """Feed, orders and sets of 300 products."""
    return files_of(sample_shop())


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory, fault_shop: dict[str, str]) -> dict[str, str]:
    """Settings of the shop, built on the embedded defaults."""
    return built_shop(fault_shop, tmp_path_factory.mktemp("embedded-faults"))


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory, fault_shop: dict[str, str], leave_out) -> Iterator[Stage]:
    """Everything up; each test puts back what it broke."""
    if shutil.which("redis-server") is None:
        leave_out("Redis of its own", "there is no redis-server on PATH")
    if weaviate_binary() is None:
        leave_out("Weaviate of its own", "it was not built here")
    libraries = kafka_libraries()
    if libraries is None:
        leave_out("Kafka of its own", "it needs Java and the jars that `make services` fetches")
    folder = tmp_path_factory.mktemp("fault-servers")
    redis, redis_port = redis_server(folder / "redis")
    weaviate, http, grpc = weaviate_server(folder / "weaviate")
    proxies = [Proxy(redis_port), Proxy(grpc)]

    def behind_proxy(port: int) -> int:
        proxies.append(Proxy(port))
        return proxies[-1].port

    kafka, _ = kafka_server(folder / "kafka", libraries, behind_proxy)
    try:
        for server in (redis, weaviate, kafka):
            server.start()
        environ = fault_shop | {
            "SETWISE_DATA_DIR": str(folder / "data"),
            "SETWISE_VECTORS": "weaviate",
            "SETWISE_WEAVIATE_HTTP_PORT": str(http),
            "SETWISE_WEAVIATE_GRPC_PORT": str(grpc),
            "SETWISE_REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
            **dict.fromkeys(("SETWISE_FEATURES", "SETWISE_RULES", "SETWISE_BUNDLES"), "redis"),
        }
        wait_until(lambda: _is_ready(http), 60, "Weaviate")
        done = build(environ)
        assert done.returncode == 0, done.stdout + done.stderr
        environ |= {
            "SETWISE_WEAVIATE_GRPC_PORT": str(proxies[1].port),
            "SETWISE_REDIS_URL": f"redis://127.0.0.1:{proxies[0].port}/0",
            "SETWISE_LOG": "kafka",
            "SETWISE_KAFKA_BROKERS": f"127.0.0.1:{proxies[2].port}",
        }
        yield Stage(redis, weaviate, kafka, proxies[0], proxies[1], proxies[2], environ | ROOMY)
    finally:
        for proxy in proxies:
            proxy.close()
        for server in (redis, weaviate, kafka):
            server.kill()


def _is_ready(http: int) -> bool:
    return ask_now(http, "/v1/.well-known/ready").status == 200


@pytest.fixture(scope="session")
def stock(stage: Stage) -> dict[str, dict[str, object]]:
    """The rows of the stage's feed by id."""
    rows = map(json.loads, Path(stage.environ["SETWISE_FEED"]).read_text().splitlines())
    return {str(row["id"]): row for row in rows}


@pytest.fixture(params=["duckdb", "postgres"])
def logged_and_loaded(
    request, leave_out: Callable, require_server: Callable, tmp_path: Path
) -> Iterator[dict[str, str]]:
    """The embedded log into DuckDB, or Kafka into PostgreSQL."""
    with warehouse_settings(request.param, tmp_path, leave_out) as found:
        if request.param == "duckdb":
            yield found
            return
        host, port = BROKERS.split(",")[0].rsplit(":", 1)
        require_server("Kafka", host, int(port))
        prefix = f"setwise-test-{uuid.uuid4().hex[:12]}"
        kafka = {"SETWISE_LOG": "kafka", "SETWISE_KAFKA_BROKERS": BROKERS, "SETWISE_LOG_PREFIX": prefix}
        yield found | kafka | {"SETWISE_LOG_PARTITIONS": "3"}
        from confluent_kafka.admin import AdminClient

        admin = AdminClient({"bootstrap.servers": BROKERS})
        names = [name for name in admin.list_topics(timeout=10).topics if name.startswith(prefix)]
        for deleted in admin.delete_topics(names).values() if names else ():
            deleted.result()
