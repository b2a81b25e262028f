"""A click changes the shopper's next answer within two seconds; what is in the cart is not offered again."""

import os
import signal
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from e2e_support import ROOT, SERVER_SETTINGS, delete_topics, own_copy, serve
from litestar.testing import TestClient

from online.live_counters import build_live_counters
from setwise.settings import Settings

WITHIN_S = 2.0
PATIENCE_S = 20.0


@pytest.fixture(scope="module")
def environ(profile: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    mine = own_copy(profile, tmp_path_factory.mktemp("sessions")) | {
        "SETWISE_ANONYMOUS": "recommend,events",
        # Two processes share this machine with others: a slow answer is still a whole one.
        "SETWISE_DEADLINE_MS": "4000",
        **{f"SETWISE_DEADLINE_{stage}_MS": "1000" for stage in ("ENCODE", "RETRIEVE", "FEATURES")},
    }
    yield mine
    if mine.get("SETWISE_LOG") == "kafka":
        delete_topics(mine)


@pytest.fixture(scope="module")
def client(environ: dict[str, str]) -> Iterator[TestClient]:
    with serve(environ) as client:
        yield client


@pytest.fixture(scope="module")
def stream(environ: dict[str, str], client: TestClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """`python -m orchestration.streams` beside the service; its lines."""
    output = tmp_path_factory.mktemp("stream") / "lines"
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SETWISE_") or k in SERVER_SETTINGS}
    command = [sys.executable, "-W", "ignore", "-m", "orchestration.streams"]
    with output.open("wb") as file:
        process = subprocess.Popen(command, env=kept | environ, cwd=ROOT, stdout=file, stderr=file)
    until = time.monotonic() + 60
    while "reading the log" not in output.read_text() and time.monotonic() < until and process.poll() is None:
        time.sleep(0.1)
    yield output
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0, output.read_text()
    assert all(word in output.read_text() for word in ("sessions: ", "live: ")), output.read_text()


def someone() -> str:
    return f"v-{uuid.uuid4().hex[:12]}"


def act(client: TestClient, kind: str, product: str, **who: Any) -> None:
    reply = client.post(
        "/v1/events",
        json={
            "specversion": "1.0", "id": uuid.uuid4().hex, "source": "shop.example/web", "type": f"setwise.{kind}",
            "time": datetime.now(UTC).isoformat(), "data": {"product_id": product, **who},
        },
    )  # fmt: skip
    assert reply.json()["accepted"] == 1, reply.text


def listed(client: TestClient, prompt: str, **who: Any) -> list[str]:
    reply = client.post("/v1/products", json={"prompt": prompt, "k": 10, **who})
    assert reply.status_code == 200, reply.text
    answer = reply.json()
    assert answer["served_by"] == "full", answer["degraded"]
    return [product["product_id"] for product in answer["products"]]


def seconds_until(condition: Callable[[], bool]) -> float:
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < PATIENCE_S, "the next answers did not change"
        time.sleep(0.05)
    return time.monotonic() - started


def test_a_click_changes_the_next_answer_of_its_visitor_within_two_seconds_and_of_nobody_else(client, stream) -> None:
    took = []
    for prompt in ("a sofa", "a lamp", "a rug", "a chair", "a table"):
        visitor = someone()
        before = listed(client, prompt, visitor_id=visitor)
        clicked = before[5]
        act(client, "click", clicked, visitor_id=visitor, session_id=f"s-{visitor}")
        took.append(seconds_until(lambda: listed(client, prompt, visitor_id=visitor) != before))  # noqa: B023
        after = listed(client, prompt, visitor_id=visitor)
        assert clicked in after[:6]
        assert listed(client, prompt, session_id=f"s-{visitor}") == after
        assert listed(client, prompt, visitor_id=someone()) == before
        assert listed(client, prompt, visitor_id=visitor, consent=False) == before
        assert listed(client, prompt) == before
    print(
        f"from click to changed answer, n={len(took)}: median {statistics.median(took):.2f} s, most {max(took):.2f} s"
    )
    assert statistics.median(took) < WITHIN_S


def test_a_user_who_was_a_visitor_first_takes_the_session_along_and_reads_why(client, stream) -> None:
    visitor, user = someone(), f"u-{uuid.uuid4().hex[:12]}"
    wish = {"prompt": "a sofa and a lamp", "visitor_id": visitor, "user_id": user, "explain": True}

    def items(bundle: int = 0) -> list[dict[str, Any]]:
        answer = client.post("/v1/bundles", json=wish).json()
        assert answer["served_by"] == "full", answer["degraded"]
        return answer["bundles"][bundle]["items"]

    assert all(item["parts"]["session"] == 0 for item in items())
    act(client, "view_item", items()[0]["alternatives"][0], visitor_id=visitor)
    seconds_until(lambda: items()[0]["parts"]["session"] > 0)
    assert "like what you looked at lately" in items()[0]["reasons"]


def test_what_is_in_the_cart_is_not_offered_again_unless_it_is_asked_for_or_taken_out(client, stream) -> None:
    visitor = someone()
    before = listed(client, "a sofa", visitor_id=visitor)
    act(client, "add_to_cart", before[0], visitor_id=visitor)
    took = seconds_until(lambda: before[0] not in listed(client, "a sofa", visitor_id=visitor))
    assert took < PATIENCE_S
    title = client.get(f"/v1/products/{before[0]}").json()["title"]
    assert before[0] in listed(client, title, visitor_id=visitor)
    locked = client.post("/v1/bundles", json={"prompt": "a lamp", "lock": [before[0]], "visitor_id": visitor}).json()
    assert before[0] in [item["product_id"] for item in locked["bundles"][0]["items"]]
    only = client.post("/v1/products", json={"prompt": "a sofa", "candidates": before[:1], "visitor_id": visitor})
    assert [product["product_id"] for product in only.json()["products"]] == before[:1]
    act(client, "remove_from_cart", before[0], visitor_id=visitor)
    seconds_until(lambda: before[0] in listed(client, "a sofa", visitor_id=visitor))


def test_a_bundle_holds_no_product_that_was_just_bought_and_one_that_is_shown_can_be_swapped(client, stream) -> None:
    visitor = someone()
    wish = {"prompt": "a sofa and a lamp", "visitor_id": visitor}
    first = client.post("/v1/bundles", json=wish).json()["bundles"][0]
    bought = first["items"][0]["product_id"]
    act(
        client, "purchase", bought, visitor_id=visitor, price_cents=100, order_id=uuid.uuid4().hex, currency="USD"
    )  # fmt: skip

    def answered() -> set[str]:
        bundles = client.post("/v1/bundles", json=wish).json()["bundles"]
        return {item["product_id"] for bundle in bundles for item in bundle["items"]}

    seconds_until(lambda: bought not in answered())
    # The bundle that holds it is still whole: what stays in it may be what was bought.
    other = first["items"][1]["slot"]
    swap = client.post(f"/v1/bundles/{first['bundle_id']}/swap", json={"slot": other, "mode": "different"})
    assert swap.status_code == 200, swap.text
    assert bought in [item["product_id"] for item in swap.json()["items"]]


def test_what_is_answered_shown_and_clicked_is_counted_in_its_minute_by_slot(client, environ, stream) -> None:
    kept = {k: v for k, v in os.environ.items() if k in SERVER_SETTINGS}
    counters, visitor = build_live_counters(Settings.from_env(kept | environ)), someone()
    answer = client.post("/v1/bundles", json={"prompt": "a sofa and a lamp", "visitor_id": visitor}).json()
    bundle, minute = answer["bundles"][0], int(time.time()) // 60
    slots = [item["slot"] for item in bundle["items"]]

    def counted(name: str) -> list[int]:
        found = counters.read(range(minute - 1, minute + 2))
        return [sum(value for key, value in found.items() if (key.name, key.slot) == (name, slot)) for slot in slots]

    before = counted("clicked")
    follows = {"visitor_id": visitor, "request_id": answer["request_id"], "bundle_id": bundle["bundle_id"]}
    act(client, "click", bundle["items"][0]["product_id"], **follows)
    took = seconds_until(lambda: counted("clicked") == [before[0] + 1, *before[1:]])
    assert all(counted("served"))
    print(f"from click to count: {took:.2f} s")
    counters.close()


def test_a_session_is_shown_with_what_is_kept_of_a_shopper_and_forgotten_with_it(client, stream) -> None:
    user = f"u-{uuid.uuid4().hex[:12]}"
    before = listed(client, "a sofa", user_id=user)
    act(client, "click", before[4], user_id=user)
    seconds_until(lambda: listed(client, "a sofa", user_id=user) != before)
    assert client.get(f"/v1/users/{user}").json()["stores"]["shopper_sessions"]["clicked_products"] == [before[4]]
    receipt = client.delete(f"/v1/users/{user}").json()
    assert receipt["stores"]["shopper_sessions"]["removed"] == 1
    assert client.get(f"/v1/users/{user}").json()["stores"]["shopper_sessions"] is None
    assert listed(client, "a sofa", user_id=user) == before
    # Who comes back is somebody new; what was under way while they were forgotten is forgotten too.
    time.sleep(max(0.0, (datetime.fromisoformat(receipt["erased_at"]) - datetime.now(UTC)).total_seconds()))
    act(client, "click", before[7], user_id=user)
    seconds_until(lambda: client.get(f"/v1/users/{user}").json()["stores"]["shopper_sessions"] is not None)
    assert client.get(f"/v1/users/{user}").json()["stores"]["shopper_sessions"]["clicked_products"] == [before[7]]
