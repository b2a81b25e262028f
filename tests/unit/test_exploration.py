from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from online.exploring import Explorer
from online.messages import (
    BundleAnswer,
    BundleOut,
    BundleRequest,
    ExcludeRead,
    ProductOut,
    ProductsAnswer,
    ProductsRequest,
    Understood,
)
from online.recording import Answered, served_event
from setwise.exploration import (
    explored_list,
    explored_order,
    list_propensities,
    more_for_list,
    order_propensities,
)
from setwise.pseudonyms import Pseudonyms
from setwise.settings import Settings, SettingsError

READ = Understood("en", None, [], {}, [], [], [], [], [], ExcludeRead([], [], [], [], [], []), [], [])
shares = st.floats(0.0, 1.0)


def at(place: int, rank: int, count: int) -> list[int]:
    """Some list with this rank at this place."""
    ranks = [other for other in range(1, count + 2) if other != rank][:count]
    ranks[place - 1] = rank
    return ranks


@given(st.integers(1, 10), shares)
def test_what_can_stand_at_a_place_of_an_answer_has_probabilities_that_sum_to_1(count: int, share: float) -> None:
    for place in range(1, count + 1):
        each = [order_propensities(at(place, rank, count), share)[place - 1] for rank in range(1, count + 1)]
        assert sum(each) == pytest.approx(1.0) and min(each) >= 0.0
        assert sum(order_propensities(at(other, place, count), share)[other - 1] for other in range(1, count + 1)) == (
            pytest.approx(1.0)
        )


@given(st.integers(1, 30), st.integers(0, 8), shares)
def test_what_can_stand_at_a_place_of_a_list_has_probabilities_that_sum_to_1(
    shown: int, behind: int, share: float
) -> None:
    known = shown + behind
    each = [list_propensities([rank] * shown, known, share) for rank in range(1, known + 1)]
    for place in range(shown):
        assert sum(one[place] for one in each) == pytest.approx(1.0)
    assert min(map(min, each)) >= 0.0


@pytest.mark.parametrize(("shown", "known"), [(3, 8), (10, 15), (2, 2), (20, 20), (4, 5)])
def test_a_list_is_drawn_as_often_as_its_propensities_say(shown: int, known: int) -> None:
    draws, share, seen = 4_000, 0.6, Counter[tuple[int, int]]()
    said: dict[tuple[int, int], float] = {}
    for number in range(draws):
        drawn = explored_list(f"request {number}", shown, known, share)
        for place, (rank, propensity) in enumerate(zip(drawn.ranks, drawn.propensities, strict=True), 1):
            seen[place, rank] += 1
            assert said.setdefault((place, rank), propensity) == propensity
    for pair, times in seen.items():
        off = 5 * (said[pair] * (1 - said[pair]) / draws) ** 0.5
        assert times / draws == pytest.approx(said[pair], abs=off + 1e-9), pair


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_an_order_is_drawn_as_often_as_its_propensities_say(count: int) -> None:
    draws, share, seen = 4_000, 0.3, Counter[tuple[int, int]]()
    for number in range(draws):
        seen.update(enumerate(explored_order(f"request {number}", count, share).ranks, 1))
    for (place, rank), times in seen.items():
        said = order_propensities(at(place, rank, count), share)[place - 1]
        assert times / draws == pytest.approx(said, abs=5 * (said * (1 - said) / draws) ** 0.5 + 1e-9)


def bundle_answer(request_id: str) -> BundleAnswer:
    bundles = [BundleOut(f"b{n}", "", "", 1_000 * n, "USD", 4.0 - n, [], [], []) for n in (1, 2, 3)]
    return BundleAnswer(request_id, "r-1", "full", [], {}, READ, bundles, None, {"total": 1.0})


def list_answer(request_id: str, count: int) -> ProductsAnswer:
    products = [ProductOut(f"p{n}", 1.0 / n, 100, "USD", "", "", "", []) for n in range(1, count + 1)]
    return ProductsAnswer(request_id, "full", [], READ, products, {"total": 1.0})


def test_the_same_request_has_the_same_order_and_the_same_bundles() -> None:
    explorer, asked = Explorer(0.2), BundleRequest(prompt="a lamp")
    orders = set()
    for number in range(200):
        answer = bundle_answer(f"request {number}")
        drawn = explorer.explored(asked, answer)
        assert explorer.explored(asked, answer) == drawn
        assert sorted(b.bundle_id for b in drawn.bundles) == ["b1", "b2", "b3"]
        orders.add(tuple(b.bundle_id for b in drawn.bundles))
    assert len(orders) == 6


def test_a_list_is_asked_for_with_what_may_come_in_and_answered_as_long_as_it_was_asked_for() -> None:
    explorer, asked = Explorer(0.2), ProductsRequest(prompt="a lamp", k=4)
    wanted = explorer.widened(asked)
    assert isinstance(wanted, ProductsRequest) and wanted.k == 4 + more_for_list(4) == 9
    found = [explorer.explored(asked, list_answer(f"request {n}", 9)) for n in range(300)]
    assert {len(answer.products) for answer in found} == {4}
    assert all(len({p.product_id for p in answer.products}) == 4 for answer in found)
    assert {p.product_id for answer in found for p in answer.products} >= {"p5", "p6", "p7", "p8"}


@pytest.mark.parametrize(
    "asked",
    [
        ProductsRequest(prompt="a lamp", k=4, offset=4),
        ProductsRequest(prompt="a lamp", k=4, candidates=["p1"]),
        ProductsRequest(prompt="a lamp", k=4, consent=False),
    ],
)
def test_further_pages_given_candidates_and_people_without_consent_are_not_explored(asked: ProductsRequest) -> None:
    explorer, answer = Explorer(0.2), list_answer("request", 4)
    assert explorer.widened(asked) is asked and explorer.explored(asked, answer) is answer


def test_a_share_of_0_changes_nothing_and_a_larger_one_than_a_fifth_is_no_setting() -> None:
    answer, asked = bundle_answer("request"), BundleRequest(prompt="a lamp")
    assert Explorer(0.0).explored(asked, answer) is answer and Explorer(0.0).widened(asked) is asked
    with pytest.raises(SettingsError, match="SETWISE_EXPLORE_SHARE"):
        Settings.from_env({"SETWISE_EXPLORE_SHARE": "0.3"})


def test_what_was_served_says_how_likely_it_was() -> None:
    now, names = datetime(2026, 3, 1, tzinfo=UTC), Pseudonyms(b"secret")
    for number in range(100):
        asked = BundleRequest(prompt="a lamp")
        answer = Explorer(0.2).explored(asked, bundle_answer(f"request {number}"))
        served = served_event(Answered("bundles", asked, answer, "shop", "r-1", now, ""), names).data
        assert served.explore_share == 0.2
        for bundle in served.bundles:
            own = int(bundle.bundle_id[1:])
            assert (bundle.rank or bundle.position) == own
            assert bundle.propensity == pytest.approx(0.2 / 3 + 0.8 * (own == bundle.position))
    plain = served_event(Answered("bundles", asked, bundle_answer("x"), "shop", "r-1", now, ""), names).data
    assert plain.explore_share == 0.0 and {b.propensity for b in plain.bundles} == {1.0}
