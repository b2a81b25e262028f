"""What do answers bring, minute by minute? The streams' counts, added up for the page."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from setwise.live_counts import CountKey


class Funnel(msgspec.Struct):
    """Products in answers, seen, clicked on, put into carts; pieces bought; revenue in minor units by currency."""

    served: int = 0
    shown: int = 0
    clicked: int = 0
    carted: int = 0
    bought: int = 0
    revenue_cents: dict[str, int] = {}

    def add(self, key: CountKey, value: int) -> None:
        """One count."""
        if key.name == "revenue_cents":
            self.revenue_cents = {**self.revenue_cents, key.currency: self.revenue_cents.get(key.currency, 0) + value}
        else:
            setattr(self, key.name, getattr(self, key.name) + value)


class LiveBusiness(msgspec.Struct, frozen=True):
    """The last minutes, the one that is under way included. `by_minute` has every minute, in order."""

    at: datetime
    minutes: int
    total: Funnel
    by_minute: list[tuple[datetime, Funnel]]
    by_variant: dict[str, Funnel]
    """Experiments as JSON, '' = none."""
    by_slot: dict[str, Funnel]


def live_business(counts: Mapping[CountKey, int], minutes: range, now: datetime) -> LiveBusiness:
    """Adds up what the streams counted in these minutes since 1970."""
    total, by_minute = Funnel(), {minute: Funnel() for minute in minutes}
    by_variant: dict[str, Funnel] = {}
    by_slot: dict[str, Funnel] = {}
    for key, value in counts.items():
        groups = (by_variant.setdefault(key.variant, Funnel()), by_slot.setdefault(key.slot, Funnel()))
        for funnel in (total, by_minute[key.minute], *groups):
            funnel.add(key, value)
    told = [(datetime.fromtimestamp(minute * 60, UTC), funnel) for minute, funnel in by_minute.items()]
    return LiveBusiness(now, len(minutes), total, told, by_variant, by_slot)
