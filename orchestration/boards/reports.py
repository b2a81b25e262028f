"""What do the operator's pages get of the marts? The statements of dbt/reports.yml, run after each run of dbt."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import yaml

from orchestration.boards.content import Board, found
from orchestration.project import DBT_PROJECT
from orchestration.warehouse.stores import NOT_THERE, Warehouse
from setwise.reports import Report, Reports, write_reports

STATEMENTS = DBT_PROJECT / "reports.yml"
FRESHNESS = "SELECT max(built_at), max(newest_at) FROM marts.rpt_freshness"
BOARDS_FOLDER = "boards"
"""In the data folder: the page and its CSV files."""


def statements() -> list[Board]:
    """In the order of the file."""
    return msgspec.convert(yaml.safe_load(STATEMENTS.read_text()), list[Board])


def hand_over(warehouse: Warehouse, data_dir: Path) -> Path | None:
    """Where the file is; None where the marts are not all there. Raises WarehouseDownError."""
    try:
        ((built_at, newest_at),) = warehouse.rows(FRESHNESS)
        reports = [_report(warehouse, one) for one in statements()]
    except NOT_THERE:
        return None
    return write_reports(data_dir, Reports(datetime.now(UTC), _utc(built_at), _utc(newest_at), reports))


def renew(warehouse: Warehouse, data_dir: Path) -> None:
    """After rows or sentences were removed: the reports, and the boards page where one was drawn, have them no more.
    Raises WarehouseDownError."""
    folder = data_dir / BOARDS_FOLDER
    if hand_over(warehouse, data_dir) is not None and folder.is_dir():
        from orchestration.boards.page import write  # a loader that nobody asks to forget loads no matplotlib

        write(warehouse, folder, datetime.now(UTC))


def _report(warehouse: Warehouse, one: Board) -> Report:
    rows = found(warehouse, one)
    return Report(one.name, one.title, one.text, rows.columns, [[_plain(value) for value in row] for row in rows.rows])


def _plain(value: Any) -> Any:
    """Sums are decimals on one warehouse and whole numbers on the other."""
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else float(value)
    if isinstance(value, datetime):
        return _utc(value)
    return value.isoformat() if isinstance(value, date) else value


def _utc(value: datetime | None) -> datetime | None:
    return value if value is None or value.tzinfo else value.replace(tzinfo=UTC)
