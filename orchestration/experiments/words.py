"""What does a result mean, in words that need no statistics?"""

import math

from orchestration.experiments.metrics import Difference

LEAST_DAYS = 7
"""Weekdays differ: what was found in fewer days may be a Saturday's."""
LEAST_P = 0.01
"""Of the shares: below it units were lost or counted twice."""


def days_left(verdict: str, days: float, units: int, planned: int) -> int | None:
    """How many days more until the week is full and, where nothing is certain, until all planned units are in; None
    where no units come."""
    week = max(0, math.ceil(LEAST_DAYS - days))
    if verdict != "open" or units >= planned:
        return week
    if not units or days <= 0:
        return None
    return max(week, math.ceil((planned - units) * days / units))


def mismatch_words(units: int, p: float) -> str:
    """Why there is no verdict."""
    return (
        f"the {units:,} visitors are not shared out as the flag says (p = {p:.1g}), so that nothing can be said: "
        "look for answers that are lost or counted twice, or set started_at anew where the weights were changed"
    )


def words(found: Difference, does: str, left: int | None, guards: list[Difference]) -> str:
    """Of one treatment; `does` = what its metric says, such as earns or converts."""
    if found.relative is None or found.low is None or found.high is None:
        said = "too few have bought to say anything"
    elif found.verdict == "open":
        said = f"nothing is certain yet: {found.variant} {does} between {_signed(found.low)} and {_signed(found.high)}"
        if left == 0:
            said = f"no difference was found: {found.variant} {does} between {_signed(found.low)} and "
            said += _signed(found.high)
    else:
        span = f"{100 * found.low:.1f} to {100 * found.high:.1f}"
        said = f"{found.variant} {does} {_signed(found.relative)} per visitor ({span})"
    for guard in guards:
        if guard.verdict == "worse" and guard.relative is not None:
            said += f", but its {guard.metric} are {_signed(guard.relative)}"
    return f"{said}, {_next(found, left, any(guard.verdict == 'worse' for guard in guards))}"


def _next(found: Difference, left: int | None, is_guarded: bool) -> str:
    if left is None:
        return "nobody comes any more"
    if left:
        return f"keep going {left} {'day' if left == 1 else 'days'}"
    if found.verdict == "better":
        return "look at that first" if is_guarded else "give it to all"
    return "end it"


def _signed(share: float) -> str:
    return f"{abs(100 * share):.1f} % {'less' if share < 0 else 'more'}"
