"""Text to vector: the one implementation, used for the catalogue and for every prompt."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

MODEL_FILE = "model.int8.onnx"
REFERENCE_FILE = "../model.fp32.onnx"
"""The unquantised graph stays beside the folder that serves: it is for comparing only."""
TOKENIZER_FILE = "tokenizer.json"
CARD_FILE = "encoder.json"
OUTPUT = "sentence_embedding"
BATCH_TOKENS = 4_096
"""Tokens in one batch, padding included: larger batches were not faster on one thread, and need more memory."""


class EncoderCard(msgspec.Struct, frozen=True):
    """What an encoder folder holds: the model's name, the length of its vectors, the longest text in tokens."""

    model: str
    dimensions: int
    max_tokens: int


class Encoder:
    """Texts -> float32 vectors of length 1, shape (n, dimensions). Safe to call from several threads."""

    def __init__(self, folder: Path, model_file: str = MODEL_FILE, threads: int = 1) -> None:
        self.card = msgspec.json.decode((folder / CARD_FILE).read_bytes(), type=EncoderCard)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Spinning threads burn the core that the other stages of an answer need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            str(folder / model_file), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self.card.max_tokens)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors in the order of the texts. Texts of like length share a batch, so that little padding is computed."""
        # Lone surrogates cannot reach the tokenizer (they have no UTF-8 form).
        clean = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(clean)]
        vectors = np.empty((len(tokens), self.card.dimensions), dtype=np.float32)
        by_length = sorted(range(len(tokens)), key=lambda i: len(tokens[i]))
        start = 0
        while start < len(by_length):
            stop = start + 1
            while stop < len(by_length) and (stop + 1 - start) * len(tokens[by_length[stop]]) <= BATCH_TOKENS:
                stop += 1
            batch = by_length[start:stop]
            vectors[batch] = self._run([tokens[i] for i in batch])
            start = stop
        return vectors

    def _run(self, batch: list[list[int]]) -> NDArray[np.float32]:
        width = len(batch[-1])
        ids = np.zeros((len(batch), width), dtype=np.int64)
        mask = np.zeros((len(batch), width), dtype=np.int64)
        for row, tokens in enumerate(batch):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        output: NDArray[np.float32] = self._session.run([OUTPUT], {"input_ids": ids, "attention_mask": mask})[0]
        return output
