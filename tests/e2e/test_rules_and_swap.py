"""The merchant's rules and a bundle's swap over HTTP, on both profiles and with a second process beside the first."""

import time
from collections.abc import Callable, Iterator

import msgspec
import pytest
from e2e_support import serve
from litestar.testing import TestClient

# Asks nothing of a store that the suites of the stores do not ask.
pytestmark = pytest.mark.long_on("servers")

PROMPT = "a cosy mid-century living room under $1500, no leather"


def ask(client: TestClient, prompt: str = PROMPT, **body) -> dict:
    reply = client.post("/v1/bundles", json={"prompt": prompt, **body})
    assert reply.status_code == 200, reply.text
    return reply.json()


def swap(client: TestClient, bundle: dict, slot: str, mode: str, **body):
    return client.post(f"/v1/bundles/{bundle['bundle_id']}/swap", json={"slot": slot, "mode": mode, **body})


def item_of(bundle: dict, slot: str) -> dict:
    return next(item for item in bundle["items"] if item["slot"] == slot)


def ids_of(answer: dict) -> set[str]:
    return {item["product_id"] for bundle in answer["bundles"] for item in bundle["items"]}


def put(client: TestClient, *rules: dict, templates: tuple[dict, ...] = ()):
    document = {"rules": list(rules), "templates": list(templates)}
    return client.put("/v1/rules", json=document, headers={"If-Match": client.get("/v1/rules").headers["etag"]})


@pytest.fixture
def publish(client: TestClient) -> Iterator[Callable[..., dict]]:
    """Publishes rules, and takes all of them away after the test."""

    def publish(*rules: dict) -> dict:
        reply = put(client, *({"id": f"r{number}", **rule} for number, rule in enumerate(rules)))
        assert reply.status_code == 200, reply.text
        return reply.json()

    yield publish
    assert put(client).status_code == 200


@pytest.fixture
def second(profile: dict[str, str]) -> Iterator[TestClient]:
    """Another process of the same service, with nothing in its memory."""
    with serve(profile) as client:
        yield client


def test_hidden_products_are_gone_from_bundles_and_products_in_every_process(client, second, publish) -> None:
    gone = ids_of(ask(client))
    publish({"kind": "hide", "products": sorted(gone)})
    assert not ids_of(ask(client)) & gone
    found = client.post("/v1/products", json={"prompt": PROMPT, "k": 100}).json()["products"]
    assert not {product["product_id"] for product in found} & gone
    published = time.monotonic()
    while ids_of(ask(second)) & gone and time.monotonic() < published + 5:
        time.sleep(0.1)
    assert not ids_of(ask(second)) & gone and time.monotonic() < published + 5


def test_a_pinned_product_leads_wherever_it_fits_and_never_breaks_the_budget(client, shop_rows, publish) -> None:
    sofas = client.post("/v1/products", json={"prompt": "sofa", "k": 60}).json()["products"]
    pinned = [p for p in sofas if shop_rows[p["product_id"]]["product_type"].endswith("Sofas")][-1]
    assert pinned["product_id"] not in ids_of(ask(client, "a sofa"))
    publish({"kind": "pin", "products": [pinned["product_id"]]})
    answer = ask(client, "a sofa", explain=True)
    best = answer["bundles"][0]
    assert [item["product_id"] for item in best["items"]] == [pinned["product_id"]]
    assert best["items"][0]["parts"]["rules"] == 10 and "recommended by the shop" in best["items"][0]["reasons"]
    assert best["items"][0]["score"] == pytest.approx(sum(best["items"][0]["parts"].values()))
    less = pinned["price_cents"] - 1
    assert all(b["total_cents"] <= less for b in ask(client, "a sofa", budget={"max_cents": less})["bundles"])
    assert pinned["product_id"] not in ids_of(ask(client, "a desk"))


def test_products_that_are_never_together_are_in_no_bundle_together(client, publish) -> None:
    prompt = "a sofa and a floor lamp"
    before = [{item["product_id"] for item in bundle["items"]} for bundle in ask(client, prompt)["bundles"]]
    publish({"kind": "never_together", "products": sorted(before[0])})
    after = [{item["product_id"] for item in bundle["items"]} for bundle in ask(client, prompt)["bundles"]]
    assert after and not any(before[0] <= chosen for chosen in after)


def test_what_always_comes_with_a_product_comes_with_it_within_the_budget_and_never_alone(client, publish) -> None:
    prompt, kit = "a sofa and a floor lamp", "a candle"
    best = ask(client, prompt)["bundles"][0]
    sofa = item_of(best, "sofa")["product_id"]
    candle = min(
        client.post("/v1/products", json={"prompt": kit, "k": 20}).json()["products"], key=lambda p: p["price_cents"]
    )
    publish({"kind": "always_with", "products": [sofa], "value": candle["product_id"]})
    answer = ask(client, prompt)
    for bundle in answer["bundles"]:
        chosen = {item["product_id"] for item in bundle["items"]}
        assert (sofa in chosen) == (candle["product_id"] in chosen)
    together = next(b for b in answer["bundles"] if sofa in {item["product_id"] for item in b["items"]})
    companion = next(item for item in together["items"] if item["product_id"] == candle["product_id"])
    assert companion["reasons"] == ["the shop adds it to another product of this bundle"]
    assert together["total_cents"] == best["total_cents"] + candle["price_cents"]
    for bundle in ask(client, prompt, budget={"max_cents": together["total_cents"] - 1})["bundles"]:
        assert bundle["total_cents"] < together["total_cents"]
        chosen = {item["product_id"] for item in bundle["items"]}
        assert sofa not in chosen or candle["product_id"] in chosen
    in_cart = ask(client, prompt, basket=[candle["product_id"]])["bundles"][0]
    assert [item["slot"] for item in in_cart["items"]] == ["sofa", "floor lamp"]
    assert swap(client, together, "floor lamp", "similar").status_code in (200, 409)


def test_a_companion_that_may_not_be_sold_takes_its_product_out_of_the_answers(client, publish) -> None:
    sofa = ask(client, "a sofa")["bundles"][0]["items"][0]["product_id"]
    publish({"kind": "always_with", "products": [sofa], "value": "no-such"})
    answer = ask(client, "a sofa")
    assert answer["bundles"] and sofa not in ids_of(answer)


def test_no_bundle_has_more_products_of_a_brand_than_the_cap(client, shop_rows, publish) -> None:
    publish({"kind": "max_per_brand", "value": 1})
    for bundle in ask(client, n_bundles=10)["bundles"]:
        brands = [shop_rows[item["product_id"]]["brand"] for item in bundle["items"]]
        assert len(set(brands)) == len(brands)


def test_boost_and_bury_move_a_product_by_their_value(client, publish) -> None:
    def score() -> dict[str, float]:
        found = client.post("/v1/products", json={"prompt": "sofa", "k": 10, "candidates": wanted}).json()["products"]
        return {product["product_id"]: product["score"] for product in found}

    found = client.post("/v1/products", json={"prompt": "sofa", "k": 10}).json()["products"]
    wanted = [product["product_id"] for product in found]
    before = score()
    publish(
        {"kind": "boost", "products": wanted[:1], "value": 0.25}, {"kind": "bury", "products": wanted[1:2], "value": 3}
    )
    after = score()
    assert [after[i] - before[i] for i in wanted[:3]] == pytest.approx([0.25, -3, 0])


def test_a_preview_answers_before_and_after_and_publishes_nothing(client) -> None:
    etag = client.get("/v1/rules").headers["etag"]
    gone = sorted(ids_of(ask(client)))
    document = {"rules": [{"id": "try", "kind": "hide", "products": gone}]}
    reply = client.put("/v1/rules", params={"preview": PROMPT}, json=document)
    assert reply.status_code == 200, reply.text
    assert sorted(ids_of(reply.json()["before"])) == gone
    assert reply.json()["after"]["bundles"] and not ids_of(reply.json()["after"]) & set(gone)
    assert client.get("/v1/rules").headers["etag"] == etag and sorted(ids_of(ask(client))) == gone


def test_versions_are_counted_kept_audited_and_guarded(client, publish) -> None:
    first = publish({"kind": "hide", "products": ["no-such"]})
    assert first["warnings"][0]["field"] == "rules[0].products"
    now = client.get("/v1/rules")
    assert now.headers["etag"] == f'"{first["version"]}"' and now.json()["rules"][0]["products"] == ["no-such"]
    stale = client.put("/v1/rules", json={"rules": []}, headers={"If-Match": f'"{first["version"] - 1}"'})
    assert stale.status_code == 412 and stale.headers["etag"] == now.headers["etag"]
    assert client.put("/v1/rules", json={"rules": []}).status_code == 428
    again = client.put("/v1/rules", json=now.json(), headers={"If-Match": now.headers["etag"]})
    assert again.json()["version"] == first["version"] + 1
    old = client.get("/v1/rules", params={"version": first["version"]})
    assert old.json() == now.json() and client.get("/v1/rules", params={"version": 10**6}).status_code == 404
    newest = client.get("/v1/rules/history").json()[0]
    assert (newest["version"], newest["put_by"]) == (first["version"] + 1, "operator")


def test_rules_with_mistakes_are_refused_with_each_of_them_named(client) -> None:
    etag = client.get("/v1/rules").headers["etag"]
    reply = put(client, {"id": "a", "kind": "boost"}, {"id": "b", "kind": "nope"})
    assert reply.status_code == 422 and reply.headers["content-type"].startswith("application/problem+json")
    assert {(e["field"], e["rule"]) for e in reply.json()["errors"]} == {
        ("rules[0].products", "a"),
        ("rules[1].kind", "b"),
    }
    assert client.get("/v1/rules").headers["etag"] == etag
    headers = {"If-Match": etag, "Content-Type": "application/json"}
    assert client.put("/v1/rules", content=b"{", headers=headers).status_code == 400
    assert client.put("/v1/rules", content=b'"' + b"x" * 1_100_000 + b'"', headers=headers).status_code == 413


def test_cheaper_is_cheaper_similar_is_near_and_different_is_another_and_the_rest_stays(client, shop_rows) -> None:
    for bundle in ask(client)["bundles"]:
        for item in bundle["items"]:
            for mode in ("cheaper", "similar", "different"):
                reply = swap(client, bundle, item["slot"], mode)
                if reply.status_code == 409:
                    assert "nothing fits" in reply.json()["detail"]
                    continue
                new = reply.json()
                got = item_of(new, item["slot"])
                assert new["parent_bundle_id"] == bundle["bundle_id"] != new["bundle_id"]
                stay = [(i["slot"], i["product_id"], i["price_cents"]) for i in bundle["items"] if i is not item]
                assert [(i["slot"], i["product_id"], i["price_cents"]) for i in new["items"] if i is not got] == stay
                assert new["total_cents"] == sum(i["price_cents"] * i["quantity"] for i in new["items"]) <= 150_000
                old_row, new_row = shop_rows[item["product_id"]], shop_rows[got["product_id"]]
                assert "leather" not in (new_row["title"] + new_row["description"]).lower()
                if mode == "cheaper":
                    assert got["price_cents"] < item["price_cents"]
                else:
                    group = old_row.get("item_group_id")
                    assert item["product_id"] != got["product_id"] and (
                        not group or group != new_row.get("item_group_id")
                    )
                if mode == "similar":
                    assert new_row["product_type"] == old_row["product_type"]
                    assert item["price_cents"] / 1.5 <= got["price_cents"] <= item["price_cents"] * 1.5


def test_a_swapped_bundle_can_be_swapped_on_and_what_went_does_not_come_back(client, second) -> None:
    bundle = ask(client, "a sofa and a floor lamp")["bundles"][0]
    seen = [item_of(bundle, "sofa")["product_id"]]
    for turn in range(4):
        reply = swap((client, second)[turn % 2], bundle, "sofa", "different")
        assert reply.status_code == 200, reply.text
        bundle = reply.json()
        seen.append(item_of(bundle, "sofa")["product_id"])
        time.sleep(0.1)
    assert len(set(seen)) == len(seen)


def test_a_bundle_can_be_swapped_after_a_restart(profile) -> None:
    with serve(profile) as before:
        bundle = ask(before, "a sofa and a floor lamp")["bundles"][0]
    with serve(profile) as after:
        assert swap(after, bundle, "sofa", "different").status_code == 200


def test_a_bundle_of_an_earlier_release_is_swapped_by_its_products_and_refused_where_they_are_gone(client) -> None:
    kept = client.app.state.kept
    bundle = ask(client, "a sofa and a floor lamp")["bundles"][0]
    stored = kept.find(bundle["bundle_id"])
    gone = [msgspec.structs.replace(item, product_id="no-such") for item in stored.items]
    renamed = [msgspec.structs.replace(item, slot=f"the {item.slot}") for item in stored.items]
    kept.keep([msgspec.structs.replace(stored, bundle_id="gone", items=gone)])
    kept.keep([msgspec.structs.replace(stored, bundle_id="renamed", items=renamed)])
    refused = swap(client, {"bundle_id": "gone"}, "sofa", "cheaper")
    assert refused.status_code == 409 and "no-such" in refused.json()["detail"]
    new = swap(client, {"bundle_id": "renamed"}, "the sofa", "different")
    assert new.status_code == 200, new.text
    assert item_of(new.json(), "the floor lamp")["product_id"] == item_of(bundle, "floor lamp")["product_id"]


def test_a_swap_keeps_to_the_rules_of_now_and_to_what_is_excluded(client, publish) -> None:
    bundle = ask(client, "a sofa and a floor lamp")["bundles"][0]
    first = item_of(swap(client, bundle, "sofa", "similar").json(), "sofa")["product_id"]
    second = item_of(swap(client, bundle, "sofa", "similar", exclude=[first]).json(), "sofa")["product_id"]
    assert first != second
    lamp = item_of(bundle, "floor lamp")["product_id"]
    publish({"kind": "never_together", "products": [lamp, first]}, {"kind": "hide", "products": [second]})
    reply = swap(client, bundle, "sofa", "similar")
    assert reply.status_code == 409 or item_of(reply.json(), "sofa")["product_id"] not in (first, second)


def test_a_bundle_whose_other_items_the_rules_part_is_not_swapped(client, publish) -> None:
    bundle = ask(client, "a sofa, a floor lamp and a rug")["bundles"][0]
    parted = [item["product_id"] for item in bundle["items"] if item["slot"] in ("floor lamp", "rug")]
    publish({"kind": "never_together", "products": parted})
    refused = swap(client, bundle, "sofa", "different")
    assert refused.status_code == 409 and "rules" in refused.json()["detail"]
    assert swap(client, bundle, "rug", "different").status_code == 200


def test_a_swap_that_cannot_be_says_why(client) -> None:
    bundle = ask(client, "a sofa and a floor lamp")["bundles"][0]
    assert swap(client, {"bundle_id": "no-such"}, "sofa", "cheaper").status_code == 404
    unknown = swap(client, bundle, "throne", "cheaper")
    assert unknown.status_code == 422 and "sofa, floor lamp" in unknown.json()["detail"]
    assert swap(client, bundle, "sofa", "dearer").status_code == 422
    sofas = client.post("/v1/products", json={"prompt": "sofa", "k": 1}).json()["products"][0]["product_id"]
    locked = ask(client, "a sofa and a floor lamp", lock=[sofas])["bundles"][0]
    slot = next(item["slot"] for item in locked["items"] if item["product_id"] == sofas)
    refused = swap(client, locked, slot, "cheaper")
    assert refused.status_code == 409 and "locked" in refused.json()["detail"]
    cheapest = ask(client, "a sofa", budget={"max_cents": 1})["infeasible"]["cheapest_total_cents"]
    least = ask(client, "a sofa", budget={"max_cents": cheapest})["bundles"][0]
    sofas = client.post("/v1/products", json={"prompt": "sofa", "k": 200}).json()["products"]
    payable = [product["product_id"] for product in sofas if product["price_cents"] <= cheapest]
    assert "cheaper" in swap(client, least, "sofa", "cheaper", exclude=payable).json()["detail"]
    refused = swap(client, least, "sofa", "different", exclude=payable)
    assert refused.status_code == 409 and "budget" in refused.json()["detail"]
