"""How is the service right now? Its own metrics, of all processes of the port, as one small document."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import msgspec
from prometheus_client import Metric

from online import metrics
from online.live import LiveRelease
from setwise.consumer_lag import ConsumerLag


class Counted(msgspec.Struct, frozen=True):
    """One series of a counter since the start."""

    labels: dict[str, str]
    count: float


class Spread(msgspec.Struct, frozen=True):
    """A histogram since the start: how many were at most `le_ms[i]` milliseconds, the last of all."""

    labels: dict[str, str]
    le_ms: list[float | None]
    counts: list[float]


class LiveFigures(msgspec.Struct, frozen=True):
    """Sums since the start; who reads them twice knows what happened in between. Ages in seconds, null = not known."""

    at: datetime
    release: str
    created_at: datetime
    products: int
    kept: list[str]
    """Releases that can be gone back to and compared with, newest first."""
    degraded_now: list[str]
    dependencies: dict[str, bool]
    answers: list[Counted]
    requests: list[Spread]
    """By route and status."""
    stages: list[Spread]
    degraded: list[Counted]
    caches: list[Counted]
    events: list[Counted]
    gauges: dict[str, float | None]
    consumers: list[ConsumerLag]


_GAUGES = {
    "setwise_spooled_records": "spooled_records",
    "setwise_index_age_seconds": "index_age_s",
    "setwise_feature_age_seconds": "feature_age_s",
    "setwise_resident_bytes": "resident_bytes",
    "setwise_cpu_seconds": "cpu_s",
    "setwise_cost_dollars": "cost_dollars",
    "setwise_constraint_violations": "broken_promises",
    "setwise_erasure_pending_seconds": "erasure_pending_s",
}


def live_figures(
    live: LiveRelease, kept: list[str], degraded_now: list[str], dependencies: Mapping[str, bool],
    consumers: list[ConsumerLag],
) -> LiveFigures:  # fmt: skip
    """Walks every series; not on the event loop."""
    found = {family.name: family for family in metrics.collected()}
    return LiveFigures(
        datetime.now(UTC), live.manifest.release_id, live.manifest.created_at, len(live.snapshot), kept,
        degraded_now, dict(dependencies), _counted(found.get("setwise_answers")),
        _spreads(found.get("setwise_request_duration_seconds")), _spreads(found.get("setwise_stage_duration_seconds")),
        _counted(found.get("setwise_degraded")), _counted(found.get("setwise_cache_requests")),
        _counted(found.get("setwise_events")), _gauges(found), consumers,
    )  # fmt: skip


def _counted(family: Metric | None) -> list[Counted]:
    samples = family.samples if family else ()
    return [Counted(dict(one.labels), one.value) for one in samples if one.name.endswith("_total")]


def _spreads(family: Metric | None) -> list[Spread]:
    by_labels: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = {}
    for one in family.samples if family else ():
        if one.name.endswith("_bucket"):
            labels = tuple(sorted((name, value) for name, value in one.labels.items() if name != "le"))
            by_labels.setdefault(labels, []).append((float(one.labels["le"]), one.value))
    return [_spread(dict(labels), buckets) for labels, buckets in by_labels.items()]


def _spread(labels: dict[str, str], buckets: Iterable[tuple[float, float]]) -> Spread:
    ordered = sorted(buckets)
    return Spread(labels, [_known(le * 1000) for le, _ in ordered], [count for _, count in ordered])


def _gauges(found: Mapping[str, Metric]) -> dict[str, float | None]:
    values: dict[str, float | None] = {}
    for family, name in _GAUGES.items():
        samples = [one for one in found[family].samples if not one.name.endswith("_created")] if family in found else []
        values[name] = _known(samples[0].value) if samples else None
    return values


def _known(value: float) -> float | None:
    """JSON has no infinity."""
    return None if value in (float("inf"), float("-inf")) else round(value, 6)
