"""A board's rows as a picture: SVG by matplotlib, without a date and with the same ids each time."""

import io
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from orchestration.boards.content import Chart, Rows
from setwise.money import digits_of, is_currency

# Okabe and Ito's colours, which people with any colour vision tell apart.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
MAX_BARS = 12
LEAST_BARS = 4
"""Fewer leave room, so that one bar is not as high as the picture."""
LABEL_CHARS = 44
STYLE = {
    "svg.hashsalt": "setwise", "svg.fonttype": "none", "font.size": 9, "font.family": "sans-serif",
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#888888", "text.parse_math": False,
}  # fmt: skip


def svg(chart: Chart, rows: Rows) -> bytes:
    """One picture; text in it is escaped by matplotlib and never read as mathematics."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 2.8), layout="constrained")
        axes = figure.add_subplot()
        if chart.kind == "bars":
            _bars(axes, chart, rows)
        else:
            _lines(axes, chart, rows)
        written = io.BytesIO()
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    return written.getvalue()


def _lines(axes: Axes, chart: Chart, rows: Rows) -> None:
    lines = _series(chart, rows)
    for number, (name, points) in enumerate(lines.items()):
        points.sort(key=lambda point: point[0])
        at, values = zip(*points, strict=True)
        mark = "o" if len(points) < 40 else None
        axes.plot(at, values, marker=mark, ms=3, lw=1.5, color=COLOURS[number % len(COLOURS)], label=name)
    moments = set(rows.column(chart.x))
    if len(moments) == 1:  # of one moment alone, matplotlib draws years
        axes.set_xticks(list(moments), [str(*moments)])
    elif all(isinstance(value, date) for value in moments):
        axes.xaxis.set_major_locator(locator := AutoDateLocator(minticks=2, maxticks=9))
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    least, most = min(values := [y for points in lines.values() for _, y in points]), max(values)
    axes.set_ylim(1.1 * min(0, least), 1.08 * most or 1)
    axes.grid(axis="y", color="#dddddd", lw=0.6)
    axes.yaxis.set_major_formatter(_numbers(chart))
    _name(axes, lines)


def _bars(axes: Axes, chart: Chart, rows: Rows) -> None:
    bars = _series(chart, rows)
    names = list(dict.fromkeys(rows.column(chart.x)))[:MAX_BARS]
    width = 0.8 / max(len(bars), 1)
    for number, (name, points) in enumerate(bars.items()):
        values = dict(points)
        at = [place + number * width for place in range(len(names))]
        heights = [values.get(one, 0) for one in names]
        drawn = axes.barh(at, heights, width * 0.92, color=COLOURS[number % len(COLOURS)], label=name)
        # A bar that is not there has no figure either: two currencies seldom share a row.
        said = [f"{values[one]:,.0f}" if one in values else "" for one in names]
        axes.bar_label(drawn, said, padding=3, fontsize=8)
    middle = width * (len(bars) - 1) / 2
    axes.set_yticks([place + middle for place in range(len(names))], [_short(str(one)) for one in names])
    axes.set_ylim(max(len(names), LEAST_BARS) - 0.3, -0.6)
    axes.margins(x=0.12)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.xaxis.set_major_formatter(_numbers(chart))
    _name(axes, bars)


def _series(chart: Chart, rows: Rows) -> dict[str, list[tuple[Any, float]]]:
    """By name, points without those that have no value; money in whole units of its currency."""
    found: dict[str, list[tuple[Any, float]]] = {}
    at = rows.column(chart.x)
    kinds = rows.column(chart.series) if chart.series else [""] * len(at)
    for y in chart.y:
        for x, kind, value in zip(at, kinds, rows.column(y), strict=True):
            if value is not None:
                name = kind if chart.series and len(chart.y) == 1 else " ".join(filter(None, (_spoken(y), kind)))
                found.setdefault(str(name), []).append((x, in_units(y, value, kind)))
    return found


def in_units(column: str, value: float | Decimal, currency: str) -> float:
    """Minor units as units where the currency is known, anything else as it is."""
    is_money = column.endswith("_cents") and is_currency(currency)
    return float(value) / 10 ** digits_of(currency) if is_money else float(value)


def _numbers(chart: Chart) -> PercentFormatter | FuncFormatter:
    if chart.y[0].endswith("_share"):
        return PercentFormatter(1)
    return FuncFormatter(lambda x, _: f"{x:,.0f}" if x == int(x) else f"{x:,.3g}")


def _name(axes: Axes, named: Sequence[str] | dict[str, Any]) -> None:
    if len(named) > 1 or any(is_currency(name) for name in named):
        above = {"loc": "lower right", "bbox_to_anchor": (1, 1), "borderaxespad": 0.2}
        axes.legend(frameon=False, fontsize=8, ncols=len(named), **above)


def _spoken(column: str) -> str:
    return column.removesuffix("_cents").replace("_", " ")


def _short(text: str) -> str:
    return text if len(text) <= LABEL_CHARS else f"{text[: LABEL_CHARS - 1]}\u2026"
