"""The two warehouses: a batch of rows and the offsets behind it, in one transaction."""

import contextlib
import io
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import duckdb
import msgspec
import psycopg
import pyarrow as pa
from alembic import command
from alembic.config import Config

from orchestration.warehouse.rows import Batch
from orchestration.warehouse.tables import COLUMNS, SCHEMA
from setwise.erasures import pseudonym_marks
from setwise.settings import Settings

FILE = "warehouse.duckdb"
PATIENCE_S = 60.0
"""Longest wait for the one process that may write a DuckDB file."""
MIGRATIONS = Path(__file__).parent / "migrations"
NAMES = ", ".join(f'"{name}"' for name, _, _ in COLUMNS)
LETTERS = '"topic", "partition", "offset", "reason", "received_at", "event"'
ANY_ERASURE = f"SELECT 1 FROM {SCHEMA}.erasures LIMIT 1"
OPENING_S = 0.25
_MOMENT = pa.timestamp("us")
_ARROW = {"time": _MOMENT, "received_at": _MOMENT, "loaded_at": _MOMENT, "partition": pa.int32(), "offset": pa.int64()}


class WarehouseDownError(Exception):
    """The warehouse did not take a batch; the text has no address in it."""


class Loaded(msgspec.Struct, frozen=True):
    """What became of a batch: new rows, rows that were there already, dead letters."""

    inserted: int
    known: int
    dead: int


class OffsetsMovedError(Exception):
    """Another loader was quicker: read on from what the warehouse says."""


Execute = Callable[..., list[tuple[Any, ...]]]
"""Statement and parameters, `?` for each; the rows that it gives back."""


class Warehouse(Protocol):
    """Raw tables that each record is in once, however often it is loaded, and nobody who was forgotten."""

    hashed: str
    """SHA-256 of a text in hexadecimal, as an expression of SQL with {} for the text."""
    without: str
    """The column `data` without its field {}."""

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

    def rows(self, statement: str, parameters: list[object] | None = None) -> list[tuple[Any, ...]]:
        """What a question finds, `?` for each parameter. Raises WarehouseDownError."""
        ...

    def changing(self) -> AbstractContextManager[Execute]:
        """A transaction that nobody loads beside. Raises WarehouseDownError."""
        ...

    def rewrite(self) -> None:
        """Leaves no byte of removed rows in a file of ours. Raises WarehouseDownError."""
        ...

    def close(self) -> None: ...


class DuckWarehouse:
    """A file that is open only as long as a batch takes, so that dbt and analysts come in between."""

    hashed = "sha256({})"
    without = "json_merge_patch(data, '{{\"{}\": null}}')"

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
                connection.register("batch", _table(batch))
                wanted = _wanted(self.hashed, connection.execute(ANY_ERASURE).fetchall())
                done = connection.execute(
                    f"INSERT INTO {SCHEMA}.{batch.topic} ({NAMES}) SELECT {NAMES} FROM batch {wanted} "
                    "ON CONFLICT DO NOTHING"
                ).fetchone()
                inserted = int(done[0]) if done else 0
            letters = _letters(batch, lambda statement, said: connection.execute(statement, said).fetchall())
            if letters:
                connection.executemany(
                    f"INSERT INTO {SCHEMA}.dead_letters ({LETTERS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    letters,
                )
            if since is not None:
                connection.executemany(
                    f"INSERT INTO {SCHEMA}.offsets VALUES (?, ?, ?) "
                    'ON CONFLICT (topic, "partition") DO UPDATE SET next_offset = EXCLUDED.next_offset',
                    [(batch.topic, partition, end) for partition, end in batch.ends.items()],
                )
            connection.commit()
        return Loaded(inserted, batch.count - inserted - len(batch.letters), len(batch.letters))

    def rows(self, statement: str, parameters: list[object] | None = None) -> list[tuple[Any, ...]]:
        """Waits for whoever writes."""
        with self._opened() as connection:
            return connection.execute(statement, parameters or []).fetchall()

    @contextlib.contextmanager
    def changing(self) -> Iterator[Execute]:
        """The file is nobody else's meanwhile."""
        with self._opened() as connection:
            connection.begin()
            yield lambda statement, parameters=None: connection.execute(statement, parameters or []).fetchall()
            connection.commit()

    def rewrite(self) -> None:
        """A new file with the same tables takes its place: DuckDB does not overwrite what it removes."""
        new = self.path.with_name(f"{self.path.name}.new")
        for left in (new, new.with_name(f"{new.name}.wal")):
            left.unlink(missing_ok=True)
        with self._opened() as connection:
            connection.execute("CHECKPOINT")
            connection.execute(f"ATTACH '{str(new).replace(chr(39), chr(39) * 2)}' AS new")
            connection.execute(f'COPY FROM DATABASE "{self.path.stem}" TO new')
            connection.execute("DETACH new")
            new.replace(self.path)
            # Who opened the old file a moment ago finds it locked, and looks again.
            time.sleep(OPENING_S)

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

    hashed = "encode(sha256(convert_to({}, 'UTF8')), 'hex')"
    without = "(data::jsonb - '{}')::json"

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
            # An erasure waits for the batch, and the next batch for the erasure.
            cursor.execute(f"LOCK TABLE {SCHEMA}.erasures IN SHARE MODE")
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
                wanted = _wanted(self.hashed, cursor.execute(ANY_ERASURE).fetchall())
                statement = f"INSERT INTO {SCHEMA}.{batch.topic} ({NAMES}) SELECT {NAMES} FROM batch {wanted} "
                inserted = cursor.execute((statement + "ON CONFLICT DO NOTHING").encode()).rowcount
            letters = _letters(
                batch, lambda statement, said: cursor.execute(statement.replace("?", "%s").encode(), said).fetchall()
            )
            if letters:
                cursor.executemany(
                    f"INSERT INTO {SCHEMA}.dead_letters ({LETTERS}) VALUES (%s, %s, %s, %s, %s, %s) "
                    "ON CONFLICT DO NOTHING",
                    letters,
                )
            if since is not None:
                cursor.executemany(
                    f"INSERT INTO {SCHEMA}.offsets VALUES (%s, %s, %s) "
                    'ON CONFLICT (topic, "partition") DO UPDATE SET next_offset = EXCLUDED.next_offset',
                    [(batch.topic, partition, end) for partition, end in batch.ends.items()],
                )
        return Loaded(inserted, batch.count - inserted - len(batch.letters), len(batch.letters))

    def rows(self, statement: str, parameters: list[object] | None = None) -> list[tuple[Any, ...]]:
        """In a transaction of its own."""
        with self._asked() as connection:
            return connection.execute(statement.replace("?", "%s").encode(), parameters).fetchall()

    @contextlib.contextmanager
    def changing(self) -> Iterator[Execute]:
        """By the lock that a batch takes too."""
        with self._asked() as connection:

            def execute(statement: str, parameters: list[object] | None = None) -> list[tuple[Any, ...]]:
                done = connection.execute(statement.replace("?", "%s").encode(), parameters)
                return done.fetchall() if done.description else []

            execute(f"LOCK TABLE {SCHEMA}.erasures IN EXCLUSIVE MODE")
            yield execute

    @contextlib.contextmanager
    def copying(self) -> Iterator["psycopg.Cursor[tuple[Any, ...]]"]:
        """A cursor for COPY, in one transaction that sees all tables as of one moment."""
        with self._asked() as connection, connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield cursor

    def rewrite(self) -> None:
        """The server's files are its own: it uses the place of removed rows again."""

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


def _wanted(hashed: str, found: list[tuple[Any, ...]]) -> str:
    """The condition that leaves out who was forgotten; none where nobody was."""
    if not found:
        return ""
    one = (
        "NOT EXISTS (SELECT 1 FROM {schema}.erasures AS gone WHERE gone.mark = {mark} "
        'AND least(batch."time", batch.received_at) <= gone.until)'
    )
    fields = (hashed.format(f"batch.data ->> '{field}'") for field in ("user", "visitor"))
    return "WHERE " + " AND ".join(one.format(schema=SCHEMA, mark=mark) for mark in fields)


def _letters(batch: Batch, execute: Execute) -> list[tuple[object, ...]]:
    """The dead letters that name nobody who was forgotten."""
    named = [pseudonym_marks(str(letter[5]).encode("utf-8", "replace")) for letter in batch.letters]
    marks = sorted(set().union(*named))
    if not marks:
        return batch.letters
    holders = ", ".join("?" * len(marks))
    found = dict(execute(f"SELECT mark, until FROM {SCHEMA}.erasures WHERE mark IN ({holders})", marks))
    return [
        letter
        for letter, theirs in zip(batch.letters, named, strict=True)
        if not any(mark in found and letter[4] <= found[mark] for mark in theirs)
    ]


def _table(batch: Batch) -> pa.Table:
    columns = list(zip(*batch.rows, strict=True))
    names = [name for name, _, _ in COLUMNS]
    return pa.table(
        {
            name: pa.array(values, type=_ARROW.get(name, pa.string()))
            for name, values in zip(names, columns, strict=True)
        }
    )


def _one(connection: duckdb.DuckDBPyConnection, statement: str) -> str:
    found = connection.execute(statement).fetchone()
    return "base" if found is None else str(found[0])


def _config(url: str, output: io.StringIO | None = None) -> Config:
    config = Config(output_buffer=output) if output is not None else Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config
