"""An open loop by vegeta: requests leave when they are due, whatever the service does; latency counts from then."""

import base64
import json
import math
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from benchmarks.serving.machine import ROOT

VEGETA = ROOT / "var/bench/bin/vegeta"
TIMEOUT_S = 10
FIRST_BYTES = 400
"""So much of an answer is kept: `served_by` is in it, the products are not."""
_STAGE = re.compile(r"(\w+);dur=([\d.]+)")
_SERVED_BY = re.compile(r'"served_by":"(\w+)"')
_FRACTION = re.compile(r"\.(\d+)")


class Sample(msgspec.Struct, frozen=True):
    """One answer: HTTP status (0 = none came), milliseconds since it was due, the service's own stages, its rung."""

    status: int
    ms: float
    stages: dict[str, float]
    served_by: str = ""


class Summary(msgspec.Struct, frozen=True):
    """What a load came to. Times in milliseconds; `explained` = the service's total / the outside view, both p50."""

    offered_per_s: float
    asked: int
    answered: int
    statuses: dict[str, int]
    served_by: dict[str, int]
    p50: float
    p90: float
    p99: float
    stages: dict[str, tuple[float, float]]
    """Stage -> p50, p99."""
    explained: float


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile; NaN of nothing."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


def vegeta() -> str:
    """The load generator's path; RuntimeError where it is not installed."""
    found = str(VEGETA) if VEGETA.is_file() else shutil.which("vegeta")
    if not found:
        raise RuntimeError("vegeta is missing; run scripts/install_vegeta.sh (it needs Go)")
    return found


def attack(
    url: str, bodies: Sequence[object], rate: float, work: Path, headers: Sequence[dict[str, str]] = ()
) -> list[Sample]:
    """Sends each body once, `rate` a second, evenly; samples in the order in which they were due."""
    work.mkdir(parents=True, exist_ok=True)
    with (work / "targets.jsonl").open("w") as file:
        for number, body in enumerate(bodies):
            more = {name: [value] for name, value in headers[number].items()} if headers else {}
            target = {
                "method": "POST",
                "url": url,
                "body": base64.b64encode(json.dumps(body).encode()).decode(),
                "header": {"Content-Type": ["application/json"], **more},
            }
            file.write(json.dumps(target) + "\n")
    per_minute = max(1, round(rate * 60))
    command = [
        vegeta(), "attack", "-format=json", f"-targets={work / 'targets.jsonl'}", f"-rate={per_minute}/1m",
        f"-duration={len(bodies) * 60 / per_minute:.3f}s", f"-timeout={TIMEOUT_S}s", "-workers=32",
        f"-max-body={FIRST_BYTES}", f"-output={work / 'results.bin'}",
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    encoded = subprocess.run(
        [vegeta(), "encode", "-to=json", str(work / "results.bin")], check=True, capture_output=True, text=True
    )
    return read_samples(encoded.stdout.splitlines(), 60 / per_minute)


def read_samples(lines: Iterable[str], interval_s: float) -> list[Sample]:
    """vegeta's results; a request that left late is as late as it left."""
    results = sorted((json.loads(line) for line in lines), key=lambda result: result["seq"])
    if not results:
        return []
    left = [_seconds(result["timestamp"]) for result in results]
    # The clock of what was due starts where no request could have left earlier.
    start = min(moment - result["seq"] * interval_s for moment, result in zip(left, results, strict=True))
    samples = []
    for moment, result in zip(left, results, strict=True):
        late = moment - (start + result["seq"] * interval_s)
        named = (result.get("headers") or {}).get("Server-Timing") or [""]
        body = base64.b64decode(result.get("body") or "").decode("utf-8", "replace")
        rung = _SERVED_BY.search(body)
        samples.append(
            Sample(
                result["code"],
                result["latency"] / 1e6 + late * 1e3,
                {name: float(ms) for name, ms in _STAGE.findall(named[0])},
                rung[1] if rung else "",
            )
        )
    return samples


def summary(samples: Sequence[Sample], rate: float) -> Summary:
    """Percentiles of the answers; those that failed are counted and not timed."""
    good = [sample for sample in samples if 200 <= sample.status < 300]
    names = dict.fromkeys(name for sample in good for name in sample.stages)
    stages = {}
    for name in names:
        values = [sample.stages[name] for sample in good if name in sample.stages]
        stages[name] = (round(percentile(values, 0.5), 3), round(percentile(values, 0.99), 3))
    times = [sample.ms for sample in good]
    outside = percentile(times, 0.5)
    return Summary(
        rate,
        len(samples),
        len(good),
        {str(code): count for code, count in Counter(sample.status for sample in samples).items()},
        dict(Counter(sample.served_by for sample in good if sample.served_by)),
        round(outside, 3),
        round(percentile(times, 0.9), 3),
        round(percentile(times, 0.99), 3),
        stages,
        round(stages["total"][0] / outside, 3) if "total" in stages else math.nan,
    )


def _seconds(text: str) -> float:
    # Go writes nanoseconds, which Python's reader does not take.
    fraction = _FRACTION.search(text)
    whole = datetime.fromisoformat(_FRACTION.sub("", text).replace("Z", "+00:00")).timestamp()
    return whole + (float(f"0.{fraction[1]}") if fraction else 0.0)
