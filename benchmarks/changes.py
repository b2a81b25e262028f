"""python -m benchmarks.changes: what catalogue changes cost, on a made catalogue.

Prints the CPU milliseconds of reading 300 prices with and without changed rows, of laying changes over the catalogue,
and the seconds from the first call until another process's view has all of them, over the embedded log."""

import argparse
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from online.live import ReleaseWatch
from online.live_changes import ChangesWatch
from online.log import EmbeddedLog
from setwise.catalogue import Product
from setwise.changes import NOTHING_CHANGED, ProductState, values_of
from setwise.names import ProductId
from setwise.release import Releases
from setwise.snapshot import Snapshot, write_snapshot

AT_ONCE = 1_000


def read_ms(snapshot: Snapshot, rows: np.ndarray, rounds: int = 2_000) -> float:
    """CPU milliseconds of prices and sellability of these rows."""
    now, started = datetime.now(UTC), time.process_time()
    for _ in range(rounds):
        snapshot.prices_now(rows, now)
        snapshot.sellable(rows, now)
    return (time.process_time() - started) / rounds * 1_000


def effect_s(folder: Path, states: list[ProductState]) -> float:
    """Seconds from the first of the calls until another watch knows the last change."""
    log = EmbeddedLog(folder / "log.db", 1)
    first, other = (ChangesWatch(log, ReleaseWatch(Releases(str(folder / "r"), folder / "c"))) for _ in range(2))
    first.start()
    other.start()
    started = time.perf_counter()
    for begin in range(0, len(states), AT_ONCE):
        first.write(states[begin : begin + AT_ONCE]).result(60)
    while any(other.state_of(state.product_id) != state for state in states[-1:]):
        time.sleep(0.001)
    seconds = time.perf_counter() - started
    first.stop()
    other.stop()
    log.close()
    return seconds


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.changes", description=__doc__)
    parser.add_argument("--products", type=int, default=30_000)
    parser.add_argument("--changes", type=int, default=10_000)
    options = parser.parse_args()
    rng = np.random.default_rng(7)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = (
            Product(ProductId(f"p-{n}"), f"Thing {n}", 900 + n, "USD", stock=n % 9) for n in range(options.products)
        )
        write_snapshot(made, folder / "snapshot")
        base = Snapshot(folder / "snapshot")
        rows = rng.choice(options.products, 300, replace=False)
        changed = rng.choice(options.products, options.changes, replace=False).tolist()
        states = [ProductState(base.ids[row], price=(500, 10), stock=(3, 10)) for row in changed]
        started = time.process_time()
        values = {row: values_of(base.in_feed(row), one, -1) for row, one in zip(changed, states, strict=True)}
        laid = base.with_changes(NOTHING_CHANGED.with_rows(values))
        laying = time.process_time() - started
        print(f"{options.products:,} products, {options.changes:,} of them changed")
        before, after = read_ms(base, rows), read_ms(laid, rows)
        print(f"prices and stock of 300 rows: {before:.3f} ms unchanged, {after:.3f} ms changed")
        print(f"laying all changes over the catalogue: {laying * 1_000:.0f} ms")
        calls, seconds = -(-options.changes // AT_ONCE), effect_s(folder, states)
        print(f"from the first of {calls} calls to another view: {seconds:.2f} s")


if __name__ == "__main__":
    main()
