"""What the log in a file does beyond the suite of both logs: what it forgets, and whom it wakes."""

import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest
from log_records import read, values, write

from online.log import EmbeddedLog
from setwise.log import LogDownError, Record
from setwise.names import CHANGES_TOPIC, REQUESTS_TOPIC


def test_the_local_log_forgets_what_is_old_and_keeps_the_last_change_of_each_product(tmp_path: Path) -> None:
    log = EmbeddedLog(tmp_path / "log.db", 0)
    write(log, CHANGES_TOPIC, ("p1", "old"), ("p2", "only"), ("p1", "new"))
    write(log, REQUESTS_TOPIC, ("k", "1"))
    time.sleep(0.01)
    with log._engine.begin() as connection:  # two minutes later
        connection.exec_driver_sql("UPDATE records SET at_ms = at_ms - 120000")
    log._tidy()
    assert values(log.read(CHANGES_TOPIC, 0, 10)) == ["only", "new"]
    assert log.read(REQUESTS_TOPIC, 0, 10) == []
    write(log, REQUESTS_TOPIC, ("k", "2"))
    assert [record.offset for record in log.read(REQUESTS_TOPIC, 0, 10)] == [1]
    log.close()


def test_readers_of_the_local_log_go_on_behind_records_that_are_gone(tmp_path: Path) -> None:
    log, other = (EmbeddedLog(tmp_path / "log.db", 1) for _ in range(2))
    write(log, REQUESTS_TOPIC, ("k", "1"), ("k", "2"))
    tail, reader = other.tail(REQUESTS_TOPIC), other.reader(REQUESTS_TOPIC, "g")
    log.forget(REQUESTS_TOPIC, 2)
    assert tail.poll(10, 0.1) == [] == reader.poll(10, 0.1)
    assert tail.is_caught_up
    write(log, REQUESTS_TOPIC, ("k", "3"))
    assert values(read(tail, 1)) == values(read(reader, 1)) == ["3"]
    reader.close()
    log.close()
    other.close()


def test_who_waits_for_a_topic_of_the_local_log_is_not_woken_by_another_one(tmp_path: Path) -> None:
    log, other = (EmbeddedLog(tmp_path / "log.db", 1) for _ in range(2))
    with ThreadPoolExecutor() as threads:
        waiting = [threads.submit(one.ends.behind, CHANGES_TOPIC, 0, 20) for one in (log, other)]
        write(log, REQUESTS_TOPIC, ("k", "1"))
        write(other, REQUESTS_TOPIC, ("k", "2"))
        assert log.ends.behind(REQUESTS_TOPIC, 1, 5) == other.ends.behind(REQUESTS_TOPIC, 1, 5) == 2
        assert not any(one.done() for one in waiting)
        write(other, CHANGES_TOPIC, ("p", "1"))
        assert [one.result(5) for one in waiting] == [1, 1]
    log.close()
    other.close()


def test_a_local_log_that_cannot_be_read_says_so_until_it_can(tmp_path: Path) -> None:
    log = EmbeddedLog(tmp_path / "log.db", 1)
    write(log, REQUESTS_TOPIC, ("k", "1"))
    tail = log.tail(REQUESTS_TOPIC)
    assert values(read(tail, 1)) == ["1"]
    with closing(sqlite3.connect(tmp_path / "log.db")) as another:
        another.execute("ALTER TABLE topics RENAME TO mislaid")
        with pytest.raises(LogDownError):
            read(tail, 1, 5)
        another.execute("ALTER TABLE mislaid RENAME TO topics")
    write(log, REQUESTS_TOPIC, ("k", "2"))
    found: list[Record] = []
    end = time.monotonic() + 5
    while not found and time.monotonic() < end:
        with suppress(LogDownError):
            found = tail.poll(10, 0.1)
    assert values(found) == ["2"]
    log.close()


STARTER = """
import sys, time
from pathlib import Path
from online.log import EmbeddedLog
print("imported", flush=True)
sys.stdin.readline()
log = EmbeddedLog(Path(sys.argv[1]), 1)
log.append("requests", "k", b"v", {}).result(20)
log.close()
"""


def test_processes_that_start_together_on_a_new_file_all_write(tmp_path: Path) -> None:
    path = tmp_path / "new" / "log.db"
    command = [sys.executable, "-c", STARTER, str(path)]
    starting = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(4)]
    for process in starting:
        assert process.stdout is not None and process.stdout.readline().strip() == b"imported"
    for process in starting:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    for process in starting:
        process.communicate(timeout=60)
    assert [process.returncode for process in starting] == [0] * 4
    log = EmbeddedLog(path, 1)
    assert [record.offset for record in log.read(REQUESTS_TOPIC, 0, 10)] == [0, 1, 2, 3]
    log.close()
