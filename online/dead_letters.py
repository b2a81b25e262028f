"""python -m online.dead_letters: what could not be worked on, why, and once more.

list      how many dead letters each topic has
show      the letters of a topic: number, time, reason and the event as it came
replay    appends the events of a topic's letters to it again; what reads it works by the event's id, once
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from online.log import Log, build_log
from setwise.erasures import Erasure, Erasures, read_record
from setwise.events.secret import event_secret
from setwise.log import LogDownError, Record
from setwise.names import DEAD_LETTER, ERASURES_TOPIC, TOPICS
from setwise.pseudonyms import Pseudonyms
from setwise.settings import Settings, SettingsError

PATIENCE_S = 15.0


class Letter(msgspec.Struct, frozen=True):
    """The event as it came, and why it lies here."""

    event: str
    reason: str
    time: str = ""


class _Event(msgspec.Struct, frozen=True):
    data: Letter


_decode = msgspec.json.Decoder(_Event).decode


def letters_of(log: Log, topic: str, erasures: Erasures | None = None) -> Iterator[tuple[Record, Letter]]:
    """The letters that are kept, oldest first, without those of people who were forgotten. Raises LogDownError."""
    for record in _records(log, topic + DEAD_LETTER):
        if erasures is None or not erasures.cover_record(record):
            yield record, _letter(record)


def erasures_of(log: Log, pseudonyms: Pseudonyms) -> Erasures:
    """Who was forgotten. Raises LogDownError."""
    found = Erasures(pseudonyms)
    for record in _records(log, ERASURES_TOPIC):
        read = read_record(record)
        if isinstance(read, Erasure):
            found.add(read)
    return found


def _records(log: Log, topic: str) -> Iterator[Record]:
    tail, until = log.tail(topic), time.monotonic() + PATIENCE_S
    try:
        while True:
            records = tail.poll(500, 0.5)
            yield from records
            if not records and tail.is_caught_up:
                return
            if not records and time.monotonic() > until:
                raise LogDownError("no answer")
    finally:
        tail.close()


def _letter(record: Record) -> Letter:
    try:
        return _decode(record.value).data
    except msgspec.MsgspecError as error:
        return Letter(record.value.decode("utf-8", "replace"), f"the letter itself cannot be read: {error}")


def replay(log: Log, topic: str, number: int | None, erasures: Erasures | None = None) -> int:
    """How many events were appended again: those of all letters, or of the one with this number."""
    written = [
        log.append(topic, record.key, letter.event.encode(), {"ce_id": record.headers.get("ce_id", record.key)})
        for at, (record, letter) in enumerate(letters_of(log, topic, erasures), 1)
        if number in (None, at)
    ]
    for future in written:
        future.result()
    return len(written)


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m online.dead_letters", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("list", "show", "replay"))
    parser.add_argument("topic", nargs="?", choices=TOPICS, help="without setwise. and .dead-letter")
    parser.add_argument("--number", type=int, help="only this letter, as show numbers them")
    return parser.parse_args()


def main() -> int:
    """0, or 1 where the log does not answer."""
    chosen = options()
    if chosen.what != "list" and chosen.topic is None:
        print(f"setwise: name a topic: {', '.join(TOPICS)}", file=sys.stderr)
        return 2
    try:
        settings = Settings.from_env(os.environ)
        log, secret = build_log(settings), event_secret(settings.events.secret, Path(settings.storage.data_dir))
    except SettingsError as error:
        print(f"setwise: {error}", file=sys.stderr)
        return 2
    try:
        erasures = erasures_of(log, Pseudonyms(secret))
        if chosen.what == "list":
            for topic in TOPICS:
                print(f"{topic:20} {sum(1 for _ in letters_of(log, topic, erasures)):8}")
        elif chosen.what == "show":
            for at, (record, letter) in enumerate(letters_of(log, chosen.topic, erasures), 1):
                if chosen.number in (None, at):
                    print(f"{at}  {record.at.isoformat(timespec='seconds')}  {letter.reason}\n    {letter.event}")
        else:
            _wait_until_ready(log)
            print(f"{replay(log, chosen.topic, chosen.number, erasures)} events were appended to {chosen.topic} again")
    except LogDownError as error:
        print(f"setwise: the log does not answer ({error}); look at it, then try again", file=sys.stderr)
        return 1
    finally:
        log.close()
    return 0


def _wait_until_ready(log: Log) -> None:
    """Kafka takes nothing before its topics were looked at."""
    ready = getattr(log, "wait_until_ready", None)
    if ready is not None and not ready(PATIENCE_S):
        raise LogDownError("no broker has answered yet")


if __name__ == "__main__":
    sys.exit(main())
