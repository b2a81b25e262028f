"""Asks a shop's live release in this process: the bodies that the shared ask.py would send, without HTTP."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
import numpy as np

from benchmarks.evaluate.shops import Shop
from benchmarks.evaluate.tasks import Asking
from online.gather import Dependencies
from online.hydration import build_reader
from online.live import LiveRelease, open_release
from online.messages import BundleRequest, ProductsRequest
from online.pipeline import recommend_bundles, recommend_products
from online.retrieval import InProcessRetriever
from setwise.release import Releases
from setwise.settings import Settings

K = 100
BUNDLES = 5

Query = dict[str, Any]


class Open(msgspec.Struct, frozen=True):
    """A shop whose live release is open."""

    shop: Shop
    live: LiveRelease
    dependencies: Dependencies


def open_shop(shop: Shop) -> Open:
    """Opens the live release of a shop and its feature store."""
    return Open(shop, *open_data(Settings.from_env(shop.environ)))


def open_data(settings: Settings) -> tuple[LiveRelease, Dependencies]:
    """The live release and the feature store that these settings name. Raises RuntimeError without a release."""
    data_dir = Path(settings.storage.data_dir)
    releases = Releases(settings.storage.releases, data_dir / "release-cache")
    current = releases.current_id()
    if current is None:
        raise RuntimeError(f"there is no live release in {data_dir}: build one first")
    return open_release(*releases.fetch(current)), Dependencies(InProcessRetriever(), build_reader(settings))


def body_of(query: Query, anonymous: bool = False) -> dict[str, Any]:
    """Body of POST /v1/products, with the fields that the query has; an anonymous one leaves the shopper out."""
    body: dict[str, Any] = {"k": K}
    if query.get("text"):
        body["prompt"] = query["text"]
    if query.get("given"):
        # p2 asks for what this shopper never bought: what is given is history, not a cart.
        body["exclude" if "p2" in query["subsets"] else "basket"] = query["given"]
    if query.get("user_id") and not anonymous:
        body["user_id"] = query["user_id"]
    return body


def ask(shop: Open, asking: Asking, query: Query) -> list[str] | list[list[str]]:
    """Product ids, best first, or each bundle's. Raises msgspec.ValidationError where the service would say 422."""
    body, now = body_of(query, asking.anonymous), datetime.now(UTC)
    if asking.bundles:
        asked = msgspec.convert({"prompt": body["prompt"], "n_bundles": BUNDLES}, BundleRequest)
        bundles = recommend_bundles(asked, shop.live, shop.dependencies, now).bundles
        return [[item.product_id for item in bundle.items] for bundle in bundles]
    if asking.pool:
        body["candidates"] = list(query["candidates"] if "candidates" in query else query["gold"])
        body["k"] = len(body["candidates"])
    request = msgspec.convert(body, ProductsRequest)
    return [product.product_id for product in recommend_products(request, shop.live, shop.dependencies, now).products]


def read_queries(shop: Shop, asking: Asking) -> Iterator[Query]:
    """The questions of one run."""
    with (shop.folder / f"{asking.queries}.jsonl").open() as lines:
        yield from map(json.loads, lines)


def write_run(shop: Open, asking: Asking, path: Path, say: Callable[[str], None]) -> dict[str, float]:
    """Writes one run file; how many were answered, and milliseconds an answer took. What fails is said and left out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    took, asked = [], 0
    with path.open("w") as run:
        for query in read_queries(shop.shop, asking):
            asked += 1
            began = perf_counter()
            try:
                ranked = ask(shop, asking, query)
            except msgspec.ValidationError as error:
                say(f"  {query['query_id']}: refused, {error}")
                continue
            took.append((perf_counter() - began) * 1e3)
            run.write(json.dumps({"query_id": query["query_id"], "ranked": ranked}) + "\n")
    p50, p99 = np.percentile(took, (50, 99)) if took else (0.0, 0.0)
    return {"asked": asked, "answered": len(took), "p50_ms": float(p50), "p99_ms": float(p99)}
