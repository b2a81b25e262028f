"""The stores that nothing can make anew, each saved and put back by its own means: SQLite, Redis, log, raw tables."""

import contextlib
import gzip
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import redis

from orchestration.warehouse.sources import Source
from orchestration.warehouse.stores import DuckWarehouse, PostgresWarehouse, Warehouse
from orchestration.warehouse.tables import METADATA, SCHEMA
from setwise.log import Record
from setwise.names import COMPACTED_TOPICS
from setwise.settings import Settings

SAVED = tuple(table.name for table in METADATA.sorted_tables if table.name != "offsets")
"""Offsets are left out: after a restore the loader reads the log from its beginning, which changes no row there is."""
_EVER = (datetime.fromtimestamp(0, UTC), datetime.max.replace(tzinfo=UTC))


class KeptRecord(msgspec.Struct, frozen=True):
    """A record of a compacted topic."""

    topic: str
    key: str
    value: bytes
    headers: dict[str, str]


def save_sqlite(file: Path, to: Path) -> bool:
    """By SQLite's online backup, while others write; False where there is no file."""
    if not file.exists():
        return False
    with contextlib.closing(sqlite3.connect(file)) as source, contextlib.closing(sqlite3.connect(to)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")
    return True


def restore_sqlite(saved: Path, file: Path) -> None:
    """Replaces all that the file holds, in one transaction."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(saved)) as source, contextlib.closing(sqlite3.connect(file)) as target:
        source.backup(target)


def has_rows(file: Path, table: str) -> bool:
    """Whether a table of a SQLite file has any."""
    if not file.exists():
        return False
    with contextlib.closing(sqlite3.connect(file)) as connection, contextlib.suppress(sqlite3.OperationalError):
        return connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is not None
    return False


def save_hash(settings: Settings, key: str, to: Path) -> bool:
    """A hash of Redis; False where it is empty."""
    with contextlib.closing(_redis(settings)) as client:
        found: dict[bytes, bytes] = client.hgetall(key)
    to.write_bytes(msgspec.msgpack.encode(found))
    return bool(found)


def restore_hash(settings: Settings, key: str, saved: Path) -> None:
    """Replaces it."""
    found = msgspec.msgpack.decode(saved.read_bytes(), type=dict[bytes, bytes])
    with contextlib.closing(_redis(settings)) as client, client.pipeline() as pipeline:
        pipeline.delete(key)
        if found:
            pipeline.hset(key, mapping=found)  # type: ignore[arg-type]
        pipeline.execute()


def has_hash(settings: Settings, key: str) -> bool:
    """Whether there is one."""
    with contextlib.closing(_redis(settings)) as client:
        return bool(client.exists(key))


def compacted_records(source: Source) -> Iterator[Record]:
    """Catalogue changes and erasures, as the log has them."""
    for topic in sorted(COMPACTED_TOPICS):
        for records in source.between(topic, *_EVER):
            yield from records


def save_records(source: Source, to: Path) -> int:
    """How many records there were."""
    count = 0
    with gzip.open(to, "wb", 1) as file:
        for one in compacted_records(source):
            file.write(msgspec.json.encode(KeptRecord(one.topic, one.key, one.value, one.headers)) + b"\n")
            count += 1
    return count


def restore_records(source: Source, records: Iterator[KeptRecord]) -> int:
    """Appends what the log has not; readers put together what they read twice."""
    there = {(one.topic, one.value) for one in compacted_records(source)}
    missing = [one for one in records if (one.topic, one.value) not in there]
    for one in missing:
        source.append(one.topic, one.key, one.value, one.headers)
    return len(missing)


def read_records(saved: Path) -> Iterator[KeptRecord]:
    """Those of a file."""
    with gzip.open(saved, "rb") as file:
        for line in file:
            yield msgspec.json.decode(line, type=KeptRecord)


def kept_records(source: Source) -> list[KeptRecord]:
    """Those of the log."""
    return [KeptRecord(one.topic, one.key, one.value, one.headers) for one in compacted_records(source)]


def save_tables(warehouse: Warehouse, folder: Path) -> dict[str, list[str]]:
    """Each raw table as of one moment; its columns. Parquet of DuckDB, COPY's text of PostgreSQL."""
    columns = {name: _columns(warehouse, name) for name in SAVED}
    if isinstance(warehouse, DuckWarehouse):
        with warehouse.changing() as execute:
            for name in SAVED:
                file = str(folder / f"{name}.parquet").replace("'", "''")
                execute(f"COPY (SELECT {_named(columns[name])} FROM {SCHEMA}.{name}) TO '{file}' (FORMAT parquet)")
        return columns
    assert isinstance(warehouse, PostgresWarehouse)
    with warehouse.copying() as cursor:
        for name in SAVED:
            statement = f"COPY {SCHEMA}.{name} ({_named(columns[name])}) TO STDOUT"
            with gzip.open(folder / f"{name}.copy.gz", "wb", 1) as packed, cursor.copy(statement.encode()) as copy:
                for part in copy:
                    packed.write(part)
    return columns


def restore_tables(warehouse: Warehouse, folder: Path, columns: dict[str, list[str]]) -> None:
    """Replaces the rows of all, and forgets how far the log was read, in one transaction."""
    warehouse.migrate()
    if isinstance(warehouse, DuckWarehouse):
        with warehouse.changing() as execute:
            execute(f"DELETE FROM {SCHEMA}.offsets")
            for name, named in columns.items():
                file = str(folder / f"{name}.parquet").replace("'", "''")
                execute(f"DELETE FROM {SCHEMA}.{name}")
                execute(
                    f"INSERT INTO {SCHEMA}.{name} ({_named(named)}) SELECT {_named(named)} FROM read_parquet('{file}')"
                )
        return
    assert isinstance(warehouse, PostgresWarehouse)
    with warehouse.copying() as cursor:
        cursor.execute(f"DELETE FROM {SCHEMA}.offsets".encode())
        for name, named in columns.items():
            cursor.execute(f"DELETE FROM {SCHEMA}.{name}".encode())
            statement = f"COPY {SCHEMA}.{name} ({_named(named)}) FROM STDIN"
            with gzip.open(folder / f"{name}.copy.gz", "rb") as packed, cursor.copy(statement.encode()) as copy:
                shutil.copyfileobj(packed, copy)  # type: ignore[misc]


def has_tables(warehouse: Warehouse) -> bool:
    """Whether any raw table has a row."""
    warehouse.migrate()
    return any(warehouse.rows(f"SELECT 1 FROM {SCHEMA}.{name} LIMIT 1") for name in SAVED)


def _columns(warehouse: Warehouse, table: str) -> list[str]:
    asked = (
        "SELECT column_name FROM information_schema.columns WHERE table_schema = ? AND table_name = ? "
        "ORDER BY ordinal_position"
    )
    return [name for (name,) in warehouse.rows(asked, [SCHEMA, table])]


def _named(columns: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def _redis(settings: Settings) -> Any:
    return redis.Redis.from_url(settings.features.redis_url, protocol=2)
