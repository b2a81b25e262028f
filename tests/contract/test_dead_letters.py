"""One suite, both logs: what could not be worked on is counted, shown with its reason, and sent once more."""

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from online.log import build_log
from setwise.cloud_event import CloudEvent
from setwise.erasures import ERASURE_TYPE, erasure_of
from setwise.events.secret import event_secret
from setwise.names import DEAD_LETTER, ERASURES_TOPIC, REQUESTS_TOPIC
from setwise.pseudonyms import Pseudonyms
from setwise.settings import Settings

BROKERS = os.environ.get("SETWISE_KAFKA_BROKERS", "127.0.0.1:9092")
ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["local", "kafka"])
def environ(request, require_server: Callable, tmp_path: Path) -> Iterator[dict[str, str]]:
    if request.param == "local":
        yield {"SETWISE_DATA_DIR": str(tmp_path)}
        return
    host, port = BROKERS.split(",")[0].rsplit(":", 1)
    require_server("Kafka", host, int(port))
    prefix = f"setwise-test-{uuid.uuid4().hex[:12]}"
    kafka = {"SETWISE_LOG": "kafka", "SETWISE_KAFKA_BROKERS": BROKERS, "SETWISE_LOG_PREFIX": prefix}
    yield {"SETWISE_DATA_DIR": str(tmp_path), "SETWISE_LOG_PARTITIONS": "2"} | kafka
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": BROKERS})
    names = [name for name in admin.list_topics(timeout=10).topics if name.startswith(prefix)]
    for deleted in admin.delete_topics(names).values() if names else ():
        deleted.result()


def command(environ: dict[str, str], *arguments: str) -> str:
    own = {k: v for k, v in os.environ.items() if not k.startswith("SETWISE_")} | environ
    done = subprocess.run(
        [sys.executable, "-m", "online.dead_letters", *arguments], capture_output=True, text=True, env=own, cwd=ROOT,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_letters_are_listed_shown_and_replayed(environ: dict[str, str]) -> None:
    log = build_log(Settings.from_env(environ))
    ready = getattr(log, "wait_until_ready", None)
    assert ready is None or ready(30)
    for number in (1, 2):
        letter = {"event": f"event {number}", "reason": f"reason {number}", "time": datetime.now(UTC)}
        dead = CloudEvent(f"e-{number}", "setwise.dead-letter", datetime.now(UTC), letter)
        log.append(REQUESTS_TOPIC + DEAD_LETTER, "k", dead.encoded(), dead.headers()).result(20)
    counts = dict(line.split() for line in command(environ, "list").splitlines())
    assert counts["requests"] == "2" and counts["served"] == "0"
    shown = command(environ, "show", "requests")
    assert "reason 1" in shown and "event 2" in shown
    assert "reason 1" not in command(environ, "show", "requests", "--number", "2")
    assert command(environ, "replay", "requests", "--number", "2").startswith("1 events")
    assert command(environ, "replay", "requests").startswith("2 events")
    tail, found = log.tail(REQUESTS_TOPIC), list[bytes]()
    for _ in range(100):
        found += [record.value for record in tail.poll(100, 0.2)]
        if len(found) == 3:
            break
    assert sorted(found) == [b"event 1", b"event 2", b"event 2"]
    tail.close()
    log.close()


def test_letters_of_somebody_who_was_forgotten_are_neither_shown_nor_replayed(environ: dict[str, str]) -> None:
    log, now = build_log(Settings.from_env(environ)), datetime.now(UTC)
    assert getattr(log, "wait_until_ready", lambda _: True)(30)
    for who in ("mary", "bob"):
        letter = {"event": f'{{"data": {{"body": {{"user_id": "{who}"}}}}}}', "reason": "r", "time": now}
        dead = CloudEvent(who, "setwise.dead-letter", now, letter)
        log.append(REQUESTS_TOPIC + DEAD_LETTER, "k", dead.encoded(), dead.headers()).result(20)
    people = Pseudonyms(event_secret("", Path(environ["SETWISE_DATA_DIR"])))
    said = CloudEvent("r", ERASURE_TYPE, now, erasure_of("r", "mary", (), people, now))
    log.append(ERASURES_TOPIC, "r", said.encoded(), said.headers()).result(20)
    log.close()
    assert dict(line.split() for line in command(environ, "list").splitlines())["requests"] == "1"
    shown = command(environ, "show", "requests")
    assert "bob" in shown and "mary" not in shown
    assert command(environ, "replay", "requests").startswith("1 events")
