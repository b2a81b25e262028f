"""One serving process of a shop for the time of a measurement, as `make serve` starts it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec

from benchmarks.examples.service import new_key
from benchmarks.serving.machine import ROOT
from benchmarks.serving.processes import listeners
from benchmarks.serving.shops import SERVERS, Shop, clean_environ
from setwise.settings import Settings

PATIENCE_S = 180
PORTS = {"weaviate": 8080, "redis": 6379, "kafka": 9092}


class Running(msgspec.Struct, frozen=True):
    """Where it answers, what it and its servers are (name -> pid), and how long start to first answer took."""

    url: str
    pids: dict[str, int]
    seconds_to_first_answer: float
    admin_key: str = ""


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(shop: Shop, work: Path, **settings: str) -> Iterator[Running]:
    """Starts `python -m online`, waits for its first answer, and ends it."""
    command = [sys.executable, "-m", "online"]
    environ = clean_environ(shop) | settings
    key = new_key(Settings.from_env(environ), "bench", "admin")
    with started(command, environ, work / f"{shop.name}.log") as running:
        yield msgspec.structs.replace(running, admin_key=key)


@contextmanager
def started(command: list[str], environ: dict[str, str], log: Path) -> Iterator[Running]:
    """A service that reads SETWISE_PORT and answers POST /v1/bundles; RuntimeError where it ends or never answers."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environ = environ | {"SETWISE_PORT": str(port), "SETWISE_LOG_LEVEL": "warning"}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as file:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=file, stderr=subprocess.STDOUT)
        try:
            _wait(process, url, log)
            seconds = time.perf_counter() - began
            ports = {
                "weaviate": int(environ.get("SETWISE_WEAVIATE_HTTP_PORT", PORTS["weaviate"])),
                "redis": PORTS["redis"],
                "kafka": PORTS["kafka"],
            }
            servers = listeners(ports) if environ.get("SETWISE_VECTORS") == SERVERS["SETWISE_VECTORS"] else {}
            yield Running(url, {"service": process.pid} | servers, round(seconds, 2))
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            if httpx.post(f"{url}/v1/bundles", json={"prompt": "a sofa under $900"}, timeout=30).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.02)
    raise RuntimeError(f"the service gave no answer:\n{log.read_text()[-1500:]}")
