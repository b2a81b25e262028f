"""Bundles of an open wish: each is put together from what the earlier ones left, under the same promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setwise.bundle import Candidate, Slot, assemble_ideas
from setwise.names import ProductId


def candidate(name: str, price: int, score: float, group: str = "") -> Candidate:
    return Candidate(ProductId(name), 0, price, score, group or name)


def open_slots(
    kinds: dict[int, list[Candidate]], copies: int = 3
) -> tuple[list[Slot], list[list[Candidate]], list[int]]:
    slots, candidates, groups = [], [], []
    for kind, found in kinds.items():
        for copy in range(copies):
            slots.append(Slot(f"kind {kind} {copy}", required=False))
            candidates.append(found)
            groups.append(kind)
    return slots, candidates, groups


def ids(bundle) -> set[str]:
    return {item.candidate.product_id for item in bundle.items}


OFFERS = st.lists(st.tuples(st.integers(1, 60), st.integers(1, 100)), min_size=1, max_size=6)


@settings(deadline=None)
@given(
    st.dictionaries(st.integers(0, 4), OFFERS, min_size=1, max_size=5),
    st.one_of(st.none(), st.integers(1, 150)),
    st.integers(1, 5),
)
def test_no_bundle_is_over_the_budget_and_no_two_share_a_product(kinds, most, n) -> None:
    made = {k: [candidate(f"{k}-{i}", p, s / 100) for i, (p, s) in enumerate(found)] for k, found in kinds.items()}
    slots, candidates, groups = open_slots(made)
    done = assemble_ideas(slots, candidates, groups, sizes=[3] * 5, same_group=0.2, max_total_cents=most, n_bundles=n)
    assert len(done.bundles) <= n
    for bundle in done.bundles:
        assert bundle.items
        assert bundle.total_cents == sum(i.candidate.price_cents for i in bundle.items)
        assert most is None or bundle.total_cents <= most
    everything = [product for bundle in done.bundles for product in ids(bundle)]
    assert len(everything) == len(set(everything))
    cheapest = min(p for found in kinds.values() for p, _ in found)
    assert bool(done.bundles) == (most is None or cheapest <= most)
    if done.infeasible:
        assert done.infeasible.cheapest_total_cents == cheapest


def test_a_second_product_of_a_kind_comes_in_only_where_the_shops_sets_hold_like_things() -> None:
    kinds = {
        0: [candidate(f"chair-{i}", 10, 1.0) for i in range(4)],
        1: [candidate("desk-0", 10, 0.5)],
        2: [candidate("lamp-0", 10, 0.4)],
    }
    slots, candidates, groups = open_slots(kinds)
    varied = assemble_ideas(slots, candidates, groups, sizes=[3] * 5, same_group=0.2, max_total_cents=None, n_bundles=1)
    alike = assemble_ideas(slots, candidates, groups, sizes=[3] * 5, same_group=1.0, max_total_cents=None, n_bundles=1)
    assert ids(varied.bundles[0]) == {"chair-0", "desk-0", "lamp-0"}
    assert all(product.startswith("chair") for product in ids(alike.bundles[0]))


def test_a_slot_that_was_named_is_in_every_bundle() -> None:
    slots, candidates, groups = open_slots({0: [candidate(f"lamp-{i}", 10, 0.5) for i in range(4)]})
    slots = [Slot("desk"), *slots]
    candidates = [[candidate("desk-0", 50, 1.0), candidate("desk-1", 40, 0.9)], *candidates]
    done = assemble_ideas(
        slots, candidates, [-1, *groups], sizes=[3] * 5, same_group=1.0, max_total_cents=100, n_bundles=2
    )
    assert [sum(i.slot.name == "desk" for i in bundle.items) for bundle in done.bundles] == [1, 1]


def test_a_locked_product_is_in_every_bundle_and_the_others_differ() -> None:
    slots, candidates, groups = open_slots({0: [candidate(f"lamp-{i}", 10, 0.5) for i in range(6)]})
    slots, candidates = [Slot("sofa", locked=True), *slots], [[candidate("sofa-0", 50, 0.0)], *candidates]
    done = assemble_ideas(
        slots, candidates, [-1, *groups], sizes=[3] * 5, same_group=1.0, max_total_cents=None, n_bundles=3
    )
    assert len(done.bundles) == 3
    assert all("sofa-0" in ids(bundle) for bundle in done.bundles)


def test_the_leading_products_are_shared_out_so_that_each_bundle_holds_like_ones() -> None:
    order = ["case-0", "cable-0", "case-1", "cable-1"]
    kinds = {0: [candidate(name, 10, 1.0 - at / 100) for at, name in enumerate([*order, "case-2"])]}
    slots, candidates, groups = open_slots(kinds)
    done = assemble_ideas(
        slots,
        candidates,
        groups,
        sizes=[2] * 5,
        same_group=1.0,
        max_total_cents=None,
        n_bundles=2,
        alike_of=same_first_word,
    )
    assert [ids(bundle) for bundle in done.bundles] == [{"case-0", "case-1"}, {"cable-0", "cable-1"}]


def test_what_is_shared_out_never_breaks_the_budget_and_other_products_fill_in() -> None:
    kinds = {0: [candidate("case-0", 60, 1.0), candidate("case-1", 60, 0.9), candidate("cable-0", 30, 0.1)]}
    slots, candidates, groups = open_slots(kinds)
    done = assemble_ideas(
        slots,
        candidates,
        groups,
        sizes=[2] * 5,
        same_group=1.0,
        max_total_cents=100,
        n_bundles=1,
        alike_of=same_first_word,
    )
    assert ids(done.bundles[0]) == {"case-0", "cable-0"}
    assert done.bundles[0].total_cents == 90


def test_bundles_have_the_sizes_that_were_asked_for_and_a_larger_one_is_not_better_for_its_size() -> None:
    kinds = {0: [candidate(f"case-{i}", 10, 1.0 - i / 100) for i in range(9)]}
    slots, candidates, groups = open_slots(kinds, copies=4)
    for alike_of in (None, same_first_word):
        done = assemble_ideas(
            slots, candidates, groups, sizes=[2, 3, 4], same_group=1.0, max_total_cents=None, alike_of=alike_of
        )
        assert [len(bundle.items) for bundle in done.bundles] == [2, 3, 4]
        assert ids(done.bundles[0]) == {"case-0", "case-1"}
        scores = [bundle.score for bundle in done.bundles]
        assert scores == sorted(scores, reverse=True), "the score orders the bundles of an answer"
        assert scores == pytest.approx([sum(bundle.parts.values()) for bundle in done.bundles])


@settings(deadline=None)
@given(st.dictionaries(st.integers(0, 4), OFFERS, min_size=1, max_size=5), st.integers(1, 150), st.integers(1, 5))
def test_shared_out_or_not_a_bundle_is_found_exactly_where_one_fits(kinds, most, n) -> None:
    made = {k: [candidate(f"{k}-{i}", p, s / 100) for i, (p, s) in enumerate(found)] for k, found in kinds.items()}
    slots, candidates, groups = open_slots(made)
    done = assemble_ideas(
        slots,
        candidates,
        groups,
        sizes=[3] * 5,
        same_group=1.0,
        max_total_cents=most,
        n_bundles=n,
        alike_of=same_first_word,
    )
    cheapest = min(p for found in kinds.values() for p, _ in found)
    assert bool(done.bundles) == (cheapest <= most)
    assert all(bundle.total_cents <= most for bundle in done.bundles)
    everything = [product for bundle in done.bundles for product in ids(bundle)]
    assert len(everything) == len(set(everything))


def same_first_word(found) -> np.ndarray:
    words = np.asarray([candidate.product_id.split("-")[0] for candidate in found])
    return (words[:, None] == words).astype(np.float64)
