"""A shop that has its catalogue and nothing else: no orders, no sets."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e_support import built_shop, serve
from litestar.testing import TestClient

ROOMS = ("a cosy living room", "home office", "boho bedroom")
KINDS = {"cushions": "Cushions", "rugs": "Rugs", "sofa": "Sofas"}
ONE_EACH = {"a sofa": 1, "two lamps": 1, "a sofa and a lamp": 2}


@pytest.fixture(scope="module")
def new_shop(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    with serve(built_shop({"SETWISE_FEED": str(shop / "feed.jsonl")}, tmp_path_factory.mktemp("first-day"))) as client:
        yield client


def bundles(client: TestClient, prompt: str, rows: dict[str, dict]) -> list[list[str]]:
    """The leaf category of each item of each bundle."""
    reply = client.post("/v1/bundles", json={"prompt": prompt})
    assert reply.status_code == 200, reply.text
    found = reply.json()["bundles"]
    assert found
    return [
        [rows[item["product_id"]]["product_type"].rpartition(" > ")[2] for item in bundle["items"]] for bundle in found
    ]


@pytest.mark.parametrize(("prompt", "kind"), KINDS.items())
def test_a_wish_for_one_kind_is_answered_with_several_of_it_to_choose_from(new_shop, shop_rows, prompt, kind) -> None:
    found = bundles(new_shop, prompt, shop_rows)
    assert min(map(len, found)) > 1
    assert set(found[0]) == {kind}  # there are six or so of each: later bundles may have to fill up


@pytest.mark.parametrize(("prompt", "products"), ONE_EACH.items())
def test_what_is_counted_or_has_an_article_is_one_slot_each(new_shop, shop_rows, prompt, products) -> None:
    assert {len(bundle) for bundle in bundles(new_shop, prompt, shop_rows)} == {products}


@pytest.mark.parametrize("prompt", ROOMS)
def test_a_room_holds_different_kinds(new_shop, shop_rows, prompt) -> None:
    assert all(len(set(bundle)) >= 2 for bundle in bundles(new_shop, prompt, shop_rows))
