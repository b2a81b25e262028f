"""SQLite files that several processes of one machine write, through SQLAlchemy."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, cast

from sqlalchemy import Engine, MetaData, create_engine, event
from sqlalchemy.exc import SQLAlchemyError

STORE_ERRORS = (SQLAlchemyError, sqlite3.Error)
"""What a file that cannot be read or written raises."""
_AGAIN_S = 0.02


def open_local_store(
    path: Path,
    tables: MetaData,
    *,
    flush: Literal["FULL", "NORMAL", "OFF"],
    busy_s: float = 5,
    is_serial: bool = False,
) -> Engine:
    """Creates folder, file and tables where they are missing. FULL = a commit survives a power cut.

    `busy_s` = longest wait for another writer; `is_serial` = a transaction takes the write lock when it begins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{path.absolute()}", connect_args={"timeout": busy_s})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        if is_serial:
            connection.isolation_level = None
        _write_ahead(connection, time.monotonic() + busy_s)
        connection.execute(f"PRAGMA synchronous = {flush}")
        connection.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten

    if is_serial:
        # The driver would begin a transaction before a write only: two writers could read the same value first.
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    tables.create_all(engine)
    return engine


@contextmanager
def driver_of(engine: Engine) -> Iterator[sqlite3.Connection]:
    """A connection of the pool as the driver has it, for what is asked many times a second: a look takes 20
    microseconds and the same by Core 200 to 400. Raises STORE_ERRORS."""
    pooled = engine.raw_connection()
    try:
        yield cast(sqlite3.Connection, pooled.driver_connection)
    finally:
        pooled.close()


def end_write_ahead(engine: Engine) -> None:
    """Puts all of the write-ahead log into the file and empties it: what was deleted is then in neither."""
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.close()


def _write_ahead(connection: Any, until: float) -> None:
    """Readers never wait for a writer. Processes that start together on a new file: SQLite refuses this one switch at
    once instead of waiting."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(_AGAIN_S)
