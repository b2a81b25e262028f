"""The client of shops' own servers against a service in a process of its own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e_support import SERVER_SETTINGS, delete_topics, interactions, own_copy, records_of
from fault_servers import Service, free_port, serving

from setwise.names import INTERACTIONS_TOPIC
from setwise_client import EventSender, Item, Refused, RefusedCallError


@pytest.fixture
def environ(profile: dict[str, str], tmp_path: Path) -> Iterator[dict[str, str]]:
    servers = {k: v for k, v in os.environ.items() if k in SERVER_SETTINGS}
    mine = servers | own_copy(profile, tmp_path)
    yield mine
    if mine.get("SETWISE_LOG") == "kafka":
        delete_topics(mine)


def sender_to(port: int, key: str = "", **more: object) -> EventSender:
    return EventSender(f"http://127.0.0.1:{port}", key, source="shop.example/server", every_s=0.1, **more)


def test_what_is_tracked_arrives_with_all_that_was_said_and_a_refused_event_is_told(environ, tmp_path) -> None:
    refused: list[Refused] = []
    with serving(environ | {"SETWISE_ANONYMOUS": ""}, tmp_path / "log") as service:
        sender = sender_to(service.port, service.admin_key, on_refused=refused.append)
        lamp = Item("p-1", 2, 12_900, slot="lamp", position=1, bundle_id="b-1")
        for _ in range(2):
            sender.track(
                "purchase", user_id="u-1", session_id="s-1", items=[lamp], currency="USD", order_id="o-1",
                event_id="e-1",
            )  # fmt: skip
        sender.track("click", user_id="u-1", consent=False, items=[Item("p-2")])
        nobody = sender.track("click", items=[Item("p-3")])
        assert sender.close() == 0
    bought, clicked = interactions(environ, 2)
    assert (bought.kind, bought.order_id, bought.currency, bool(bought.user)) == ("purchase", "o-1", "USD", True)
    [item] = bought.items
    assert (item.product_id, item.quantity, item.price_cents, item.slot, item.position, item.bundle_id) == (
        "p-1", 2, 12_900, "lamp", 1, "b-1",
    )  # fmt: skip
    assert (clicked.consent, clicked.user, [item.product_id for item in clicked.items]) == (False, "", ["p-2"])
    assert [(one.event["id"], "user_id" in one.reason) for one in refused] == [(nobody, True)]


def test_more_events_than_a_call_takes_arrive_once_though_the_service_comes_late(environ, tmp_path) -> None:
    port = free_port()
    sender = sender_to(port)
    for number in range(1_200):
        sender.track("view_item", visitor_id=f"v-{number % 50}", items=[Item(f"p-{number}")])
    assert sender.flush(0.5) == 1_200
    service = Service(environ, tmp_path / "log", port)
    try:
        service.wait_ready()
        assert sender.close(30) == 0
    finally:
        service.stop()
    assert len({record.value for record in records_of(environ, INTERACTIONS_TOPIC, 1_200)}) == 1_200


def test_a_wrong_key_is_said_at_once_and_what_waits_is_kept(environ, tmp_path) -> None:
    with serving(environ | {"SETWISE_ANONYMOUS": ""}, tmp_path / "log") as service:
        sender = sender_to(service.port, "swk_wrong_key")
        sender.track("view_item", visitor_id="v-1", items=[Item("p-1")])
        assert sender.flush() == 1
        with pytest.raises(RefusedCallError, match="401"):
            sender.track("view_item", visitor_id="v-1", items=[Item("p-1")])
        assert sender.close(1) == 1
