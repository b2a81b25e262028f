"""The document's pictures, as SVG that is the same for the same figures."""

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "setwise"
from matplotlib import pyplot  # noqa: E402 - the backend is chosen first

Found = dict[str, Any]


def stages(answers: dict[str, Found], folder: Path) -> str:
    """Median of each stage, stacked, beside the whole answer's; the path from the document."""
    figure, axes = pyplot.subplots(figsize=(8, 1.2 + 0.6 * len(answers)))
    names = list(
        dict.fromkeys(n for one in answers.values() for n in one["result"]["unique"]["stages"] if n != "total")
    )
    labels, left = list(answers), [0.0] * len(answers)
    for name in names:
        widths = [one["result"]["unique"]["stages"].get(name, (0.0, 0.0))[0] for one in answers.values()]
        axes.barh(labels, widths, left=left, label=name)
        left = [a + b for a, b in zip(left, widths, strict=True)]
    outside = [one["result"]["unique"]["p50"] for one in answers.values()]
    axes.plot(outside, labels, "k|", markersize=18, label="outside")
    axes.set_xlabel("p50, milliseconds")
    axes.legend(ncols=4, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return _save(figure, folder, "stages.svg")


def growth(one: Found, folder: Path) -> str:
    """p50, p99 and CPU over the number of products; the path from the document."""
    sizes = one["result"]["sizes"]
    products = [size["products"] for size in sizes]
    figure, axes = pyplot.subplots(figsize=(8, 4))
    for key, label in (("p50", "p50"), ("p99", "p99"), ("cpu_ms_all", "CPU per answer")):
        axes.plot(products, [size["unique"][key] for size in sizes], "o-", label=label)
    axes.set(xscale="log", xlabel="products", ylabel="milliseconds", ylim=(0, None))
    axes.legend()
    return _save(figure, folder, "growth.svg")


def _save(figure: Any, folder: Path, name: str) -> str:
    figure.tight_layout()
    figure.savefig(folder / name, metadata={"Date": None})
    pyplot.close(figure)
    return f"{folder.name}/{name}"
