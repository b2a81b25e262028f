"""How `make test` spreads the suites over several processes: what shares a built shop or a server stays together, and
no process sees what another one keeps."""

import re
from collections.abc import MutableMapping
from urllib.parse import urlsplit, urlunsplit

import pytest
from xdist.scheduler import LoadScopeScheduling

REDIS = "SETWISE_REDIS_URL"
WORKER = "PYTEST_XDIST_WORKER"
IMPLEMENTATION = re.compile(r"(?<=[\[-])(embedded|servers|duckdb|postgres)(?=[\]-])")
"""Of a test's parameters, what decides which stores it runs on."""
LONGEST_FIRST = ("faults/test_ladder.py", "contract", "faults", "e2e", "architecture", "understanding", "unit")
"""Suites and folders: at the end only short suites are left, so that no process waits long for another one. The first
suite builds what all builds begin with; whoever needs it too comes once it is there."""


def implementation_of(nodeid: str) -> str:
    """Which stores a test runs on, or empty."""
    found = IMPLEMENTATION.search(nodeid)
    return found[1] if found else ""


def suite_of(nodeid: str) -> str:
    """Tests of one file on the same stores; they run in one process, one after the other."""
    return f"{nodeid.partition('::')[0]} {implementation_of(nodeid)}".strip()


def mark_long(items: list[pytest.Item]) -> None:
    """What is long on some stores is long where it runs on them."""
    for item in items:
        for mark in item.iter_markers("long_on"):
            if implementation_of(item.nodeid) in mark.args:
                item.add_marker("long")


def in_order(items: list[pytest.Item]) -> None:
    """Sorts in place; a process changes the stores that it runs on as seldom as can be."""

    def place(item: pytest.Item) -> tuple[int, str]:
        file = item.nodeid.partition("::")[0].removeprefix("tests/")
        known = (LONGEST_FIRST.index(name) for name in (file, file.split("/")[0]) if name in LONGEST_FIRST)
        return next(known, 0), implementation_of(item.nodeid)

    items.sort(key=place)


def own_redis(environ: MutableMapping[str, str]) -> None:
    """Feast's keys are the same for all shops, so each process has a database of its own: the first one has 1."""
    if WORKER in environ:
        where = urlsplit(environ.get(REDIS, "redis://127.0.0.1:6379"))
        environ[REDIS] = urlunsplit(where._replace(path=f"/{int(environ[WORKER].removeprefix('gw')) + 1}"))


class SuiteScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Hands out whole suites, in the order in which they were collected."""

    def __init__(self, config: pytest.Config, log: object = None) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return suite_of(nodeid)
