"""Texts to vectors beside the answers' own threads, so that an answer can stop waiting for a late one."""

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
        waiting = self._pool.submit(live.encoder.encode, list(texts))
        try:
            return list(waiting.result(None if timeout_s == float("inf") else timeout_s))
        except FutureTimeoutError as error:
            waiting.cancel()
            raise EncoderLateError("timeout") from error

    def close(self) -> None:
        """Ends the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)
