"""The warehouse that the settings name: a batch of rows and the offsets behind it, in one transaction."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import duckdb
import psycopg

from orchestration.warehouse.loading import Execute, Loaded, OffsetsMovedError, WarehouseDownError
from orchestration.warehouse.rows import Batch
from orchestration.warehouse.store_duckdb import DuckWarehouse
from orchestration.warehouse.store_postgres import PostgresWarehouse
from setwise.settings import Settings

__all__ = [
    "DuckWarehouse", "Execute", "Loaded", "OffsetsMovedError", "PostgresWarehouse", "Warehouse", "WarehouseDownError",
    "build_warehouse", "opened_warehouse",
]  # fmt: skip
FILE = "warehouse.duckdb"
NOT_THERE = (
    duckdb.CatalogException, duckdb.BinderException, psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn,
)  # fmt: skip
"""What a database says of marts that were never made, or by an older version."""


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

    def changing(self) -> AbstractContextManager[Execute]:
        """A transaction that nobody loads beside. Raises WarehouseDownError."""
        ...

    def rewrite(self) -> None:
        """Leaves no byte of removed rows in a file of ours. Raises WarehouseDownError."""
        ...

    def close(self) -> None: ...


def build_warehouse(settings: Settings) -> Warehouse:
    """The one that the settings name."""
    if settings.warehouse.backend == "postgres":
        return PostgresWarehouse(settings.warehouse.postgres_url)
    return DuckWarehouse(Path(settings.storage.data_dir).absolute() / FILE)


@contextmanager
def opened_warehouse(settings: Settings) -> Iterator[Warehouse]:
    """The same with its tables in the newest form, closed in the end. Raises WarehouseDownError, also where marts are
    asked that are still of an earlier version."""
    warehouse = build_warehouse(settings)
    try:
        warehouse.migrate()
        yield warehouse
    except NOT_THERE as error:
        raise WarehouseDownError("marts of an earlier version; `python -m orchestration.marts` makes them") from error
    finally:
        warehouse.close()
