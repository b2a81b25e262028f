"""The warehouse in PostgreSQL."""

import contextlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
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
from orchestration.warehouse.tables import COLUMNS, SCHEMA

_COPIED = {sa.Text: "text", sa.DateTime: "timestamp", sa.Integer: "int4", sa.BigInteger: "int8", sa.JSON: "text"}
TYPES = [_COPIED[kind] for _, kind, _ in COLUMNS]
"""For COPY in binary, which takes half of what text does; JSON comes as the text that it is."""


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
        command.upgrade(config(self.url), "head")

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
                refuse_moved(dict(found), since, batch)
            inserted = 0
            if batch.rows:
                cursor.execute(f"CREATE TEMP TABLE batch (LIKE {SCHEMA}.{batch.topic}) ON COMMIT DROP")
                with cursor.copy(f"COPY batch ({NAMES}) FROM STDIN (FORMAT BINARY)") as copy:
                    copy.set_types(TYPES)
                    for row in batch.rows:
                        copy.write_row(row)
                among = wanted(self.hashed, cursor.execute(ANY_ERASURE).fetchall())
                statement = f"INSERT INTO {SCHEMA}.{batch.topic} ({NAMES}) SELECT {NAMES} FROM batch {among} "
                inserted = cursor.execute((statement + "ON CONFLICT DO NOTHING").encode()).rowcount
            named = letters(
                batch, lambda statement, said: cursor.execute(statement.replace("?", "%s").encode(), said).fetchall()
            )
            if named:
                cursor.executemany(
                    f"INSERT INTO {SCHEMA}.dead_letters ({LETTERS}) VALUES (%s, %s, %s, %s, %s, %s) "
                    "ON CONFLICT DO NOTHING",
                    named,
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
            return connection.execute(_for_psycopg(statement, parameters), parameters).fetchall()

    def table(self, statement: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """In a transaction of its own."""
        with self._asked() as connection:
            done = connection.execute(statement.encode())
            return [column.name for column in done.description or ()], done.fetchall()

    @contextlib.contextmanager
    def changing(self) -> Iterator[Execute]:
        """By the lock that a batch takes too."""
        with self._asked() as connection:

            def execute(statement: str, parameters: list[object] | None = None) -> list[tuple[Any, ...]]:
                done = connection.execute(_for_psycopg(statement, parameters), parameters)
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


def _for_psycopg(statement: str, parameters: list[object] | None) -> bytes:
    """`?` in psycopg's words, in which a percent sign of the statement's own is two; without parameters it is read as
    it is."""
    return (statement if parameters is None else statement.replace("%", "%%").replace("?", "%s")).encode()
