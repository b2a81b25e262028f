"""A ledger of the client's own: what was accepted while things were killed, against what was answered and published."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from e2e_support import ROOT, SERVER_SETTINGS

from online.log import build_log
from online.request_store import build_request_store
from setwise.log import LogDownError
from setwise.names import RESULTS_TOPIC
from setwise.settings import Settings

READY = b"asynchronous requests are answered"
PROMPT = "a cosy mid-century living room under $1500, no leather"
START_S = 180
AHEAD = 20
"""Requests that are accepted and not answered yet, at most."""


class Worker:
    """`python -m online.worker` in a process of its own."""

    def __init__(self, environ: dict[str, str], log: Path) -> None:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("SETWISE_") or k in SERVER_SETTINGS}
        clean |= {"SETWISE_LOG_LEVEL": "info", "PYTHONWARNINGS": "ignore"}
        self._log = log
        with log.open("wb") as file:
            command = [sys.executable, "-m", "online.worker"]
            self.process = subprocess.Popen(command, env=clean | environ, cwd=ROOT, stderr=file)

    def wait_ready(self) -> None:
        """Returns when it takes requests."""
        end = time.monotonic() + START_S
        while READY not in self._log.read_bytes():
            assert self.process.poll() is None and time.monotonic() < end, self._log.read_text()[-2_000:]
            time.sleep(0.05)

    def kill(self) -> None:
        """kill -9."""
        self.process.send_signal(signal.SIGKILL)
        assert self.process.wait() == -signal.SIGKILL


class Workers:
    """A group of workers, oldest first; the local log's lease is the oldest one's."""

    def __init__(self, environ: dict[str, str], folder: Path) -> None:
        self._environ, self._folder = environ, folder
        self.alive: list[Worker] = []

    def start(self) -> Worker:
        """One more, which is not ready yet."""
        self.alive.append(Worker(self._environ, self._folder / f"worker-{uuid.uuid4().hex[:8]}.log"))
        return self.alive[-1]

    def replace_oldest(self) -> None:
        """Kills the one that has worked longest once the next one is ready, and starts another."""
        self.alive[1].wait_ready()
        self.alive.pop(0).kill()
        self.start()

    def close(self) -> None:
        """Kills what is left."""
        for worker in self.alive:
            if worker.process.poll() is None:
                worker.kill()


class Ledger(msgspec.Struct):
    """Counts of one run; `doubled` = requests with a second answer that differs, `repeated` = results said again,
    `interrupted` = requests that more than one worker began, as the first was killed over it."""

    accepted: int
    answered: int
    lost: int
    doubled: int
    repeated: int
    interrupted: int
    refused: int
    kills: int
    seconds: float
    ack_p50_ms: float
    ack_p99_ms: float


def post(client: Any, body: dict[str, Any] | None = None, **headers: str) -> Any:
    """Tried again while it is answered 503: Kafka's topics may be on their way."""
    for _ in range(40):
        reply = client.post("/v1/requests", json=body or {"prompt": PROMPT}, headers=headers)
        if reply.status_code != 503:
            break
        time.sleep(0.25)
    return reply


def stream(client: Any, url: str, **headers: str) -> list[tuple[int, str, dict[str, Any]]]:
    """Id, name and data of each event until the stream ends."""
    found = []
    for block in client.get(url, headers=headers).text.replace("\r\n", "\n").split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":") and ": " in line)
        if "event" in lines:
            found.append((int(lines["id"]), lines["event"], json.loads(lines["data"])))
    return found


def until_ended(client: Any, request_id: str, seconds: float = 90) -> dict[str, Any]:
    """The status of a request that is done or has failed."""
    end, known = time.monotonic() + seconds, {"status": "not answered at all"}
    while time.monotonic() < end:
        known = client.get(f"/v1/requests/{request_id}").json()
        if known["status"] in ("done", "failed"):
            return known
        time.sleep(0.02)
    raise AssertionError(f"{request_id} was not answered in {seconds} s: {known}")


class _Client:
    """Sends requests as a shop would, keeps what was accepted, and looks which ones have ended."""

    def __init__(self, client: Any, n: int) -> None:
        self._client, self._n = client, n
        self.acks: dict[str, float] = {}
        self.refused = 0
        self._ended: set[str] = set()
        self._is_over = threading.Event()

    def send_all(self) -> None:
        """Never far ahead of the answers, so that something is under way, and sent, whenever something breaks."""
        for number in range(self._n):
            while len(self.acks) - len(self._ended) >= AHEAD and not self._is_over.wait(0.02):
                pass
            body, key = {"prompt": f"a rug and a vase under ${100 + number}"}, {"Idempotency-Key": uuid.uuid4().hex}
            while not self._is_over.is_set() and not self._is_accepted(body, key):
                self.refused += 1
                time.sleep(0.25)

    def wait_answered(self, count: int, seconds: float) -> None:
        """Returns when so many have ended, or raises TimeoutError."""
        end = time.monotonic() + seconds
        while self._answered() < count:
            if time.monotonic() > end:
                raise TimeoutError(f"{len(self._ended)} answered of {len(self.acks)}; waiting for {count}")
            time.sleep(0.1)

    def end(self) -> None:
        """Nothing is sent any more."""
        self._is_over.set()

    def _is_accepted(self, body: dict[str, Any], key: dict[str, str]) -> bool:
        sent = time.perf_counter()
        reply = self._client.post("/v1/requests", json=body, headers=key)
        if reply.status_code != 202:
            assert reply.status_code == 503 and "retry-after" in reply.headers, reply.text
            return False
        request_id = reply.json()["request_id"]
        assert request_id not in self.acks
        self.acks[request_id] = (time.perf_counter() - sent) * 1_000
        return True

    def _answered(self) -> int:
        for request_id in [one for one in list(self.acks) if one not in self._ended]:
            reply = self._client.get(f"/v1/requests/{request_id}")
            if reply.status_code == 200 and reply.json()["status"] in ("done", "failed"):
                self._ended.add(request_id)
        return len(self._ended)


def killed_under_a_ledger(
    client: Any, environ: dict[str, str], n: int, breaks: list[Callable[[], None]], patience_s: float
) -> Ledger:
    """Sends n requests; in between things break, each when its share of the answers is there. `patience_s` is how long
    the answers of one share may take."""
    shop, began = _Client(client, n), time.monotonic()
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(shop.send_all)
        try:
            for number, break_something in enumerate(breaks, 1):
                shop.wait_answered(n * number // (len(breaks) + 1), patience_s)
                break_something()
            shop.wait_answered(n, patience_s)
        finally:
            shop.end()
        sending.result()
    seconds = time.monotonic() - began
    ends = {one: Counter(name for _, name, _ in stream(client, f"/v1/requests/{one}/events")) for one in shop.acks}
    results, records = results_of(environ, set(shop.acks))
    answered = {one for one, count in ends.items() if count["done"] == count["bundles"] == 1 and one in results}
    doubled = {one for one, count in ends.items() if count["done"] > 1 or count["bundles"] > 1}
    doubled |= {one for one, answers in results.items() if len(answers) > 1}
    times = sorted(shop.acks.values())
    return Ledger(
        len(ends), len(answered), len(set(ends) - answered), len(doubled), records - len(results),
        interrupted_of(environ, set(ends)), shop.refused, len(breaks), round(seconds, 1),
        round(times[len(times) // 2], 1), round(times[int(len(times) * 0.99)], 1),
    )  # fmt: skip


def interrupted_of(environ: dict[str, str], request_ids: set[str]) -> int:
    """How many of them were begun more than once."""
    store = build_request_store(settings_of(environ))
    known = [store.get(request_id, datetime.now(UTC)) for request_id in request_ids]
    store.close()
    return sum(one is not None and one.attempts > 1 for one in known)


def settings_of(environ: dict[str, str]) -> Settings:
    """The settings that the processes of a test have."""
    return Settings.from_env({k: v for k, v in os.environ.items() if k in SERVER_SETTINGS} | environ)


def results_of(environ: dict[str, str], wanted: set[str]) -> tuple[dict[str, set[bytes]], int]:
    """Different answers of each wanted request in the topic of results, and how many records they are."""
    log = build_log(settings_of(environ))
    tail, found, records = log.tail(RESULTS_TOPIC), dict[str, set[bytes]](), 0
    end = time.monotonic() + 30
    while time.monotonic() < end and not (tail.is_caught_up and wanted <= set(found)):
        try:
            read = tail.poll(1_000, 0.5)
        except LogDownError:
            continue
        for record in read:
            if record.key in wanted:
                data = msgspec.json.decode(record.value)["data"]
                found.setdefault(record.key, set()).add(msgspec.json.encode(data, order="sorted"))
                records += 1
    tail.close()
    log.close()
    return found, records
