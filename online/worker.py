"""python -m online.worker: answers asynchronous requests, beside other workers, without serving HTTP."""

import argparse
import os
import signal
import sys
from types import FrameType

import threadpoolctl
from prometheus_client import start_http_server

from online.logs import log_to
from online.service import build_worker
from setwise.command_settings import command_settings


def show_metrics(port: int) -> bool:
    """Serves the page that Prometheus reads, in a thread; False where the port is taken."""
    try:
        start_http_server(port, "127.0.0.1")
    except OSError:
        return False
    return True


def main() -> int:
    """Works until SIGTERM or SIGINT, finishes what it is at, and returns 0."""
    argparse.ArgumentParser(
        prog="python -m online.worker", description="Answers asynchronous requests. Settings: see .env.example."
    ).parse_args()
    settings = command_settings(os.environ)
    log_to(settings)
    threadpoolctl.threadpool_limits(1, user_api="blas")
    port = settings.requests.metrics_port
    if port and not show_metrics(port):
        print(
            f"setwise: port {port} of 127.0.0.1 is taken; set SETWISE_REQUESTS_METRICS_PORT to another one",
            file=sys.stderr,
        )
        return 1
    process = build_worker(settings)

    def on_signal(_: int, __: FrameType | None) -> None:
        process.worker.end()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    process.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
