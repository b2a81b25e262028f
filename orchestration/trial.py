"""Parts that are not live yet, as a folder that the service's own code can open in a process of its own."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from setwise.names import ReleaseId
from setwise.release import MANIFEST, Manifest, now_utc
from setwise.snapshot import Snapshot


class TrialFailedError(RuntimeError):
    """The service could not answer from these parts; its last line."""


@contextmanager
def trial_folder(parts: Mapping[str, Path]) -> Iterator[Path]:
    """The parts under their names, with a manifest."""
    currency = Snapshot(parts["snapshot"]).meta.currency
    manifest = Manifest(ReleaseId("candidate"), now_utc(), None, (), {}, {}, {}, currency)
    with tempfile.TemporaryDirectory() as folder:
        for part, path in parts.items():
            (Path(folder) / part).symlink_to(path.absolute())
        (Path(folder) / MANIFEST).write_bytes(msgspec.json.encode(manifest))
        yield Path(folder)


def run_module(module: str, *arguments: str | Path) -> str:
    """What `python -m module` prints. Raises TrialFailedError."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise TrialFailedError((done.stderr.strip().splitlines() or ["it said nothing"])[-1])
    return done.stdout
