"""Where serving processes share their figures. Their parent has none itself, and does not load what makes them."""

import os
from pathlib import Path

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Read by the client library when it is imported: it must be set before a process starts."""


def share_between_processes(folder: Path) -> None:
    """Makes the processes that are started from now on count together, from nothing: what earlier ones left is removed.

    An operator's own PROMETHEUS_MULTIPROC_DIR is taken instead of `folder`."""
    folder = Path(os.environ.get(FOLDER_VARIABLE) or folder)
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("*.db"):
        left.unlink(missing_ok=True)
    os.environ[FOLDER_VARIABLE] = str(folder.absolute())


def forget_process(pid: int) -> None:
    """A process has ended: its gauges go, what it counted stays."""
    if folder := os.environ.get(FOLDER_VARIABLE):
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]
