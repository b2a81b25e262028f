"""Builds a release with the real job, as `make build` does, and serves it in-process."""

import os
import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path

import builds
from built_once import build_once, made_of, until_it_is_there
from confluent_kafka.admin import AdminClient
from litestar.testing import TestClient

from benchmarks.examples.service import serve as serve_settings
from online.log import build_log
from setwise.events import Interaction, decode_interaction
from setwise.kafka_settings import client_settings
from setwise.log import Record
from setwise.names import INTERACTIONS_TOPIC
from setwise.settings import Settings

ROOT = Path(__file__).parents[2]
SERVER_SETTINGS = (
    "SETWISE_REDIS_URL",
    "SETWISE_WEAVIATE_HOST",
    "SETWISE_WEAVIATE_HTTP_PORT",
    "SETWISE_WEAVIATE_GRPC_PORT",
    "SETWISE_KAFKA_BROKERS",
)


def build(environ: dict[str, str], from_nothing: bool = False) -> subprocess.CompletedProcess[str]:
    """`make build` without make: the same entry point, an environment and a process of its own. `from_nothing` makes
    all but the encoder anew, where another folder has it from the same files."""
    prepared = prepared_for(environ)
    return build_once(prepared, lambda: builds.run(prepared), from_nothing)


def build_by_command(environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The same with an interpreter of its own, as `make build` does."""
    command, prepared = [sys.executable, "-m", "orchestration", "build"], prepared_for(environ)
    return build_once(
        prepared, lambda: subprocess.run(command, capture_output=True, text=True, env=prepared, cwd=ROOT, check=False)
    )


def prepared_for(environ: dict[str, str]) -> dict[str, str]:
    """The whole environment of a build."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("SETWISE_") or k in SERVER_SETTINGS}
    clean.pop("DAGSTER_HOME", None)
    return clean | {"PYTHONWARNINGS": "ignore", **environ}


def own_copy(environ: dict[str, str], folder: Path) -> dict[str, str]:
    """The settings of the same built shop in a data folder of a test's own; its stores and topics are nobody else's."""

    def copied(source: str, target: str) -> object:
        is_store = ".db" in Path(source).name or ".duckdb" in Path(source).name
        return shutil.copy2(source, target) if is_store else os.link(source, target)

    shutil.copytree(environ["SETWISE_DATA_DIR"], folder / "data", copy_function=copied)
    for store in ("log", "requests"):
        for left in (folder / "data").glob(f"{store}.db*"):
            left.unlink()
    mine = environ | {"SETWISE_DATA_DIR": str(folder / "data")}
    if "SETWISE_LOG_PREFIX" in environ:
        mine["SETWISE_LOG_PREFIX"] = f"{environ['SETWISE_LOG_PREFIX']}.{uuid.uuid4().hex[:8]}"
    return mine


def built_shop(files: dict[str, str], folder: Path) -> dict[str, str]:
    """The settings of a shop of these files on the embedded defaults, in a data folder of one's own below this one:
    who asks first in a run builds it, and everybody has a copy of what was built."""
    built = made_of(files).with_name(f"{made_of(files).name}-built")
    with until_it_is_there(built):
        if not built.exists():
            begun = built.with_name(f"{built.name}-begun")
            done = build(files | {"SETWISE_DATA_DIR": str(begun)})
            assert done.returncode == 0, done.stdout + done.stderr
            begun.rename(built)
    return own_copy(files | {"SETWISE_DATA_DIR": str(built)}, folder)


def delete_topics(environ: dict[str, str]) -> None:
    """Removes the topics of a test's own prefix."""
    settings = Settings.from_env({k: v for k, v in os.environ.items() if k in SERVER_SETTINGS} | environ).log
    admin = AdminClient(client_settings(settings))
    names = [name for name in admin.list_topics(timeout=10).topics if name.startswith(f"{settings.prefix}.")]
    for deleted in admin.delete_topics(names).values() if names else ():
        deleted.result()


def serve(environ: dict[str, str]) -> TestClient:
    """The service over what `build` made."""
    kept = {k: v for k, v in os.environ.items() if k in SERVER_SETTINGS}
    settings = Settings.from_env({**kept, **environ})
    return serve_settings(settings)


def records_of(environ: dict[str, str], topic: str, count: int) -> list[Record]:
    """At least so many records, from the first one on, read as another process would."""
    servers = {k: v for k, v in os.environ.items() if k.startswith(("SETWISE_KAFKA", "SETWISE_REDIS"))}
    log = build_log(Settings.from_env(servers | environ))
    tail, found, until = log.tail(topic), list[Record](), time.monotonic() + 30
    while (len(found) < count or not tail.is_caught_up) and time.monotonic() < until:
        found += tail.poll(1_000, 0.2)
    tail.close()
    log.close()
    return found


def interactions(environ: dict[str, str], count: int) -> list[Interaction]:
    """By their time: records of several partitions come in no order."""
    events = [decode_interaction(record.value) for record in records_of(environ, INTERACTIONS_TOPIC, count)]
    return [event.data for event in sorted(events, key=lambda event: event.time)]
