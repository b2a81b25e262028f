"""Somebody is forgotten in what streams remember, and in the sessions that they wrote to Feast's online store."""

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from orchestration.erasing_files import Removed, forget_online
from orchestration.streams.state import STATE_FILE
from setwise.erasures import Erasures
from setwise.live_counts import LIVE_FILE
from setwise.names import SESSION_ENTITY_KEY, SHOPPER_SESSIONS_VIEW
from setwise.settings import Settings

BUSY_S = 10


def forget_streams(settings: Settings, erasures: Erasures) -> tuple[Removed, Removed]:
    """Rows of sessions, and entries of both files, by receipt. A process that is ended in between does it again."""
    folder = Path(settings.storage.data_dir).absolute()
    sessions, entries = Removed(), Removed()
    theirs: dict[str, str] = {}
    for connection in _opened(folder / STATE_FILE):
        keys = [key for (key,) in connection.execute("SELECT shopper_key FROM sessions")]
        theirs = {key: receipt for key in keys if (receipt := erasures.covering_names(key.encode())) is not None}
        # The online store first: its keys are found here alone.
        forget_online(settings, SHOPPER_SESSIONS_VIEW, SESSION_ENTITY_KEY, theirs)
        connection.executemany("DELETE FROM sessions WHERE shopper_key = ?", [(key,) for key in theirs])
    sessions.update(theirs.values())
    entries.update(theirs.values())
    for connection in _opened(folder / LIVE_FILE):
        entries.update(_forget_live(connection, erasures))
    return sessions, entries


def _forget_live(connection: sqlite3.Connection, erasures: Erasures) -> Iterator[str]:
    people = "CAST(user || ' ' || visitor AS BLOB)"
    scans = {
        "touches": ("source, id, number", people),
        "orders": ("id", people),
        "waiting": ("request, source, id", "event"),
    }
    for table, (key, named) in scans.items():
        columns = key.split(", ")
        rows = connection.execute(f"SELECT {key}, at_us, {named} FROM {table}").fetchall()  # noqa: S608 - names of ours
        gone = []
        for *place, at_us, names in rows:
            receipt = erasures.covering_names(names, datetime.fromtimestamp(at_us / 1e6, UTC))
            if receipt is not None:
                gone.append(place)
                yield receipt
        where = " AND ".join(f"{column} = ?" for column in columns)
        connection.executemany(f"DELETE FROM {table} WHERE {where}", gone)  # noqa: S608 - names of ours


def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """The file in one transaction; nothing where no stream has run."""
    if not path.exists():
        return
    with contextlib.closing(sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
