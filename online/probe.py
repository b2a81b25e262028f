"""python -m online.probe FOLDER: asks a release that is not live yet, and counts answers that break a promise.

The build runs it before it switches: the very code that will serve the release tries it first.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np

from online.gather import Dependencies
from online.hydration import FeatureRow
from online.live import LiveRelease, open_release
from online.messages import BudgetWish, BundleAnswer, BundleRequest
from online.pipeline import recommend_bundles
from online.retrieval import InProcessRetriever
from setwise.catalogue import is_sellable, price_now
from setwise.names import ProductId
from setwise.release import MANIFEST, Manifest

PROMPTS = 60


class GivenFeatures:
    """A reader that knows of everybody what `known` has by feature view: nothing, until a build says what was known of
    the shopper of the request at hand."""

    newest: datetime | None = None

    def __init__(self) -> None:
        self.known: dict[str, FeatureRow] = {}

    def read(
        self, view: str, keys: Sequence[str], now: datetime, features: Sequence[str] | None = None
    ) -> list[FeatureRow | None]:
        """The same row for each key."""
        return [self.known.get(view)] * len(keys)

    def read_views(
        self, asked: Sequence[tuple[str, Sequence[str]]], now: datetime
    ) -> list[list[FeatureRow | None]]:  # fmt: skip
        """The same of several views."""
        return [self.read(view, keys, now) for view, keys in asked]

    def forget(self, view: str, key: str) -> bool:
        """There is nothing to forget."""
        return False

    def close(self) -> None:
        """Nothing to close."""


def open_folder(folder: Path) -> LiveRelease:
    """The release in a folder, live or not. Raises where it cannot be opened."""
    return open_release(msgspec.json.decode((folder / MANIFEST).read_bytes(), type=Manifest), folder)


def violations(live: LiveRelease, answer: BundleAnswer, limit: int, now: datetime) -> list[str]:
    """What this answer breaks of: total, budget, stock, no product or item group twice, one currency."""
    broken = []
    for bundle in answer.bundles:
        rows = [live.snapshot.row_of(ProductId(item.product_id)) for item in bundle.items]
        products = [live.snapshot[row] for row in rows if row is not None]
        total = sum(price_now(p, now) * item.quantity for p, item in zip(products, bundle.items, strict=True))
        groups = [product.item_group_id or f"\0{product.id}" for product in products]
        if total != bundle.total_cents or total > limit:
            broken.append("total")
        if not all(is_sellable(p, now, item.quantity) for p, item in zip(products, bundle.items, strict=True)):
            broken.append("stock")
        if len(set(groups)) != len(groups):
            broken.append("twice")
        if {product.currency for product in products} != {bundle.currency}:
            broken.append("currency")
    return broken


def probe(live: LiveRelease) -> dict[str, float]:
    """Asks for one, two and open sets by the catalogue's own titles, with budgets; counts over all of them."""
    dependencies, now = Dependencies(InProcessRetriever(), GivenFeatures()), datetime.now(UTC)
    rng = np.random.default_rng(1)
    n = len(live.snapshot)
    counted = {"prompts": 0.0, "answered": 0.0, "violations": 0.0}
    for number in range(min(PROMPTS, n)):
        chosen = [live.snapshot[int(row)] for row in rng.choice(n, min(1 + number % 3, n), replace=False)]
        limit = int(sum(price_now(p, now) for p in chosen) * float(rng.uniform(0.3, 2.0))) + 1
        prompt = " and ".join(" ".join(p.title.split()[:4]) for p in chosen)[:512]
        budget = BudgetWish(max_cents=limit, currency=chosen[0].currency)
        answer = recommend_bundles(BundleRequest(prompt=prompt, budget=budget), live, dependencies, now)
        counted["prompts"] += 1
        counted["answered"] += bool(answer.bundles)
        counted["violations"] += len(violations(live, answer, limit, now))
    return counted


def main() -> int:
    """Prints the counts as JSON; 0 whatever they are, the caller judges."""
    parser = argparse.ArgumentParser(prog="python -m online.probe", description=__doc__)
    parser.add_argument("folder", type=Path, help="a release's folder with its manifest")
    print(json.dumps(probe(open_folder(parser.parse_args().folder))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
