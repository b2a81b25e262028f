"""Events: how many a second are durable, how fast they become rows, and how long a click takes until it is one."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import httpx
import psycopg

from benchmarks.serving.load import percentile
from benchmarks.serving.machine import ROOT
from benchmarks.serving.shops import SERVERS, Shop, clean_environ
from orchestration.warehouse.stores import FILE, Warehouse, build_warehouse
from setwise.settings import Settings

Result = dict[str, object]
BATCH, CLIENTS, SECONDS = 100, 8, 10
CLICKS, PATIENCE_S = 10, 60


def measured(url: str, shop: Shop) -> Result:
    """Accepted events a second, rows a second from the log, and milliseconds p50 / p99 from a click to its row."""
    with _warehouse(shop) as environ:
        warehouse = build_warehouse(Settings.from_env(_own(environ)))
        warehouse.migrate()
        _load(environ)  # what earlier runs left in the log is no part of this one
        accepted, seconds = asyncio.run(_send(url))
        before, began = _rows(warehouse), time.perf_counter()
        _load(environ)
        loaded, took = _rows(warehouse) - before, time.perf_counter() - began - _start_s(environ)
        waits = _clicks(url, environ, warehouse)
        warehouse.close()
    return {
        "accepted_per_s": round(accepted / seconds, 1),
        "rows_per_s": round(loaded / max(took, 0.001), 1),
        "rows": loaded,
        "click_to_row_s": [round(percentile(waits, share) / 1000, 2) for share in (0.5, 0.99)],
    }


async def _send(url: str) -> tuple[int, float]:
    until, accepted, began = time.perf_counter() + SECONDS, 0, time.perf_counter()

    async def client(number: int) -> None:
        nonlocal accepted
        async with httpx.AsyncClient(base_url=url, timeout=30) as session:
            turn = 0
            while time.perf_counter() < until:
                turn += 1
                reply = await session.post("/v1/events", json=[_event(f"{number}-{turn}-{n}") for n in range(BATCH)])
                accepted += reply.raise_for_status().json()["accepted"]

    await asyncio.gather(*(client(number) for number in range(CLIENTS)))
    return accepted, time.perf_counter() - began


def _event(name: str) -> dict[str, object]:
    data = {"visitor_id": f"v-{name}", "product_id": "p-1", "position": 1}
    return {"specversion": "1.0", "id": uuid4().hex, "source": "bench", "type": "setwise.click", "data": data}


def _clicks(url: str, environ: dict[str, str], warehouse: Warehouse) -> list[float]:
    """With a loader that runs, one click after the other."""
    waits = []
    loader = subprocess.Popen([sys.executable, "-m", "orchestration.loader"], env=environ, cwd=ROOT, stderr=-3)
    try:
        time.sleep(_start_s(environ) + 1)
        for _ in range(CLICKS):
            event, began = _event("click"), time.perf_counter()
            httpx.post(f"{url}/v1/events", json=event, timeout=30).raise_for_status()
            while not warehouse.rows("SELECT 1 FROM raw.interactions WHERE id = ?", [event["id"]]):
                if time.perf_counter() - began > PATIENCE_S:
                    raise RuntimeError("a click was no row after a minute")
                time.sleep(0.05)
            waits.append((time.perf_counter() - began) * 1e3)
    finally:
        loader.terminate()
        loader.wait(30)
    return waits


def _load(environ: dict[str, str]) -> None:
    subprocess.run(
        [sys.executable, "-m", "orchestration.loader", "--once"], env=environ, cwd=ROOT, check=True, capture_output=True
    )


def _start_s(environ: dict[str, str]) -> float:
    """What a loader takes that has nothing to do: it is no part of what a row takes."""
    began = time.perf_counter()
    _load(environ)
    return time.perf_counter() - began


def _rows(warehouse: Warehouse) -> int:
    return int(warehouse.rows("SELECT count(*) FROM raw.interactions")[0][0])


def _own(environ: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name.startswith("SETWISE_")}


@contextmanager
def _warehouse(shop: Shop) -> Iterator[dict[str, str]]:
    """Settings with an empty warehouse: a file of the shop's, or a database that is dropped after it."""
    environ = clean_environ(shop)
    url = os.environ.get("SETWISE_WAREHOUSE_POSTGRES_URL", "")
    if shop.environ.get("SETWISE_VECTORS") != SERVERS["SETWISE_VECTORS"] or not url:
        for left in Path(shop.data_dir).glob(f"{FILE}*"):
            left.unlink()
        yield environ
        return
    name = f"setwise_bench_{uuid4().hex[:8]}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"'.encode())
    try:
        own = urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
        yield environ | {"SETWISE_WAREHOUSE": "postgres", "SETWISE_WAREHOUSE_POSTGRES_URL": own}
    finally:
        with psycopg.connect(url, autocommit=True) as admin:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())
