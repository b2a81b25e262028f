"""A background thread that looks again and again."""

import threading
from collections.abc import Callable


class Polling:
    """Calls `look` now, and then every `every_s` seconds until it is stopped."""

    def __init__(self, look: Callable[[], None], name: str, every_s: float) -> None:
        self._look, self._every_s = look, every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Looks now, in this thread, and goes on in another."""
        self._look()
        self._thread.start()

    def stop(self) -> None:
        """Ends it; waits at most five seconds for a look that is under way."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            self._look()
