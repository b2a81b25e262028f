"""python -m online: read the settings, take the port, serve."""

import argparse
import os
import socket
import sys

from online.logs import log_to
from online.workers import Workers
from setwise.command_settings import command_settings


def main() -> int:
    """Serves until a signal; errors before that are one sentence."""
    argparse.ArgumentParser(
        prog="python -m online", description="Serves the current release. Settings: see .env.example."
    ).parse_args()
    settings = command_settings(os.environ)
    service = settings.service
    log_to(settings)
    listener = socket.socket(socket.AF_INET6 if ":" in service.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((service.host, service.port))
    except OSError:
        listener.close()
        print(
            f"setwise: port {service.port} of {service.host} is taken; end what listens there or set SETWISE_PORT",
            file=sys.stderr,
        )
        return 1
    if service.workers > 1:
        return Workers(settings, listener).run()
    from online.server import serve  # a parent of workers never loads what answers

    serve(settings, listener)
    return 0


if __name__ == "__main__":
    sys.exit(main())
