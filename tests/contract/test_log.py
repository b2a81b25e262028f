"""One suite, both logs: durable before it is acknowledged, in order per key, one reader of a group per record."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from log_records import read, values, write

from online.log import EmbeddedLog, Log
from online.log_kafka import KafkaLog
from orchestration.warehouse.sources import KafkaSource
from setwise import settings
from setwise.log import LogDownError, Record
from setwise.names import CHANGES_TOPIC, REQUESTS_TOPIC

BROKERS = os.environ.get("SETWISE_KAFKA_BROKERS", "127.0.0.1:9092")
Opener = Callable[[], Log]


@pytest.fixture(params=["local", "kafka"])
def kind(request: pytest.FixtureRequest, require_server: Callable[[str, str, int], None]) -> str:
    if request.param == "kafka":
        host, port = BROKERS.split(",")[0].rsplit(":", 1)
        require_server("Kafka", host, int(port))
    return str(request.param)


@pytest.fixture
def prefix() -> str:
    return f"setwise-test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def opened(kind: str, prefix: str, tmp_path: Path) -> Iterator[Opener]:
    """Opens one more access to the same log, as another process would."""
    logs: list[Log] = []

    def open_one() -> Log:
        if kind == "kafka":
            log = KafkaLog(settings.Log(backend="kafka", prefix=prefix, partitions=3, kafka_brokers=BROKERS))
            assert log.wait_until_ready(20)
            logs.append(log)
        else:
            logs.append(EmbeddedLog(tmp_path / "log.db", 1))
        return logs[-1]

    yield open_one
    for log in logs:
        log.close()
    if kind == "kafka":
        from confluent_kafka.admin import AdminClient

        admin = AdminClient({"bootstrap.servers": BROKERS})
        names = [name for name in admin.list_topics(timeout=10).topics if name.startswith(prefix)]
        for deleted in admin.delete_topics(names).values() if names else ():
            deleted.result()


def test_a_record_comes_out_as_it_went_in(opened: Opener) -> None:
    log = opened()
    log.append(REQUESTS_TOPIC, "k-☂", b"\x00v", {"traceparent": "00-a-b-01"}).result(20)
    reader = opened().reader(REQUESTS_TOPIC, "g")
    (record,) = read(reader, 1)
    assert (record.topic, record.key, record.value) == (REQUESTS_TOPIC, "k-☂", b"\x00v")
    assert record.headers == {"traceparent": "00-a-b-01"}
    assert abs(record.at.timestamp() - time.time()) < 30
    reader.close()


def test_records_of_one_key_keep_their_order(opened: Opener) -> None:
    log = opened()
    write(log, REQUESTS_TOPIC, *((f"k{n % 5}", str(n)) for n in range(200)))
    reader = log.reader(REQUESTS_TOPIC, "g")
    records = read(reader, 200)
    for key in {record.key for record in records}:
        numbers = [int(record.value) for record in records if record.key == key]
        assert numbers == sorted(numbers) and len(numbers) == 40
    reader.close()


def test_a_group_goes_on_where_it_committed_and_another_group_begins_at_the_start(opened: Opener) -> None:
    log = opened()
    write(log, REQUESTS_TOPIC, *((f"k{n}", str(n)) for n in range(10)))
    first = log.reader(REQUESTS_TOPIC, "g")
    done = read(first, 10)
    first.commit(done)
    first.close()
    write(log, REQUESTS_TOPIC, ("k", "new"))
    second, other = opened().reader(REQUESTS_TOPIC, "g"), opened().reader(REQUESTS_TOPIC, "other")
    assert values(read(second, 1)) == ["new"]
    assert sorted(values(read(other, 11))) == sorted([*values(done), "new"])
    second.close()
    other.close()


def test_what_was_not_committed_is_read_again_by_the_next_reader(opened: Opener) -> None:
    log = opened()
    write(log, REQUESTS_TOPIC, ("k", "1"), ("k", "2"))
    first = log.reader(REQUESTS_TOPIC, "g")
    records = read(first, 2)
    first.commit(records[:1])
    first.close()
    second = opened().reader(REQUESTS_TOPIC, "g")
    assert values(read(second, 1)) == ["2"]
    second.close()


def test_two_readers_of_a_group_get_each_record_once(opened: Opener) -> None:
    log = opened()
    readers = [opened().reader(REQUESTS_TOPIC, "g") for _ in range(2)]
    for reader in readers:
        reader.poll(1, 1.0)
    write(log, REQUESTS_TOPIC, *((f"k{n}", str(n)) for n in range(60)))
    seen: list[str] = []
    end = time.monotonic() + 30
    while len(seen) < 60 and time.monotonic() < end:
        for reader in readers:
            records = reader.poll(10, 0.1)
            seen += values(records)
            if records:
                reader.commit(records)
    assert sorted(seen, key=int) == [str(n) for n in range(60)]
    for reader in readers:
        reader.close()


def test_a_tail_sees_everything_once_and_says_when_it_has_caught_up(opened: Opener) -> None:
    log = opened()
    write(log, CHANGES_TOPIC, *((f"p{n}", str(n)) for n in range(50)))
    tail = opened().tail(CHANGES_TOPIC)
    records = read(tail, 50)
    end = time.monotonic() + 10
    while not tail.is_caught_up and time.monotonic() < end:
        records += tail.poll(10, 0.1)
    assert tail.is_caught_up
    write(log, CHANGES_TOPIC, ("p1", "later"))
    records += read(tail, 1)
    assert sorted(values(records)) == sorted([*(str(n) for n in range(50)), "later"])
    tail.close()


def test_a_tail_of_an_empty_topic_has_caught_up_soon(opened: Opener) -> None:
    tail = opened().tail(CHANGES_TOPIC)
    end = time.monotonic() + 10
    while not tail.is_caught_up and time.monotonic() < end:
        assert tail.poll(10, 0.1) == []
    assert tail.is_caught_up
    tail.close()


WRITER = """
import sys
from pathlib import Path
from online.log import EmbeddedLog
from online.log_kafka import KafkaLog
from setwise import settings
kind, where, prefix = sys.argv[1:]
if kind == "kafka":
    log = KafkaLog(settings.Log(backend="kafka", prefix=prefix, partitions=3, kafka_brokers=where))
    log.wait_until_ready(20)
else:
    log = EmbeddedLog(Path(where), 1)
for number in range(1_000_000):
    log.append("requests", f"k{number}", str(number).encode(), {}).result(20)
    print(number, flush=True)
"""


def test_what_was_acknowledged_is_there_after_its_writer_was_killed(
    opened: Opener, kind: str, prefix: str, tmp_path: Path
) -> None:
    where = BROKERS if kind == "kafka" else str(tmp_path / "log.db")
    log = opened()
    acknowledged: list[str] = []
    for _ in range(3):
        command = [sys.executable, "-c", WRITER, kind, where, prefix]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            lines = [writer.stdout.readline().strip() for _ in range(40)]
            writer.send_signal(signal.SIGKILL)
            lines += writer.stdout.read().split()
        acknowledged += [line for line in lines if line]
    reader = log.reader(REQUESTS_TOPIC, "g")
    found = values(read(reader, len(acknowledged)))
    for number in set(acknowledged):
        assert found.count(number) >= acknowledged.count(number)
    reader.close()


READER = """
import sys
from pathlib import Path
from online.log import EmbeddedLog
from online.log_kafka import KafkaLog
from setwise import settings
kind, where, prefix = sys.argv[1:]
if kind == "kafka":
    log = KafkaLog(settings.Log(backend="kafka", prefix=prefix, partitions=3, kafka_brokers=where))
else:
    log = EmbeddedLog(Path(where), 1)
reader = log.reader("requests", "g")
while True:
    records = reader.poll(1, 0.5)
    if records:
        reader.commit(records)
        print(records[0].value.decode(), flush=True)
"""


def test_another_reader_goes_on_within_seconds_after_one_was_killed(
    opened: Opener, kind: str, prefix: str, tmp_path: Path
) -> None:
    where = BROKERS if kind == "kafka" else str(tmp_path / "log.db")
    log = opened()
    write(log, REQUESTS_TOPIC, ("k", "1"))
    with subprocess.Popen([sys.executable, "-c", READER, kind, where, prefix], stdout=subprocess.PIPE) as first:
        assert first.stdout is not None and first.stdout.readline().strip() == b"1"
        first.send_signal(signal.SIGKILL)
    write(log, REQUESTS_TOPIC, ("k", "2"))
    started = time.monotonic()
    second = log.reader(REQUESTS_TOPIC, "g")
    assert values(read(second, 1)) == ["2"]
    assert time.monotonic() - started < 15
    second.close()


def test_who_stops_waiting_for_a_record_stops_nothing_else(opened: Opener) -> None:
    log = opened()
    given_up = log.append(REQUESTS_TOPIC, "k", b"1", {})
    assert not given_up.cancel()
    given_up.result(20)
    write(log, REQUESTS_TOPIC, ("k", "2"))
    reader = log.reader(REQUESTS_TOPIC, "g")
    assert values(read(reader, 2)) == ["1", "2"]
    reader.close()


def test_a_log_that_cannot_be_reached_says_so(tmp_path: Path) -> None:
    kafka = KafkaLog(settings.Log(backend="kafka", kafka_brokers="127.0.0.1:1"))
    with pytest.raises(LogDownError):
        kafka.append(REQUESTS_TOPIC, "k", b"v", {}).result(20)
    kafka.close()
    local = EmbeddedLog(tmp_path / "log.db", 1)
    local.close()
    with pytest.raises(LogDownError):
        local.append(REQUESTS_TOPIC, "k", b"v", {}).result(20)


def test_partitions_that_are_added_while_somebody_reads_are_read_too(
    prefix: str, require_server: Callable[[str, str, int], None]
) -> None:
    host, port = BROKERS.split(",")[0].rsplit(":", 1)
    require_server("Kafka", host, int(port))
    from confluent_kafka import Producer
    from confluent_kafka.admin import AdminClient, NewPartitions

    kafka = settings.Log(backend="kafka", prefix=prefix, partitions=1, kafka_brokers=BROKERS)
    log, admin, name = KafkaLog(kafka), AdminClient({"bootstrap.servers": BROKERS}), f"{prefix}.{REQUESTS_TOPIC}"
    try:
        assert log.wait_until_ready(20)
        write(log, REQUESTS_TOPIC, ("k", "1"))
        tail, source, offsets = log.tail(REQUESTS_TOPIC), KafkaSource(kafka, partitions_s=0.5), dict[int, int]()

        def from_source() -> list[Record]:
            found = source.read(REQUESTS_TOPIC, offsets, 100, 0.2)
            offsets.update({record.partition: record.offset + 1 for record in found})
            return found

        loaded = from_source()
        assert values(read(tail, 1)) == ["1"]
        for made in admin.create_partitions([NewPartitions(name, 2)]).values():
            made.result(20)
        producer = Producer({"bootstrap.servers": BROKERS})
        producer.produce(name, b"2", b"k", partition=1)
        assert producer.flush(20) == 0
        assert values(read(tail, 1)) == ["2"]
        until = time.monotonic() + 30
        while len(loaded) < 2 and time.monotonic() < until:
            loaded += from_source()
        assert [(record.partition, record.value) for record in loaded] == [(0, b"1"), (1, b"2")]
        tail.close()
        source.close()
    finally:
        log.close()
        names = [one for one in admin.list_topics(timeout=10).topics if one.startswith(prefix)]
        for deleted in admin.delete_topics(names).values() if names else ():
            deleted.result()
