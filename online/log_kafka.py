"""The log on Kafka: an idempotent producer, groups with committed offsets, topics made as the settings say."""

import logging
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from datetime import UTC, datetime

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, TopicMetadata

from online.polling import Polling
from setwise.kafka_settings import client_settings
from setwise.log import LogDownError, Record, started
from setwise.names import COMPACTED_TOPICS, DEAD_LETTER, TOPICS
from setwise.settings import Log

logger = logging.getLogger(__name__)
DURABLE_WITHIN_MS = 5_000
"""A record that the brokers did not acknowledge by then is given up, and its sender told so."""
WAITING = 100_000
ASK_S = 5.0
SESSION_MS = 6_000
"""A reader that says nothing for so long has died; the least that brokers accept by default."""
RETRY_TOPICS_S = 1.0
SILENCE_S = 1.0
"""A tail that heard nothing for so long asks whether a broker is there: a consumer of a dead one just reads nothing."""
ANSWERS_S = 0.5
REFRESH_MS = 2_000
"""A partition without a leader yet is asked for again after this; by the library's own default after 5 min."""
PARTITIONS_S = 60.0
"""A tail that always hears something asks for partitions that were added this often."""
# The newest segment is never compacted, and each start reads it whole; Kafka's own is 1 GB or seven days.
_COMPACTED = {"cleanup.policy": "compact", "segment.bytes": str(32 << 20), "segment.ms": "3600000"}


class KafkaLog:
    """Topics are made in the background as soon as a broker answers; nothing is appended before."""

    def __init__(self, log: Log) -> None:
        self._settings, self._common = log, client_settings(log)
        durable = {"enable.idempotence": True, "acks": "all", "linger.ms": 0, "queue.buffering.max.messages": WAITING}
        self._producer = Producer({**self._common, **durable, "message.timeout.ms": DURABLE_WITHIN_MS})
        self._are_topics_there = threading.Event()
        self._is_closed = threading.Event()
        self._delivery = threading.Thread(target=self._deliver, name="log-delivery", daemon=True)
        self._delivery.start()
        self._making = Polling(self._make_topics, "log-topics", RETRY_TOPICS_S)
        threading.Thread(target=self._making.start, name="log-topics-first", daemon=True).start()

    def append(self, topic: str, key: str, value: bytes, headers: dict[str, str]) -> Future[None]:
        """Resolves when all in-sync replicas have the record; LogDownError after five seconds without them."""
        written = started()

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is None:
                written.set_result(None)
            else:
                written.set_exception(LogDownError(error.name()))

        if not self._are_topics_there.is_set():
            written.set_exception(LogDownError("no broker has answered yet"))
            return written
        try:
            self._producer.produce(
                self._name(topic), value, key, headers=list(headers.items()), on_delivery=delivered
            )  # fmt: skip
        except (BufferError, KafkaException) as error:
            written.set_exception(LogDownError(type(error).__name__))
        return written

    def wait_until_ready(self, timeout_s: float) -> bool:
        """True as soon as the topics are there."""
        return self._are_topics_there.wait(timeout_s)

    def reader(self, topic: str, group: str) -> "KafkaReader":
        """A member of the group; partitions are shared out among its members."""
        consumer = Consumer(
            {
                **self._common,
                "group.id": f"{self._settings.prefix}.{group}",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "session.timeout.ms": SESSION_MS,
                "heartbeat.interval.ms": SESSION_MS // 6,
                "topic.metadata.refresh.interval.ms": REFRESH_MS,
                "partition.assignment.strategy": "cooperative-sticky",
            }
        )
        consumer.subscribe([self._name(topic)])
        return KafkaReader(consumer, topic, self._name(topic))

    def tail(self, topic: str) -> "KafkaTail":
        """All partitions from their first record on."""
        settings = {**self._common, "group.id": f"{self._settings.prefix}.tail", "enable.auto.commit": False}
        more = {"enable.partition.eof": True, "topic.metadata.refresh.interval.ms": REFRESH_MS}
        return KafkaTail(Consumer({**settings, **more}), topic, self._name(topic))

    def close(self) -> None:
        """Waits for what was appended, at most as long as a record may take."""
        self._making.stop()
        self._producer.flush(DURABLE_WITHIN_MS / 1_000)
        self._is_closed.set()
        self._delivery.join(timeout=2)

    def _name(self, topic: str) -> str:
        return f"{self._settings.prefix}.{topic}"

    def _deliver(self) -> None:
        while not self._is_closed.is_set():
            self._producer.poll(0.1)

    def _make_topics(self) -> None:
        if self._are_topics_there.is_set():
            return
        retention_ms = self._settings.retention_h * 3_600_000
        # Kafka removes whole segments: by its own week of each, a record would stay for up to twice as long.
        retention = {"retention.ms": str(retention_ms), "segment.ms": str(max(retention_ms // 8, 60_000))}
        names = [(topic, topic in COMPACTED_TOPICS) for topic in TOPICS]
        wanted = [
            NewTopic(
                self._name(name), num_partitions=self._settings.partitions,
                replication_factor=self._settings.replication,
                config=_COMPACTED if is_compacted else retention,
            )
            for name, is_compacted in [*names, *((topic + DEAD_LETTER, False) for topic in TOPICS)]
        ]  # fmt: skip
        try:
            admin = AdminClient(self._common)
            there = admin.list_topics(timeout=ASK_S).topics
            missing = [topic for topic in wanted if topic.topic not in there]
            for made in admin.create_topics(missing, request_timeout=ASK_S).values() if missing else ():
                made.result(ASK_S)
        except TimeoutError:
            logger.warning("Kafka's topics were not made in time, trying again")
            return
        except KafkaException as error:
            code = error.args[0].code()
            if code != KafkaError.TOPIC_ALREADY_EXISTS:  # another process was quicker
                logger.warning("Kafka's topics could not be looked at, trying again: %s", error.args[0].name())
            return
        self._are_topics_there.set()


class KafkaReader:
    """A member of a consumer group."""

    def __init__(self, consumer: Consumer, topic: str, name: str) -> None:
        self._consumer, self._topic, self._name = consumer, topic, name

    def poll(self, limit: int, timeout_s: float) -> list[Record]:
        """Up to `limit` records, or none after `timeout_s`. Raises LogDownError."""
        records, _, down = _records(self._consumer, self._topic, limit, timeout_s)
        if down is not None and not records:
            raise down
        return records

    def commit(self, records: Sequence[Record]) -> None:
        """Asks the broker to note it, and waits."""
        done: dict[int, int] = {}
        for record in records:
            done[record.partition] = max(done.get(record.partition, 0), record.offset + 1)
        offsets = [TopicPartition(self._name, partition, offset) for partition, offset in done.items()]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            raise LogDownError(error.args[0].name()) from error

    def close(self) -> None:
        """Leaves the group, so that its partitions go to others at once."""
        self._consumer.close()


class KafkaTail:
    """Partitions are assigned as soon as the topic is there, and those that are added later with the next look."""

    def __init__(self, consumer: Consumer, topic: str, name: str) -> None:
        self._consumer, self._topic, self._name = consumer, topic, name
        self._assigned = set[int]()
        self._behind: set[int] | None = None
        self._looked_at = time.monotonic()
        self._heard_at = time.monotonic()
        self._is_doubtful = False
        self.is_caught_up = False

    def poll(self, limit: int, timeout_s: float) -> list[Record]:
        """Up to `limit` records, or none after `timeout_s`. Raises LogDownError as long as no broker answers."""
        if self._behind is None and not self._assign(timeout_s):
            return []
        if time.monotonic() - self._heard_at > SILENCE_S or time.monotonic() - self._looked_at > PARTITIONS_S:
            self._look()
        records, ended, down = _records(self._consumer, self._topic, limit, timeout_s)
        if records or ended:
            self._heard_at = time.monotonic()
        if self._behind is not None and not self.is_caught_up:
            self._behind -= ended
            self.is_caught_up = not self._behind
        if down is not None and not records:
            raise down
        return records

    def close(self) -> None:
        """Ends the connection."""
        self._consumer.close()

    def _look(self) -> None:
        # One late answer is a busy machine, not a broker that is away.
        try:
            self._take(self._described(ANSWERS_S))
        except LogDownError:
            if self._is_doubtful:
                raise
            self._is_doubtful = True
        else:
            self._is_doubtful = False

    def _described(self, timeout_s: float) -> TopicMetadata:
        try:
            found = self._consumer.list_topics(self._name, timeout=max(timeout_s, ANSWERS_S)).topics[self._name]
        except KafkaException as error:
            raise LogDownError(error.args[0].name()) from error
        self._heard_at = self._looked_at = time.monotonic()
        return found

    def _assign(self, timeout_s: float) -> bool:
        found = self._described(timeout_s)
        if not found.partitions:
            time.sleep(timeout_s)
            return False
        self._take(found)
        self._behind = set(found.partitions)
        return True

    def _take(self, found: TopicMetadata) -> None:
        if new := found.partitions.keys() - self._assigned:
            self._consumer.incremental_assign([TopicPartition(self._name, number, OFFSET_BEGINNING) for number in new])
            self._assigned |= new


def _records(
    consumer: Consumer, topic: str, limit: int, timeout_s: float
) -> tuple[list[Record], set[int], LogDownError | None]:
    """What was read, the partitions whose end was reached, and what went wrong. A fault takes no record away: the
    consumer has moved on behind them, and they would never come again."""
    records: list[Record] = []
    ended: set[int] = set()
    down: LogDownError | None = None
    messages: list[Message] = []
    try:
        # The first record as soon as it is there, and with it whatever lies ready behind it.
        messages += consumer.consume(1, timeout_s)
        if messages and limit > 1:
            messages += consumer.consume(limit - 1, 0)
    except (KafkaException, RuntimeError) as error:
        down = LogDownError(type(error).__name__)
    for message in messages:
        fault = message.error()
        if fault is None:
            at = datetime.fromtimestamp(message.timestamp()[1] / 1_000, UTC)
            headers = {name: (value or b"").decode("utf-8", "replace") for name, value in message.headers() or ()}
            key = (message.key() or b"").decode("utf-8", "replace")
            number, offset = message.partition(), message.offset()
            assert number is not None and offset is not None
            records.append(Record(topic, number, offset, key, message.value() or b"", headers, at))
        elif fault.code() == KafkaError._PARTITION_EOF:
            ended.add(message.partition())
        elif not fault.retriable() and fault.code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
            down = LogDownError(fault.name())
    return records, ended, down
