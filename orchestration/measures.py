"""Figures of answers to questions whose products are known, with intervals, and against another release's."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from orchestration.held_out import JUDGED, Case
from setwise.drift import size_label
from setwise.snapshot import Snapshot

TOP = 10
RESAMPLES = 1_000
FIFTHS = 5
ALL = "all"


class Answer(msgspec.Struct, frozen=True):
    """A line of `python -m online.replay`."""

    id: str
    products: list[str]
    scores: list[float]
    language: str


class Figure(msgspec.Struct, frozen=True):
    """A mean over cases with its 95 % interval, and by how much it is above the live release's (null without one)."""

    task: str
    segment: str
    measure: str
    cases: int
    value: float
    low: float
    high: float
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None


class Evaluation(msgspec.Struct, frozen=True):
    """All that is known of a release's answers before it goes live."""

    cut: str
    """Orders from here on were asked; '' where there are none."""
    cases: dict[str, int]
    figures: list[Figure]
    coverage: float
    """Share of the catalogue in the first ten of some answer."""
    live_coverage: float | None
    diversity: float
    """Categories among the first ten, as a share of ten."""
    price_tier_shown: float
    """0 = the cheapest of its category, 1 = the dearest; mean of what was shown first ..."""
    price_tier_meant: float
    """... and of what was meant."""
    calibration: list[tuple[float, float, int]]
    """Fifths of the shown products by score: mean score, share that was meant, products."""
    spreads: dict[str, dict[str, int]]
    """Scores of what was shown first, in twentieths."""
    live_release: str = ""

    def figure(self, measure: str, task: str = ALL, segment: str = ALL) -> Figure | None:
        """One of the figures."""
        wanted = (task, segment, measure)
        return next((one for one in self.figures if (one.task, one.segment, one.measure) == wanted), None)


def ndcg(ranked: Sequence[str], gains: Mapping[str, int]) -> float:
    """NDCG@10 with these gains."""
    found = sum(gains.get(product, 0) / np.log2(place + 2) for place, product in enumerate(ranked[:TOP]))
    best = sorted(gains.values(), reverse=True)[:TOP]
    return float(found / sum(gain / np.log2(place + 2) for place, gain in enumerate(best)))


def recall(ranked: Sequence[str], gains: Mapping[str, int]) -> float:
    """Share of the meant products among the first ten."""
    return len(set(ranked[:TOP]) & gains.keys()) / min(len(gains), TOP)


MEASURES = {"NDCG@10": ndcg, "recall@10": recall}


def figures(cases: Sequence[Case], answers: Mapping[str, Answer], live: Mapping[str, Answer]) -> list[Figure]:
    """Every measure of all cases, of each task, and of each task's segments."""
    groups: dict[tuple[str, str], list[Case]] = {}
    for case in cases:
        languages = {"title", "set", JUDGED} & {case.task}
        spoken = [f"language {answers[case.id].language}"] if languages and case.id in answers else []
        for key in ((ALL, ALL), (case.task, ALL), *((case.task, segment) for segment in (*case.segments, *spoken))):
            groups.setdefault(key, []).append(case)
    found = []
    for (task, segment), some in sorted(groups.items()):
        for name, measure in MEASURES.items():
            values = _values(some, answers, measure)
            value, low, high = interval(values)
            difference = interval(values - _values(some, live, measure)) if live else (None, None, None)
            found.append(Figure(task, segment, name, len(some), value, low, high, *difference))
    return found


def _values(cases: Sequence[Case], answers: Mapping[str, Answer], measure) -> NDArray[np.float64]:
    """A case without an answer counts 0."""
    return np.asarray([measure(answers[c.id].products, c.gains) if c.id in answers else 0.0 for c in cases])


def interval(values: NDArray[np.float64]) -> tuple[float, float, float]:
    """Mean and its 95 % percentile bootstrap interval, from a fixed seed."""
    if not len(values):
        return 0.0, 0.0, 0.0
    drawn = np.random.default_rng(0).integers(0, len(values), (RESAMPLES, len(values)))
    means = values[drawn].mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return round(float(values.mean()), 4), round(float(low), 4), round(float(high), 4)


def coverage(answers: Mapping[str, Answer], snapshot: Snapshot) -> float:
    """Share of the catalogue in the first ten of some answer."""
    shown = {product for answer in answers.values() for product in answer.products[:TOP]}
    return round(len(shown) / max(len(snapshot), 1), 4)


def price_tiers(snapshot: Snapshot) -> NDArray[np.float64]:
    """The place of each row's price among those of its category, 0 to 1; .5 alone."""
    prices, tiers = snapshot.list_prices(), np.full(len(snapshot), 0.5)
    order = np.lexsort((prices, snapshot.category))
    codes = snapshot.category[order]
    starts = np.flatnonzero(np.diff(codes, prepend=-1)) if len(codes) else []
    for rows in np.split(order, starts[1:]) if len(codes) else []:
        if len(rows) > 1:
            tiers[rows] = np.arange(len(rows)) / (len(rows) - 1)
    return tiers


def evaluated(
    cut: str, cases: Sequence[Case], answers: Mapping[str, Answer], live: Mapping[str, Answer], snapshot: Snapshot,
    live_snapshot: Snapshot | None, live_release: str,
) -> Evaluation:  # fmt: skip
    """All figures. `live` is empty where nothing is compared with."""
    tiers, tasks = price_tiers(snapshot), sorted({case.task for case in cases})
    shown = [snapshot.rows_of(answer.products[:TOP]) for answer in answers.values()]  # type: ignore[arg-type]
    meant = [snapshot.rows_of(case.relevant) for case in cases]  # type: ignore[arg-type]
    kinds = [len(set(snapshot.category[rows].tolist())) / len(rows) for rows in shown if rows]
    return Evaluation(
        cut,
        {task: sum(case.task == task for case in cases) for task in tasks},
        figures(cases, answers, live),
        coverage(answers, snapshot),
        coverage(live, live_snapshot) if live and live_snapshot is not None else None,
        _mean(kinds),
        _mean([tiers[row] for rows in shown for row in rows]),
        _mean([tiers[row] for rows in meant for row in rows]),
        calibration(cases, answers),
        {"score": _score_spread(answers), "products found": _found_spread(answers)},
        live_release if live else "",
    )


def calibration(cases: Sequence[Case], answers: Mapping[str, Answer]) -> list[tuple[float, float, int]]:
    """Whether a higher score is more often meant: fifths of the first ten products by score, lowest first."""
    pairs = [
        (score, product in set(case.relevant))
        for case in cases
        if case.id in answers
        for product, score in zip(answers[case.id].products[:TOP], answers[case.id].scores[:TOP], strict=True)
    ]
    if len(pairs) < FIFTHS:
        return []
    table = np.asarray(sorted(pairs), dtype=np.float64)
    return [
        (round(float(part[:, 0].mean()), 4), round(float(part[:, 1].mean()), 4), len(part))
        for part in np.array_split(table, FIFTHS)
    ]


def _score_spread(answers: Mapping[str, Answer]) -> dict[str, int]:
    spread: dict[str, int] = {}
    for answer in answers.values():
        for score in answer.scores[:TOP]:
            label = f"{np.floor(score * 20) / 20:.2f}"
            spread[label] = spread.get(label, 0) + 1
    return dict(sorted(spread.items()))


def _found_spread(answers: Mapping[str, Answer]) -> dict[str, int]:
    spread: dict[str, int] = {}
    for answer in answers.values():
        label = size_label(len(answer.products))
        spread[label] = spread.get(label, 0) + 1
    return dict(sorted(spread.items()))


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 4) if len(values) else 0.0
