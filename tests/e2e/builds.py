"""Builds and dbt in processes of their own, forked from one that has loaded the libraries: 12 s of imports once, and
not for each of them."""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from orchestration.marts import WHERE, after_dbt, dbt_environ
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
    return _started(_build, environ, output)


def run(environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """The same, waited for: what it printed and its status."""
    return _finished(lambda output: start(environ, output))


def _started(target: Callable[..., None], environ: Mapping[str, str], output: Path, *more: Any) -> ForkServerProcess:
    process = _forks.Process(target=target, args=(dict(environ), str(output), *more))
    process.start()
    return process


def _finished(started: Callable[[Path], ForkServerProcess]) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "output"
        process = started(output)
        process.join()
        printed = output.read_text()
        errors = Path(f"{output}.errors").read_text()
    return subprocess.CompletedProcess([], process.exitcode or 0, printed, errors)


def python(environ: Mapping[str, str], code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -c code arguments` with exactly this environment, waited for: what it printed and its status."""
    return _finished(lambda output: _started(_code, environ, output, code, arguments))


def dbt(settings: Settings, environ: Mapping[str, str], *arguments: str) -> int:
    """What orchestration.marts.dbt does; dbt's exit status."""
    process = _forks.Process(target=_dbt, args=(dbt_environ(settings, environ), arguments))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def marts(settings: Settings, environ: Mapping[str, str], *arguments: str) -> int:
    """What orchestration.marts.build does of a run that writes; dbt's exit status."""
    began, status = datetime.now(UTC), dbt(settings, environ, *arguments)
    after_dbt(settings, began)
    return status


def kill(process: ForkServerProcess) -> None:
    """SIGKILL for the build and its children."""
    assert process.pid is not None
    os.killpg(process.pid, signal.SIGKILL)
    process.join()


def _as_asked(environ: dict[str, str], output: str) -> None:
    """This process as one of its own: its group, its output, its environment."""
    os.setsid()
    for number, path in ((1, output), (2, f"{output}.errors")):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(ROOT)


def _code(environ: dict[str, str], output: str, code: str, arguments: tuple[str, ...]) -> None:
    _as_asked(environ, output)
    sys.argv = ["-c", *arguments]
    exec(compile(code, "<code>", "exec"), {"__name__": "__main__"})
    sys.exit()


def _build(environ: dict[str, str], output: str) -> None:
    _as_asked(environ, output)
    sys.argv = ["orchestration", "build"]
    from orchestration.__main__ import main

    sys.exit(main())


def _dbt(environ: dict[str, str], arguments: tuple[str, ...]) -> None:
    os.environ.clear()
    os.environ.update(environ)
    from dbt.cli.main import dbtRunner

    sys.exit(not dbtRunner().invoke([*arguments, *WHERE]).success)
