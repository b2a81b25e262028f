"""What the page shows: boards with a plot, and the ten questions; each a statement and the rows that it found."""

from typing import Any, Literal

import msgspec
import yaml

from orchestration.project import DBT_PROJECT
from orchestration.tables import questions
from orchestration.warehouse.stores import Warehouse

BOARDS = DBT_PROJECT / "boards.yml"


class Chart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Columns `y` over column `x`; `series` = one for each value of that column."""

    kind: Literal["bars", "lines"]
    x: str
    y: list[str]
    series: str = ""


class Board(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One section of the page; `name` is that of its CSV file."""

    name: str
    title: str
    sql: str
    text: str = ""
    chart: Chart | None = None


class Rows(msgspec.Struct, frozen=True):
    """What a statement found."""

    columns: list[str]
    rows: list[tuple[Any, ...]]

    def column(self, name: str) -> list[Any]:
        """Its values, in the order of the rows."""
        at = self.columns.index(name)
        return [row[at] for row in self.rows]


def boards() -> list[Board]:
    """Those that are drawn, in the order of the file."""
    return msgspec.convert(yaml.safe_load(BOARDS.read_text()), list[Board])


def asked() -> list[Board]:
    """The ten questions."""
    return [Board(f"question_{number}", one.question, one.sql) for number, one in enumerate(questions(), 1)]


def found(warehouse: Warehouse, board: Board) -> Rows:
    """Raises WarehouseDownError."""
    columns, rows = warehouse.table(board.sql)
    return Rows(columns, rows)
