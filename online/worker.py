"""python -m online.worker: answers asynchronous requests, beside other workers, without serving HTTP."""

import argparse
import logging
import os
import signal
import sys
from types import FrameType

import threadpoolctl

from online.service import build_worker
from setwise.settings import Settings, SettingsError


def main() -> int:
    """Works until SIGTERM or SIGINT, finishes what it is at, and returns 0."""
    argparse.ArgumentParser(
        prog="python -m online.worker", description="Answers asynchronous requests. Settings: see .env.example."
    ).parse_args()
    try:
        settings = Settings.from_env(os.environ)
    except SettingsError as error:
        print(f"setwise: {error}", file=sys.stderr)
        return 2
    logging.basicConfig(
        level=settings.service.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    threadpoolctl.threadpool_limits(1, user_api="blas")
    process = build_worker(settings)

    def on_signal(_: int, __: FrameType | None) -> None:
        process.worker.end()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    process.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
