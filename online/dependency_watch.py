"""Probes of what an answer depends on: before the first request, and while a breaker is open."""

import logging
from collections.abc import Callable, Sequence

from online.breaker import Breaker
from online.polling import Polling

logger = logging.getLogger(__name__)
POLL_S = 0.25
FIRST_ATTEMPTS = 3
"""At start everything is slow once: connections are made, pages are read."""
Probe = Callable[[], object]


class DependencyWatch:
    """Asks each dependency that nobody asked yet, or whose breaker is open, once a second; no request waits for it."""

    def __init__(self, probes: Sequence[tuple[Breaker, Probe]]) -> None:
        self._probes = probes
        self._polling = Polling(self.look, "dependency-watch", POLL_S)

    def start(self) -> None:
        """Probes everything now: a dependency that is down at start is known before the first request."""
        self._polling.start()

    def stop(self) -> None:
        """Ends the watch."""
        self._polling.stop()

    def degraded(self) -> list[str]:
        """Names of what answers go without at this moment."""
        return [breaker.name for breaker, _ in self._probes if breaker.is_open]

    def states(self) -> dict[str, bool]:
        """Every dependency by name; False = answers go without it."""
        return {breaker.name: not breaker.is_open for breaker, _ in self._probes}

    def look(self) -> None:
        """One round."""
        for breaker, ask in self._probes:
            attempts = FIRST_ATTEMPTS if breaker.is_untried else 1
            if breaker.is_probe_due():
                self._probe(breaker, ask, attempts)

    def _probe(self, breaker: Breaker, ask: Probe, attempts: int) -> None:
        was_open = breaker.is_open
        for attempt in range(attempts):
            try:
                ask()
            except Exception as error:  # whatever a client library raises: the dependency is not there
                if attempt + 1 < attempts:
                    continue
                if not was_open:
                    logger.warning("%s does not answer (%s); answers go on without it", breaker.name, error)
                breaker.open()
                breaker.note(False)
                return
            break
        breaker.note(True)
        if was_open:
            logger.info("%s answers again", breaker.name)
