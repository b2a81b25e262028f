"""Explored answers over HTTP: from the cache, in a list, and answered later; what is recorded is what was drawn."""

import time
from pathlib import Path

import pytest
from e2e_support import own_copy, records_of, serve

from setwise.events.served import Served, decode_served
from setwise.exploration import list_propensities, more_for_list, order_propensities
from setwise.names import SERVED_TOPIC

# Asks nothing of a store that the suites of the stores do not ask.
pytestmark = pytest.mark.long_on("servers")

READERS = 40
SHARE = 0.2


def test_each_reader_has_a_draw_of_their_own_and_its_probability_is_recorded(
    profile: dict[str, str], tmp_path: Path
) -> None:
    environ = own_copy(profile, tmp_path) | {"SETWISE_EXPLORE_SHARE": str(SHARE)}
    with serve(environ) as client:
        bundles = [client.post("/v1/bundles", json={"prompt": "a sofa and a lamp"}).json() for _ in range(READERS)]
        lists = [client.post("/v1/products", json={"prompt": "a lamp", "k": 6}).json() for _ in range(READERS)]
        plain = client.post("/v1/bundles", json={"prompt": "a sofa and a lamp", "consent": False}).json()
        accepted = client.post("/v1/requests", json={"prompt": "a sofa and a lamp"}).json()
        later = wait_for(client, accepted["status_url"])
        records = {one.request_id: one for one in served(environ, 2 * READERS + 2)}
    assert plain["exploration"] is None and records[plain["request_id"]].explore_share == 0.0
    best = [bundle["total_cents"] for bundle in plain["bundles"]]
    for answer in (*bundles, later):
        drawn, said = answer["exploration"], records[answer["request_id"]]
        assert drawn["propensities"] == order_propensities(drawn["ranks"], SHARE)
        assert [bundle["total_cents"] for bundle in answer["bundles"]] == [best[rank - 1] for rank in drawn["ranks"]]
        assert [bundle.propensity for bundle in said.bundles] == drawn["propensities"]
        assert [bundle.rank or bundle.position for bundle in said.bundles] == drawn["ranks"]
        assert all(item.propensity == bundle.propensity for bundle in said.bundles for item in bundle.items)
    assert len({tuple(answer["exploration"]["ranks"]) for answer in bundles}) > 1
    for answer in lists:
        drawn, said = answer["exploration"], records[answer["request_id"]]
        assert len(answer["products"]) == 6 and drawn["propensities"] == list_propensities(
            drawn["ranks"], 6 + more_for_list(6), SHARE
        )
        assert [item.propensity for item in said.products] == drawn["propensities"]
        assert said.explore_share == SHARE


def wait_for(client, url: str) -> dict:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        status = client.get(url).json()
        if status["status"] == "done":
            return status["answer"]
        time.sleep(0.05)
    raise AssertionError("the request was not answered")


def served(environ: dict[str, str], count: int) -> list[Served]:
    return [decode_served(record.value).data for record in records_of(environ, SERVED_TOPIC, count)]
