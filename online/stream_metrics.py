"""What do the processes that read the log say, in Prometheus' form? They have no port of their own."""

from collections.abc import Iterable

import msgspec
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from setwise.consumer_lag import ConsumerLag
from setwise.live_counts import Counts


def families(lags: Iterable[ConsumerLag], earned: Counts) -> list[Metric]:
    """Records that wait for each reader, and what each variant earned since the streams began, minor units."""
    lag = GaugeMetricFamily(
        "setwise_consumer_lag", "Records that wait for a reader of the log", labels=["consumer", "topic"]
    )
    for one in lags:
        for topic, count in (one.behind or {}).items():
            lag.add_metric([one.name, topic], count)
    revenue = CounterMetricFamily(
        "setwise_revenue_attributed_cents",
        "Revenue credited to answers, refunds not taken off",
        labels=["currency", "variant"],
    )
    for key, cents in earned.items():
        revenue.add_metric([key.currency, _variant(key.variant)], cents)
    return [lag, revenue]


def _variant(said: str) -> str:
    flags: dict[str, str] = msgspec.json.decode(said) if said else {}
    return ",".join(f"{flag}={variant}" for flag, variant in sorted(flags.items()))
