"""Prometheus metrics of the service, in base units."""

from datetime import UTC, datetime

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST
_BUCKETS = (0.0002, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.3, 1)
_stage = Histogram("setwise_stage_duration_seconds", "Time of one stage of an answer", ["stage"], buckets=_BUCKETS)
_degraded = Counter("setwise_degraded_total", "Answers given without a dependency", ["reason"])
_not_kept = Counter("setwise_bundles_not_kept_total", "Answered bundles that nobody can swap: the store was too slow")
_cache = Counter("setwise_cache_requests_total", "Look-ups in a cache, and what became of them", ["cache", "result"])
_requests = Counter("setwise_async_requests_total", "What became of asynchronous requests", ["result"])
_index_age = Gauge("setwise_index_age_seconds", "Age of the live release")


def observe_answer(timings_ms: dict[str, float], degraded: list[str]) -> None:
    """Notes one answer."""
    for stage, ms in timings_ms.items():
        _stage.labels(stage).observe(ms / 1000)
    for reason in degraded:
        _degraded.labels(reason).inc()


def observe_request(result: str) -> None:
    """Notes what became of an asynchronous request: done, failed, late or told again."""
    _requests.labels(result).inc()


def observe_not_kept(count: int) -> None:
    """Notes bundles that were dropped before they were written."""
    _not_kept.inc(count)


def observe_cache(cache: str, result: str) -> None:
    """Notes a look-up: hit, miss, changed, refresh, waited (another request computes it), shared (a process did)."""
    _cache.labels(cache, result).inc()


def observe_release(created_at: datetime) -> None:
    """Notes how old the live release is."""
    _index_age.set((datetime.now(UTC) - created_at).total_seconds())


def render() -> bytes:
    """The page that Prometheus reads."""
    return generate_latest()
