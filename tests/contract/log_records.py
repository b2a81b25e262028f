"""Records as the suites of the log write, read and compare them."""

import time

from online.log import Log, LogReader, LogTail
from setwise.log import Record


def write(log: Log, topic: str, *pairs: tuple[str, str]) -> None:
    for written in [log.append(topic, key, value.encode(), {"ce_type": "x"}) for key, value in pairs]:
        written.result(20)


def read(source: LogReader | LogTail, count: int, seconds: float = 20) -> list[Record]:
    records: list[Record] = []
    end = time.monotonic() + seconds
    while len(records) < count and time.monotonic() < end:
        records += source.poll(100, 0.2)
    return records


def values(records: list[Record]) -> list[str]:
    return [record.value.decode() for record in records]
