"""python -m online.replay FOLDER ASKED ANSWERS: answers a file of requests from a release's folder.

A build measures a release with it before the release goes live: by the very code that will serve it."""

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from online.gather import Dependencies
from online.live import LiveRelease
from online.messages import BundleRequest, ProductsRequest
from online.pipeline import recommend_bundles, recommend_products
from online.probe import GivenFeatures, open_folder
from online.retrieval import InProcessRetriever


class Asked(msgspec.Struct, frozen=True):
    """One line of the requests: for products or for bundles, and what is known of who asks, by feature view."""

    id: str
    products: ProductsRequest | None = None
    bundles: BundleRequest | None = None
    known: dict[str, dict[str, Any]] = {}


class Replied(msgspec.Struct, frozen=True):
    """One line of the answers: products best first, those of a bundle beside each other."""

    id: str
    products: list[str]
    scores: list[float]
    language: str
    bundles: list[list[str]] = []


def replies(live: LiveRelease, asked: Iterator[Asked], now: datetime) -> Iterator[Replied]:
    """One answer for each request, in its order."""
    features = GivenFeatures()
    dependencies = Dependencies(InProcessRetriever(), features)
    for one in asked:
        features.known = one.known
        if one.products is not None:
            answer = recommend_products(one.products, live, dependencies, now)
            yield Replied(
                one.id, [p.product_id for p in answer.products], [p.score for p in answer.products],
                answer.understood.language,
            )  # fmt: skip
        elif one.bundles is not None:
            found = recommend_bundles(one.bundles, live, dependencies, now)
            items = [item for bundle in found.bundles for item in bundle.items]
            yield Replied(
                one.id, [item.product_id for item in items], [item.score for item in items],
                found.understood.language,
                [[item.product_id for item in bundle.items] for bundle in found.bundles],
            )  # fmt: skip


def main() -> int:
    """Writes the answers; raises where the release cannot be opened."""
    parser = argparse.ArgumentParser(prog="python -m online.replay", description=__doc__)
    parser.add_argument("folder", type=Path, help="a release's folder with its manifest")
    parser.add_argument("asked", type=Path, help="JSON lines")
    parser.add_argument("answers", type=Path, help="the file to write")
    chosen = parser.parse_args()
    decode, encode = msgspec.json.Decoder(Asked).decode, msgspec.json.Encoder().encode
    with chosen.asked.open("rb") as lines, chosen.answers.open("wb") as file:
        for reply in replies(open_folder(chosen.folder), map(decode, lines), datetime.now(UTC)):
            file.write(encode(reply) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
