"""A change of price or stock is in every process's answers within two seconds, and stays there."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from e2e_support import build, own_copy
from fault_load import ask_now
from fault_servers import Service, serving

# How changes come through either log is in the contract suites.
pytestmark = pytest.mark.long_on("servers")

EFFECT_S = 2.0
PROMPT = "a sofa, a floor lamp and a rug"


@pytest.fixture(scope="module")
def shop_of_my_own(profile: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The settings with a data folder and topics of this module's own."""
    folder = tmp_path_factory.mktemp("changes")
    feed = folder / "feed.jsonl"
    shutil.copy2(profile["SETWISE_FEED"], feed)
    return own_copy(profile, folder) | {"SETWISE_FEED": str(feed)}


@pytest.fixture(scope="module")
def both(shop_of_my_own: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Service]]:
    """Two processes on the same shop."""
    log = tmp_path_factory.mktemp("log")
    roomy = shop_of_my_own | {"SETWISE_DEADLINE_MS": "0"}
    with serving(roomy, log / "first.log") as first, serving(roomy, log / "second.log") as second:
        yield first, second


def change(service: Service, *changes: dict[str, Any]) -> dict[str, Any]:
    reply = ask_now(service.port, "/v1/catalogue/changes", list(changes), service.admin_key)
    assert reply.status == 200, reply
    return reply.body


def product(service: Service, product_id: str) -> dict[str, Any]:
    reply = ask_now(service.port, f"/v1/products/{product_id}")
    return reply.body if reply.status == 200 else {"status": reply.status}


def seconds_until(service: Service, product_id: str, field: str, value: object) -> float:
    started = time.monotonic()
    while product(service, product_id).get(field) != value:
        assert time.monotonic() - started < 10, product(service, product_id)
        time.sleep(0.01)
    return time.monotonic() - started


def bundles(service: Service, **wish: Any) -> dict[str, Any]:
    reply = ask_now(service.port, "/v1/bundles", {"n_bundles": 1, **wish})
    assert reply.status == 200, reply
    return reply.body


def some_product(service: Service) -> tuple[str, str]:
    """Of the best bundle, as the second process answers it."""
    item = bundles(service, prompt=PROMPT)["bundles"][0]["items"][0]
    return item["product_id"], item["slot"]


def test_a_new_price_is_in_the_answers_of_every_process(both: tuple[Service, Service]) -> None:
    first, second = both
    wanted, _ = some_product(second)
    answer = change(first, {"product_id": wanted, "price": "12.34 USD"})
    assert answer == {
        "applied": 1, "stale": 0, "rejected": 0,
        "results": [{"index": 0, "product_id": wanted, "status": "applied"}],
    }  # fmt: skip
    assert product(first, wanted)["price_cents"] == 1234, "at once in the process that took it"
    assert seconds_until(second, wanted, "price_cents", 1234) < EFFECT_S
    bundle = bundles(second, lock=[wanted], prompt=PROMPT)["bundles"][0]
    assert [item["price_cents"] for item in bundle["items"] if item["product_id"] == wanted] == [1234]
    assert bundle["total_cents"] == sum(item["price_cents"] * item["quantity"] for item in bundle["items"])


def test_what_is_sold_out_or_removed_is_never_answered_again(both: tuple[Service, Service]) -> None:
    first, second = both
    for gone in ({"availability": "out_of_stock"}, {"stock": 0}, {"removed": True}):
        wanted, _ = some_product(second)
        change(first, {"product_id": wanted, **gone})
        field, value = ("status", 404) if "removed" in gone else ("is_sellable", False)
        assert seconds_until(second, wanted, field, value) < EFFECT_S
        for service in both:
            found = json.dumps(bundles(service, prompt=PROMPT, n_bundles=5))
            assert f'"{wanted}"' not in found
            assert bundles(service, lock=[wanted])["infeasible"]["reason"] in ("stock", "nothing_found")
        change(first, {"product_id": wanted, "availability": "in_stock", "stock": 5, "removed": False})
        seconds_until(second, wanted, "is_sellable", True)


def test_a_swap_keeps_the_budget_by_the_prices_of_now(both: tuple[Service, Service]) -> None:
    first, _ = both
    answer = bundles(first, prompt=PROMPT + " under 2000 dollars")
    bundle = answer["bundles"][0]
    stays, goes = bundle["items"][0], bundle["items"][1]
    change(first, {"product_id": stays["product_id"], "price": 1.5})
    reply = ask_now(first.port, f"/v1/bundles/{bundle['bundle_id']}/swap", {"slot": goes["slot"], "mode": "similar"})
    assert reply.status in (200, 409)
    if reply.status == 200:
        items = reply.body["items"]
        assert [item["price_cents"] for item in items if item["product_id"] == stays["product_id"]] == [150]
        assert reply.body["total_cents"] == sum(item["price_cents"] * item["quantity"] for item in items) <= 200_000


def test_an_older_word_changes_nothing_and_a_wrong_one_says_what_is_wrong(both: tuple[Service, Service]) -> None:
    first, second = both
    wanted, _ = some_product(second)
    earlier = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    change(first, {"product_id": wanted, "price": "20.00 USD"})
    answer = change(
        first,
        {"product_id": wanted, "price": "1.00 USD", "changed_at": earlier},
        {"product_id": "no-such", "price": "1.00 USD"},
        {"product_id": wanted, "price": "1.00 EUR"},
        {"product_id": wanted, "price": "cheap"},
        {"product_id": wanted, "colour": "red"},
        {"product_id": wanted, "stock": -1},
        {"product_id": wanted},
        {"product_id": wanted, "price": 0},
        {"product_id": wanted, "stock": 3, "changed_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()},
        "rubbish",
    )
    assert (answer["applied"], answer["stale"], answer["rejected"]) == (0, 1, 9)
    assert all(one["reason"] and one["remedy"] for one in answer["results"] if one["status"] == "rejected")
    assert answer["results"][2]["field"] == "price"
    assert product(first, wanted)["price_cents"] == 2000


def test_changes_of_different_fields_in_two_processes_at_once_both_hold(both: tuple[Service, Service]) -> None:
    first, second = both
    wanted, _ = some_product(second)
    change(first, {"product_id": wanted, "price": "33.00 USD"})
    change(second, {"product_id": wanted, "stock": 4})
    for service in both:
        seconds_until(service, wanted, "price_cents", 3300)
        seconds_until(service, wanted, "stock", 4)


def test_too_many_changes_or_none_of_the_form_are_refused(both: tuple[Service, Service]) -> None:
    first, _ = both
    assert ask_now(first.port, "/v1/catalogue/changes", [{"product_id": "p"}] * 1_001, first.admin_key).status == 422
    assert ask_now(first.port, "/v1/catalogue/changes", {"product_id": "p"}, first.admin_key).status == 422


def test_a_process_that_starts_later_has_what_was_changed_before(
    both: tuple[Service, Service], shop_of_my_own: dict[str, str], tmp_path: Path
) -> None:
    first, _ = both
    wanted, _ = some_product(first)
    change(first, {"product_id": wanted, "price": "8.88 USD"}, {"product_id": wanted, "stock": 7})
    with serving(shop_of_my_own | {"SETWISE_DEADLINE_MS": "0"}, tmp_path / "log") as later:
        assert (product(later, wanted)["price_cents"], product(later, wanted)["stock"]) == (888, 7)


@pytest.mark.long  # a build for each feed
@pytest.mark.parametrize("is_whole", [False, True], ids=["a newer feed", "an older one too"])
def test_changes_are_kept_over_restarts_and_release_switches_until_a_newer_feed(
    shop_of_my_own: dict[str, str], tmp_path: Path, is_whole: bool
) -> None:
    with serving(shop_of_my_own | {"SETWISE_DEADLINE_MS": "0"}, tmp_path / "log") as service:
        wanted, _ = some_product(service)
        change(service, {"product_id": wanted, "price": "7.77 USD"}, {"product_id": wanted, "stock": 6})
        release = ask_now(service.port, "/health/ready").body["release"]
    with serving(shop_of_my_own | {"SETWISE_DEADLINE_MS": "0"}, tmp_path / "log") as service:
        assert product(service, wanted)["price_cents"] == 777, "after a restart"
        feed = Path(shop_of_my_own["SETWISE_FEED"])
        rows = [json.loads(line) for line in feed.read_text().splitlines()]
        if is_whole:
            rows[0]["title"] += " Plus"
            feed.write_text("".join(json.dumps(row) + "\n" for row in rows))
            an_hour_ago = time.time() - 3_600
            os.utime(feed, (an_hour_ago, an_hour_ago))
            release = switched(service, shop_of_my_own, release)
            assert (product(service, wanted)["price_cents"], product(service, wanted)["stock"]) == (777, 6)
        rows[0]["title"] += " Plus"
        feed.write_text("".join(json.dumps(row) + "\n" for row in rows))
        switched(service, shop_of_my_own, release)
        row = next(row for row in rows if row["id"] == wanted)
        expected = round(float((row.get("sale_price") or row["price"]).split()[0]) * 100)
        assert product(service, wanted)["price_cents"] == expected, "a feed that was written later has the last word"


def switched(service: Service, environ: dict[str, str], before: str) -> str:
    done = build(environ)
    assert done.returncode == 0, done.stdout + done.stderr
    started = time.monotonic()
    while (release := ask_now(service.port, "/health/ready").body["release"]) == before:
        assert time.monotonic() - started < 20
        time.sleep(0.05)
    return release
