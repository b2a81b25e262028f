"""Dagster's records of a run in SQLite, for builds by command: the same files, with one connection to each."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from sqlalchemy import Connection, Engine, StaticPool, create_engine


class KeptEventLog(SqliteEventLogStorage):
    """Dagster opens and closes the file for each of some 700 records of a build, which writes them through to the disk
    twice each time; what a power cut takes of them is seen nowhere but in Dagster's pages."""

    def __init__(self, base_dir: str, inst_data: object = None) -> None:
        self._kept: dict[str, Engine] = {}
        super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: object, config_value: Mapping[str, str]) -> "KeptEventLog":
        """As Dagster makes what its settings name."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            if shard not in self._kept:
                waiting = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False}
                engine = create_engine(self.conn_string_for_shard(shard), poolclass=StaticPool, connect_args=waiting)
                self._initdb(engine)
                with engine.connect() as connection:
                    connection.exec_driver_sql("PRAGMA synchronous = NORMAL")
                self._kept[shard] = engine
            with self._kept[shard].connect() as connection, connection.begin():
                yield connection

    def dispose(self) -> None:
        """Closes the files."""
        for engine in self._kept.values():
            engine.dispose()
        self._kept.clear()
        super().dispose()
