"""A sample shop, built and served on both profiles."""

import json
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from built_once import files_of, sample_shop
from e2e_support import SERVER_SETTINGS, build, built_shop, delete_topics, serve
from litestar.testing import TestClient

from setwise.settings import Settings


@pytest.fixture(scope="session")
def shop() -> Path:
    """A sample shop of 300 products."""
    return sample_shop()


@pytest.fixture(scope="session")
def shop_rows(shop: Path) -> dict[str, dict]:
    """The feed's rows by id."""
    return {row["id"]: row for row in map(json.loads, (shop / "feed.jsonl").read_text().splitlines())}


@pytest.fixture(scope="session", params=["embedded", "servers"])
def profile(
    request, tmp_path_factory: pytest.TempPathFactory, shop: Path, require_server: Callable
) -> Iterator[dict[str, str]]:
    """The settings of one profile, with the sample shop built."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "embedded":
        yield built_shop(files_of(shop), folder)
        return
    # Where the servers are goes along: a service in a process of its own is given nothing else.
    environ = files_of(shop) | {k: v for k, v in os.environ.items() if k in SERVER_SETTINGS}
    environ["SETWISE_DATA_DIR"] = str(folder)
    settings = Settings.from_env(environ)
    require_server("Weaviate", settings.vectors.weaviate_host, settings.vectors.weaviate_http_port)
    redis = urlsplit(settings.features.redis_url)
    require_server("Redis", redis.hostname or "127.0.0.1", redis.port or 6379)
    environ |= dict.fromkeys(
        ("SETWISE_FEATURES", "SETWISE_RULES", "SETWISE_BUNDLES", "SETWISE_KEYS", "SETWISE_REQUESTS"), "redis"
    )
    host, port = settings.log.kafka_brokers.split(",")[0].rsplit(":", 1)
    require_server("Kafka", host, int(port))
    prefix = f"setwise-test-{uuid.uuid4().hex[:12]}"
    environ |= {"SETWISE_VECTORS": "weaviate", "SETWISE_LOG": "kafka", "SETWISE_LOG_PREFIX": prefix}
    done = build(environ)
    assert done.returncode == 0, done.stdout + done.stderr
    yield environ
    delete_topics(environ)


@pytest.fixture(scope="session")
def client(profile: dict[str, str]) -> Iterator[TestClient]:
    """The service of this profile."""
    with serve(profile) as client:
        yield client


@pytest.fixture(scope="module")
def browser(leave_out: Callable[[str, str], None]) -> Iterator[Any]:
    """Chromium; its driver keeps a loop running in this thread, so that it ends with its module."""
    from browsing import chromium

    with chromium(leave_out) as one:
        yield one
