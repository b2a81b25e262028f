"""python -m orchestration.backup create|restore FOLDER: all that no build and no loader can make anew.

create     API keys, rules with their history, the events' secret, the log or its compacted topics, spool, raw tables
restore    puts them back into an empty place, or with --replace in place of what is there; end service and loader first

Releases, features and marts are not in it: `make build` and `python -m orchestration.marts` make them."""

import argparse
import os
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec
import redis

from orchestration import backup_stores as stores
from orchestration.warehouse.sources import Source, build_source
from orchestration.warehouse.stores import Warehouse, WarehouseDownError, build_warehouse
from setwise.command_settings import command_settings
from setwise.events.secret import SECRET_FILE
from setwise.local_log import LOG_FILE
from setwise.log import LogDownError
from setwise.names import KEYS_FILE, RULES_FILE, SPOOL_FILE, redis_keys_of
from setwise.release import sha256_of
from setwise.settings import Settings

MANIFEST = "manifest.json"
RECORDS = "records.jsonl.gz"
T = TypeVar("T")


class BackupError(Exception):
    """A backup that cannot be made or restored; the text says what to do."""


class Manifest(msgspec.Struct, frozen=True):
    """Written last: a folder without it is no backup."""

    created_at: datetime
    backends: dict[str, str]
    files: dict[str, str]
    """SHA-256 by name."""
    columns: dict[str, list[str]]
    """Of each raw table."""


def create(settings: Settings, folder: Path) -> Manifest:
    """Raises BackupError, and what the stores raise. Service and loader may go on meanwhile."""
    if folder.exists() and any(folder.iterdir()):
        raise BackupError(f"{folder} is not empty; name a new folder")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    now, data_dir, warehouse = datetime.now(UTC), _data_dir(settings), build_warehouse(settings)
    try:
        warehouse.migrate()
        # Tables before the log: what was loaded in between is in the log, and is loaded again.
        columns = stores.save_tables(warehouse, folder)
    finally:
        warehouse.close()
    if settings.log.backend == "local":
        stores.save_sqlite(data_dir / LOG_FILE, folder / LOG_FILE)
    else:
        with_source(settings, lambda source: stores.save_records(source, folder / RECORDS))
    stores.save_sqlite(data_dir / SPOOL_FILE, folder / SPOOL_FILE)
    for name, (file, key) in _small(settings).items():
        if key:
            stores.save_hash(settings, key, folder / f"{name}.redis")
        else:
            stores.save_sqlite(data_dir / file, folder / file)
    if (data_dir / SECRET_FILE).exists() and not settings.events.secret:
        shutil.copy(data_dir / SECRET_FILE, folder / SECRET_FILE)
    files = {file.name: sha256_of(file) for file in sorted(folder.iterdir())}
    for path in folder.iterdir():
        path.chmod(0o600)
    manifest = Manifest(now, _backends(settings), files, columns)
    (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    return manifest


def restore(settings: Settings, folder: Path, is_replacing: bool) -> Manifest:
    """Raises BackupError before anything is changed, and what the stores raise. Who was forgotten since the backup, as
    far as the present log knows, is forgotten again by the loader."""
    manifest = _checked(settings, folder)
    data_dir, warehouse = _data_dir(settings), build_warehouse(settings)
    try:
        if not is_replacing:
            _refuse_full(settings, warehouse)
        for file in (SECRET_FILE,):
            if file in manifest.files:
                data_dir.mkdir(parents=True, exist_ok=True)
                shutil.copy(folder / file, data_dir / file)
        for name, (file, key) in _small(settings).items():
            if key:
                stores.restore_hash(settings, key, folder / f"{name}.redis")
            elif file in manifest.files:
                stores.restore_sqlite(folder / file, data_dir / file)
        present = with_source(settings, stores.kept_records)
        for file in (LOG_FILE, SPOOL_FILE):
            if file in manifest.files:
                stores.restore_sqlite(folder / file, data_dir / file)
        if RECORDS in manifest.files:
            present = [*present, *stores.read_records(folder / RECORDS)]
        with_source(settings, lambda source: stores.restore_records(source, iter(present)))
        stores.restore_tables(warehouse, folder, manifest.columns)
    finally:
        warehouse.close()
    return manifest


def with_source(settings: Settings, use: Callable[[Source], T]) -> T:
    """What is done with the log, which is closed after it."""
    source = build_source(settings)
    try:
        return use(source)
    finally:
        source.close()


def _data_dir(settings: Settings) -> Path:
    return Path(settings.storage.data_dir).absolute()


def _small(settings: Settings) -> dict[str, tuple[str, str]]:
    """Name, file, and key where it is kept in Redis."""
    prefix = redis_keys_of(settings.storage.releases)
    kept = {"keys": (KEYS_FILE, settings.doors.keys), "rules": (RULES_FILE, settings.rules.backend)}
    return {name: (file, f"{prefix}:{name}" if backend == "redis" else "") for name, (file, backend) in kept.items()}


def _backends(settings: Settings) -> dict[str, str]:
    return {
        "warehouse": settings.warehouse.backend,
        "log": settings.log.backend,
        "keys": settings.doors.keys,
        "rules": settings.rules.backend,
    }


def _checked(settings: Settings, folder: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise BackupError(f"{folder} is no whole backup: {MANIFEST} is missing or cannot be read") from error
    for name, digest in manifest.files.items():
        if not (folder / name).is_file() or sha256_of(folder / name) != digest:
            raise BackupError(f"{name} in {folder} is missing or was changed; use another backup")
    for store, backend in _backends(settings).items():
        if manifest.backends[store] != backend:
            raise BackupError(f"the backup has {store} on {manifest.backends[store]}, the settings say {backend}")
    return manifest


def _refuse_full(settings: Settings, warehouse: Warehouse) -> None:
    data_dir = _data_dir(settings)
    tables = {KEYS_FILE: "keys", RULES_FILE: "versions"}
    full = [
        name
        for name, (file, key) in _small(settings).items()
        if (stores.has_hash(settings, key) if key else stores.has_rows(data_dir / file, tables[file]))
    ]
    full += ["log"] if settings.log.backend == "local" and stores.has_rows(data_dir / LOG_FILE, "records") else []
    full += ["tables"] if stores.has_tables(warehouse) else []
    if full:
        raise BackupError(f"there is something in {', '.join(full)} already; --replace puts the backup in its place")


def main() -> int:
    """0, 1 where a store does not answer or the backup does not fit, 2 for settings."""
    parser = argparse.ArgumentParser(
        prog="python -m orchestration.backup", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("create", "restore"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--replace", action="store_true", help="restore in place of what is there")
    chosen = parser.parse_args()
    settings = command_settings(os.environ)
    try:
        if chosen.what == "create":
            done = create(settings, chosen.folder)
        else:
            done = restore(settings, chosen.folder, chosen.replace)
    except BackupError as error:
        print(f"setwise: {error}", file=sys.stderr)
        return 1
    except (LogDownError, WarehouseDownError, redis.RedisError) as error:
        print(f"setwise: a store does not answer ({type(error).__name__}); look at it, try again", file=sys.stderr)
        return 1
    print(f"{chosen.what}d: {len(done.files)} files of {done.created_at:%Y-%m-%d %H:%M:%S} UTC in {chosen.folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
