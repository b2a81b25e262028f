"""A repeated question is answered from memory, as if it had been computed: until a price in it changes."""

import re

import pytest

# Asks nothing of a store that the suites of the stores do not ask.
pytestmark = pytest.mark.long_on("servers")

BODY = {"prompt": "a desk and a lamp for the study", "n_bundles": 2}


def looked_up(client) -> dict[str, float]:
    found = re.findall(
        r'setwise_cache_requests_total\{cache="answers",result="(\w+)"\} (\S+)', client.get("/metrics").text
    )
    return {result: float(count) for result, count in found}


def test_a_repeated_question_has_the_same_products_new_ids_its_own_time_and_can_be_swapped(client) -> None:
    first = client.post("/v1/bundles", json=BODY).json()
    hits = looked_up(client).get("hit", 0)
    second = client.post("/v1/bundles", json=BODY).json()
    assert looked_up(client)["hit"] == hits + 1
    assert [b["items"] for b in second["bundles"]] == [b["items"] for b in first["bundles"]]
    assert first["request_id"] != second["request_id"]
    ids = {bundle["bundle_id"] for answer in (first, second) for bundle in answer["bundles"]}
    assert len(ids) == len(first["bundles"]) + len(second["bundles"])
    assert second["timings_ms"]["assemble"] == 0.0
    assert second["timings_ms"]["total"] < first["timings_ms"]["total"]
    bundle = second["bundles"][0]
    swapped = client.post(
        f"/v1/bundles/{bundle['bundle_id']}/swap", json={"slot": bundle["items"][0]["slot"], "mode": "different"}
    )
    assert swapped.status_code in (200, 409), swapped.text
    assert swapped.status_code == 409 or swapped.json()["parent_bundle_id"] == bundle["bundle_id"]


def test_a_person_is_answered_anew_each_time(client) -> None:
    before = looked_up(client)
    for _ in range(2):
        client.post("/v1/bundles", json=BODY | {"user_id": "u-1"})
    assert looked_up(client) == before


def test_a_change_of_a_price_ends_every_kept_answer_that_holds_the_product(client) -> None:
    body = {"prompt": "a rug and a sofa"}
    item = client.post("/v1/bundles", json=body).json()["bundles"][0]["items"][0]
    client.post("/v1/bundles", json=body)
    change = {"product_id": item["product_id"], "price": (item["price_cents"] + 1) / 100}
    assert client.post("/v1/catalogue/changes", json=[change]).json()["results"][0]["status"] == "applied"
    try:
        for _ in range(3):
            answer = client.post("/v1/bundles", json=body).json()
            prices = [
                i["price_cents"] for b in answer["bundles"] for i in b["items"] if i["product_id"] == item["product_id"]
            ]
            assert set(prices) <= {item["price_cents"] + 1}
    finally:
        client.post("/v1/catalogue/changes", json=[change | {"price": item["price_cents"] / 100}])
