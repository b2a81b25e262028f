"""python -m orchestration.streams: what shoppers click, put into carts and buy, into the online store within seconds.

Reads the log's interactions from the offsets that it keeps beside its state (streams.db in the data folder), and writes
a row for each user, visitor and session that did something. It may be killed at any time."""

import argparse
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from orchestration.streams.session_rows import SessionRows, SessionStoreDownError
from orchestration.streams.session_stream import SessionStream
from orchestration.streams.state import STATE_FILE, StreamState
from orchestration.warehouse.sources import build_source
from setwise.log import LogDownError
from setwise.settings import Settings, SettingsError

logger = logging.getLogger("setwise.streams")
IDLE_S = 0.5
RETRY_S = 1.0
SAY_EVERY_S = 10.0
DOWN = (LogDownError, SessionStoreDownError, SQLAlchemyError)


def run(stream: SessionStream, stop: threading.Event) -> None:
    """Until `stop`, the batch at hand to its end; a log or store that is away is waited for."""
    said_at, said, is_down = time.monotonic(), 0, False
    while not stop.is_set():
        try:
            stream.turn(IDLE_S)
        except DOWN as error:
            if not is_down:
                logger.warning("waiting for the log or a store: %s", _reason(error))
            is_down = True
            stream.start_anew()
            stop.wait(RETRY_S)
            continue
        if is_down:
            logger.info("it goes on")
        is_down = False
        if stream.records > said and time.monotonic() - said_at > SAY_EVERY_S:
            said_at, said = time.monotonic(), stream.records
            logger.info("%s", summary(stream))
    logger.info("%s", summary(stream))


def summary(stream: SessionStream) -> str:
    """What was done since the start, in a line."""
    return f"{stream.records:,} events, {stream.written:,} session rows written, {stream.unreadable:,} unreadable"


def _reason(error: Exception) -> str:
    # SQLAlchemy's text has the statement and its parameters.
    return type(error).__name__ if isinstance(error, SQLAlchemyError) else str(error)


def main() -> int:
    """Works until SIGTERM or SIGINT, and returns 0; with --once until nothing is left."""
    parser = argparse.ArgumentParser(
        prog="python -m orchestration.streams",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--once", action="store_true", help="work on what is there now, and end")
    chosen = parser.parse_args()
    try:
        settings = Settings.from_env(os.environ)
    except SettingsError as error:
        print(f"setwise: {error}", file=sys.stderr)
        return 2
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("feast").setLevel(logging.WARNING)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    source = build_source(settings)
    state = StreamState(Path(settings.storage.data_dir).absolute() / STATE_FILE)
    try:
        stream = SessionStream(source, state, SessionRows(settings))
        logger.info("reading the log's interactions")
        if chosen.once:
            return _once(stream)
        run(stream, stop)
    finally:
        source.close()
        state.close()
    return 0


def _once(stream: SessionStream) -> int:
    try:
        while stream.turn(2.0):
            pass
    except DOWN as error:
        print(f"setwise: no answer from the log or a store ({_reason(error)}); try again", file=sys.stderr)
        return 1
    print(summary(stream))
    return 0


if __name__ == "__main__":
    sys.exit(main())
