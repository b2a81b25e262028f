"""More than can be answered: what is accepted is on time, what is not is refused at once, and memory stands still."""

from collections import Counter
from pathlib import Path

from benchmarks.serving.answers import Result, Say, loaded
from benchmarks.serving.load import Sample, attack, percentile
from benchmarks.serving.processes import resident_mb
from benchmarks.serving.prompts import requests
from benchmarks.serving.service import Running, serving
from benchmarks.serving.shops import Shop

FACTORS = (2, 5, 10)
WARM_S = 5
REFUSALS = (429, 503)


def overloaded(shop: Shop, rate: float, seconds: int, work: Path, say: Say) -> Result:
    """Each factor of the rated load, one after the other, in one process with its usual deadline."""
    with serving(shop, work) as running:
        loaded(running, requests(int(rate * WARM_S), 7, shop.shoppers), rate, work)
        return {
            "rated_per_s": rate,
            "loads": [_at(running, shop, factor, rate, seconds, work, say) for factor in FACTORS],
        }


def _at(running: Running, shop: Shop, factor: int, rate: float, seconds: int, work: Path, say: Say) -> Result:
    say(f"{shop.name}: {factor} x {rate:.1f} a second for {seconds} s")
    bodies = requests(int(factor * rate * seconds), 8 + factor, shop.shoppers)
    samples = attack(f"{running.url}/v1/bundles", bodies, factor * rate, work)
    return judged(samples, factor, rate, seconds) | {"resident_mb": resident_mb(running.pids["service"])}


def judged(samples: list[Sample], factor: int, rate: float, seconds: float) -> Result:
    """Milliseconds p50 and p99 of the accepted and the refused; goodput = answers a second / the rated load."""
    accepted = [sample.ms for sample in samples if sample.status == 200]
    refused = [sample.ms for sample in samples if sample.status in REFUSALS]
    return {
        "factor": factor,
        "statuses": {str(status): count for status, count in Counter(sample.status for sample in samples).items()},
        "accepted": [round(percentile(accepted, share), 2) for share in (0.5, 0.99)],
        "refused": [round(percentile(refused, share), 2) for share in (0.5, 0.99)],
        "goodput": round(len(accepted) / seconds / rate, 3),
    }
