"""What shoppers type and buy through the service is in the next release; of people who are forgotten, in the one after
nothing is."""

import os
import random
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from e2e_support import build, delete_topics, own_copy, serve
from litestar.testing import TestClient
from loading import load
from request_ledger import settings_of
from warehouses import warehouse_settings

from orchestration.marts import dbt
from orchestration.typed_words import PEOPLE
from setwise.catalogue import Product, is_sellable, leaf_category
from setwise.learned import Learned, read_learned
from setwise.release import Releases
from setwise.vocabulary import Vocabulary, read_vocabulary

RUN = uuid.uuid4().hex[:8]
WORD, KIND = "zorble", "Bookcases"
SHOPPERS = 48
WIDE = 120
"""Products of a list: of a word that says nothing the kind that is meant stands far below."""


@pytest.fixture
def environ(profile, tmp_path: Path, leave_out: Callable) -> Iterator[dict[str, str]]:
    """A built shop of this profile with a warehouse of its own."""
    mine = own_copy(profile, tmp_path)
    kind = "postgres" if "SETWISE_LOG_PREFIX" in mine else "duckdb"
    with warehouse_settings(kind, Path(mine["SETWISE_DATA_DIR"]), leave_out) as warehouse:
        yield mine | warehouse
    if kind == "postgres":
        delete_topics(mine)


def mixed(sold: list[Product]) -> Iterator[tuple[str, str, str]]:
    """Sentences that ask for the colour of one product and the style of another one of its kind; kind and colour."""
    for one in sold:
        kind = leaf_category(one)
        others = [other.custom_labels[0] for other in sold if leaf_category(other) == kind and other.color != one.color]
        if styles := [style for style in others if style != one.custom_labels[0]]:
            yield f"a {one.color} {styles[0]} {kind.removesuffix('s')}", kind, one.color


def shop(client: TestClient, who: str, prompt: str, rng: random.Random, kind: str, color: str) -> None:
    """Asks, clicks on one of the products of this kind and colour that are shown, and buys it: a shopper keeps the
    colour and not the style."""
    answer = client.post("/v1/products", json={"user_id": who, "prompt": prompt, "k": WIDE}).raise_for_status().json()
    catalogue = client.app.state.watch.live.snapshot
    rows = catalogue.rows_of([item["product_id"] for item in answer["products"]])
    found = [one.id for one in map(catalogue.__getitem__, rows) if (leaf_category(one), one.color) == (kind, color)]
    assert found, prompt
    product = rng.choice(found)
    order = f"o-{uuid.uuid4().hex}"

    def event(kind: str, **data: Any) -> dict[str, Any]:
        known = {"specversion": "1.0", "source": "shop.example/web", "type": f"setwise.{kind}"}
        return known | {
            "id": f"{kind}-{order}", "time": datetime.now(UTC).isoformat(), "data": {"user_id": who, **data}
        }  # fmt: skip

    line = {"product_id": product, "quantity": 1, "price_cents": 500}
    sent = [
        event("click", request_id=answer["request_id"], product_id=product),
        event("purchase", order_id=order, currency="USD", items=[line]),
    ]
    assert client.post("/v1/events", json=sent).json()["accepted"] == len(sent)


def release_of(environ: dict[str, str]) -> tuple[Vocabulary, Learned, str]:
    """What the live release reads sentences by, what it has learned, and its card."""
    settings = settings_of(environ)
    releases = Releases(settings.storage.releases, Path(environ["SETWISE_DATA_DIR"]) / "cache")
    live = releases.current_id()
    assert live is not None
    folder = releases.fetch(live)[1]
    card = (folder / "card/model_card.md").read_text()
    return read_vocabulary(folder / "vocabulary"), read_learned(folder / "learned"), card


@pytest.mark.long
def test_the_next_release_reads_what_shoppers_typed_and_the_one_after_nothing_of_people_who_were_forgotten(
    environ,
) -> None:
    settings, rng = settings_of(environ), random.Random(5)
    people = [f"u-{RUN}-{number}@example.com" for number in range(SHOPPERS)]
    with serve(environ) as client:
        catalogue = client.app.state.watch.live.snapshot
        sold = [product for product in catalogue if is_sellable(product, datetime.now(UTC))]
        wishes = list(mixed(sold))
        for who in people:
            color = rng.choice([one.color for one in sold if leaf_category(one) == KIND])
            asked = [(f"a {color} {WORD}", KIND, color), *rng.sample(wishes, 2)]
            for prompt, kind, color in asked:
                shop(client, who, prompt.lower(), rng, kind, color)
    load(settings, 120)
    assert dbt(settings, os.environ, "run", "--quiet") == 0
    before = release_of(environ)
    assert not before[0].typed and not before[1].wishes
    done = build(environ)
    assert done.returncode == 0, done.stdout + done.stderr
    vocabulary, learned, card = release_of(environ)
    print(learned.wishes, [line for line in card.splitlines() if "learned from" in line or "typed" in line])
    assert set(vocabulary.typed) == {WORD} and set(vocabulary.typed[WORD]) == {KIND}
    assert learned.wishes["colors"] > 1.2 and learned.wishes["styles"] < 0.8, card
    with serve(environ) as client:
        answer = client.post("/v1/products", json={"prompt": f"a {WORD}", "k": 3}).json()
        catalogue = client.app.state.watch.live.snapshot
        rows = catalogue.rows_of([item["product_id"] for item in answer["products"]])
        assert {leaf_category(catalogue[row]) for row in rows} == {KIND}
        receipts = [client.delete(f"/v1/users/{who}").json()["receipt_id"] for who in people[PEOPLE - 1 :]]
        until = time.monotonic() + 120
        while {client.get(f"/v1/erasures/{one}").json()["state"] for one in receipts} != {"done"}:
            assert time.monotonic() < until
            load(settings, 120)
    assert dbt(settings, os.environ, "run", "--quiet") == 0
    done = build(environ)
    assert done.returncode == 0, done.stdout + done.stderr
    vocabulary, learned, card = release_of(environ)
    assert not vocabulary.typed and not learned.wishes, card
