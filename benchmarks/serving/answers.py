"""Whole answers: the open loop of unique prompts, repeated prompts, the acknowledgement, a stock change's effect."""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import httpx
import msgspec

from benchmarks.serving import events
from benchmarks.serving.load import attack, percentile, summary
from benchmarks.serving.processes import cost, memory_mb, total
from benchmarks.serving.prompts import requests
from benchmarks.serving.service import Running, serving
from benchmarks.serving.shops import Shop

Say = Callable[[str], None]
Result = dict[str, object]
COLD = 50
WARM_S = 5
REPEATED = 20
"""So many prompts are asked for again and again where repeated ones are measured."""


def loaded(
    running: Running, bodies: list[dict[str, object]], rate: float, work: Path, path: str = "/v1/bundles"
) -> Result:
    """One open loop: its summary, and CPU milliseconds per answer of each process."""
    before = cost(running.pids)
    measured = summary(attack(running.url + path, bodies, rate, work), rate)
    spent = cost(running.pids).since(before)
    answers = max(1, measured.answered)
    return msgspec.to_builtins(measured) | {
        "cpu_ms": {name: round(seconds * 1e3 / answers, 2) for name, seconds in spent.items()},
        "cpu_ms_all": round(total(spent.values()) * 1e3 / answers, 2),
    }


def measure(shop: Shop, rate: float, seconds: int, work: Path, say: Say, made: bool = True) -> Result:
    """Everything about one shop on one profile, in one process after another start."""
    count = int(rate * seconds)
    bodies = requests(COLD + int(rate * WARM_S) + count, 1, shop.shoppers, made)
    with serving(shop, work) as running:
        result: Result = {
            "shop": shop.name,
            "products": shop.live()[0].counts["products"],
            "seconds_to_first_answer": running.seconds_to_first_answer,
        }
        say(f"{shop.name}: {rate:.1f} unique prompts a second for {seconds} s")
        result["cold"] = loaded(running, bodies[:COLD], rate, work)
        warm_up, rest = bodies[COLD : COLD + int(rate * WARM_S)], bodies[COLD + int(rate * WARM_S) :]
        loaded(running, warm_up, rate, work)
        result["unique"] = loaded(running, rest, rate, work)
        if made:
            say(f"{shop.name}: repeated prompts")
            few = requests(REPEATED, 2, 0)
            loaded(running, few, rate, work)
            repeated = [few[number % REPEATED] for number in range(min(count, 20 * REPEATED))]
            result["repeated"] = loaded(running, repeated, rate, work)
            result["refused"] = refused(running, rate, min(count, 300), work)
            say(f"{shop.name}: asynchronous requests, catalogue changes")
            result["asynchronous"] = acknowledged(running, rate, min(count, 500), shop.shoppers, work)
            result["changes"] = change_effects(running, min(20, max(5, seconds // 2)))
            say(f"{shop.name}: events, and their rows")
            result["events"] = events.measured(running.url, shop)
        result["memory_mb"] = memory_mb(running.pids["service"])
    return result


def refused(running: Running, rate: float, count: int, work: Path) -> Result:
    """Requests that are wrong in one of three ways, by turns: milliseconds p50 and p99 until told so."""
    wrong = [{"prompt": "a sofa " * 80}, {"prompt": "a sofa", "nothing": 1}, {"prompt": "a sofa", "n_bundles": 99}]
    bodies = [wrong[number % len(wrong)] for number in range(count)]
    samples = attack(f"{running.url}/v1/bundles", bodies, rate, work)
    times = [sample.ms for sample in samples]
    statuses = {str(status): count for status, count in Counter(sample.status for sample in samples).items()}
    return {"statuses": statuses, "p50": round(percentile(times, 0.5), 2), "p99": round(percentile(times, 0.99), 2)}


def acknowledged(running: Running, rate: float, count: int, shoppers: int, work: Path) -> Result | None:
    """POST /v1/requests until it says 202; None where the service has no such route."""
    bodies = requests(count, 3, shoppers)
    first = httpx.post(f"{running.url}/v1/requests", json=bodies[0], headers={"Idempotency-Key": uuid4().hex})
    if first.status_code in (404, 405):
        return None
    keys = [{"Idempotency-Key": uuid4().hex} for _ in bodies]
    return msgspec.to_builtins(summary(attack(f"{running.url}/v1/requests", bodies, rate, work, keys), rate))


def change_effects(running: Running, count: int) -> Result | None:
    """A product of an answer is sold out: milliseconds until the change is acknowledged, and until no answer has it.

    Each is put back in stock. None where the service has no such route."""
    acknowledged_ms, effect_ms = [], []
    headers = {"Authorization": f"Bearer {running.admin_key}"}
    with httpx.Client(base_url=running.url, timeout=10, headers=headers) as client:
        for body in requests(5 * count, 4, 0):
            product_id = _first_product(client, body)
            if product_id is None or len(effect_ms) == count:
                continue
            began = time.perf_counter()
            sold_out = [{"product_id": product_id, "availability": "out_of_stock"}]
            reply = client.post("/v1/catalogue/changes", json=sold_out)
            if reply.status_code in (404, 405):
                return None
            reply.raise_for_status()
            acknowledged_ms.append((time.perf_counter() - began) * 1e3)
            while _holds(client, body, product_id):
                if time.perf_counter() - began > 10:
                    raise RuntimeError("a product that was sold out is answered after ten seconds")
                time.sleep(0.005)
            effect_ms.append((time.perf_counter() - began) * 1e3)
            back = [{"product_id": product_id, "availability": "in_stock"}]
            client.post("/v1/catalogue/changes", json=back).raise_for_status()
    return {
        "changes": len(effect_ms),
        "acknowledged": [round(percentile(acknowledged_ms, share), 2) for share in (0.5, 0.99)],
        "effect": [round(percentile(effect_ms, share), 2) for share in (0.5, 0.99)],
    }


def _first_product(client: httpx.Client, body: dict[str, object]) -> str | None:
    bundles = client.post("/v1/bundles", json=body).raise_for_status().json()["bundles"]
    return bundles[0]["items"][0]["product_id"] if bundles else None


def _holds(client: httpx.Client, body: dict[str, object], product_id: str) -> bool:
    bundles = client.post("/v1/bundles", json=body).raise_for_status().json()["bundles"]
    return any(item["product_id"] == product_id for bundle in bundles for item in bundle["items"])
