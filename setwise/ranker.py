"""The learned part of a score: trees over feature rows, run by onnxruntime. The one implementation."""

from pathlib import Path

import msgspec
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from setwise.ranking import FEATURES, KINDS

MODEL_FILE = "ranker.onnx"
CARD_FILE = "ranker.json"


class RankerCard(msgspec.Struct, frozen=True):
    """What a ranker's folder holds, beside its trees."""

    features: tuple[str, ...]
    """The columns it reads, in their order."""
    scale: float
    """The trees' output times this is the part `learned`, in units of the weighted sum."""
    feature_service: str
    trained_on: str
    """In words: which data, how many questions."""
    metrics: dict[str, float] = {}


class UnknownFeatureError(ValueError):
    """The ranker reads a column that this version of Setwise does not fill."""


class Ranker:
    """Feature rows -> the part `learned`. Safe to call from several threads."""

    def __init__(self, folder: Path) -> None:
        self.card = msgspec.json.decode((folder / CARD_FILE).read_bytes(), type=RankerCard)
        unknown = set(self.card.features) - set(FEATURES)
        if unknown:
            raise UnknownFeatureError(f"the ranker reads {sorted(unknown)}, which no feature row has")
        self._columns = np.asarray([FEATURES.index(name) for name in self.card.features], dtype=np.int64)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            str(folder / MODEL_FILE), options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name
        self._output = self._session.get_outputs()[0].name

    def score(self, rows: NDArray[np.float64]) -> NDArray[np.float32]:
        """Shape (n,) for rows of shape (n, features) in the order of FEATURES."""
        inputs = np.ascontiguousarray(rows[:, self._columns], dtype=np.float32)
        found: NDArray[np.float32] = self._session.run([self._output], {self._input: inputs})[0].reshape(-1)
        return found * np.float32(self.card.scale)


def open_rankers(folder: Path) -> dict[str, Ranker]:
    """The rankers of a release's folder, by the kind of request that each was trained on; none in an older release."""
    return {kind: Ranker(folder / kind) for kind in KINDS if (folder / kind / CARD_FILE).is_file()}
