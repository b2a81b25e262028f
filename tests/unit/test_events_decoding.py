import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from setwise.events import UnreadableEventError, decode_interaction, decode_served
from setwise.events.interaction import VERSION

SAMPLES = Path(__file__).parent / "samples"


def test_an_interaction_of_the_first_version_is_read() -> None:
    event = decode_interaction((SAMPLES / "interaction-1.json").read_bytes())
    assert (event.source, event.id, event.data.kind, event.data.user) == ("//shop", "e-1", "click", "u-0f")
    assert event.time == datetime(2026, 11, 25, 12, tzinfo=UTC)
    assert [(item.product_id, item.quantity, item.price_cents) for item in event.data.items] == [("p-1", 1, 69900)]
    assert event.data.marks == ["unserved"] and event.data.consent


def test_an_interaction_without_a_version_and_with_fields_of_another_release_is_read() -> None:
    event = decode_interaction((SAMPLES / "interaction-0.json").read_bytes())
    assert (event.data.query, event.data.visitor, event.data.items) == ("sofa", "v-0f", [])


def test_a_served_answer_of_the_first_version_is_read() -> None:
    event = decode_served((SAMPLES / "served-1.json").read_bytes())
    assert (event.id, event.data.served_by, event.data.experiment) == ("r-1", "no_profile", {"ranking": "treatment"})
    item = event.data.bundles[0].items[0]
    assert (item.product_id, item.position, item.quantity, item.propensity) == ("p-1", 1, 1, 1.0)


@pytest.mark.parametrize("decode", [decode_interaction, decode_served])
@pytest.mark.parametrize("value", [b"", b"{", b"[]", b"null", b'{"data":{}}', b'{"data":[' * 2_000, b"\xff\xfe"])
def test_what_is_no_event_is_said_to_be_unreadable(decode, value: bytes) -> None:
    with pytest.raises(UnreadableEventError):
        decode(value)


@pytest.mark.parametrize(("sample", "decode"), [("interaction-1", decode_interaction), ("served-1", decode_served)])
def test_a_version_that_is_not_known_yet_is_named(sample: str, decode) -> None:
    event = json.loads((SAMPLES / f"{sample}.json").read_text())
    event["data"]["version"] = VERSION + 8
    with pytest.raises(UnreadableEventError, match=f"version is {VERSION + 8}"):
        decode(json.dumps(event).encode())
