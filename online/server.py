"""One serving process: it drains on SIGTERM, and several of them may share a listener."""

import gc
import signal
import socket
import sys
import time
from collections.abc import Callable
from types import FrameType

import threadpoolctl
import uvicorn

from online.admission import Admission
from online.logs import log_to
from online.service import build_app
from online.workers import GRACE_S
from setwise.settings import Settings

LAST_CALL_S = 0.2
"""Between the end of listening and the end of idle connections: what was just accepted is still answered."""
SWITCH_S = 0.0005
"""Longest time a thread keeps the interpreter while the event loop waits; with Python's own 5 ms a refusal took 12."""


class DrainingServer(uvicorn.Server):
    """From SIGTERM on `ready` says `draining` and connections are closed after their answer; then it ends with 0.

    On a listener of its own it listens to the end of the drain, so that a balancer can look; on a shared one it stops
    at once, as others take what comes. SIGINT ends without a drain."""

    def __init__(self, config: uvicorn.Config, admission: Admission, drain_s: float, *, is_shared: bool) -> None:
        super().__init__(config)
        self._admission, self._drain_s, self._is_shared = admission, drain_s, is_shared
        self._closes_at = self._ends_at = float("inf")

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begins the drain, or ends it where it is under way."""
        if sig == signal.SIGINT or self._admission.is_draining:
            self.force_exit = self.should_exit and sig == signal.SIGINT
            self.should_exit = True
            return
        now = time.monotonic()
        self._closes_at = now if self._is_shared else now + self._drain_s
        self._ends_at = now + self._drain_s + LAST_CALL_S
        self._admission.is_draining = True

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        now = time.monotonic()
        if now >= self._closes_at:
            self._closes_at = float("inf")
            for server in self.servers:
                server.close()
        self.should_exit = self.should_exit or now >= self._ends_at
        return await super().on_tick(counter)


def _leave_alone() -> None:
    """What was loaded by now stays as long as the process: no collection of garbage needs to look through it."""
    gc.collect()
    gc.freeze()


def serve(
    settings: Settings, listener: socket.socket, *, is_shared: bool = False, on_ready: Callable[[], None] | None = None
) -> None:
    """Serves on a bound socket until a signal."""
    # Requests run side by side in threads: a matrix product that takes all cores for itself makes the others wait.
    threadpoolctl.threadpool_limits(1, user_api="blas")
    sys.setswitchinterval(SWITCH_S)
    service = settings.service
    log_to(settings)
    app = build_app(settings)
    app.on_startup.append(_leave_alone)
    if on_ready is not None:
        app.on_startup.append(on_ready)
    config = uvicorn.Config(
        app, log_config=None, log_level=service.log_level, access_log=False, timeout_graceful_shutdown=GRACE_S,
        server_header=False,
    )  # fmt: skip
    DrainingServer(config, app.state.admission, service.drain_s, is_shared=is_shared).run(sockets=[listener])
