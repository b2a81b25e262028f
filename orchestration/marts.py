"""python -m orchestration.marts: dbt's models over the raw tables, on the warehouse that the settings name.

Arguments are dbt's own: build (the default), run, test, docs generate, ..."""

import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from orchestration.analysts import grant_marts
from orchestration.boards.reports import hand_over
from orchestration.project import DBT_PROJECT
from orchestration.warehouse.erasing import remove_since
from orchestration.warehouse.stores import FILE, WarehouseDownError, build_warehouse
from setwise.command_settings import command_settings
from setwise.settings import Settings

WRITING = ("build", "run")
WHERE = ("--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT))
PROGRAM = Path(sys.executable).with_name("dbt")


def dbt_environ(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    """What dbt/profiles.yml reads; the password goes by a name that dbt keeps out of its logs."""
    data_dir = Path(settings.storage.data_dir).absolute()
    found = {
        **environ,
        "SETWISE_WAREHOUSE": settings.warehouse.backend,
        "DBT_SETWISE_FILE": str(data_dir / FILE),
        "DBT_TARGET_PATH": str(data_dir / "dbt-target"),
        "DBT_LOG_PATH": str(data_dir / "dbt-target" / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
    if settings.warehouse.backend == "postgres":
        named = conninfo_to_dict(settings.warehouse.postgres_url)
        found |= {
            "DBT_SETWISE_HOST": str(named.get("host") or "127.0.0.1"),
            "DBT_SETWISE_PORT": str(named.get("port") or 5432),
            "DBT_SETWISE_USER": str(named.get("user") or ""),
            "DBT_SETWISE_DATABASE": str(named.get("dbname") or ""),
            "DBT_ENV_SECRET_SETWISE_PASSWORD": str(named.get("password") or ""),
        }
    return found


def dbt(settings: Settings, environ: Mapping[str, str], *arguments: str) -> int:
    """dbt's exit status."""
    command = [str(PROGRAM), *arguments, *WHERE]
    return subprocess.run(command, env=dbt_environ(settings, environ), check=False).returncode


def build(settings: Settings, environ: Mapping[str, str], *arguments: str) -> int:
    """The same, and what has to follow it. Raises WarehouseDownError."""
    began, status = datetime.now(UTC), dbt(settings, environ, *arguments)
    if arguments[0] in WRITING:
        after_dbt(settings, began)
    return status


def after_dbt(settings: Settings, began: datetime) -> None:
    """What has to follow each build: whoever was forgotten meanwhile is in no mart, analysts may read all of them, and
    the operator's pages show them. Raises WarehouseDownError."""
    warehouse = build_warehouse(settings)
    try:
        warehouse.migrate()
        remove_since(warehouse, began)
        grant_marts(settings.warehouse)
        hand_over(warehouse, Path(settings.storage.data_dir).absolute())
    finally:
        warehouse.close()


def main() -> int:
    """dbt's exit status; 2 for settings that do not fit."""
    arguments = sys.argv[1:] or ["build"]
    if arguments[0] in ("-h", "--help"):
        print(__doc__)
        return 0
    settings = command_settings(os.environ)
    try:
        return build(settings, os.environ, *arguments)
    except WarehouseDownError as error:
        print(f"setwise: the warehouse does not answer ({error}); look at it, try again", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
