"""The page and its CSV files, whole or not at all. What shoppers typed is text in both, never markup or a formula."""

import base64
import csv
import hashlib
import io
import shutil
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader

from orchestration.boards.content import Board, Rows, asked, boards, found
from orchestration.boards.plots import in_units, svg
from orchestration.warehouse.stores import Warehouse
from setwise.money import digits_of, is_currency

SHOWN = 20
"""Rows of a table on the page; all of them are in its CSV file."""
FRESHNESS = "SELECT table_name, row_count, newest_at, built_at FROM marts.rpt_freshness ORDER BY table_name"
HERE = Path(__file__).parent


class Section(msgspec.Struct, frozen=True):
    """A board as the template sees it: texts only."""

    board: Board
    columns: list[tuple[str, str]]
    """Name, and its class of style: number, when or text."""
    cells: list[list[str]]
    count: int
    picture: str


def write(warehouse: Warehouse, folder: Path, now: datetime) -> Path:
    """index.html and csv/ in that folder. Raises WarehouseDownError."""
    drawn, answered = ([(board, found(warehouse, board)) for board in kind] for kind in (boards(), asked()))
    fresh = warehouse.rows(FRESHNESS)
    style = (HERE / "page.css").read_text()
    environment = Environment(loader=FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    text = environment.get_template("page.html").render(
        style=style,
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        boards=[_section(*one) for one in drawn],
        questions=[_section(*one) for one in answered],
        fresh=[(name, f"{rows:,}", _said("", newest, "")) for name, rows, newest, _ in fresh],
        built_at=_said("", max((row[3] for row in fresh), default=None), ""),
        made_at=_said("", now.astimezone(UTC), ""),
        shown=SHOWN,
    )
    beside = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(beside, ignore_errors=True)
    (beside / "csv").mkdir(parents=True)
    for board, rows in (*drawn, *answered):
        (beside / "csv" / f"{board.name}.csv").write_text(csv_of(rows), newline="")
    (beside / "index.html").write_text(text)
    shutil.rmtree(folder, ignore_errors=True)
    beside.rename(folder)
    return folder / "index.html"


def csv_of(rows: Rows) -> str:
    """Money in minor units as in the tables; a text that a spreadsheet would execute has an apostrophe before it."""
    written = io.StringIO()
    lines = csv.writer(written)
    lines.writerow(rows.columns)
    lines.writerows([_harmless(value) for value in row] for row in rows.rows)
    return written.getvalue()


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _section(board: Board, rows: Rows) -> Section:
    chart = board.chart
    picture = base64.b64encode(svg(chart, rows)).decode() if chart and rows.rows else ""
    currencies = rows.column("currency") if "currency" in rows.columns else [""] * len(rows.rows)
    cells = [
        [_said(name, value, currency) for name, value in zip(rows.columns, row, strict=True)]
        for row, currency in zip(rows.rows[:SHOWN], currencies, strict=False)
    ]
    columns = [(_title(name, rows), _class(rows.column(name))) for name in rows.columns]
    return Section(board, columns, cells, len(rows.rows), picture)


def _title(column: str, rows: Rows) -> str:
    """Money whose currency stands beside it is shown in whole units."""
    return (column.removesuffix("_cents") if "currency" in rows.columns else column).replace("_", " ")


def _class(values: list[Any]) -> str:
    kinds = {type(value) for value in values if value is not None}
    if kinds and kinds <= {int, float, Decimal}:
        return "number"
    return "when" if kinds and kinds <= {date, datetime} else "text"


def _said(column: str, value: Any, currency: str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, int | float | Decimal):
        return _number(column, value, currency)
    return "\u2013" if value is None else str(value)


def _number(column: str, value: float | Decimal, currency: str) -> str:
    if column.endswith(("_share", "_rate")):
        return f"{value:.1%}"
    if column.endswith("_cents") and is_currency(currency):
        return f"{in_units(column, value, currency):,.{digits_of(currency)}f} {currency}"
    if value == int(value):
        return f"{value:,.0f}"
    return f"{value:,.4g}" if abs(value) >= 0.001 else f"{value:.6f}"
