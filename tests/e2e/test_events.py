"""Events of shoppers and of answers over HTTP: what was accepted is in the log, once, and says who without naming."""

import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from e2e_support import delete_topics, interactions, own_copy, records_of, serve
from litestar.testing import TestClient

from setwise.events import Served, decode_served
from setwise.names import INTERACTIONS_TOPIC, SERVED_TOPIC
from setwise.ranking import WEIGHTS

PROMPT = {"prompt": "a sofa and a lamp under $1500"}
ANYONE = {"SETWISE_ANONYMOUS": "recommend,events"}


@pytest.fixture
def environ(profile: dict[str, str], tmp_path: Path) -> Iterator[dict[str, str]]:
    mine = own_copy(profile, tmp_path) | ANYONE
    yield mine
    if mine.get("SETWISE_LOG") == "kafka":
        delete_topics(mine)


def served(environ: dict[str, str], count: int) -> list[Served]:
    """By their time."""
    events = [decode_served(record.value) for record in records_of(environ, SERVED_TOPIC, count)]
    return [event.data for event in sorted(events, key=lambda event: event.time)]


def click(event_id: str, **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0", "id": event_id, "source": "shop.example/web", "type": "setwise.click",
        "time": datetime.now(UTC).isoformat(), "data": {"visitor_id": "v-1", "product_id": "p-1", **data},
    }  # fmt: skip


def send(client: TestClient, body: Any) -> Any:
    reply = client.post("/v1/events", json=body)
    assert reply.status_code == 200, reply.text
    return reply.json()


def test_each_event_of_a_call_has_its_own_verdict_and_what_was_accepted_is_in_the_log(environ) -> None:
    ga4 = {
        "client_id": "v-2",
        "events": [{"name": "view_item", "params": {"currency": "USD", "items": [{"item_id": "p-2", "price": 12.5}]}}],
    }
    segment = {
        "type": "track", "event": "Product Added", "messageId": "m-1", "anonymousId": "v-3",
        "properties": {"product_id": "p-3", "price": 9.99, "quantity": 2, "currency": "USD"},
    }  # fmt: skip
    with serve(environ) as client:
        told = send(client, [click("e-1"), ga4, segment, {"nonsense": 1}, click("e-1"), click("e-2", quantity=-1)])
        statuses = [result["status"] for result in told["results"]]
        assert statuses == ["accepted", "accepted", "accepted", "rejected", "duplicate", "rejected"]
        assert (told["accepted"], told["duplicates"], told["rejected"]) == (3, 1, 2)
        assert [result["index"] for result in told["results"]] == list(range(6))
        assert all(result["reason"] for result in told["results"] if result["status"] == "rejected")
        again = send(client, click("e-1"))
        assert again["duplicates"] == 1 and again["accepted"] == 0
    kept = interactions(environ, 3)
    assert sorted(one.kind for one in kept) == ["add_to_cart", "click", "view_item"]
    assert [item.price_cents for one in kept for item in one.items if one.kind == "add_to_cart"] == [999]


def test_a_retry_after_a_restart_is_a_duplicate(environ) -> None:
    with serve(environ) as client:
        assert send(client, click("e-9"))["accepted"] == 1
    with serve(environ) as client:
        assert send(client, click("e-9"))["duplicates"] == 1
    assert len(interactions(environ, 1)) == 1


def test_nobody_is_named_in_the_log_and_without_consent_nobody_is_told_apart(environ) -> None:
    with serve(environ) as client:
        send(client, [click("e-1", user_id="mary@example.com"), click("e-2", user_id="mary@example.com")])
        send(client, click("e-3", user_id="mary@example.com", consent=False))
        client.post("/v1/bundles", json={**PROMPT, "user_id": "mary@example.com"})
        client.post("/v1/bundles", json={**PROMPT, "user_id": "mary@example.com", "consent": False})
    first, second, third = interactions(environ, 3)
    with_consent, without = served(environ, 2)
    assert first.user and first.user == second.user == with_consent.user
    assert not (third.user or third.visitor or third.session)
    assert with_consent.prompt == PROMPT["prompt"] and not (without.user or without.prompt)
    everything = b"".join(r.value for t in (INTERACTIONS_TOPIC, SERVED_TOPIC) for r in records_of(environ, t, 2))
    assert b"mary" not in everything


def test_a_click_that_follows_no_answer_of_ours_is_marked_and_one_that_does_is_not(environ) -> None:
    with serve(environ) as client:
        answer = client.post("/v1/bundles", json=PROMPT).json()
        ours = click("e-1", request_id=answer["request_id"], bundle_id=answer["bundles"][0]["bundle_id"])
        send(client, [ours, click("e-2", request_id=uuid.uuid4().hex)])
        bot = client.post(
            "/v1/events", json=click("e-3"), headers={"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}
        )
        assert bot.json()["accepted"] == 1
    assert [one.marks for one in interactions(environ, 3)] == [[], ["unserved"], ["bot"]]


def test_every_path_of_an_answer_is_recorded_with_what_was_shown(environ) -> None:
    with serve(environ) as client:
        answer = client.post("/v1/bundles", json={**PROMPT, "visitor_id": "v-7"}).json()
        cached = [client.post("/v1/bundles", json=PROMPT).json() for _ in range(2)]
        products = client.post("/v1/products", json={"prompt": "a sofa"}).json()
        found = client.get("/v1/search", params={"q": "lamp"}).json()
        bundle = answer["bundles"][0]
        swap = client.post(
            f"/v1/bundles/{bundle['bundle_id']}/swap", json={"slot": bundle["items"][0]["slot"], "mode": "different"}
        )
        later = client.post("/v1/requests", json=PROMPT).json()
        until = time.monotonic() + 20
        while client.get(later["status_url"]).json()["status"] != "done" and time.monotonic() < until:
            time.sleep(0.05)
        count = 6 + (swap.status_code == 200)
        told = served(environ, count)
        kept = {one.request_id: one for one in told if one.route != "swap"}
    assert len(told) == count and len(kept) == 6
    swaps = [one for one in told if one.route == "swap"]
    assert [one.request_id for one in swaps] == [answer["request_id"]] * (swap.status_code == 200)
    assert all(one.bundles[0].parent_bundle_id == bundle["bundle_id"] for one in swaps)
    whole = kept[answer["request_id"]]
    assert whole.route == "bundles" and whole.visitor and whole.release == answer["release"]
    shown = [[(i["product_id"], i["price_cents"]) for i in b["items"]] for b in answer["bundles"]]
    assert [[(i.product_id, i.price_cents) for i in b.items] for b in whole.bundles] == shown
    assert [b.position for b in whole.bundles] == [1, 2, 3] and whole.bundles[0].items[0].position == 1
    assert whole.timings_ms["total"] > 0 and len(whole.trace_id) == 32
    assert {kept[one["request_id"]].route for one in cached} == {"bundles"}
    assert [i.product_id for i in kept[products["request_id"]].products] == [
        p["product_id"] for p in products["products"]
    ]
    assert kept[found["request_id"]].route == "search" and kept[later["request_id"]].route == "requests"


def test_a_sample_of_the_records_says_what_products_were_ranked_by_and_the_answer_does_not(environ) -> None:
    always, body = {"SETWISE_EVENTS_FEATURES_SHARE": "1"}, PROMPT | {"user_id": "u-1"}
    with serve(environ | always) as client:
        plain = client.post("/v1/bundles", json=body).json()
        explained = client.post("/v1/bundles", json=body | {"explain": True}).json()
        client.post("/v1/bundles", json=PROMPT)  # of nobody
        listed = client.post("/v1/products", json={"prompt": "oak lamp", "user_id": "u-1", "k": 60}).json()
    assert "parts" not in plain["bundles"][0] and "parts" not in plain["bundles"][0]["items"][0]
    first, second, third, fourth = served(environ, 4)
    parts = explained["bundles"][0]["items"][0]["parts"]
    for event in (first, second):
        features = event.bundles[0].items[0].features
        assert features == {
            name: pytest.approx(parts[name] / WEIGHTS.get(name, 1.0), abs=1e-4) for name in parts if parts[name]
        }
    assert not any(item.features for bundle in third.bundles for item in bundle.items)
    assert fourth.ranked_as == "search" and "features" not in listed["products"][0]
    assert [item.product_id for item in fourth.products] == [one["product_id"] for one in listed["products"]]
    assert all(item.features["words"] == 2.0 and "text_length" in item.features for item in fourth.products[:50])
    assert not any(item.features for item in fourth.products[50:])


def test_requests_that_got_no_answer_are_recorded_by_the_second(environ, tmp_path) -> None:
    empty = {"SETWISE_DATA_DIR": str(tmp_path / "empty"), "SETWISE_RELEASES_URL": str(tmp_path / "none")}
    with serve(environ | empty) as client:
        statuses = [client.post("/v1/bundles", json=PROMPT).status_code for _ in range(3)]
        statuses += [client.get("/v1/search?q=sofa").status_code, client.post("/v1/bundles", json={}).status_code]
    assert statuses == [503, 503, 503, 503, 422]
    found = served(environ | empty, 2)
    assert {(one.route, one.failed, one.served_by) for one in found} == {
        ("bundles", 503, "none"), ("search", 503, "none"),
    }  # fmt: skip
    assert sum(one.count for one in found) == 4 and not any(one.bundles or one.prompt for one in found)


def test_a_time_that_cannot_be_is_replaced_or_refused_with_a_remedy(environ) -> None:
    ahead, old = click("e-1"), click("e-2")
    ahead["time"] = (datetime.now(UTC) + timedelta(days=2)).isoformat()
    old["time"] = (datetime.now(UTC) - timedelta(days=9)).isoformat()
    with serve(environ) as client:
        told = send(client, [ahead, old])
        assert [one["status"] for one in told["results"]] == ["accepted", "rejected"]
        assert "7 days" in told["results"][1]["reason"]
        too_many = client.post("/v1/events", json=[click("e")] * 501)
        assert too_many.status_code == 422 and "500" in too_many.json()["detail"]
        assert client.post("/v1/events", json=[]).status_code == 422
        assert client.post("/v1/events", content=b"{").status_code == 400
    (kept,) = interactions(environ, 1)
    assert kept.marks == ["clock"]
