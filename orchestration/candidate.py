"""A release that is not one yet: its parts as one folder that `online` can open, in a process of its own."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from setwise.names import ReleaseId
from setwise.release import MANIFEST, Manifest, now_utc
from setwise.snapshot import Snapshot


class ReplayError(RuntimeError):
    """The service's own code could not rank what it was asked."""


class RankedRows(msgspec.Struct, frozen=True):
    """What `python -m online.replay` writes: rows of the snapshot and their feature rows, question after question."""

    rows: NDArray[np.int64]
    features: NDArray[np.float32]
    counts: NDArray[np.int64]
    kinds: NDArray[np.int64]


@contextmanager
def candidate(parts: Mapping[str, Path]) -> Iterator[Path]:
    """The folder, for as long as it is needed."""
    manifest = Manifest(
        ReleaseId("candidate"), now_utc(), None, (), {}, {}, {}, Snapshot(parts["snapshot"]).meta.currency
    )
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "release"
        folder.mkdir()
        for part, path in parts.items():
            (folder / part).symlink_to(path.absolute())
        (folder / MANIFEST).write_bytes(msgspec.json.encode(manifest))
        yield folder


def replay(folder: Path, questions: Sequence[object]) -> RankedRows:
    """The feature rows that these requests are ranked by, each one an object of `online.replay`. Raises ReplayError."""
    with tempfile.TemporaryDirectory() as temporary:
        asked, out = Path(temporary) / "questions.jsonl", Path(temporary) / "rows.npz"
        asked.write_bytes(b"".join(msgspec.json.encode(question) + b"\n" for question in questions))
        command = [sys.executable, "-m", "online.replay", str(folder), str(asked), str(out)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise ReplayError(f"the service could not rank the training questions ({last})")
        with np.load(out) as found:
            return RankedRows(found["rows"], found["features"], found["counts"], found["kinds"])
