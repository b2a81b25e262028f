"""No row that is learned from may know its own future."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec


class Leak(msgspec.Struct, frozen=True):
    """A feature that was known only at or after the moment that its row speaks of."""

    row: str
    feature: str
    moment: datetime
    known_at: datetime

    def __str__(self) -> str:
        known_at, moment = self.known_at.isoformat(), self.moment.isoformat()
        return f"{self.feature} of row {self.row} is of {known_at}, its moment {moment}"


def leaks(rows: Iterable[tuple[str, datetime, Mapping[str, datetime | None]]], limit: int = 20) -> list[Leak]:
    """The first leaks of (row's name, moment, when each feature's newest evidence happened; None = no evidence).

    Evidence has to be older than the moment: what happened in the very same one may be the label itself."""
    found: list[Leak] = []
    for row, moment, known in rows:
        for feature, at in known.items():
            if at is not None and at >= moment:
                found.append(Leak(row, feature, moment, at))
                if len(found) >= limit:
                    return found
    return found
