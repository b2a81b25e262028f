"""Who was forgotten, as the log says: nothing that is learned from may bring them back."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from setwise.erasures import Erasure, Erasures, read_record, secret_of
from setwise.events.secret import SECRET_FILE, event_secret
from setwise.local_log import LOG_FILE, LocalLog
from setwise.log import Record
from setwise.names import ERASURES_TOPIC
from setwise.pseudonyms import Pseudonyms
from setwise.settings import Settings

ERASURES_AS_OF = "erasures_as_of"
"""Fact of an artefact: when it was asked who was forgotten."""
AT_ONCE = 5_000


class OtherSecretError(Exception):
    """This process makes other pseudonyms than the service that wrote an erasure."""

    def __init__(self) -> None:
        super().__init__("SETWISE_EVENTS_SECRET, or events.key in the data folder, is not the one of the service")


def pseudonyms_of(settings: Settings) -> Pseudonyms:
    """Those of the shop."""
    return Pseudonyms(event_secret(settings.events.secret, Path(settings.storage.data_dir).absolute()))


def erasures_of_the_log(settings: Settings) -> Erasures:
    """All of them. Raises LogDownError and OtherSecretError."""
    found = list(_read(settings))
    if not found and not settings.events.secret and not (Path(settings.storage.data_dir) / SECRET_FILE).exists():
        return Erasures(Pseudonyms(b""))  # a shop that was never served has no secret yet
    people = pseudonyms_of(settings)
    if any(one.secret != secret_of(people) for one in found):
        raise OtherSecretError
    return Erasures(people, found)


def _read(settings: Settings) -> Iterator[Erasure]:
    if settings.log.backend == "kafka":
        from orchestration.warehouse.sources import KafkaSource  # a build on the embedded profile needs no Kafka client

        kafka = KafkaSource(settings.log)
        try:
            for records in kafka.between(
                ERASURES_TOPIC, datetime.fromtimestamp(0, UTC), datetime.max.replace(tzinfo=UTC)
            ):
                yield from erasures_in(records)
        finally:
            kafka.close()
        return
    path = Path(settings.storage.data_dir).absolute() / LOG_FILE
    if not path.exists():
        return
    log, at = LocalLog(path, settings.log.retention_h), 0
    try:
        while records := log.read(ERASURES_TOPIC, at, AT_ONCE):
            at = records[-1].offset + 1
            yield from erasures_in(records)
    finally:
        log.close()


def erasures_in(records: list[Record]) -> Iterator[Erasure]:
    """Those among the records of the topic."""
    for record in records:
        try:
            read = read_record(record)
        except msgspec.MsgspecError:
            continue  # the service says so in its log
        if isinstance(read, Erasure):
            yield read
