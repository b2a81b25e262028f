"""Kafka's log while its broker is away and when it is back, and a broker that demands TLS and a name: all of these
tests' own."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from fault_servers import Guarded, Server, kafka_libraries, kafka_server

from online.log_kafka import KafkaLog
from setwise import settings
from setwise.log import LogDownError
from setwise.names import CHANGES_TOPIC

USER, PASSWORD = "setwise", "not-a-secret"


@pytest.fixture(scope="module")
def libraries(leave_out) -> Path:
    found = kafka_libraries()
    if found is None:
        leave_out("Kafka of its own", "it needs Java and the jars that `make services` fetches")
    return found


@pytest.fixture
def broker(tmp_path: Path, libraries: Path) -> Iterator[tuple[Server, int]]:
    server, port = kafka_server(tmp_path / "kafka", libraries)
    yield server, port
    server.kill()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the certificate of an authority, and with a key and certificate of 127.0.0.1 by it."""
    folder, authority = tmp_path_factory.mktemp("authority"), trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    issued = authority.issue_cert("127.0.0.1")
    key = load_pem_private_key(issued.private_key_pem.bytes(), None)
    chain = b"".join(one.bytes() for one in issued.cert_chain_pems)
    key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "broker.pem").write_bytes(key_pem + chain)
    return folder


@pytest.fixture(scope="module")
def guarded_port(tmp_path_factory: pytest.TempPathFactory, libraries: Path, authority: Path) -> Iterator[int]:
    folder = tmp_path_factory.mktemp("guarded")
    server, port = kafka_server(
        folder / "kafka", libraries, guarded=Guarded(USER, PASSWORD, authority / "broker.pem")
    )  # fmt: skip
    server.start()
    yield port
    server.kill()


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_a_broker_that_demands_tls_and_a_name_is_written_to_and_read(guarded_port, authority, mechanism) -> None:
    log = KafkaLog(guarded_settings(guarded_port, authority, kafka_mechanism=mechanism))
    assert log.wait_until_ready(60)
    log.append(CHANGES_TOPIC, mechanism, b"1", {}).result(20)
    tail, found, end = log.tail(CHANGES_TOPIC), set[str](), time.monotonic() + 30
    while mechanism not in found and time.monotonic() < end:
        with contextlib.suppress(LogDownError):  # the client has not found the broker yet
            found |= {record.key for record in tail.poll(10, 0.2)}
    assert mechanism in found
    tail.close()
    log.close()


@pytest.mark.parametrize(
    "wrong",
    [{"kafka_password": "another"}, {"kafka_ca_file": ""}, {"kafka_security": "PLAINTEXT"}, {"kafka_security": "SSL"}],
    ids=["password", "authority", "no TLS", "no name"],
)
def test_a_broker_that_is_asked_wrongly_takes_nothing(guarded_port, authority, wrong) -> None:
    log = KafkaLog(guarded_settings(guarded_port, authority, **wrong))
    with pytest.raises(LogDownError):
        log.append(CHANGES_TOPIC, "wrong", b"1", {}).result(30)
    log.close()


def guarded_settings(port: int, authority: Path, **other: object) -> settings.Log:
    given = {
        "backend": "kafka", "partitions": 2, "kafka_brokers": f"127.0.0.1:{port}", "kafka_security": "SASL_SSL",
        "kafka_user": USER, "kafka_password": PASSWORD, "kafka_ca_file": str(authority / "ca.pem"),
    }  # fmt: skip
    return settings.Log(**(given | other))


def test_a_broker_that_was_killed_is_said_to_be_away_until_it_is_back(broker: tuple[Server, int]) -> None:
    server, port = broker
    log = KafkaLog(settings.Log(backend="kafka", partitions=2, kafka_brokers=f"127.0.0.1:{port}"))
    tail = log.tail(CHANGES_TOPIC)
    with pytest.raises(LogDownError):
        tail.poll(10, 0.2)
    server.start()
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
    server.kill()
    with pytest.raises(LogDownError):
        log.append(CHANGES_TOPIC, "p", b"lost", {}).result(20)
    with contextlib.suppress(LogDownError):  # one late answer is a busy machine's
        tail.poll(10, 0.5)
    for _ in range(5):
        with pytest.raises(LogDownError):
            tail.poll(10, 0.5)
    server.start()
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
