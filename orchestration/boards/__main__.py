"""python -m orchestration.boards: the boards page from the marts that are there, into boards/ of the data folder."""

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from orchestration.boards.page import write
from orchestration.boards.reports import BOARDS_FOLDER
from orchestration.warehouse.stores import NOT_THERE, WarehouseDownError, build_warehouse
from setwise.command_settings import command_settings


def main() -> int:
    """Prints where the page is; errors are one sentence."""
    argparse.ArgumentParser(prog="python -m orchestration.boards", description=__doc__).parse_args()
    settings = command_settings(os.environ)
    warehouse = build_warehouse(settings)
    try:
        print(write(warehouse, Path(settings.storage.data_dir).absolute() / BOARDS_FOLDER, datetime.now(UTC)))
    except NOT_THERE:
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
