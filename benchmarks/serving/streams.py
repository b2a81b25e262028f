"""A shop's own kind of load: prompts that come again as often as Zipf's law says, and stock that changes meanwhile."""

import random
import re
import threading
import time
from itertools import accumulate
from pathlib import Path

import httpx
import numpy as np

from benchmarks.serving.answers import Result, Say, loaded
from benchmarks.serving.load import percentile
from benchmarks.serving.prompts import requests
from benchmarks.serving.service import Running, serving
from benchmarks.serving.shops import Shop
from setwise.snapshot import Snapshot

DIFFERENT = 2_000
EXPONENT = 1.0
AT_ONCE = 1_000
_CACHE = re.compile(r'setwise_cache_requests_total{cache="(\w+)",result="(\w+)"} ([\d.e+]+)')


def streams(shop: Shop, rate: float, seconds: int, changes: int, work: Path, say: Say) -> Result:
    """Both, one after the other, in one process."""
    with serving(shop, work) as running:
        say(f"{shop.name}: a Zipf-shaped stream of {DIFFERENT} prompts at {rate:.1f}/s for {seconds} s")
        found = zipf(running, rate, seconds, work)
        say(f"{shop.name}: {changes} stock changes under {rate:.1f} prompts a second")
        return found | {"changes_under_load": changes_under_load(running, shop, rate, changes, work)}


def zipf(running: Running, rate: float, seconds: int, work: Path) -> Result:
    """Prompt number n of DIFFERENT is asked for 1/n as often as the first; nobody is named."""
    weights = list(accumulate(1 / rank**EXPONENT for rank in range(1, DIFFERENT + 1)))
    bodies = random.Random(11).choices(requests(DIFFERENT, 11, 0), cum_weights=weights, k=int(rate * seconds))
    before = _cache_counts(running)
    result = loaded(running, bodies, rate, work)
    after = _cache_counts(running)
    return {"zipf": result, "caches": {name: _share(after[name], before.get(name, {})) for name in after}}


def changes_under_load(running: Running, shop: Shop, rate: float, count: int, work: Path) -> Result:
    """`count` different products are sold out in calls of 1,000 while prompts are asked for.

    For each call: seconds until acknowledged, and until none of its products is sellable; then wrong = products of
    answers that were asked for afterwards and hold one of them. All are put back."""
    _, folder = shop.live()
    snapshot = Snapshot(folder / "snapshot")
    rows = np.random.default_rng(12).permutation(len(snapshot))[:count]
    ids = [str(snapshot.ids[row]) for row in rows]
    calls = [ids[begin : begin + AT_ONCE] for begin in range(0, len(ids), AT_ONCE)]
    load = requests(int(rate * 2 * len(calls)), 13, 0)
    under_load = threading.Thread(target=loaded, args=(running, load, rate, work))
    headers = {"Authorization": f"Bearer {running.admin_key}"}
    acknowledged, effect = [], []
    with httpx.Client(base_url=running.url, timeout=30, headers=headers) as client:
        under_load.start()
        for call in calls:
            began = time.perf_counter()
            _say_stock(client, call, "out_of_stock")
            acknowledged.append(time.perf_counter() - began)
            while any(client.get(f"/v1/products/{one}").json()["is_sellable"] for one in (call[0], call[-1])):
                time.sleep(0.01)
            effect.append(time.perf_counter() - began)
        under_load.join()
        gone, wrong, asked = set(ids), 0, requests(100, 14, 0)
        for body in asked:
            bundles = client.post("/v1/bundles", json=body).raise_for_status().json()["bundles"]
            wrong += sum(item["product_id"] in gone for bundle in bundles for item in bundle["items"])
        for call in calls:
            _say_stock(client, call, "in_stock")
    return {
        "changes": len(ids), "acknowledged_s": [round(percentile(acknowledged, share), 3) for share in (0.5, 1)],
        "effect_s": [round(percentile(effect, share), 3) for share in (0.5, 1)], "answers": len(asked), "wrong": wrong,
    }  # fmt: skip


def _say_stock(client: httpx.Client, ids: list[str], availability: str) -> None:
    changes = [{"product_id": one, "availability": availability} for one in ids]
    client.post("/v1/catalogue/changes", json=changes).raise_for_status()


def _cache_counts(running: Running) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {}
    for cache, result, count in _CACHE.findall(httpx.get(f"{running.url}/metrics").text):
        found.setdefault(cache, {})[result] = float(count)
    return found


def _share(after: dict[str, float], before: dict[str, float]) -> dict[str, float]:
    counts = {result: count - before.get(result, 0) for result, count in after.items()}
    asked = sum(counts.values())
    return {result: round(count / asked, 4) for result, count in counts.items()} if asked else {}
