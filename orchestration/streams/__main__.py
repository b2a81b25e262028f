"""python -m orchestration.streams: what shoppers do now, to where answers and operators read it, within seconds.

sessions: a row for each user, visitor and session that clicks, puts into the cart or buys, in Feast's online store.
live: what was served, shown, clicked, carted, bought and earned, by minute, variant and slot.

Both read the log from the offsets that they keep beside their state, in streams.db and live.db of the data folder, and
may be killed at any time."""

import argparse
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from orchestration.forgotten import pseudonyms_of
from orchestration.streams.known_erasures import KnownErasures
from orchestration.streams.live_stream import LiveStream, build_teller
from orchestration.streams.live_tables import open_tables
from orchestration.streams.session_rows import SessionRows, SessionStoreDownError
from orchestration.streams.session_stream import SessionStream
from orchestration.streams.state import STATE_FILE, StreamState
from orchestration.warehouse.sources import build_source
from setwise.command_settings import command_settings
from setwise.consumer_lag import LagNote
from setwise.live_counts import LIVE_FILE
from setwise.log import LogDownError

logger = logging.getLogger("setwise.streams")
IDLE_S = 0.5
RETRY_S = 1.0
SAY_EVERY_S = 10.0
DOWN = (LogDownError, SessionStoreDownError, SQLAlchemyError, RedisError)


class Stream(Protocol):
    """One reader of the log."""

    records: int

    def turn(self, timeout_s: float) -> int: ...

    def start_anew(self) -> None: ...

    def summary(self) -> str: ...

    def lag(self) -> dict[str, int]: ...


def run(name: str, stream: Stream, stop: threading.Event, noted: LagNote | None = None) -> None:
    """Until `stop`, the batch at hand to its end; a log or store that is away is waited for."""
    said_at, said, is_down = time.monotonic(), 0, False
    while not stop.is_set():
        try:
            stream.turn(IDLE_S)
            if noted is not None:
                noted.note(stream.lag)
        except DOWN as error:
            if not is_down:
                logger.warning("%s: waiting for the log or a store: %s", name, reason(error))
            is_down = True
            stream.start_anew()
            stop.wait(RETRY_S)
            continue
        if is_down:
            logger.info("%s: it goes on", name)
        is_down = False
        if stream.records > said and time.monotonic() - said_at > SAY_EVERY_S:
            said_at, said = time.monotonic(), stream.records
            logger.info("%s: %s", name, stream.summary())
    logger.info("%s: %s", name, stream.summary())


def run_once(name: str, stream: Stream, stop: threading.Event) -> None:
    """Until nothing is left, or `stop`. Raises what is in DOWN."""
    while not stop.is_set() and stream.turn(2.0):
        pass
    print(f"{name}: {stream.summary()}", flush=True)


def reason(error: Exception) -> str:
    """In a word: SQLAlchemy's text has the statement and its parameters, Redis' the address."""
    is_ours = isinstance(error, LogDownError | SessionStoreDownError)
    return str(error) if is_ours else type(error).__name__


def work(streams: dict[str, Stream], how: Callable[[str, Stream, threading.Event], None], stop: threading.Event) -> int:
    """Each stream in a thread of its own; where one fails, all end, and 1 is returned."""
    failed = threading.Event()

    def one(name: str) -> None:
        try:
            how(name, streams[name], stop)
        except DOWN as error:
            print(f"setwise: {name}: no answer from the log or a store ({reason(error)}); try again", file=sys.stderr)
            failed.set()
        except Exception:  # whatever it is, the process ends: who watches over it starts it again
            logger.exception("%s fails", name)
            failed.set()
        if failed.is_set():
            stop.set()

    threads = [threading.Thread(target=one, args=(name,), name=name) for name in streams]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(0.5)  # signals are handled in between
    return int(failed.is_set())


def main() -> int:
    """Works until SIGTERM or SIGINT, and returns 0; with --once until nothing is left."""
    parser = argparse.ArgumentParser(
        prog="python -m orchestration.streams",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--once", action="store_true", help="work on what is there now, and end")
    chosen = parser.parse_args()
    settings = command_settings(os.environ)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("feast").setLevel(logging.WARNING)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    folder = Path(settings.storage.data_dir).absolute()
    sources, people = [build_source(settings) for _ in range(2)], pseudonyms_of(settings)
    state, tables = StreamState(folder / STATE_FILE), open_tables(folder / LIVE_FILE)
    streams: dict[str, Stream] = {
        "sessions": SessionStream(sources[0], state, SessionRows(settings), KnownErasures(sources[0], people)),
        "live": LiveStream(sources[1], tables, build_teller(settings), KnownErasures(sources[1], people)),
    }
    logger.info("reading the log")

    def watched(name: str, stream: Stream, stop: threading.Event) -> None:
        run(name, stream, stop, LagNote(folder, f"{name} stream"))

    try:
        return work(streams, run_once if chosen.once else watched, stop)
    finally:
        for source in sources:
            source.close()
        state.close()
        tables.dispose()


if __name__ == "__main__":
    sys.exit(main())
