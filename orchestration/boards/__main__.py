"""python -m orchestration.boards: the boards page from the marts that are there, into boards/ of the data folder."""

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import psycopg

from orchestration.boards.page import write
from orchestration.warehouse.stores import WarehouseDownError, build_warehouse
from setwise.settings import Settings, SettingsError


def main() -> int:
    """Prints where the page is; errors are one sentence."""
    argparse.ArgumentParser(prog="python -m orchestration.boards", description=__doc__).parse_args()
    try:
        settings = Settings.from_env(os.environ)
    except SettingsError as error:
        print(f"setwise: {error}", file=sys.stderr)
        return 2
    warehouse = build_warehouse(settings)
    try:
        print(write(warehouse, Path(settings.storage.data_dir).absolute() / "boards", datetime.now(UTC)))
    except (duckdb.CatalogException, psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
        print("setwise: the marts are not there yet; run `python -m orchestration.marts` first", file=sys.stderr)
        return 1
    except WarehouseDownError as error:
        print(f"setwise: no answer from the warehouse ({error}); look at it, try again", file=sys.stderr)
        return 1
    finally:
        warehouse.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
