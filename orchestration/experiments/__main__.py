"""python -m orchestration.experiments: what experiments show, in words, and as reports/experiments.json of the data
folder; with --plan LIFT how long the next one takes."""

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from orchestration.experiments.power import plans
from orchestration.experiments.results import Results, results, write_results
from orchestration.warehouse.stores import NOT_THERE, Warehouse, WarehouseDownError, build_warehouse
from setwise.flags import FlagsError, read_flags
from setwise.names import EXPERIMENTS_FILE
from setwise.settings import Settings, SettingsError


def main() -> int:
    """Prints a sentence for each experiment; errors are one sentence."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.experiments", description=__doc__)
    parser.add_argument(
        "--plan", type=float, metavar="LIFT", help="percent by which the next treatment should be better"
    )
    options = parser.parse_args()
    try:
        settings = Settings.from_env(os.environ)
        warehouse = build_warehouse(settings)
    except SettingsError as error:
        print(f"setwise: {error}", file=sys.stderr)
        return 2
    try:
        if options.plan is not None:
            return _plan(warehouse, options.plan / 100)
        found = make_results(settings, warehouse)
    except NOT_THERE:
        print("setwise: the marts are not there yet; run `python -m orchestration.marts` first", file=sys.stderr)
        return 1
    except WarehouseDownError as error:
        print(f"setwise: no answer from the warehouse ({error}); look at it, try again", file=sys.stderr)
        return 1
    except (FlagsError, OSError) as error:
        print(f"setwise: {settings.flags.file}: {error}", file=sys.stderr)
        return 2
    finally:
        warehouse.close()
    for one in found.experiments:
        print(f"{one.flag}: {one.words}")
    if not found.experiments:
        print("nobody was answered under an experiment")
    return 0


def make_results(settings: Settings, warehouse: Warehouse) -> Results:
    """Computes and writes them. Raises FlagsError, OSError and WarehouseDownError."""
    file = Path(settings.flags.file)
    flags = read_flags(file.read_bytes()).flags if settings.flags.file and file.is_file() else {}
    found = results(warehouse, flags, datetime.now(UTC))
    write_results(found, Path(settings.storage.data_dir).absolute() / EXPERIMENTS_FILE)
    return found


def _plan(warehouse: Warehouse, lift: float) -> int:
    if not 0 < lift < 10:
        print("setwise: --plan takes percent, such as 5", file=sys.stderr)
        return 2
    found = plans(warehouse, lift, datetime.now(UTC))
    print("\n".join(one.words() for one in found) or "nobody who was answered lately has bought anything")
    return 0


if __name__ == "__main__":
    sys.exit(main())
