"""Builds and dbt in processes of their own, forked from one that has loaded the libraries: 12 s of imports once, and
not for each of them."""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from orchestration.marts import WHERE, dbt_environ
from setwise.settings import Settings

ROOT = Path(__file__).parents[2]
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(
    [
        "orchestration.definitions", "feature_repo.features",
        # What the first of them would load when a build needs it.
        "orchestration.run_records", "dagster._core.execution.execute_in_process", "dagster._core.instance.factory",
        "dagster._core.storage.legacy_storage", "dagster._core.workspace.context", "dagster._daemon.controller",
        "matplotlib.figure", "matplotlib.backends.backend_agg",
        "dbt.cli.main", "dbt.adapters.duckdb", "dbt.adapters.postgres",
    ]
)  # fmt: skip


def start(environ: Mapping[str, str], output: Path) -> ForkServerProcess:
    """`python -m orchestration build` with exactly this environment, in a process group of its own."""
    process = _forks.Process(target=_build, args=(dict(environ), str(output)))
    process.start()
    return process


def run(environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """The same, waited for: what it printed and its status."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output"
        process = start(environ, output)
        process.join()
        printed = output.read_text()
        errors = Path(f"{output}.errors").read_text()
    return subprocess.CompletedProcess([], process.exitcode or 0, printed, errors)


def dbt(settings: Settings, environ: Mapping[str, str], *arguments: str) -> int:
    """What orchestration.marts.dbt does; dbt's exit status."""
    process = _forks.Process(target=_dbt, args=(dbt_environ(settings, environ), arguments))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def kill(process: ForkServerProcess) -> None:
    """SIGKILL for the build and its children."""
    assert process.pid is not None
    os.killpg(process.pid, signal.SIGKILL)
    process.join()


def _build(environ: dict[str, str], output: str) -> None:
    os.setsid()
    for number, path in ((1, output), (2, f"{output}.errors")):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(ROOT)
    sys.argv = ["orchestration", "build"]
    from orchestration.__main__ import main

    sys.exit(main())


def _dbt(environ: dict[str, str], arguments: tuple[str, ...]) -> None:
    os.environ.clear()
    os.environ.update(environ)
    from dbt.cli.main import dbtRunner

    sys.exit(not dbtRunner().invoke([*arguments, *WHERE]).success)
