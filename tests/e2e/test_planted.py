"""What was planted in the sample shop is found again, on both profiles; figures of the full shop: docs/quality.md."""

import json
from datetime import UTC, datetime

import pytest

from benchmarks.planted import Figure, measured

# Asks nothing of a store that the suites of the stores do not ask.
pytestmark = pytest.mark.long_on("servers")


@pytest.fixture(scope="module")
def figures(client, shop) -> dict[str, Figure]:
    live, dependencies = client.app.state.watch.live, client.app.state.dependencies
    found = measured(live, dependencies, json.loads((shop / "truth.json").read_text()), datetime.now(UTC))
    return {f"{one.planted}: {one.measured}": one for one in found}


FLOORS = {
    "3 categories: share of them among the profile's first 3": 0.6,
    "2 colours: share of them among the profile's first 2": 0.4,
    "price tier: rank correlation with the profile's mean tier": 0.35,
    "categories: share of the first 20 products for who says nothing": 0.25,
    "colours: share of the first 20 products for who says nothing": 0.22,
    "style: share of the first 20 products for who says nothing": 0.24,
    "pairs of kinds: recall@3: the right kind is among the left's first 3": 0.9,
    "pairs of products: share of the right kind among a product's first 5 partners": 0.3,
}
"""A little below what 800 orders of 60 shoppers show. Their number says nothing of a pair's order: eleven of them."""


@pytest.mark.parametrize("name", FLOORS)
def test_what_was_planted_is_found_far_more_often_than_by_chance(figures, name) -> None:
    assert figures[name].found >= FLOORS[name] > figures[name].chance
    assert figures[name].count >= 10


def test_the_strongest_pairs_of_kinds_are_those_that_were_planted(figures) -> None:
    (strongest,) = (one for name, one in figures.items() if "precision@" in name)
    assert strongest.found > 10 * strongest.chance
