from itertools import product as every

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setwise.bundle import Candidate, PairTerms, Slot, assemble
from setwise.names import ProductId


def candidate(name: str, price: int, score: float = 1.0, group: str = "") -> Candidate:
    return Candidate(ProductId(name), 0, price, score, group)


def test_the_best_products_that_fit_the_budget_together_are_chosen() -> None:
    sofas, lamps = [candidate("s1", 900, 2), candidate("s2", 500, 1)], [candidate("l1", 300, 2), candidate("l2", 90, 1)]
    done = assemble([Slot("sofa"), Slot("lamp")], [sofas, lamps], max_total_cents=1000, n_bundles=1)
    assert [item.candidate.product_id for item in done.bundles[0].items] in (["s2", "l1"], ["s1", "l2"])
    assert done.bundles[0].total_cents <= 1000


def test_a_quantity_counts_in_the_total() -> None:
    done = assemble([Slot("chair", quantity=4)], [[candidate("c", 100)]], max_total_cents=399)
    assert done.infeasible is not None and done.infeasible.cheapest_total_cents == 400


def test_two_variants_of_one_item_group_never_share_a_bundle() -> None:
    red, blue = candidate("red", 10, 3, "g"), candidate("blue", 10, 3, "g")
    done = assemble([Slot("a"), Slot("b")], [[red], [blue]], max_total_cents=None)
    assert done.bundles == [] and done.infeasible is not None


def test_an_optional_slot_that_does_not_fit_stays_open() -> None:
    done = assemble(
        [Slot("sofa"), Slot("rug", required=False)], [[candidate("s", 90)], [candidate("r", 20)]], max_total_cents=100
    )
    assert [bundle.open_slots for bundle in done.bundles] == [("rug",)]


def test_a_required_slot_without_candidates_is_named() -> None:
    done = assemble([Slot("sofa")], [[]], max_total_cents=None)
    assert done.infeasible is not None
    assert (done.infeasible.reason, done.infeasible.blocking) == ("nothing_found", ("sofa",))


def test_ten_slots_over_nine_item_groups_are_seen_to_have_no_choice() -> None:
    found = [candidate(f"p{k}", 100 + k, 1.0, f"g{k % 9}") for k in range(40)]
    done = assemble([Slot(f"slot {i}") for i in range(10)], [found] * 10, max_total_cents=None)
    assert done.infeasible is not None and done.infeasible.reason == "nothing_found"


def test_too_few_brands_for_a_brand_cap_are_seen_to_have_no_choice() -> None:
    found = [Candidate(ProductId(f"p{k}"), 0, 100 + k, 1.0, "", f"brand {k % 4}") for k in range(40)]
    slots = [Slot(f"slot {i}") for i in range(9)]
    assert assemble(slots, [found] * 9, max_total_cents=None, max_per_brand=2).bundles == []
    assert assemble(slots[:8], [found] * 8, max_total_cents=None, max_per_brand=2).bundles != []


def test_locked_products_of_one_brand_stay_together_and_count_for_the_brand_cap() -> None:
    def one(name: str, score: float = 1.0) -> Candidate:
        return Candidate(ProductId(name), 0, 10, score, "", name[0])

    slots = [Slot("first", locked=True), Slot("second", locked=True), Slot("third")]
    done = assemble(slots, [[one("a1")], [one("a2")], [one("a3", 9), one("b1")]], max_total_cents=None, max_per_brand=1)
    assert [item.candidate.product_id for item in done.bundles[0].items] == ["a1", "a2", "b1"]


def test_a_product_that_needs_a_companion_is_chosen_with_it_or_not_at_all() -> None:
    slots = [Slot("camera"), Slot("charger", required=False)]
    cameras, chargers = (
        [candidate("c1", 90, 5), candidate("c2", 90, 1)],
        [candidate("x1", 20, 1), candidate("x2", 20, 2)],
    )
    # c1 goes with x1 alone, and never without a charger.
    pairs = PairTerms({(0, 1): np.asarray([[0.0, -np.inf], [0.0, 0.0]])}, {(0, 1): np.asarray([True, False])})
    both = assemble(slots, [cameras, chargers], max_total_cents=110, pairs=pairs, n_bundles=1).bundles[0]
    assert [item.candidate.product_id for item in both.items] == ["c1", "x1"]
    alone = assemble(slots, [cameras, chargers], max_total_cents=100, pairs=pairs, n_bundles=1).bundles[0]
    assert [item.candidate.product_id for item in alone.items] == ["c2"]


def test_pair_terms_count_as_fit_and_decide_between_equal_products() -> None:
    lamps = [candidate("l1", 10), candidate("l2", 10)]
    pairs = PairTerms({(0, 1): np.asarray([[0.0, 0.5]])})
    done = assemble([Slot("sofa"), Slot("lamp")], [[candidate("s", 10)], lamps], max_total_cents=None, pairs=pairs)
    assert done.bundles[0].parts == {"relevance": 2.0, "fit": 0.5}
    assert [item.candidate.product_id for item in done.bundles[0].items] == ["s", "l2"]


@st.composite
def problems(draw):
    n = draw(st.integers(1, 4))
    slots, candidates = [], []
    for i in range(n):
        slots.append(Slot(f"slot{i}", draw(st.integers(1, 3)), draw(st.booleans()) or i == 0))
        found = draw(
            st.lists(
                st.tuples(st.integers(0, 12), st.integers(1, 60), st.floats(0.1, 3)),
                max_size=6,
                unique_by=lambda row: row[0],
            )
        )
        # A product has one price and one group wherever it appears.
        candidates.append([candidate(f"p{k}", 1 + (k * 7) % 50, score, f"g{k // 2}") for k, _, score in found])
    return slots, candidates, draw(st.one_of(st.none(), st.integers(1, 250)))


def all_choices(slots, candidates):
    options = [[*found, *([] if slot.required else [None])] for slot, found in zip(slots, candidates, strict=True)]
    for choice in every(*options):
        chosen = [c for c in choice if c]
        groups = [c.group for c in chosen]
        if chosen and len(set(groups)) == len(groups):
            yield choice, sum(c.price_cents * s.quantity for c, s in zip(choice, slots, strict=True) if c)


@settings(max_examples=400, deadline=None)
@given(problems(), st.integers(1, 5))
def test_what_always_holds(problem, n_bundles) -> None:
    slots, candidates, budget = problem
    done = assemble(slots, candidates, max_total_cents=budget, n_bundles=n_bundles)
    possible = [total for _, total in all_choices(slots, candidates)]
    fits = [total for total in possible if budget is None or total <= budget]
    assert bool(done.bundles) == bool(fits)
    assert len(done.bundles) <= n_bundles
    if not done.bundles:
        assert done.infeasible is not None
        cheapest = done.infeasible.cheapest_total_cents
        assert cheapest == (min(possible) if possible else None)
    for bundle in done.bundles:
        assert bundle.total_cents == sum(i.candidate.price_cents * i.slot.quantity for i in bundle.items)
        assert budget is None or bundle.total_cents <= budget
        groups = [item.candidate.group for item in bundle.items]
        assert len(set(groups)) == len(groups) >= 1
        assert bundle.score == pytest.approx(sum(bundle.parts.values()))
    for i, one in enumerate(done.bundles):
        for other in done.bundles[:i]:
            a, b = ({x.candidate.product_id for x in bundle.items} for bundle in (one, other))
            assert 2 * len(a & b) <= min(len(a), len(b))


@settings(max_examples=200, deadline=None)
@given(problems())
def test_the_first_bundle_is_within_one_percent_of_the_exact_optimum(problem) -> None:
    slots, candidates, budget = problem
    done = assemble(slots, candidates, max_total_cents=budget, n_bundles=1)
    exact = [
        sum(c.score for c in choice if c)
        for choice, total in all_choices(slots, candidates)
        if budget is None or total <= budget
    ]
    if exact:
        assert done.bundles[0].score >= 0.99 * max(exact)


def test_bundles_of_two_named_products_hold_others_each_time_where_others_are_nearly_as_good() -> None:
    jewels = [candidate(f"jewel {n}", 100, 3.3 - 0.02 * n) for n in range(5)]
    anklets = [candidate(f"anklet {n}", 100, 3.4 - 0.02 * n) for n in range(5)]
    done = assemble([Slot("jewel"), Slot("anklet")], [jewels, anklets], max_total_cents=None, n_bundles=5)
    told = [item.candidate.product_id for bundle in done.bundles for item in bundle.items]
    assert len(told) == len(set(told)) == 10


def test_a_product_that_nothing_comes_near_is_in_two_bundles_rather_than_in_one() -> None:
    lamps = [candidate("the one", 100, 3.0), candidate("another", 100, 1.0)]
    sofas = [candidate(f"sofa {n}", 100, 2.0) for n in range(2)]
    done = assemble([Slot("lamp"), Slot("sofa")], [lamps, sofas], max_total_cents=None, n_bundles=2)
    assert [bundle.items[0].candidate.product_id for bundle in done.bundles] == ["the one", "the one"]
