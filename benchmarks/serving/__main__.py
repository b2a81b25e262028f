"""python -m benchmarks.serving: load, cost and growth of the service, and docs/benchmarks.md.

Each part keeps its result under var/bench/results, so that a run can be put together and the document made again.
Parts that need the real servers take their settings from the environment (source var/services/env).
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.serving.answers import Result, loaded, measure
from benchmarks.serving.load import vegeta
from benchmarks.serving.machine import ROOT, calibrate, facts
from benchmarks.serving.overload import overloaded
from benchmarks.serving.processes import resident_mb
from benchmarks.serving.prompts import made_prompts, requests
from benchmarks.serving.report import read_results, write_report
from benchmarks.serving.service import serving
from benchmarks.serving.shops import Shop, chorus_shop, grown_shop, sample_shop
from benchmarks.serving.side_by_side import naive, stores
from benchmarks.serving.streams import streams
from setwise.catalogue import product_text
from setwise.encoder import Encoder
from setwise.snapshot import Snapshot

WORK = ROOT / "var/bench"
RATES = {"embedded": 50.0, "servers": 20.0, "naive": 2.0, "million": 20.0}
"""Requests a second at factor 1."""
FULL_S, QUICK_S = 60, 6
EMBEDDED, SERVERS = 30_000, 30_000
QUICK_PRODUCTS = 3_000


def say(text: str) -> None:
    """A line of progress."""
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


class Run:
    """One run: how long, how large, how fast."""

    def __init__(self, factor: float, quick: bool) -> None:
        self.factor, self.quick = factor, quick
        self.seconds = QUICK_S if quick else FULL_S
        self.products = QUICK_PRODUCTS if quick else EMBEDDED
        self.work = WORK / "work"
        self.has_servers = os.environ.get("SETWISE_VECTORS") == "weaviate"

    def rate(self, name: str) -> float:
        """Requests a second on this machine."""
        return RATES[name] / self.factor

    def embedded(self) -> Result:
        """Whole answers on the embedded defaults."""
        shop = sample_shop(WORK, self.products, say)
        return measure(shop, self.rate("embedded"), self.seconds, self.work, say)

    def servers(self) -> Result:
        """The same on Weaviate, Redis and Kafka."""
        shop = sample_shop(WORK, self.products, say, servers=True)
        return measure(shop, self.rate("servers"), self.seconds, self.work, say)

    def overload(self) -> Result:
        """Two, five and ten times the rated load, embedded."""
        shop = sample_shop(WORK, self.products, say)
        return overloaded(shop, self.rate("embedded"), self.seconds, self.work, say)

    def streams(self) -> Result:
        """Prompts that come again, and stock that changes under load, embedded."""
        shop = sample_shop(WORK, self.products, say)
        return streams(shop, self.rate("embedded"), self.seconds, self.products // 3, self.work, say)

    def chorus(self) -> Result:
        """Real products and real sentences, embedded."""
        shared = Path(os.environ.get("SETWISE_SHARED") or ROOT / "../shared")
        return measure(
            chorus_shop(WORK, shared, say), 20 / self.factor, min(self.seconds, 30), self.work, say, made=False
        )

    def naive(self) -> Result:
        """Every SDK as its quick start shows it."""
        shop = sample_shop(WORK, self.products, say, servers=True)
        return naive(shop, self.rate("naive"), self.seconds, self.work, say)

    def growth(self) -> Result:
        """Cost from 3,000 to 30,000 to 300,000 products, embedded, at half the rate."""
        sizes: list[Result] = []
        shops = [(sample_shop(WORK, 3_000, say), "sample shop")]
        if not self.quick:
            grown = sample_shop(WORK, 30_000, say)
            shops += [(grown, "sample shop"), (grown_shop(WORK, grown, 300_000, say), "synthetic copies")]
        for shop, made in shops:
            sizes.append({"made": made} | self._of_size(shop, self.rate("embedded") / 2, slots=False))
        return {"sizes": sizes}

    def million(self) -> Result:
        """One slot of a million products."""
        shop = grown_shop(WORK, sample_shop(WORK, 30_000, say), 1_000_000, say)
        return self._of_size(shop, self.rate("million"), slots=True)

    def stores(self) -> Result:
        """Chroma, Weaviate and the in-process index on the same vectors and queries."""
        shop = sample_shop(WORK, self.products, say)
        return stores(shop, 50 if self.quick else 500, self.work, say, weaviate_too=self.has_servers)

    def embedding(self) -> Result:
        """How many products a second one thread embeds."""
        shop = sample_shop(WORK, self.products, say)
        _, folder = shop.live()
        snapshot, count = Snapshot(folder / "snapshot"), 200 if self.quick else 2_000
        texts = [product_text(snapshot[row]) for row in range(min(count, len(snapshot)))]
        encoder = Encoder(folder / "encoder")
        began = time.perf_counter()
        encoder.encode(texts)
        seconds = time.perf_counter() - began
        return {"shop": shop.name, "products": len(texts), "products_per_s": round(len(texts) / seconds, 1)}

    def _of_size(self, shop: Shop, rate: float, slots: bool) -> Result:
        count = int(rate * min(self.seconds, 30))
        bodies = requests(2 * count, 6, shop.shoppers)
        if slots:
            words = made_prompts(6)
            bodies = [
                {"prompt": next(words), "slots": [{"name": "sofa", "quantity": 1}], "user_id": body.get("user_id")}
                for body in bodies
            ]
        with serving(shop, self.work) as running:
            say(f"{shop.name}: {rate:.1f} a second")
            loaded(running, bodies[:count], rate, self.work)
            return {
                "products": shop.live()[0].counts["products"],
                "seconds_to_first_answer": running.seconds_to_first_answer,
                "unique": loaded(running, bodies[count:], rate, self.work),
                "resident_mb": resident_mb(running.pids["service"]),
            }


PARTS: dict[str, Callable[[Run], Result]] = {
    "embedded": Run.embedded,
    "servers": Run.servers,
    "naive": Run.naive,
    "overload": Run.overload,
    "streams": Run.streams,
    "chorus": Run.chorus,
    "stores": Run.stores,
    "embedding": Run.embedding,
    "growth": Run.growth,
    "million": Run.million,
}
QUICK_PARTS = ("embedded", "servers", "naive", "embedding")
NEED_SERVERS = ("servers", "naive")


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help=f"comma-separated, of {', '.join(PARTS)}; empty = all")
    parser.add_argument("--quick", action="store_true", help=f"short loads on 3,000 products: {', '.join(QUICK_PARTS)}")
    parser.add_argument("--report", action="store_true", help="measure nothing, make the document from what is kept")
    parser.add_argument("--document", type=Path, help="docs/benchmarks.md, or var/bench/quick.md of a quick run")
    return parser.parse_args()


def main() -> int:
    """Measures the parts, keeps their results, writes the document; 0 when every part could be measured."""
    chosen, failed = options(), []
    results = WORK / ("quick" if chosen.quick else "results")
    document = chosen.document or (WORK / "quick.md" if chosen.quick else ROOT / "docs/benchmarks.md")
    if not chosen.report:
        names = chosen.only.split(",") if chosen.only else list(QUICK_PARTS if chosen.quick else PARTS)
        if unknown := [name for name in names if name not in PARTS]:
            print(f"setwise: there is no part {', '.join(unknown)}; choose of {', '.join(PARTS)}", file=sys.stderr)
            return 2
        try:
            vegeta()
        except RuntimeError as error:
            print(f"setwise: {error}", file=sys.stderr)
            return 1
        results.mkdir(parents=True, exist_ok=True)
        (WORK / "work").mkdir(exist_ok=True)
        run = Run(calibrate(), chosen.quick)
        say(f"factor {run.factor}")
        for name in names:
            if name in NEED_SERVERS and not run.has_servers:
                say(f"{name}: left out, SETWISE_VECTORS is not weaviate (make services; source var/services/env)")
                continue
            say(f"== {name}")
            machine = facts(run.factor, run.quick)
            try:
                result = PARTS[name](run)
            except RuntimeError as error:
                failed.append(name)
                print(f"setwise: {name}: {error}", file=sys.stderr)
                continue
            (results / f"{name}.json").write_text(json.dumps({"machine": machine, "result": result}, indent=1))
    found = read_results(results)
    if found:
        write_report(found, document)
        say(f"written to {document}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
