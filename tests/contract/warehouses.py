"""Warehouses of a test's own: a file, or a database that is dropped after it."""

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

URL = os.environ.get("SETWISE_WAREHOUSE_POSTGRES_URL") or os.environ.get("SETWISE_DAGSTER_POSTGRES_URL", "")


@contextmanager
def warehouse_settings(kind: str, folder: Path, leave_out: Callable[[str, str], None]) -> Iterator[dict[str, str]]:
    """Settings of an empty warehouse of that kind."""
    if kind == "duckdb":
        yield {"SETWISE_DATA_DIR": str(folder)}
        return
    if not URL:
        leave_out("PostgreSQL", "SETWISE_WAREHOUSE_POSTGRES_URL is not set; source var/services/env")
    where = urlsplit(URL)
    name = f"setwise_test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(URL, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"'.encode())
    try:
        own = urlunsplit(where._replace(path=f"/{name}"))
        yield {
            "SETWISE_DATA_DIR": str(folder),
            "SETWISE_WAREHOUSE": "postgres",
            "SETWISE_WAREHOUSE_POSTGRES_URL": own,
        }
    finally:
        with psycopg.connect(URL, autocommit=True) as admin:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
