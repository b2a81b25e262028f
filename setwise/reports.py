"""What of the marts is handed to the operator's pages: one file, replaced after each run of dbt."""

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from setwise.whole_file import write_whole

REPORTS_FILE = "reports/marts.json"
"""Below the data folder."""


class Report(msgspec.Struct, frozen=True):
    """One statement's rows: money in minor units of the currency beside it, days and times as RFC 3339 texts."""

    name: str
    title: str
    text: str
    columns: list[str]
    rows: list[list[Any]]


class Reports(msgspec.Struct, frozen=True):
    """`built_at` = when the marts were made, `newest_at` = the time of the newest answer or event in them."""

    made_at: datetime
    built_at: datetime | None
    newest_at: datetime | None
    reports: list[Report]


_encode, _decode = msgspec.json.Encoder().encode, msgspec.json.Decoder(Reports).decode


def write_reports(data_dir: Path, reports: Reports) -> Path:
    """Where it was written."""
    path = data_dir / REPORTS_FILE
    write_whole(path, _encode(reports))
    return path


def read_reports(data_dir: Path) -> Reports | None:
    """None before the first run of dbt, and where another version wrote it: the next run replaces it."""
    try:
        return _decode((data_dir / REPORTS_FILE).read_bytes())
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
