"""What both warehouses have in common: a batch's statements, who is left out of it, and the migrations."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from alembic.config import Config

from orchestration.warehouse.rows import Batch
from orchestration.warehouse.tables import COLUMNS, SCHEMA
from setwise.erasures import pseudonym_marks

MIGRATIONS = Path(__file__).parent / "migrations"
NAMES = ", ".join(f'"{name}"' for name, _, _ in COLUMNS)
LETTERS = '"topic", "partition", "offset", "reason", "received_at", "event"'
BUILT = (
    f"INSERT INTO {SCHEMA}.builds VALUES (?, ?, ?, ?) ON CONFLICT (table_name) DO UPDATE SET "
    "key = EXCLUDED.key, row_count = EXCLUDED.row_count, loaded_at = EXCLUDED.loaded_at"
)
ANY_ERASURE = f"SELECT 1 FROM {SCHEMA}.erasures LIMIT 1"


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


def refuse_moved(found: dict[int, int], since: dict[int, int], batch: Batch) -> None:
    if any(found.get(partition, 0) != since.get(partition, 0) for partition in batch.ends):
        raise OffsetsMovedError


def wanted(hashed: str, found: list[tuple[Any, ...]]) -> str:
    """The condition that leaves out who was forgotten; none where nobody was."""
    if not found:
        return ""
    one = (
        "NOT EXISTS (SELECT 1 FROM {schema}.erasures AS gone WHERE gone.mark = {mark} "
        'AND least(batch."time", batch.received_at) <= gone.until)'
    )
    fields = (hashed.format(f"batch.data ->> '{field}'") for field in ("user", "visitor"))
    return "WHERE " + " AND ".join(one.format(schema=SCHEMA, mark=mark) for mark in fields)


def letters(batch: Batch, execute: Execute) -> list[tuple[object, ...]]:
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


def config(url: str, output: io.StringIO | None = None) -> Config:
    config = Config(output_buffer=output) if output is not None else Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config
