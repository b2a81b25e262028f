"""Each form as its senders document it, and what becomes of payloads that are not quite right."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setwise.events import KINDS, Judged, Reading, RefusedEventError, expanded, judged, read_event
from setwise.events.said import Said, SaidItem
from setwise.pseudonyms import Pseudonyms
from setwise.request_ids import RequestIds

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
IDS, PSEUDONYMS = RequestIds(b"key"), Pseudonyms(b"key")
CLOUD = {
    "specversion": "1.0", "id": "e-1", "source": "//shop.example/web", "type": "setwise.click",
    "time": "2026-11-25T11:59:00Z", "data": {
        "visitor_id": "v-9", "session_id": "s-7", "request_id": "r", "bundle_id": "b", "product_id": "p-1",
        "slot": "sofa", "position": 2, "price_cents": 69900,
    },
}  # fmt: skip
GA4 = {
    "client_id": "123.456", "user_id": "u-42", "timestamp_micros": 1795608000000000, "events": [
        {"name": "purchase", "params": {
            "transaction_id": "T_12345", "value": 30.03, "tax": 4.9, "currency": "USD", "session_id": 1764071000,
            "items": [
                {"item_id": "SKU_1", "item_name": "Tee", "index": 0, "price": 10.01, "quantity": 3, "coupon": "SUMMER"},
                {"item_id": "SKU_2", "item_name": "Hoodie", "index": 1, "price": "5"},
            ]}},
    ],
}  # fmt: skip
SEGMENT = {
    "type": "track", "event": "Product Clicked", "messageId": "ajs-1", "anonymousId": "a-1", "userId": "u-42",
    "timestamp": "2026-11-25T11:58:00.000Z", "context": {"userAgent": "Mozilla/5.0"},
    "properties": {"product_id": "507f", "sku": "G-32", "category": "Games", "price": 18.99, "position": 3},
}  # fmt: skip


def read(raw: Any) -> Reading:
    return read_event(raw, "EUR", NOW)


def judge(said: Said, user_agent: str = "") -> Judged:
    return judged(said, NOW, PSEUDONYMS, IDS, "shop", user_agent)


def changed(raw: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    copy = json.loads(json.dumps(raw))
    *way, last = path.split(".")
    at: Any = copy
    for step in way:
        at = at[int(step)] if isinstance(at, list) else at[step]
    if value is ...:
        del at[last]
    else:
        at[last] = value
    return copy


def test_a_cloudevent_says_all_that_the_contract_names() -> None:
    (said,) = read(CLOUD).said
    assert (said.kind, said.id, said.source, said.visitor_id) == ("click", "e-1", "//shop.example/web", "v-9")
    assert said.items == [SaidItem("p-1", 1, 69900, "sofa", 2)]
    assert said.time == NOW - timedelta(minutes=1)


def test_a_purchase_by_measurement_protocol_has_its_order_as_identity_and_cents_to_the_digit() -> None:
    (said,) = read(GA4).said
    assert (said.source, said.id, said.order_id) == ("ga4", "purchase:T_12345", "T_12345")
    assert [(i.product_id, i.quantity, i.price_cents, i.position) for i in said.items] == [
        ("SKU_1", 3, 1001, 1), ("SKU_2", 1, 500, 2),
    ]  # fmt: skip
    assert (said.currency, said.visitor_id, said.user_id, said.session_id) == ("USD", "123.456", "u-42", "1764071000")
    assert said.time == NOW


@pytest.mark.parametrize("stamp", [1795608000, 1795608000000, 1795608000000000, "1795608000000"])
def test_seconds_milliseconds_and_microseconds_are_told_apart(stamp: Any) -> None:
    assert read(changed(GA4, "timestamp_micros", stamp)).said[0].time == NOW


def test_a_push_of_the_data_layer_is_read_as_well() -> None:
    push = {"event": "add_to_cart", "client_id": "1.2", "ecommerce": {"items": [{"item_id": "S", "price": 9.99}]}}
    (said,) = read(push).said
    assert (said.kind, said.visitor_id, said.currency, said.items[0].price_cents) == ("add_to_cart", "1.2", "EUR", 999)


def test_of_a_payload_with_several_events_each_is_kept_or_left_out_with_its_reason() -> None:
    reading = read(changed(GA4, "events", [{"name": "page_view", "params": {}}, GA4["events"][0]]))
    assert [one.kind for one in reading.said] == ["purchase"]
    assert len(reading.left_out) == 1 and "'page_view'" in reading.left_out[0]


def test_ga4_events_without_an_id_are_known_by_all_that_they_say() -> None:
    click = {"client_id": "1.2", "events": [{"name": "select_item", "params": {"items": [{"item_id": "S"}]}}]}
    first, again = read(click).said[0].id, read(json.loads(json.dumps(click))).said[0].id
    assert first == again and first.startswith("h-")
    assert read(changed(click, "client_id", "1.3")).said[0].id != first
    assert read(changed(click, "events.0.params.event_id", "x-1")).said[0].id == "x-1"


def test_two_refunds_of_one_order_are_two_events() -> None:
    def refund(item: str) -> dict[str, Any]:
        return {"client_id": "1", "events": [{"name": "refund", "params": {"transaction_id": "T", "items": [{"item_id": item}]}}]}  # noqa: E501  # fmt: skip

    assert read(refund("a")).said[0].id != read(refund("b")).said[0].id
    assert judge(read(changed(refund("a"), "events.0.params.items", [])).said[0]).data.items == []


def test_a_track_call_of_segment_is_read_with_its_message_id() -> None:
    (said,) = read(SEGMENT).said
    assert (said.kind, said.source, said.id, said.visitor_id) == ("click", "segment", "ajs-1", "a-1")
    assert said.items == [SaidItem("507f", 1, 1899, "", 3)] and said.currency == "EUR"


def test_what_waited_on_a_device_is_dated_by_how_long_it_waited_not_by_its_clock() -> None:
    wrong_clock = changed(SEGMENT, "timestamp", "2019-01-01T00:00:00Z") | {"sentAt": "2019-01-01T00:03:00Z"}
    assert read(wrong_clock).said[0].time == NOW - timedelta(minutes=3)
    corrected = SEGMENT | {"originalTimestamp": "2019-01-01T00:00:00Z", "sentAt": "2019-01-01T00:03:00Z"}
    assert read(corrected).said[0].time == NOW - timedelta(minutes=2)


def test_a_batch_of_segment_is_one_entry_for_each_call() -> None:
    entries = expanded({"batch": [SEGMENT, {"type": "page"}], "sentAt": "2026-11-25T11:58:30Z"})
    assert [len(read(entry).said) for entry in entries] == [1, 0]
    assert read(entries[0]).said[0].time == NOW - timedelta(seconds=30)


def test_cancelled_orders_are_refunds_and_orders_without_a_message_id_are_known_by_their_number() -> None:
    order = {"type": "track", "userId": "u", "properties": {"order_id": "O-1", "products": [{"sku": "s", "price": 1}]}}
    bought, cancelled = read(order | {"event": "Order Completed"}), read(order | {"event": "Order Cancelled"})
    assert (bought.said[0].id, bought.said[0].items[0].product_id) == ("purchase:O-1", "s")
    assert (cancelled.said[0].kind, cancelled.said[0].order_id) == ("refund", "O-1")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("text", "an event is an object"),
        ({}, "no known form"),
        (changed(CLOUD, "id", ...), "id, source"),
        (changed(CLOUD, "source", ""), "id, source"),
        (changed(CLOUD, "id", "x" * 65), "id: at most 64"),
        (changed(CLOUD, "specversion", "0.3"), "specversion"),
        (changed(CLOUD, "type", "setwise.hover"), "type: 'setwise.hover' is none of"),
        (changed(CLOUD, "type", "setwise.click.v9"), "version 9 is not known"),
        (changed(CLOUD, "data.colour", "red"), "data.colour: no such field"),
        (changed(CLOUD, "data.quantity", -1), "data.quantity: it is negative"),
        (changed(CLOUD, "data.quantity", 0), "data.quantity: at least 1"),
        (changed(CLOUD, "data.quantity", 1.5), "data.quantity: a whole number"),
        (changed(CLOUD, "data.price_cents", -5), "data.price_cents: it is negative"),
        (changed(CLOUD, "data.currency", "XXQ"), "currency: 'XXQ'"),
        (changed(CLOUD, "data.product_id", "a\u0000b"), "data.product_id: it has characters"),
        (changed(CLOUD, "data.consent", "no"), "data.consent"),
        (changed(CLOUD, "time", "yesterday"), "time: send a time"),
        (changed(CLOUD, "data", [1]), "data: an object"),
        (changed(GA4, "events.0.params.items.0.price", -10.01), "price: it is negative"),
        (changed(GA4, "events.0.params.items.0.quantity", -1), "quantity: it is negative"),
        (changed(GA4, "events.0.params.items.0.currency", "JPY"), "currency: JPY of an item"),
        (changed(GA4, "events", []), "events: there is none"),
        (changed(SEGMENT, "event", "Coupon Applied"), "event: 'Coupon Applied' is none of"),
        (changed(SEGMENT, "properties.price", "cheap"), "price: 'cheap' is not an amount"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_the_field_and_the_reason(raw: Any, reason: str) -> None:
    reading = read(raw)
    assert reading.said == [] and reason in reading.left_out[0]


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (changed(CLOUD, "data.visitor_id", ...), "user_id, visitor_id"),
        (changed(CLOUD, "data.product_id", ...), "product_id: a click is of a product"),
        (changed(CLOUD, "type", "purchase"), "order_id"),
        (changed(changed(CLOUD, "type", "purchase"), "data.order_id", "o") | {"data": {"user_id": "u", "order_id": "o", "product_id": "p"}}, "price_cents"),  # noqa: E501
        (changed(CLOUD, "type", "search"), "query"),
        (changed(CLOUD, "time", "2026-11-18T11:59:59Z"), "older than 7 days"),
    ],
)  # fmt: skip
def test_what_is_incomplete_or_too_late_is_refused(raw: Any, reason: str) -> None:
    with pytest.raises(RefusedEventError, match=reason):
        judge(read(raw).said[0])


def test_a_clock_that_is_ahead_is_replaced_by_the_time_of_receipt_and_said_so() -> None:
    ahead = judge(read(changed(CLOUD, "time", "2026-11-25T12:05:01Z")).said[0])
    assert ahead.time == NOW and "clock" in ahead.data.marks
    near = judge(read(changed(CLOUD, "time", "2026-11-25T12:04:59Z")).said[0])
    assert near.time > NOW and "clock" not in near.data.marks
    none = judge(read(changed(CLOUD, "time", ...)).said[0])
    assert none.time == NOW and "no_time" in none.data.marks


def test_a_request_that_was_never_answered_is_marked_and_one_that_was_is_not() -> None:
    assert "unserved" in judge(read(CLOUD).said[0]).data.marks
    ours = RequestIds(b"key").new()
    assert judge(read(changed(CLOUD, "data.request_id", ours)).said[0]).data.marks == []
    forged = ("1" if ours[0] == "0" else "0") + ours[1:]
    assert "unserved" in judge(read(changed(CLOUD, "data.request_id", forged)).said[0]).data.marks
    assert judge(read(changed(CLOUD, "data.request_id", ...)).said[0]).data.marks == [], "organic"


def test_a_program_is_marked_by_what_it_calls_itself() -> None:
    assert "bot" in judge(read(CLOUD).said[0], "Googlebot/2.1 (+http://www.google.com/bot.html)").data.marks
    robot = changed(SEGMENT, "context.userAgent", "HeadlessChrome/120")
    assert "bot" in judge(read(robot).said[0], "analytics-node/6").data.marks
    assert "bot" not in judge(read(SEGMENT).said[0]).data.marks


def test_people_are_pseudonyms_and_without_consent_nobody() -> None:
    kept = judge(read(CLOUD).said[0])
    assert kept.key == kept.data.visitor == PSEUDONYMS.visitor("v-9") and "v-9" not in str(kept.data)
    assert PSEUDONYMS.user("v-9") != PSEUDONYMS.visitor("v-9") != Pseudonyms(b"other").visitor("v-9")
    refused = [
        changed(CLOUD, "data.consent", False),
        GA4 | {"consent": {"ad_user_data": "DENIED", "ad_personalization": "GRANTED"}},
        changed(SEGMENT, "context.consent", {"categoryPreferences": {"Analytics": True, "Advertising": False}}),
    ]
    for raw in refused:
        nobody = judge(read(raw).said[0])
        assert (nobody.data.user, nobody.data.visitor, nobody.data.session) == ("", "", "")
        assert not nobody.data.consent and nobody.key == nobody.id


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text(max_size=80)
    | st.sampled_from(["DENIED", "track", "1.0", "purchase", "select_item", "Order Completed", "USD", "2026-11-25"]),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(sorted({
        "specversion", "id", "source", "type", "time", "data", "events", "name", "params", "items", "event", "batch",
        "properties", "products", "price", "quantity", "item_id", "product_id", "consent", "context", "position",
        "index", "currency", "timestamp", "sentAt", "timestamp_micros", "transaction_id", "order_id", "messageId",
        "user_id", "visitor_id", "client_id", "anonymousId", "ecommerce", "query", "sku", "userAgent", "any",
    })), inner, max_size=8),
    max_leaves=25,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(body=values)
def test_no_payload_crashes_and_each_entry_gets_one_verdict(body: Any) -> None:
    for entry in expanded(body):
        reading = read(entry)
        assert reading.said or reading.left_out
        assert len(reading.id) <= 64
        for said in reading.said:
            assert said.kind in KINDS and 1 <= len(said.id) <= 64 and said.source
            try:
                kept = judge(said)
            except RefusedEventError as error:
                assert str(error)
                continue
            assert NOW - timedelta(days=7) <= kept.time <= NOW + timedelta(minutes=5) and kept.key
            assert msgspec.json.encode(kept.data)


PLACES = {
    "e-1": "id source type time data data.visitor_id data.position data.price_cents data.items",
    "ga4": "client_id timestamp_micros events events.0.params events.0.params.items events.0.params.currency "
    "events.0.params.items.0.price events.0.params.items.0.quantity events.0.params.transaction_id",
    "ajs-1": "event messageId anonymousId timestamp context properties properties.price properties.position",
}


@settings(max_examples=100, deadline=None)
@given(base=st.sampled_from([CLOUD, GA4, SEGMENT]), data=st.data())
def test_a_good_payload_with_one_strange_value_is_kept_or_refused_and_never_an_error(base: Any, data: Any) -> None:
    name = base.get("id") or base.get("messageId") or "ga4"
    raw = json.loads(json.dumps(base))
    *way, last = data.draw(st.sampled_from(PLACES[name].split())).split(".")
    at: Any = raw
    for step in way:
        at = at[int(step)] if isinstance(at, list) else at[step]
    at[last] = data.draw(values)
    reading = read(raw)
    assert reading.said or reading.left_out
    for said in reading.said:
        try:
            assert judge(said).data.version == 1
        except RefusedEventError:
            continue
