"""Kafka's log while its broker is away, and when it is back: on a broker of these tests' own."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from online.log_kafka import KafkaLog
from setwise import settings
from setwise.log import LogDownError
from setwise.names import CHANGES_TOPIC

BROKERS = os.environ.get("SETWISE_KAFKA_BROKERS", "127.0.0.1:9092")


def kafka_libraries() -> Path | None:
    """The broker's jars that `make services` fetched."""
    found = [Path(__file__).parents[2] / "var" / "services" / "kafka" / "libs"]
    return next((path for path in found if path.is_dir()), None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Broker:
    """A broker of this test's own, that can be killed and started again on its data."""

    def __init__(self, folder: Path, libraries: Path) -> None:
        self.port, controller = free_port(), free_port()
        self._folder = folder
        self._java = ["java", "-Xmx256m", "-cp", f"{libraries}/*"]
        (folder / "server.properties").write_text(
            "process.roles=broker,controller\nnode.id=1\n"
            f"controller.quorum.voters=1@127.0.0.1:{controller}\n"
            f"listeners=PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller}\n"
            f"advertised.listeners=PLAINTEXT://127.0.0.1:{self.port}\n"
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n"
            "controller.listener.names=CONTROLLER\ninter.broker.listener.name=PLAINTEXT\n"
            f"log.dirs={folder / 'data'}\noffsets.topic.replication.factor=1\noffsets.topic.num.partitions=1\n"
            "transaction.state.log.replication.factor=1\ntransaction.state.log.min.isr=1\n"
            "group.initial.rebalance.delay.ms=0\n"
        )
        self._run("kafka.tools.StorageTool", "format", "--cluster-id", "xAAAAAAAAAAAAAAAAAAAAA", "--config")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [*self._java, "kafka.Kafka", str(self._folder / "server.properties")]
        with (self._folder / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self._folder, stdout=log, stderr=log)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _run(self, *arguments: str) -> None:
        command = [*self._java, *arguments, str(self._folder / "server.properties")]
        subprocess.run(command, cwd=self._folder, capture_output=True, check=True)


@pytest.fixture
def broker(tmp_path: Path, require_server: Callable[[str, str, int], None]) -> Iterator[Broker]:
    host, port = BROKERS.split(",")[0].rsplit(":", 1)
    require_server("Kafka", host, int(port))
    libraries = kafka_libraries()
    if libraries is None:
        pytest.skip("a broker of the test's own needs the jars of `make services`")
    broker = Broker(tmp_path, libraries)
    yield broker
    broker.kill()


def test_a_broker_that_was_killed_is_said_to_be_away_until_it_is_back(broker: Broker) -> None:
    log = KafkaLog(settings.Log(backend="kafka", partitions=2, kafka_brokers=f"127.0.0.1:{broker.port}"))
    tail = log.tail(CHANGES_TOPIC)
    with pytest.raises(LogDownError):
        tail.poll(10, 0.2)
    broker.start()
    assert log.wait_until_ready(60)
    log.append(CHANGES_TOPIC, "p", b"1", {}).result(20)
    found: list[str] = []
    end = time.monotonic() + 30
    while found != ["1"] and time.monotonic() < end:
        try:
            found += [record.value.decode() for record in tail.poll(10, 0.2)]
        except LogDownError:  # the client has not found the broker yet
            continue
    assert found == ["1"]
    broker.kill()
    with pytest.raises(LogDownError):
        log.append(CHANGES_TOPIC, "p", b"lost", {}).result(20)
    with contextlib.suppress(LogDownError):  # one late answer is a busy machine's
        tail.poll(10, 0.5)
    for _ in range(5):
        with pytest.raises(LogDownError):
            tail.poll(10, 0.5)
    broker.start()
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            log.append(CHANGES_TOPIC, "p", b"2", {}).result(20)
            break
        except LogDownError:
            continue
    while "2" not in found and time.monotonic() < end:
        try:
            found += [record.value.decode() for record in tail.poll(10, 0.2)]
        except LogDownError:
            continue
    assert found == ["1", "2"]
    tail.close()
    log.close()
