"""Prometheus metrics of the service, in base units; of all processes together where several share a port."""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    generate_latest,
    multiprocess,
    values,
)

from online.messages import Degraded
from setwise.experiment import Assignment

CONTENT_TYPE = CONTENT_TYPE_LATEST
_STAGE_MS = (0.2, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 50, 70, 100, 150, 300, 1_000)
_REQUEST_MS = (0.5, 1, 2, 3, 4, 6, 10, 15, 20, 30, 40, 50, 70, 100, 150, 300, 1_000, 5_000)


def _seconds(milliseconds: Sequence[float]) -> list[float]:
    return [ms / 1000 for ms in milliseconds]


_request = Histogram(
    "setwise_request_duration_seconds",
    "Time until an answer begins",
    ["route", "status"],
    buckets=_seconds(_REQUEST_MS),
)
_stage = Histogram(
    "setwise_stage_duration_seconds", "Time of one stage of an answer", ["stage"], buckets=_seconds(_STAGE_MS)
)
_answers = Counter("setwise_answers_total", "Answers by the rung that served them", ["served_by"])
_degraded = Counter("setwise_degraded_total", "Dependencies that answers went without", ["dependency", "reason"])
_violations = Counter("setwise_constraint_violations_total", "Broken promises in what was answered; never expected")
_not_kept = Counter("setwise_bundles_not_kept_total", "Answered bundles that nobody can swap: the store was too slow")
_cache = Counter("setwise_cache_requests_total", "Look-ups in a cache, and what became of them", ["cache", "result"])
_requests = Counter("setwise_async_requests_total", "What became of asynchronous requests", ["result"])
_events = Counter(
    "setwise_events_total", "Events of shoppers and of answers, and what became of them", ["type", "result"]
)
_assignments = Counter(
    "setwise_experiment_assignments_total", "Answers by the variants that they were made under", ["flag", "variant"]
)
_flags_refused = Gauge(
    "setwise_flags_refused", "1 while the flag file has a mistake: an earlier state of it holds",
    multiprocess_mode="livemax",
)  # fmt: skip
_spooled = Gauge("setwise_spooled_records", "What waits on the disk for the log", multiprocess_mode="livemax")
_erasure = Gauge(
    "setwise_erasure_pending_seconds", "Since when the oldest erasure is not carried out everywhere, 0 = none waits",
    multiprocess_mode="livemax",
)  # fmt: skip
_cpu = Counter("setwise_cpu_seconds_total", "CPU that the serving processes have used")
_cost = Counter("setwise_cost_dollars_total", "That CPU at the set price of a core")
_index_age = Gauge("setwise_index_age_seconds", "Age of the live release, the oldest", multiprocess_mode="livemax")
_feature_age = Gauge(
    "setwise_feature_age_seconds",
    "Age of the newest features that were read, +Inf before any",
    multiprocess_mode="livemin",
)
_resident = Gauge("setwise_resident_bytes", "Memory of the serving processes", multiprocess_mode="livesum")
_up = Gauge("setwise_dependency_up", "0 while answers go without it", ["dependency"], multiprocess_mode="livemin")


# labels() takes as long as observe(), and there are few values of each.
_request_of, _stage_of = cache(_request.labels), cache(_stage.labels)
_events_of, _assignments_of = cache(_events.labels), cache(_assignments.labels)
_answers_of, _degraded_of, _cache_of = cache(_answers.labels), cache(_degraded.labels), cache(_cache.labels)


def observe_request(route: str, status: int, seconds: float) -> None:
    """Notes one HTTP request by the template of its path."""
    _request_of(route, status).observe(seconds)


def observe_stages(timings_ms: Mapping[str, float]) -> None:
    """Notes the stages that took time; what was kept from before took none."""
    for stage, ms in timings_ms.items():
        if ms:
            _stage_of(stage).observe(ms / 1000)


def observe_answer(served_by: str, degraded: Sequence[Degraded], violations: int) -> None:
    """Notes one answer, what it went without, and what it broke."""
    _answers_of(served_by).inc()
    for one in degraded:
        # What follows a colon names a version or a limit: each would be a series of its own.
        _degraded_of(one.dependency, one.reason.partition(":")[0]).inc()
    if violations:
        _violations.inc(violations)


def observe_async(result: str) -> None:
    """Notes what became of an asynchronous request: done, failed, late or told again."""
    _requests.labels(result).inc()


def observe_not_kept(count: int) -> None:
    """Notes bundles that were dropped before they were written."""
    _not_kept.inc(count)


def observe_cache(name: str, result: str) -> None:
    """Notes a look-up: hit, miss, changed, refresh, waited (another request computes it), shared (a process did)."""
    _cache_of(name, result).inc()


def observe_events(kind: str, result: str, count: int = 1) -> None:
    """Notes events of one kind: accepted, duplicate, rejected, or dropped."""
    _events_of(kind, result).inc(count)


def observe_assignment(assignment: Assignment) -> None:
    """Notes the variants of one answer; a tester's count nowhere."""
    if not assignment.is_override:
        for flag, variant in assignment.variants.items():
            _assignments_of(flag, variant).inc()


def observe_flags(is_refused: bool) -> None:
    """Notes whether the flag file that is there was taken."""
    _flags_refused.set(is_refused)


def observe_spooled(count: int) -> None:
    """Notes how many records wait for the log."""
    _spooled.set(count)


def observe_pending_erasure(seconds: float) -> None:
    """Notes how long the oldest erasure has been waiting."""
    _erasure.set(seconds)


def observe_process(cpu_s: float, dollars: float, resident_bytes: int) -> None:
    """Notes what this process used since the last time, and the memory it has."""
    _cpu.inc(cpu_s)
    _cost.inc(dollars)
    _resident.set(resident_bytes)


def observe_ages(index_s: float | None, features_s: float | None) -> None:
    """Notes how old the live release is, where there is one, and the features: before any is read nobody knows."""
    if index_s is not None:
        _index_age.set(index_s)
    _feature_age.set(math.inf if features_s is None else features_s)


def observe_dependency(name: str, is_up: bool) -> None:
    """Notes whether answers use a dependency at this moment."""
    _up.labels(name).set(is_up)


def _registry() -> CollectorRegistry:
    # What counts is how the library was when it was loaded: another package may name a folder later.
    if values.ValueClass is values.MutexValue:
        return REGISTRY
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry


def render(beside: Sequence[Metric] = ()) -> bytes:
    """The page that Prometheus reads, with families that are no process's own; milliseconds, so not on the event
    loop."""
    return generate_latest(_registry()) + generate_latest(_Families(beside))


class _Families(CollectorRegistry):
    """What is given, as a registry."""

    def __init__(self, families: Sequence[Metric]) -> None:
        super().__init__()
        self._families = families

    def collect(self) -> Iterator[Metric]:
        """The families."""
        yield from self._families


def collected() -> list[Metric]:
    """The same as values."""
    return list(_registry().collect())
