"""What suites need from outside: servers that may be up or not. A suite that is left out is said so at the end."""

import os
import socket
from collections.abc import Callable

import pytest

REQUIRED = "SETWISE_REQUIRE_SERVICES"
_left_out: dict[str, str] = {}


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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each server whose suites were left out."""
    for name, reason in _left_out.items():
        terminalreporter.write_line(f"left out: the suites on {name}, because {reason}", yellow=True)
