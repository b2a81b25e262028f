"""python -m online: read the settings, build the dependencies, serve. The one composition root of the service."""

import argparse
import logging
import os
import socket
import sys
from pathlib import Path

import threadpoolctl
import uvicorn

from online.answers import KeptBundles
from online.app import create_app
from online.bundle_store import build_bundle_store
from online.gather import Dependencies
from online.hydration import build_reader
from online.live import ReleaseWatch
from online.live_rules import build_rules_watch
from online.retrieval import build_retriever
from setwise.release import Releases
from setwise.settings import Settings, SettingsError


def main() -> int:
    """Serves until a signal; errors before that are one sentence."""
    argparse.ArgumentParser(
        prog="python -m online", description="Serves the current release. Settings: see .env.example."
    ).parse_args()
    try:
        settings = Settings.from_env(os.environ)
    except SettingsError as error:
        print(f"setwise: {error}", file=sys.stderr)
        return 2
    service = settings.service
    logging.basicConfig(level=service.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    listener = socket.socket(socket.AF_INET6 if ":" in service.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((service.host, service.port))
    except OSError:
        print(
            f"setwise: port {service.port} of {service.host} is taken; end what listens there or set SETWISE_PORT",
            file=sys.stderr,
        )
        return 1
    # Requests run side by side in threads: a matrix product that takes all cores for itself makes the others wait.
    threadpoolctl.threadpool_limits(1, user_api="blas")
    data_dir = Path(settings.storage.data_dir).absolute()
    watch = ReleaseWatch(Releases(settings.storage.releases, data_dir / "release-cache"))
    app = create_app(
        Dependencies(build_retriever(settings.vectors), build_reader(settings), settings.catalogue.allow_preorder),
        watch,
        build_rules_watch(settings, watch.is_known),
        KeptBundles(build_bundle_store(settings)),
        threads=service.threads,
        pictures=data_dir / "sample" / "pictures",
    )
    config = uvicorn.Config(app, log_level=service.log_level, access_log=False, timeout_graceful_shutdown=20)
    uvicorn.Server(config).run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
