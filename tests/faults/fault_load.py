"""An open-loop load: each request is sent when it is due, whatever became of the others; every reply is read."""

import asyncio
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from typing import Any

import msgspec

TIMEOUT_S = 10


class Reply(msgspec.Struct):
    """What came of one request; status 0 where the connection failed or the answer was cut off."""

    due_at: float
    status: int
    ms: float
    headers: dict[str, str] = {}
    body: dict[str, Any] = {}
    problem: str = ""


async def ask(port: int, path: str, body: object = None, due_at: float | None = None, key: str = "") -> Reply:
    """One request on a connection of its own; the time counts from when it was due."""
    started = time.monotonic()
    due_at = started if due_at is None else due_at
    try:
        async with asyncio.timeout(TIMEOUT_S):
            status, headers, text = await _exchange(port, path, body, key)
        answer = json.loads(text) if text else {}
    except (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError) as error:
        return Reply(due_at, 0, (time.monotonic() - due_at) * 1000, problem=repr(error))
    return Reply(due_at, status, (time.monotonic() - due_at) * 1000, headers, answer)


async def _exchange(port: int, path: str, body: object, key: str) -> tuple[int, dict[str, str], bytes]:
    data = b"" if body is None else json.dumps(body).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        method = "GET" if body is None else "POST"
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n"
        head += f"Authorization: Bearer {key}\r\n" if key else ""
        writer.write(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
        await writer.drain()
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
        return int(lines[0].split(" ")[1]), headers, await reader.readexactly(int(headers.get("content-length", 0)))
    finally:
        writer.close()


def ask_now(port: int, path: str, body: object = None, key: str = "") -> Reply:
    """One request, waited for; in a thread, as a browser's driver keeps a loop of its own running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, ask(port, path, body, key=key)).result()


class Load:
    """A load in a thread of its own; `replies` is complete when the context ends, each as `noted` made it."""

    def __init__(
        self,
        port: int,
        rate: float,
        seconds: float,
        body_of: Callable[[int], object],
        noted: Callable[[Reply], Reply] = copy,
    ) -> None:
        self._port, self._rate, self._seconds, self._body_of, self._noted = port, rate, seconds, body_of, noted
        self.replies: list[Reply] = []
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    async def _run(self) -> None:
        started, tasks = time.monotonic(), []
        for number in range(int(self._rate * self._seconds)):
            due_at = started + number / self._rate
            await asyncio.sleep(max(due_at - time.monotonic(), 0))
            tasks.append(asyncio.create_task(self._ask(number, due_at)))
        self.replies = await asyncio.gather(*tasks)

    async def _ask(self, number: int, due_at: float) -> Reply:
        return self._noted(await ask(self._port, "/v1/bundles", self._body_of(number), due_at))
