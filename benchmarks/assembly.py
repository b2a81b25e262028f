"""python -m benchmarks.assembly [--small N] [--large N] [--timed N]: how far from the optimum, and how long.

Gaps: every bundle of N small instances with all constraints against CP-SAT, and the first bundle of N instances of
5 slots x 50 candidates with pair terms against plain enumeration. Times: whole calls of assemble() for 3 bundles.
"""

import argparse
import gc
import time
from collections.abc import Iterator

import numpy as np
from msgspec.structs import replace

from benchmarks.assembly_instances import KINDS, Instance, large, small
from benchmarks.exact_assembly import enumerated_value, exact_value, times_said
from setwise.bundle import assemble
from setwise.bundle.assembly import SAID_BEFORE, lean, leanings, several
from setwise.bundle.problem import Problem

SHAPES = ((5, 50, 3), (7, 100, 3), (7, 100, 10), (10, 100, 10))


def gaps_of(it: Instance, n_bundles: int = 3) -> Iterator[float]:
    """Each bundle's distance to the optimum of its objective, as a share; inf where one is missing."""
    problem = Problem(it.slots, it.candidates, it.pairs, it.max_per_brand)
    earlier: list[set[str]] = []
    found = [*several(problem, it.most, it.least, n_bundles), None]
    for leaning, one in zip(leanings(n_bundles), found, strict=False):
        if earlier and not earlier[-1]:
            return
        unary = problem.score + lean(problem, leaning, it.most)
        unary -= SAID_BEFORE * times_said(it.candidates, problem, earlier)
        scored = [
            [replace(c, score=float(unary[problem.starts[i] + k])) for k, c in enumerate(row)]
            for i, row in enumerate(it.candidates)
        ]
        for least in dict.fromkeys((it.least, 0)):
            best = exact_value(
                it.slots, scored, it.pairs, most=it.most, least=least, max_per_brand=it.max_per_brand, earlier=earlier
            )
            if best is not None:
                break
        if one is None:
            if best is not None:
                yield np.inf
            return
        yield (best - one.value) / max(abs(best), 1e-9) if best is not None else np.inf
        mine = [o for o in one.choice.tolist() if problem.filled[o] and problem.unlocked[o]]
        earlier.append({it.candidates[problem.slot[o]][problem.candidate[o]].product_id for o in mine})


def gap_of_first(it: Instance) -> float:
    """The first bundle's distance to the enumerated optimum, as a share."""
    scores = [np.asarray([c.score for c in row]) for row in it.candidates]
    prices = [np.asarray([c.price_cents for c in row]) for row in it.candidates]
    best = enumerated_value(scores, prices, dict(it.pairs.fit), it.most)
    done = assemble(it.slots, it.candidates, max_total_cents=it.most, pairs=it.pairs, n_bundles=1)
    return (best - done.bundles[0].score) / best


def report(name: str, gaps: list[float]) -> None:
    """One line: instances, gap max and mean, how many are the optimum itself."""
    values = np.maximum(gaps, 0.0)
    share = (values < 1e-5).mean()
    print(f"{name:<34} n {len(values):>5}  gap max {values.max():.5f} mean {values.mean():.6f}  optimum {share:.1%}")


def timed(instances: list[Instance], n_bundles: int) -> tuple[np.ndarray, np.ndarray]:
    """Wall and CPU milliseconds of each assemble(), and the largest gap that an answer admits to."""
    wall, admitted = [], []
    for it in instances:
        start = time.perf_counter()
        done = assemble(it.slots, it.candidates, max_total_cents=it.most, pairs=it.pairs, n_bundles=n_bundles)
        wall.append((time.perf_counter() - start) * 1e3)
        admitted.append(max(bundle.gap for bundle in done.bundles))
    return np.asarray(wall), np.asarray(admitted)


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.assembly", description=__doc__.partition("\n")[0])
    parser.add_argument("--small", type=int, default=3000, help="instances compared with CP-SAT")
    parser.add_argument("--large", type=int, default=300, help="instances of each kind compared with enumeration")
    parser.add_argument("--timed", type=int, default=300, help="instances of each kind and shape that are timed")
    counts = parser.parse_args()
    gc.disable()
    for kind in KINDS:
        for n, size, n_bundles in SHAPES:
            instances = [large(seed, kind, n, size) for seed in range(max(counts.timed * 250 // (n * size), 1))]
            timed(instances[:5], n_bundles)
            wall, admitted = timed(instances, n_bundles)
            p50, p99 = np.percentile(wall, [50, 99])
            print(f"{n_bundles:>2} bundles of {n:>2} slots x {size:>3}, {kind:<10}  n {len(wall):>4}  p50 {p50:6.2f} ms"
                  f"  p99 {p99:6.2f} ms  max {wall.max():6.2f} ms  gap proven {admitted.max():.4f}")  # fmt: skip
    if counts.small:
        report(
            "all constraints, against CP-SAT",
            [gap for seed in range(counts.small) for gap in gaps_of(small(10_000 + seed))],
        )
    for kind in KINDS if counts.large else ():
        report(f"5 x 50, {kind}, first bundle", [gap_of_first(large(seed, kind)) for seed in range(counts.large)])


if __name__ == "__main__":
    main()
