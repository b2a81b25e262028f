"""SQLite files that several processes of one machine write, through SQLAlchemy."""

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, MetaData, create_engine, event

_BUSY_S = 5


def open_local_store(path: Path, tables: MetaData, *, is_durable: bool) -> Engine:
    """Creates folder, file and tables where they are missing. `is_durable` = a commit survives a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{path.absolute()}", connect_args={"timeout": _BUSY_S})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _: object) -> None:
        # Write-ahead: readers never wait for a writer.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {'FULL' if is_durable else 'NORMAL'}")

    tables.create_all(engine)
    return engine
