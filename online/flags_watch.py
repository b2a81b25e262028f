"""The flags that this process assigns by, and the watch that notices a changed file."""

import logging
from pathlib import Path

from online import metrics
from online.polling import Polling
from setwise.flags import NO_FLAGS, Flags, FlagsError, read_flags

logger = logging.getLogger(__name__)
POLL_S = 0.5
MAX_BYTES = 1024 * 1024


class FlagsWatch:
    """Looks twice a second at the file's time and size; no request ever waits for it.

    A file with a mistake, or none where there was one, is refused: what was read before stays. Before a file was read
    there is no experiment."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._flags = NO_FLAGS
        self._seen: tuple[int, int, int] | None = None
        self._polling = Polling(self.look, "flags-watch", POLL_S)

    @property
    def flags(self) -> Flags:
        """The flags to assign by; a request takes them once."""
        return self._flags

    def start(self) -> None:
        """Reads the flags now and watches from then on."""
        if self._path is not None:
            self._polling.start()

    def stop(self) -> None:
        """Ends the watch."""
        self._polling.stop()

    def look(self) -> None:
        """Takes the file where it is another one than at the last look."""
        assert self._path is not None
        try:
            about = self._path.stat()
            found = about.st_mtime_ns, about.st_size, about.st_ino
        except OSError:
            found = (0, 0, 0)
        if found == self._seen:
            return
        is_first, self._seen = self._seen is None, found
        if found == (0, 0, 0) and is_first:
            logger.info("no experiments: there is no %s", self._path)
            return
        try:
            self._flags = self._read(found[1])
        except (OSError, FlagsError) as error:
            logger.error("%s is refused, the flags stay as they were: %s", self._path.name, error)
            metrics.observe_flags(is_refused=True)
            return
        metrics.observe_flags(is_refused=False)
        named = ", ".join(f"{name} {'on' if flag.is_enabled else 'off'}" for name, flag in self._flags.flags.items())
        logger.info("flags version %s: %s", self._flags.version, named or "none")

    def _read(self, size: int) -> Flags:
        assert self._path is not None
        if size > MAX_BYTES:
            raise FlagsError(f"it is larger than {MAX_BYTES} bytes")
        return read_flags(self._path.read_bytes())
