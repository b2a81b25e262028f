import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from setwise.swap import NEAR_DUPLICATE, SIMILAR_PRICE, Replacements, best_first, meets

ONE = st.tuples(
    st.integers(0, 200), st.floats(-5, 15), st.floats(-1, 1), st.booleans(), st.booleans(), st.booleans()
)  # fmt: skip


def replacements(*rows: tuple) -> Replacements:
    columns = list(zip(*rows, strict=True)) or [()] * 6
    kinds = (np.int64, np.float64, np.float64, bool, bool, bool)
    return Replacements(*(np.asarray(column, dtype=kind) for column, kind in zip(columns, kinds, strict=True)))


@given(rows=st.lists(ONE, max_size=12), price=st.integers(0, 200), mode=st.sampled_from(("cheaper", "similar")))
def test_cheaper_is_cheaper_and_similar_is_of_the_category_at_a_similar_price(rows, price, mode) -> None:
    found = replacements(*rows)
    mask = meets(mode, price, found)
    assert found.fill_slot[mask].all()
    if mode == "cheaper":
        assert (found.prices[mask] < price).all()
    else:
        assert found.same_category[mask].all() and not found.same_group[mask].any()
        assert all(price / SIMILAR_PRICE <= p + 1e-9 and p <= price * SIMILAR_PRICE + 1e-9 for p in found.prices[mask])


@given(rows=st.lists(ONE, max_size=12), price=st.integers(0, 200))
def test_different_is_no_variant_no_near_duplicate_and_further_than_half_of_the_others(rows, price) -> None:
    found = replacements(*rows)
    mask = meets("different", price, found)
    assert not found.same_group[mask].any() and (found.cosines[mask] <= NEAR_DUPLICATE).all()
    others = found.cosines[found.fill_slot & ~found.same_group]
    for cosine in found.cosines[mask]:
        assert 2 * (others < cosine).sum() <= len(others)


@given(rows=st.lists(ONE, max_size=12), mode=st.sampled_from(("cheaper", "similar", "different")))
def test_every_candidate_has_one_place_in_the_order(rows, mode) -> None:
    assert sorted(best_first(mode, 100, replacements(*rows)).tolist()) == list(range(len(rows)))


def test_a_real_saving_comes_before_a_cent_and_its_category_before_both() -> None:
    found = replacements(
        (99, 9.0, 0.9, True, True, False), (90, 1.0, 0.1, True, True, False), (10, 9.0, 0.9, True, False, False)
    )
    assert best_first("cheaper", 100, found).tolist() == [1, 0, 2]


def test_similar_takes_the_nearest_in_meaning_and_of_two_as_near_the_one_that_suits_the_wish() -> None:
    found = replacements(
        (100, 1.0, 0.5, True, True, False), (100, 1.0, 0.72, True, True, False), (100, 2.0, 0.7, True, True, False)
    )
    assert best_first("similar", 100, found).tolist() == [2, 1, 0]
