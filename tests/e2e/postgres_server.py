"""A PostgreSQL of a test's own, for what the shared one's user may not do."""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from fault_servers import free_port

START_S = 60


def postgres_programs() -> Path | None:
    """Where initdb and postgres are."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    named = shutil.which("initdb")
    return found[-1].parent if found else Path(named).resolve().parent if named else None


@contextlib.contextmanager
def postgres_server(programs: Path) -> Iterator[str]:
    """Its address, with a user who may make databases and roles and nothing more, as `make services` makes one."""
    is_root = os.geteuid() == 0
    user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if is_root else []
    port, password = free_port(), secrets.token_hex(12)
    with tempfile.TemporaryDirectory() as name:  # root's own folders are closed to the server's user
        folder = Path(name)
        (folder / "password").write_text(password)
        if is_root:
            for path in (folder, folder / "password"):
                shutil.chown(path, "postgres", "postgres")
        made = [*user, programs / "initdb", "-D", folder / "data", "-U", "admin", "--auth=scram-sha-256"]
        subprocess.run([*made, f"--pwfile={folder / 'password'}"], check=True, capture_output=True, cwd="/")
        command = [*user, programs / "postgres", "-D", folder / "data", "-p", str(port), "-k", folder]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([*command, "-c", "fsync=off"], stdout=log, stderr=log, cwd="/")
        try:
            admin, until = f"postgresql://admin:{password}@127.0.0.1:{port}/postgres", time.monotonic() + START_S
            while True:
                try:
                    with psycopg.connect(admin, autocommit=True) as connection:
                        connection.execute(f"CREATE ROLE setwise LOGIN CREATEDB CREATEROLE PASSWORD '{password}'")
                        connection.execute("CREATE DATABASE setwise OWNER setwise")
                    break
                except psycopg.OperationalError:
                    assert time.monotonic() < until, (folder / "log").read_text()
                    time.sleep(0.1)
            yield f"postgresql://setwise:{password}@127.0.0.1:{port}/setwise"
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)
