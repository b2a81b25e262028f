"""python -m online.training_rows FOLDER REQUESTS OUT: the feature rows that these requests are ranked by, as a file.

A build runs it on the folder of a release to learn from: training rows are filled by the very code that serves, so they
cannot differ from what is served. What is known of a shopper comes with each request, as of its own time."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from online.candidates import Ranked
from online.gather import Dependencies
from online.live import LiveRelease
from online.messages import ProductsRequest
from online.pipeline import rank_products
from online.probe import GivenFeatures, open_folder
from online.retrieval import InProcessRetriever
from setwise.ranking import FEATURES, KINDS


class Replayed(msgspec.Struct, frozen=True):
    """One line of the requests' file: what is asked, and what was known of the shopper then, by feature view."""

    request: ProductsRequest
    known: dict[str, dict[str, Any]] = {}


def replay(live: LiveRelease, requests: Sequence[Replayed], now: datetime) -> Iterator[Ranked]:
    """For each request its candidates with their feature rows, best first by the weighted sum."""
    reader = GivenFeatures()
    dependencies = Dependencies(InProcessRetriever(), reader, to_learn_from=True)
    without = msgspec.structs.replace(live, rankers={})
    for one in requests:
        reader.known = one.known
        yield rank_products(one.request, without, dependencies, now)[2]


def write_rows(live: LiveRelease, requests: Sequence[Replayed], out: Path) -> None:
    """Writes `features` (rows, features), `rows` (of the snapshot), and of each request how many rows it has
    (`counts`) and which of setwise.ranking.KINDS it is (`kinds`, their places)."""
    rows, counts, kinds = [np.empty(0, np.int64)], [], []
    features = [np.empty((0, len(FEATURES)), np.float32)]
    for ranked in replay(live, requests, datetime.now(UTC)):
        assert ranked.features is not None
        rows.append(ranked.rows)
        features.append(ranked.features.astype(np.float32))
        counts.append(len(ranked.rows))
        kinds.append(KINDS.index(ranked.kind))
    np.savez(
        out, rows=np.concatenate(rows), features=np.concatenate(features),
        counts=np.asarray(counts, dtype=np.int64), kinds=np.asarray(kinds, dtype=np.int64),
    )  # fmt: skip


def main() -> int:
    """Reads requests as JSON Lines of Replayed."""
    parser = argparse.ArgumentParser(prog="python -m online.training_rows", description=__doc__)
    parser.add_argument("folder", type=Path, help="a release's folder with its manifest")
    parser.add_argument("requests", type=Path, help="JSON Lines")
    parser.add_argument("out", type=Path, help=".npz")
    chosen = parser.parse_args()
    requests = msgspec.json.decode(
        b"[" + b",".join(chosen.requests.read_bytes().splitlines()) + b"]", type=list[Replayed]
    )
    write_rows(open_folder(chosen.folder), requests, chosen.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
