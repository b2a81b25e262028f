"""What is late is answered without, on the embedded defaults: no server is involved."""

import pytest

from benchmarks.examples.service import serve
from setwise.settings import Settings

PROMPTS = ("a desk and an office chair under $900", "a cosy living room under $1500, no leather", "a rug under $400")


@pytest.mark.parametrize(
    ("late", "rung", "dependency"),
    [
        ({"SETWISE_DEADLINE_ENCODE_MS": "0"}, "lexical", "encoder"),
        ({"SETWISE_DEADLINE_MS": "1"}, "popular", "index"),
    ],
)
def test_a_rung_below_keeps_budget_and_stock_and_says_what_is_missing(embedded, late, rung, dependency) -> None:
    roomy = {"SETWISE_DEADLINE_MS": "2000", "SETWISE_DEADLINE_FEATURES_MS": "500"}
    with serve(Settings.from_env(embedded | roomy | late)) as client:
        for number, prompt in enumerate(PROMPTS * 3):
            answer = client.post("/v1/bundles", json={"prompt": prompt, "user_id": f"u-{number}"}).json()
            assert answer["served_by"] == rung
            assert dependency in {entry["dependency"] for entry in answer["degraded"]}
            assert answer["bundles"], prompt
            limit = answer["understood"]["budget"]["max_cents"]
            for bundle in answer["bundles"]:
                assert bundle["total_cents"] <= limit
                for item in bundle["items"]:
                    assert client.get(f"/v1/products/{item['product_id']}").json()["is_sellable"]
        products = client.post("/v1/products", json={"prompt": "desk"}).json()
        assert products["served_by"] == rung
        assert products["products"]


def test_a_total_is_named_only_where_all_candidates_were_seen(embedded) -> None:
    asked = {"prompt": "a desk and an office chair", "budget": {"max_cents": 1, "currency": "USD"}}
    for settings, is_named in (({}, True), ({"SETWISE_DEADLINE_ENCODE_MS": "0"}, False)):
        roomy = {"SETWISE_DEADLINE_MS": "5000", "SETWISE_DEADLINE_ENCODE_MS": "2000"}
        with serve(Settings.from_env(embedded | roomy | settings)) as client:
            nothing = client.post("/v1/bundles", json=asked).json()["infeasible"]
        assert nothing["reason"] == "budget"
        assert (nothing["cheapest_total_cents"] is not None, nothing["cheapest"] is not None) == (is_named, is_named)


def test_what_is_named_is_found_on_the_last_rung_too(embedded) -> None:
    with serve(Settings.from_env(embedded | {"SETWISE_DEADLINE_MS": "1"})) as client:
        answer = client.post("/v1/bundles", json={"prompt": "a desk and a rug"}).json()
    titles = {item["slot"]: item["title"].lower() for item in answer["bundles"][0]["items"]}
    assert "desk" in titles["desk"]
    assert "rug" in titles["rug"]


def test_on_time_nothing_is_missing(embedded) -> None:
    with serve(Settings.from_env(embedded)) as client:
        answer = client.post("/v1/bundles", json={"prompt": PROMPTS[0], "user_id": "u-1"}).json()
    assert (answer["served_by"], answer["degraded"]) == ("full", [])
