"""What suites need from outside: servers that may be up or not, and a part of them of their own where `make test` runs
several processes. A suite that is left out is said so at the end."""

import os
import socket
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from tests.spreading import SuiteScheduling, in_order, mark_long, own_redis

REQUIRED = "SETWISE_REQUIRE_SERVICES"
SHARED = "SHARED_FOLDER"
"""Where all processes of one run keep what is made once for all of them."""
_left_out: dict[str, str] = {}
own_redis(os.environ)
# How long examples take to be made says how crowded the machine is.
hypothesis_settings.register_profile("crowded", suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("crowded")


@pytest.fixture(scope="session", autouse=True)
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Says it to helpers that are no fixtures."""
    base = tmp_path_factory.getbasetemp()
    os.environ[SHARED] = str((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared")


@pytest.fixture(scope="session")
def leave_out() -> Callable[[str, str], None]:
    """Call it with a name and a reason: leaves the test out with a word, or fails where servers must be there."""

    def leave(name: str, reason: str) -> None:
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(f"{name} is required by {REQUIRED}=1: {reason}", pytrace=False)
        _left_out[name] = reason
        pytest.skip(f"{name}: {reason}")

    return leave


@pytest.fixture(scope="session")
def require_server(leave_out: Callable[[str, str], None]) -> Callable[[str, str, int], None]:
    """Call it with a name, host and port: leaves the test out where nothing listens, or fails where it must run."""

    def require(name: str, host: str, port: int) -> None:
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError as error:
            leave_out(name, f"nothing answers at {host}:{port} ({error}); `make services` starts it")

    return require


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marked before `-m` chooses; in every process in the same order."""
    mark_long(items)
    if "PYTEST_XDIST_WORKER" in os.environ:
        in_order(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """For `-n auto`: one more than cores, as tests wait for servers and clocks much of their time."""
    return int(os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS") or (os.cpu_count() or 1) + 1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SuiteScheduling:
    """Suites stay together, whatever `--dist` says."""
    return SuiteScheduling(config, log)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker tells what it left out ..."""
    if (output := getattr(session.config, "workeroutput", None)) is not None:
        output["left_out"] = _left_out


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """... to the process that prints the end."""
    _left_out.update(getattr(node, "workeroutput", {}).get("left_out", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each server whose suites were left out."""
    for name, reason in _left_out.items():
        terminalreporter.write_line(f"left out: the suites on {name}, because {reason}", yellow=True)
