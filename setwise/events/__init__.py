"""What shoppers do and what was answered, as events: read from any form, judged, and kept in one."""

from setwise.events.interaction import (
    KINDS,
    Interaction,
    InteractionEvent,
    InteractionItem,
    UnreadableEventError,
    decode_interaction,
)
from setwise.events.judging import FUTURE, LATE, Judged, judged
from setwise.events.reading import MAX_EVENTS, Reading, expanded, read_event
from setwise.events.said import RefusedEventError, Said, SaidItem
from setwise.events.served import Served, ServedBundle, ServedEvent, ServedItem, decode_served

__all__ = [
    "FUTURE",
    "KINDS",
    "LATE",
    "MAX_EVENTS",
    "Interaction",
    "InteractionEvent",
    "InteractionItem",
    "Judged",
    "Reading",
    "RefusedEventError",
    "Said",
    "SaidItem",
    "Served",
    "ServedBundle",
    "ServedEvent",
    "ServedItem",
    "UnreadableEventError",
    "decode_interaction",
    "decode_served",
    "expanded",
    "judged",
    "read_event",
]
