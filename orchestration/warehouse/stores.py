"""The two warehouses: a batch of rows and the offsets behind it, in one transaction."""

import contextlib
import io
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import duckdb
import msgspec
import psycopg
import pyarrow as pa
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from orchestration.warehouse.rows import Batch, naive
from orchestration.warehouse.tables import COLUMNS, EVENTS, METADATA, SCHEMA
from setwise.settings import Settings

FILE = "warehouse.duckdb"
PATIENCE_S = 60.0
"""Longest wait for the one process that may write a DuckDB file."""
MIGRATIONS = Path(__file__).parent / "migrations"
NAMES = ", ".join(f'"{name}"' for name, _, _ in COLUMNS)
LETTERS = '"topic", "partition", "offset", "reason", "received_at", "event"'
AT_ONCE = 50_000
"""Rows that one statement writes of a table that is replaced."""
BUILT = (
    f"INSERT INTO {SCHEMA}.builds VALUES (?, ?, ?, ?) ON CONFLICT (table_name) DO UPDATE SET "
    "key = EXCLUDED.key, row_count = EXCLUDED.row_count, loaded_at = EXCLUDED.loaded_at"
)
_ARROW: dict[type[sa.types.TypeEngine], pa.DataType] = {
    sa.DateTime: pa.timestamp("us"), sa.Integer: pa.int32(), sa.BigInteger: pa.int64(), sa.Boolean: pa.bool_(),
}  # fmt: skip


class WarehouseDownError(Exception):
    """The warehouse did not take a batch; the text has no address in it."""


class Loaded(msgspec.Struct, frozen=True):
    """What became of a batch: new rows, rows that were there already, dead letters."""

    inserted: int
    known: int
    dead: int


class OffsetsMovedError(Exception):
    """Another loader was quicker: read on from what the warehouse says."""


class Warehouse(Protocol):
    """Raw tables that each record is in once, however often it is loaded."""

    def migrate(self) -> None:
        """Brings the tables to the newest form. Raises WarehouseDownError."""
        ...

    def offsets(self, topic: str) -> dict[int, int]:
        """The next offset of each partition. Raises WarehouseDownError."""
        ...

    def load(self, batch: Batch, since: dict[int, int] | None) -> Loaded:
        """Rows, dead letters and offsets together, or nothing. `since` = the offsets that the batch was read from;
        None leaves them alone. Raises OffsetsMovedError and WarehouseDownError."""
        ...

    def replace(self, table: str, rows: Iterable[tuple[object, ...]], key: str) -> int:
        """These rows in the place of all that the table had, and `key` into builds; how many. Raises
        WarehouseDownError."""
        ...

    def rows(self, statement: str, parameters: list[object] | None = None) -> list[tuple[Any, ...]]:
        """What a question finds, `?` for each parameter. Raises WarehouseDownError."""
        ...

    def table(self, statement: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """The same with the names of the columns before it. Raises WarehouseDownError."""
        ...

    def close(self) -> None: ...


class DuckWarehouse:
    """A file that is open only as long as a batch takes, so that dbt and analysts come in between."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def migrate(self) -> None:
        """Executes alembic's statements: there is no dialect for alembic itself."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._opened() as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            there = "SELECT 1 FROM duckdb_tables() WHERE schema_name = ? AND table_name = 'alembic_version'"
            is_new = not connection.execute(there, [SCHEMA]).fetchall()
            version = "base" if is_new else _one(connection, f"SELECT version_num FROM {SCHEMA}.alembic_version")
            written = io.StringIO()
            config = _config("postgresql://", written)
            command.upgrade(config, f"{version}:head", sql=True)
            connection.execute(written.getvalue())

    def offsets(self, topic: str) -> dict[int, int]:
        """Of one topic."""
        found = self.rows(f'SELECT "partition", next_offset FROM {SCHEMA}.offsets WHERE topic = ?', [topic])
        return dict(found)  # type: ignore[arg-type]

    def load(self, batch: Batch, since: dict[int, int] | None) -> Loaded:
        """By Arrow: a statement for each row takes a hundred times as long."""
        with self._opened() as connection:
            connection.begin()
            if since is not None:
                found = connection.execute(
                    f'SELECT "partition", next_offset FROM {SCHEMA}.offsets WHERE topic = ?', [batch.topic]
                ).fetchall()
                _refuse_moved(dict(found), since, batch)
            inserted = 0
            if batch.rows:
                connection.register("batch", _arrow(EVENTS[batch.topic], batch.rows))
                done = connection.execute(
                    f"INSERT INTO {SCHEMA}.{batch.topic} ({NAMES}) SELECT {NAMES} FROM batch ON CONFLICT DO NOTHING"
                ).fetchone()
                inserted = int(done[0]) if done else 0
            if batch.letters:
                connection.executemany(
                    f"INSERT INTO {SCHEMA}.dead_letters ({LETTERS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    batch.letters,
                )
            if since is not None:
                connection.executemany(
                    f"INSERT INTO {SCHEMA}.offsets VALUES (?, ?, ?) "
                    'ON CONFLICT (topic, "partition") DO UPDATE SET next_offset = EXCLUDED.next_offset',
                    [(batch.topic, partition, end) for partition, end in batch.ends.items()],
                )
            connection.commit()
        return Loaded(inserted, batch.count - inserted - len(batch.letters), len(batch.letters))

    def replace(self, table: str, rows: Iterable[tuple[object, ...]], key: str) -> int:
        """By Arrow, part after part."""
        count, left = 0, iter(rows)
        with self._opened() as connection:
            connection.begin()
            connection.execute(f"DELETE FROM {SCHEMA}.{table}")
            while part := list(islice(left, AT_ONCE)):
                connection.register("part", _arrow(METADATA.tables[f"{SCHEMA}.{table}"], part))
                connection.execute(f"INSERT INTO {SCHEMA}.{table} SELECT * FROM part")
                connection.unregister("part")
                count += len(part)
            connection.execute(BUILT, [table, key, count, naive(datetime.now(UTC))])
            connection.commit()
        return count

    def rows(self, statement: str, parameters: list[object] | None = None) -> list[tuple[Any, ...]]:
        """Waits for whoever writes."""
        with self._opened() as connection:
            return connection.execute(statement, parameters or []).fetchall()

    def table(self, statement: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Waits for whoever writes."""
        with self._opened() as connection:
            done = connection.execute(statement)
            return [name for name, *_ in done.description or ()], done.fetchall()

    def close(self) -> None:
        """Nothing is open."""

    @contextlib.contextmanager
    def _opened(self) -> Iterator[duckdb.DuckDBPyConnection]:
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                connection = duckdb.connect(str(self.path))
                break
            except (duckdb.IOException, duckdb.BinderException) as error:  # another process, or another thread, has it
                if time.monotonic() > until:
                    raise WarehouseDownError("another process keeps the file open") from error
                time.sleep(0.05)
        try:
            connection.execute("SET TimeZone = 'UTC'")
            yield connection
        finally:
            connection.close()


class PostgresWarehouse:
    """One connection, opened again where it was lost."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None

    def migrate(self) -> None:
        """With alembic's own table in the schema of the raw tables: Dagster may share the database."""
        with self._asked() as connection:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        command.upgrade(_config(self.url), "head")

    def offsets(self, topic: str) -> dict[int, int]:
        """Of one topic."""
        return dict(self.rows(f'SELECT "partition", next_offset FROM {SCHEMA}.offsets WHERE topic = ?', [topic]))  # type: ignore[arg-type]

    def load(self, batch: Batch, since: dict[int, int] | None) -> Loaded:
        """By COPY into a table that ends with the transaction, and from there."""
        with self._asked() as connection, connection.cursor() as cursor:
            if since is not None:
                found = cursor.execute(
                    f'SELECT "partition", next_offset FROM {SCHEMA}.offsets WHERE topic = %s FOR UPDATE', [batch.topic]
                ).fetchall()
                _refuse_moved(dict(found), since, batch)
            inserted = 0
            if batch.rows:
                cursor.execute(f"CREATE TEMP TABLE batch (LIKE {SCHEMA}.{batch.topic}) ON COMMIT DROP")
                with cursor.copy(f"COPY batch ({NAMES}) FROM STDIN") as copy:
                    for row in batch.rows:
                        copy.write_row(row)
                inserted = cursor.execute(
                    f"INSERT INTO {SCHEMA}.{batch.topic} ({NAMES}) SELECT {NAMES} FROM batch ON CONFLICT DO NOTHING"
                ).rowcount
            if batch.letters:
                cursor.executemany(
                    f"INSERT INTO {SCHEMA}.dead_letters ({LETTERS}) VALUES (%s, %s, %s, %s, %s, %s) "
                    "ON CONFLICT DO NOTHING",
                    batch.letters,
                )
            if since is not None:
                cursor.executemany(
                    f"INSERT INTO {SCHEMA}.offsets VALUES (%s, %s, %s) "
                    'ON CONFLICT (topic, "partition") DO UPDATE SET next_offset = EXCLUDED.next_offset',
                    [(batch.topic, partition, end) for partition, end in batch.ends.items()],
                )
        return Loaded(inserted, batch.count - inserted - len(batch.letters), len(batch.letters))

    def replace(self, table: str, rows: Iterable[tuple[object, ...]], key: str) -> int:
        """By COPY; readers see the old rows until the last one is in."""
        count = 0
        with self._asked() as connection, connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {SCHEMA}.{table}")
            with cursor.copy(f"COPY {SCHEMA}.{table} FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
                    count += 1
            cursor.execute(f"ANALYZE {SCHEMA}.{table}")
            cursor.execute(BUILT.replace("?", "%s"), [table, key, count, naive(datetime.now(UTC))])
        return count

    def rows(self, statement: str, parameters: list[object] | None = None) -> list[tuple[Any, ...]]:
        """In a transaction of its own."""
        with self._asked() as connection:
            return connection.execute(statement.replace("?", "%s").encode(), parameters).fetchall()

    def table(self, statement: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """In a transaction of its own."""
        with self._asked() as connection:
            done = connection.execute(statement.encode())
            return [column.name for column in done.description or ()], done.fetchall()

    def close(self) -> None:
        """Ends the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextlib.contextmanager
    def _asked(self) -> Iterator["psycopg.Connection[tuple[Any, ...]]"]:
        try:
            if self._connection is None or self._connection.closed:
                self._connection = psycopg.connect(self.url, connect_timeout=5, options="-c timezone=UTC")
            with self._connection.transaction():
                yield self._connection
        except psycopg.OperationalError as error:
            self.close()
            raise WarehouseDownError(type(error).__name__) from error


def build_warehouse(settings: Settings) -> Warehouse:
    """The one that the settings name."""
    if settings.warehouse.backend == "postgres":
        return PostgresWarehouse(settings.warehouse.postgres_url)
    return DuckWarehouse(Path(settings.storage.data_dir).absolute() / FILE)


def _refuse_moved(found: dict[int, int], since: dict[int, int], batch: Batch) -> None:
    if any(found.get(partition, 0) != since.get(partition, 0) for partition in batch.ends):
        raise OffsetsMovedError


def _arrow(table: sa.Table, rows: Sequence[tuple[object, ...]]) -> pa.Table:
    columns = zip(table.columns, zip(*rows, strict=True), strict=True)
    return pa.table(
        {column.name: pa.array(values, type=_ARROW.get(type(column.type), pa.string())) for column, values in columns}
    )


def _one(connection: duckdb.DuckDBPyConnection, statement: str) -> str:
    found = connection.execute(statement).fetchone()
    return "base" if found is None else str(found[0])


def _config(url: str, output: io.StringIO | None = None) -> Config:
    config = Config(output_buffer=output) if output is not None else Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config
