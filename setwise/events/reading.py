"""One entry of a call in any form: what it says, and what of it was left out and why."""

from datetime import datetime
from typing import Any

import msgspec

from setwise.events.cloudevents import is_cloudevent, read_cloudevent
from setwise.events.ga4 import events_of, is_ga4, read_ga4
from setwise.events.said import RefusedEventError, Said
from setwise.events.segment import is_segment, read_segment

MAX_EVENTS = 500


class Reading(msgspec.Struct, frozen=True):
    """`said` is empty where nothing could be read; a GA4 payload may hold several events."""

    id: str
    said: list[Said]
    left_out: list[str]


def expanded(body: Any) -> list[Any]:
    """The entries of a call: a list, Segment's batch, or the body itself."""
    if isinstance(body, list):
        return body
    if isinstance(body, dict) and isinstance(body.get("batch"), list):
        sent_at = body.get("sentAt")
        return [
            {"sentAt": sent_at, **one} if sent_at is not None and isinstance(one, dict) else one
            for one in body["batch"]
        ]  # fmt: skip
    return [body]


def read_event(raw: Any, currency: str, received_at: datetime) -> Reading:
    """Reads any JSON value and never raises. `currency` = the catalogue's main one, for amounts without one."""
    if not isinstance(raw, dict):
        return Reading("", [], ["an event is an object"])
    try:
        if is_cloudevent(raw):
            said = [read_cloudevent(raw, currency)]
        elif is_ga4(raw):
            return _read_ga4(raw, currency)
        elif is_segment(raw):
            said = [read_segment(raw, currency, received_at)]
        else:
            raise RefusedEventError("no known form: send a CloudEvent, or a payload of GA4 or Segment e-commerce")
    except RefusedEventError as error:
        named = raw.get("id", raw.get("messageId"))
        return Reading(named[:64] if isinstance(named, str) else "", [], [str(error)])
    except RecursionError:
        return Reading("", [], ["it is nested too deeply"])
    return Reading(said[0].id, said, [])


def _read_ga4(raw: dict[str, Any], currency: str) -> Reading:
    said, left_out = list[Said](), list[str]()
    events = events_of(raw)
    if not events:
        raise RefusedEventError("events: there is none")
    for event in events:
        try:
            said.append(read_ga4(raw, event, currency))
        except RefusedEventError as error:
            left_out.append(str(error))
    return Reading(said[0].id if said else "", said, left_out)
