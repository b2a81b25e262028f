"""python -m orchestration.retention: sentences of shoppers that are older than SETWISE_WAREHOUSE_PROMPTS_DAYS go.

The rest of their rows stays. The log forgets by itself (SETWISE_LOG_RETENTION_H)."""

import argparse
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from orchestration.boards.reports import renew
from orchestration.warehouse.rows import naive
from orchestration.warehouse.stores import Execute, Warehouse, WarehouseDownError, build_warehouse
from orchestration.warehouse.tables import SCHEMA
from setwise.names import INTERACTIONS_TOPIC, SERVED_TOPIC
from setwise.settings import Settings, SettingsError

SENTENCES = {SERVED_TOPIC: "prompt", INTERACTIONS_TOPIC: "query"}
"""The field of `data` that holds what a shopper wrote."""
MARTS = {"fct_served": ("prompt", "served_at"), "fct_interactions": ("query", "occurred_at")}


class Expired(msgspec.Struct, frozen=True):
    """How many rows lost their sentence, and how many dead letters went."""

    sentences: int
    letters: int


def expire(warehouse: Warehouse, days: int, now: datetime) -> Expired:
    """In one transaction; a second time changes nothing. Raises WarehouseDownError."""
    before = naive(now - timedelta(days=days))
    with warehouse.changing() as execute:
        sentences = 0
        for table, field in SENTENCES.items():
            changed = execute(
                f"UPDATE {SCHEMA}.{table} SET data = {warehouse.without.format(field)} "
                f"WHERE received_at < ? AND coalesce(data ->> '{field}', '') <> '' RETURNING 1",
                [before],
            )
            sentences += len(changed)
        letters = len(execute(f"DELETE FROM {SCHEMA}.dead_letters WHERE received_at < ? RETURNING 1", [before]))
        for mart, (field, moment) in MARTS.items():
            if _is_there(execute, mart):
                execute(f"UPDATE marts.{mart} SET {field} = '' WHERE {moment} < ? AND {field} <> ''", [before])
    if sentences or letters:
        warehouse.rewrite()
    return Expired(sentences, letters)


def expire_by(settings: Settings) -> Expired:
    """As the settings say. Raises WarehouseDownError."""
    warehouse = build_warehouse(settings)
    try:
        warehouse.migrate()
        done = expire(warehouse, settings.warehouse.prompts_days, datetime.now(UTC))
        if done.sentences:
            renew(warehouse, Path(settings.storage.data_dir).absolute())
        return done
    finally:
        warehouse.close()


def _is_there(execute: Execute, mart: str) -> bool:
    asked = "SELECT 1 FROM information_schema.tables WHERE table_schema = 'marts' AND table_name = ?"
    return bool(execute(asked, [mart]))


def main() -> int:
    """0, 1 where the warehouse does not answer, 2 for settings."""
    argparse.ArgumentParser(
        prog="python -m orchestration.retention", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    ).parse_args()  # fmt: skip
    try:
        settings = Settings.from_env(os.environ)
        done = expire_by(settings)
    except SettingsError as error:
        print(f"setwise: {error}", file=sys.stderr)
        return 2
    except WarehouseDownError as error:
        print(f"setwise: the warehouse does not answer ({error}); look at it, try again", file=sys.stderr)
        return 1
    days = settings.warehouse.prompts_days
    print(f"{done.sentences} sentences and {done.letters} dead letters were older than {days} days")
    return 0


if __name__ == "__main__":
    sys.exit(main())
