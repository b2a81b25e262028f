"""The machine that a figure comes from: its factor against the one the goals are for, its processor, the versions."""

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]
LIBRARIES = (
    "onnxruntime", "usearch", "tantivy", "numpy", "litestar", "uvicorn", "feast", "weaviate-client", "redis",
    "sentence-transformers", "torch",
)  # fmt: skip
REFERENCE_MS = {"encoder_products": 10.6, "scan": 7.0}
"""Medians on two shared cores of an AVX2 server processor without VNNI: factor 1."""
_METHOD = """
import json, time
import numpy as np
def median_ms(work, repeats):
    times = []
    for _ in range(repeats + repeats // 5):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1e3)
    return float(np.median(times[repeats // 5:]))
rng = np.random.default_rng(0)
shapes = [(384, 384)] * 4 + [(384, 1536), (1536, 384)]
layers = [[rng.normal(size=s).astype("f4") / s[0] ** .5 for s in shapes] for _ in range(6)]
tokens = rng.normal(size=(18, 384)).astype("f4")
vectors, query = rng.normal(size=(43_000, 384)).astype("f4"), tokens[0]
def encoder_products():
    state = tokens
    for layer in layers:
        for weights in layer:
            state = state @ weights
print(json.dumps({"encoder_products": median_ms(encoder_products, 200),
                  "scan": median_ms(lambda: vectors @ query, 100)}))
"""


def calibrate() -> float:
    """The factor: goals' times are multiplied by it, their rates divided. One thread, about four seconds."""
    shared = Path(os.environ.get("SETWISE_SHARED") or ROOT / "../shared") / "tools/calibrate.py"
    if shared.is_file():
        done = subprocess.run(
            [sys.executable, str(shared), "--json"], check=True, capture_output=True, text=True
        )  # fmt: skip
        return float(json.loads(done.stdout)["factor"])
    # A process of its own: the number of BLAS threads is read when numpy is loaded.
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(
        [sys.executable, "-c", _METHOD], check=True, capture_output=True, text=True, env=os.environ | one
    )
    measured = json.loads(done.stdout)
    product = 1.0
    for name, reference in REFERENCE_MS.items():
        product *= measured[name] / reference
    return round(product**0.5, 2)


def facts(factor: float, quick: bool) -> dict[str, object]:
    """What stands beside every result."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "factor": factor,
        "quick": quick,
        "load_before": round(os.getloadavg()[0], 2),
        "processor": _processor(),
        "cores": psutil.cpu_count(),
        "serving_processes": int(os.environ.get("SETWISE_WORKERS", "1")),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in LIBRARIES},
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()
