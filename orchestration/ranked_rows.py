"""The feature rows that a service would rank these requests by, made by its own code in a process of its own."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from orchestration.trial import run_module, trial_folder


class RankedRows(msgspec.Struct, frozen=True):
    """What `python -m online.training_rows` writes: rows of the snapshot and their feature rows, question after
    question."""

    rows: NDArray[np.int64]
    features: NDArray[np.float32]
    counts: NDArray[np.int64]
    kinds: NDArray[np.int64]


def ranked_rows(parts: Mapping[str, Path], questions: Sequence[object]) -> RankedRows:
    """Each question is an object of `online.training_rows`. Raises TrialFailedError."""
    with trial_folder(parts) as folder, tempfile.TemporaryDirectory() as temporary:
        asked, out = Path(temporary) / "questions.jsonl", Path(temporary) / "rows.npz"
        asked.write_bytes(b"".join(msgspec.json.encode(question) + b"\n" for question in questions))
        run_module("online.training_rows", folder, asked, out)
        with np.load(out) as found:
            return RankedRows(found["rows"], found["features"], found["counts"], found["kinds"])
