"""Requests for an answer that got none, counted by the second: a record for each would add to an overload."""

from collections import Counter
from datetime import UTC, datetime

from online.polling import Polling
from online.recording import Recorder, Unanswered
from setwise.events.served import Route

EVERY_S = 1.0
ROUTES: dict[str, Route] = {
    "/v1/bundles": "bundles",
    "/v1/products": "products",
    "/v1/search": "search",
    "/v1/bundles/{bundle_id}/swap": "swap",
}


class Failures:
    """What ended with a 5xx, the service's own refusals when it is overloaded included."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._counts = Counter[tuple[Route, int]]()
        self._polling = Polling(self.look, "failures", EVERY_S)

    def note(self, path_template: str, status: int) -> None:
        """One more; only on the event loop."""
        if status >= 500 and (route := ROUTES.get(path_template)) is not None:
            self._counts[route, status] += 1

    def start(self) -> None:
        """Begins to record."""
        self._polling.start()

    def stop(self) -> None:
        """Records what is left."""
        self._polling.stop()
        self.look()

    def look(self) -> None:
        """One record for each route and status."""
        counts, self._counts = self._counts, Counter()
        now = datetime.now(UTC)
        for (route, status), count in counts.items():
            self._recorder.record(Unanswered(route, status, count, now))
