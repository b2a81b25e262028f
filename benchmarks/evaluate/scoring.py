"""Scores run files with score.py of the shared tools, and compares them with the baselines' pair by pair."""

import gzip
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.evaluate.shops import Shop
from benchmarks.evaluate.tasks import Measure


class Line(msgspec.Struct, frozen=True):
    """One line of the report; `difference` is ours - baseline with its paired 95 % interval."""

    shop: str
    run: str
    subset: str
    metric: str
    n: int
    ours: float
    baseline_name: str
    baseline: float
    difference: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """What the interval allows to say."""
        return "better" if self.low > 0 else "worse" if self.high < 0 else "no difference shown"


class Scorer:
    """Runs score.py once for each pair of files and subset, whatever number of metrics is read from it."""

    def __init__(self, shared: Path) -> None:
        self._shared = shared
        self._known: dict[tuple[str, ...], dict[str, Any]] = {}

    def ours(self, measure: Measure, shop: Shop, run: Path) -> dict[str, Any]:
        """Our mean and of how many questions, with nothing beside it: a comparison takes most of the time."""
        found: dict[str, Any] = self._score(["run", str(run), *_options(measure, shop)])[measure.metric]
        return found

    def line(self, measure: Measure, shop: Shop, run: Path, baseline: Path) -> Line:
        """Our mean beside the baseline's, paired."""
        asking, options = measure.asking, _options(measure, shop)
        ours = self.ours(measure, shop, run)
        paired = self._score(["compare", str(baseline), str(run), *options])[measure.metric]
        return Line(
            shop.name, asking.name.removeprefix(f"{asking.shop}-"), measure.subset, measure.metric, ours["n"],
            ours["mean"], measure.baseline, ours["mean"] - paired["difference"], paired["difference"],
            paired["low"], paired["high"],
        )  # fmt: skip

    def _score(self, arguments: Sequence[str]) -> dict[str, Any]:
        key = tuple(arguments)
        if key not in self._known:
            command = [sys.executable, str(self._shared / "tools/score.py"), *arguments]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(f"score.py {' '.join(arguments)}: {done.stderr.strip()[-500:]}")
            self._known[key] = json.loads(done.stdout)
        return self._known[key]


def _options(measure: Measure, shop: Shop) -> list[str]:
    asking = measure.asking
    options = ["--data", str(shop.folder), "--task", asking.queries, "--subset", measure.subset]
    return options + ["--pool"] * asking.pool + ["--bundles"] * asking.bundles


def changed(known: Path, anonymous: Path) -> str:
    """For how many of the questions the first ten products, and the whole order, change with the shopper known."""
    ours, theirs = (
        {one["query_id"]: one["ranked"] for one in map(json.loads, path.open())} for path in (known, anonymous)
    )
    both = [(ours[key], theirs[key]) for key in ours if key in theirs]
    top = sum(one[:10] != other[:10] for one, other in both)
    whole = sum(one != other for one, other in both)
    return f"knowing the shopper changes the first ten of {top} and the order of {whole} of {len(both)} answers"


def join_runs(paths: Sequence[Path], target: Path) -> Path:
    """Several sets' run files as one; .gz or plain."""
    target.parent.mkdir(parents=True, exist_ok=True)
    read = [gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes() for path in paths]
    target.write_bytes(b"".join(read))
    return target
