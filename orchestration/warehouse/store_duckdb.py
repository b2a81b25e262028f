"""The warehouse in one DuckDB file."""

import contextlib
import io
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import sqlalchemy as sa
from alembic import command

from orchestration.warehouse.loading import (
    ANY_ERASURE,
    BUILT,
    LETTERS,
    NAMES,
    Execute,
    Loaded,
    WarehouseDownError,
    config,
    letters,
    refuse_moved,
    wanted,
)
from orchestration.warehouse.rows import Batch, naive
from orchestration.warehouse.tables import EVENTS, METADATA, SCHEMA

PATIENCE_S = 60.0
"""Longest wait for the one process that may write the file."""
OPENING_S = 0.25
AT_ONCE = 50_000
"""Rows that one statement writes of a table that is replaced."""
_ARROW: dict[type[sa.types.TypeEngine], pa.DataType] = {
    sa.DateTime: pa.timestamp("us"), sa.Integer: pa.int32(), sa.BigInteger: pa.int64(), sa.Boolean: pa.bool_(),
}  # fmt: skip


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
            command.upgrade(config("postgresql://", written), f"{version}:head", sql=True)
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
                refuse_moved(dict(found), since, batch)
            inserted = 0
            if batch.rows:
                connection.register("batch", _arrow(EVENTS[batch.topic], batch.rows))
                among = wanted(self.hashed, connection.execute(ANY_ERASURE).fetchall())
                done = connection.execute(
                    f"INSERT INTO {SCHEMA}.{batch.topic} ({NAMES}) SELECT {NAMES} FROM batch {among} "
                    "ON CONFLICT DO NOTHING"
                ).fetchone()
                inserted = int(done[0]) if done else 0
            named = letters(batch, lambda statement, said: connection.execute(statement, said).fetchall())
            if named:
                connection.executemany(
                    f"INSERT INTO {SCHEMA}.dead_letters ({LETTERS}) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    named,
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


def _arrow(table: sa.Table, rows: Sequence[tuple[object, ...]]) -> pa.Table:
    columns = zip(table.columns, zip(*rows, strict=True), strict=True)
    return pa.table(
        {column.name: pa.array(values, type=_ARROW.get(type(column.type), pa.string())) for column, values in columns}
    )


def _one(connection: duckdb.DuckDBPyConnection, statement: str) -> str:
    found = connection.execute(statement).fetchone()
    return "base" if found is None else str(found[0])
