"""Where records are read from by their offsets: the local log's file, or Kafka. No group: the warehouse knows."""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)

from setwise.kafka_settings import client_settings
from setwise.local_log import LOG_FILE, LocalLog
from setwise.log import LogDownError, Record
from setwise.settings import Log, Settings

ASK_S = 5.0
NO_LEADER = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE, KafkaError.UNKNOWN_TOPIC_OR_PART)
"""What a broker answers about partitions that were made, or moved to another broker, a moment ago."""
PARTITIONS_S = 60.0
"""How often the brokers are asked whether a topic has more partitions than before."""
APPENDED_S = 10.0
AT_ONCE = 5_000
BATCH, WAIT_S, BEHIND_S = 1_000, 0.5, 20.0
"""Of a topic that is read to its end: records at once, how long one is waited for, and all of them."""
Answer = TypeVar("Answer")


class Source(Protocol):
    """Reads; commits nothing."""

    def read(self, topic: str, since: dict[int, int], limit: int, timeout_s: float) -> list[Record]:
        """Records from these offsets on, those of one partition in order; [] after the time. Raises LogDownError."""
        ...

    def ends(self, topic: str) -> dict[int, int]:
        """The offset behind each partition's last record. Raises LogDownError."""
        ...

    def between(self, topic: str, start: datetime, end: datetime) -> Iterator[list[Record]]:
        """What the log took in that time, in batches. Raises LogDownError."""
        ...

    def append(self, topic: str, key: str, value: bytes, headers: dict[str, str]) -> None:
        """Returns when it is durable. Raises LogDownError."""
        ...

    def erase(self, is_theirs: Callable[[Record], bool]) -> bool:
        """Removes such records of all topics; False where single records cannot be removed. Raises LogDownError."""
        ...

    def close(self) -> None: ...


def read_behind(source: Source, topic: str, offsets: dict[int, int], ends: Mapping[int, int]) -> Iterator[list[Record]]:
    """Batches from `offsets` on, which the caller moves between them, until nothing more comes and all up to `ends` has
    come. Raises LogDownError where it waits too long for one; how long the caller works on it does not count."""
    left, until = dict(ends), time.monotonic() + BEHIND_S
    while True:
        left = {partition: end for partition, end in left.items() if offsets.get(partition, 0) < end}
        if records := source.read(topic, offsets, BATCH, WAIT_S if left else 0.0):
            yield records
            until = time.monotonic() + BEHIND_S
        elif not left:
            return
        elif time.monotonic() > until:
            raise LogDownError(f"{topic} was not read in time")


class LocalSource:
    """The embedded log: one partition."""

    def __init__(self, path: Path, retention_h: float) -> None:
        self._log = LocalLog(path, retention_h)

    def read(self, topic: str, since: dict[int, int], limit: int, timeout_s: float) -> list[Record]:
        """Asks the file where something is new only."""
        until, at = time.monotonic() + timeout_s, since.get(0, 0)
        while True:
            found, at = self._log.read_on(topic, at, limit)
            left = until - time.monotonic()
            if found or left <= 0:
                return found
            self._log.ends.behind(topic, at, left)

    def ends(self, topic: str) -> dict[int, int]:
        """Of the one partition, behind what is there still: what was removed is not waited for."""
        return {0: self._log.kept_end(topic)}

    def between(self, topic: str, start: datetime, end: datetime) -> Iterator[list[Record]]:
        """From the first record that is kept: the log holds days, not years."""
        at = 0
        while records := self._log.read(topic, at, AT_ONCE):
            at = records[-1].offset + 1
            if found := [record for record in records if start <= record.at < end]:
                yield found
            if records[-1].at >= end:
                return

    def append(self, topic: str, key: str, value: bytes, headers: dict[str, str]) -> None:
        """Waits for the disk."""
        self._log.append(topic, key, value, headers).result(APPENDED_S)

    def erase(self, is_theirs: Callable[[Record], bool]) -> bool:
        """From the file's bytes too."""
        self._log.erase(is_theirs)
        return True

    def close(self) -> None:
        """Ends the log's thread."""
        self._log.close()


class KafkaSource:
    """A consumer for each topic, whose partitions are assigned at the offsets that are asked for."""

    def __init__(self, log: Log, partitions_s: float = PARTITIONS_S) -> None:
        self._settings, self._partitions_s = log, partitions_s
        self._consumers: dict[str, Consumer] = {}
        self._at: dict[str, dict[int, int]] = {}
        self._asked_at: dict[str, float] = {}

    def read(self, topic: str, since: dict[int, int], limit: int, timeout_s: float) -> list[Record]:
        """Assigned anew only where the offsets are not those behind the last records, or partitions came."""
        consumer, known = self._consumer(topic), self._at.get(topic, {})
        # A topic that nobody has made yet has no partition: it is asked for again.
        is_elsewhere = not known or any(at != since.get(p, 0) for p, at in known.items())
        if is_elsewhere or self._may_have_more(topic, len(known)):
            wanted = {number: since.get(number, 0) for number in self._partitions(topic)}
            consumer.assign([TopicPartition(self._name(topic), p, at or OFFSET_BEGINNING) for p, at in wanted.items()])
            self._at[topic] = wanted
        records = [_record(topic, message) for message in self._messages(consumer, limit, timeout_s)]
        for record in records:
            self._at[topic][record.partition] = record.offset + 1
        return records

    def ends(self, topic: str) -> dict[int, int]:
        """The high watermarks."""
        consumer, name = self._consumer(topic), self._name(topic)
        partitions = [TopicPartition(name, p) for p in self._partitions(topic)]
        found = {p.partition: _asked(partial(consumer.get_watermark_offsets, p, timeout=ASK_S)) for p in partitions}
        return {partition: high for partition, (_, high) in found.items()}

    def between(self, topic: str, start: datetime, end: datetime) -> Iterator[list[Record]]:
        """By the broker's index of times, with a consumer of its own."""
        consumer = self._made()
        try:
            at_ms = int(start.timestamp() * 1_000)
            asked = [TopicPartition(self._name(topic), p, at_ms) for p in self._partitions(topic)]
            if not asked:
                return  # a topic that nothing was written to yet
            found = _asked(partial(consumer.offsets_for_times, asked, timeout=ASK_S))
            found = [one for one in found if one.offset >= 0]
            ends = self.ends(topic)
            left = {one.partition for one in found if one.offset < ends[one.partition]}
            consumer.assign([one for one in found if one.partition in left])
            until = time.monotonic() + ASK_S
            while left:
                records = [_record(topic, message) for message in self._messages(consumer, AT_ONCE, 1.0)]
                until = time.monotonic() + ASK_S if records else until
                if time.monotonic() > until:
                    raise LogDownError("no answer")
                left -= {r.partition for r in records if r.at >= end or r.offset + 1 >= ends[r.partition]}
                if inside := [record for record in records if start <= record.at < end]:
                    yield inside
        finally:
            consumer.close()

    def append(self, topic: str, key: str, value: bytes, headers: dict[str, str]) -> None:
        """By a producer of its own: it is seldom needed."""
        faults: list[KafkaError | None] = []
        producer = Producer({**client_settings(self._settings), "acks": "all", "enable.idempotence": True})
        named = [(name, text.encode()) for name, text in headers.items()]
        producer.produce(
            self._name(topic), value, key, headers=named, on_delivery=lambda error, _: faults.append(error)
        )  # fmt: skip
        if producer.flush(APPENDED_S) or faults != [None]:
            raise LogDownError("the brokers did not acknowledge a record")

    def erase(self, is_theirs: Callable[[Record], bool]) -> bool:
        """Kafka removes records by their age only."""
        return False

    def close(self) -> None:
        """Ends the connections."""
        for consumer in self._consumers.values():
            consumer.close()

    def _consumer(self, topic: str) -> Consumer:
        if topic not in self._consumers:
            self._consumers[topic] = self._made()
        return self._consumers[topic]

    def _made(self) -> Consumer:
        return Consumer(
            {
                **client_settings(self._settings),
                "group.id": f"{self._settings.prefix}.loader",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
            }
        )

    def _may_have_more(self, topic: str, count: int) -> bool:
        now = time.monotonic()
        if now - self._asked_at.setdefault(topic, now) < self._partitions_s:
            return False
        self._asked_at[topic] = now
        return len(self._partitions(topic)) > count

    def _partitions(self, topic: str) -> list[int]:
        name = self._name(topic)
        found = _asked(partial(self._consumer(topic).list_topics, name, timeout=ASK_S)).topics[name]
        return sorted(found.partitions)

    def _messages(self, consumer: Consumer, limit: int, timeout_s: float) -> list[Message]:
        try:
            messages = consumer.consume(1, timeout_s)
            if messages and limit > 1:
                messages += consumer.consume(limit - 1, 0)
        except (KafkaException, RuntimeError) as error:
            raise LogDownError(type(error).__name__) from error
        good = [message for message in messages if message.error() is None]
        for message in messages:
            fault = message.error()
            if fault is not None and not good and fault.code() != KafkaError._PARTITION_EOF and not fault.retriable():
                raise LogDownError(fault.name())
        return good

    def _name(self, topic: str) -> str:
        return f"{self._settings.prefix}.{topic}"


def _asked(question: Callable[[], Answer]) -> Answer:
    """What the brokers answer; asked again for ASK_S while a partition has no leader. Raises LogDownError."""
    until = time.monotonic() + ASK_S
    while True:
        try:
            return question()
        except KafkaException as error:
            fault = error.args[0]
            if fault.code() not in NO_LEADER or time.monotonic() > until:
                raise LogDownError(fault.name()) from error
            time.sleep(0.1)


def _record(topic: str, message: Any) -> Record:
    at = datetime.fromtimestamp(message.timestamp()[1] / 1_000, UTC)
    headers = {name: (value or b"").decode("utf-8", "replace") for name, value in message.headers() or ()}
    key = (message.key() or b"").decode("utf-8", "replace")
    return Record(topic, message.partition(), message.offset(), key, message.value() or b"", headers, at)


def build_source(settings: Settings) -> Source:
    """The one that the settings name."""
    if settings.log.backend == "kafka":
        return KafkaSource(settings.log)
    return LocalSource(Path(settings.storage.data_dir).absolute() / LOG_FILE, settings.log.retention_h)
