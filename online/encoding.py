"""Texts to vectors beside the answers' own threads, so that an answer can stop waiting for a late one."""

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError

import numpy as np
from numpy.typing import NDArray

from online.live import LiveRelease


class EncoderLateError(Exception):
    """No vectors within the time that was given."""


class Encoding:
    """As many texts at once as there are threads; what is no longer waited for and has not begun is dropped."""

    def __init__(self, threads: int = 2) -> None:
        self._pool = ThreadPoolExecutor(threads, "encode")

    def encode(self, live: LiveRelease, texts: Sequence[str], timeout_s: float) -> list[NDArray[np.float32]]:
        """A vector of length 1 for each text. Raises EncoderLateError, and whatever the runtime raises."""
        known = {text: live.vectors.get(text) for text in texts}
        missing = [text for text, vector in known.items() if vector is None]
        if missing:
            waiting = self._pool.submit(_encode, live, missing)
            try:
                known |= waiting.result(None if timeout_s == math.inf else timeout_s)
            except FutureTimeoutError as error:
                waiting.cancel()
                raise EncoderLateError("timeout") from error
        return [vector for text in texts if (vector := known[text]) is not None]

    def close(self) -> None:
        """Ends the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _encode(live: LiveRelease, texts: Sequence[str]) -> dict[str, NDArray[np.float32]]:
    """One by one: in a batch a text's vector would depend on its neighbours, and so on what was asked before. Also for
    whoever no longer waits: the next one finds it."""
    found = {text: live.encoder.encode([text])[0] for text in texts}
    for text, vector in found.items():
        live.vectors.put(text, vector)
    return found
