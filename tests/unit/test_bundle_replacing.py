"""What may take a slot of a chosen bundle over is exactly what makes a valid bundle."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setwise.bundle import Candidate, PairTerms, Replacing, Slot
from setwise.names import ProductId

CANDIDATE = st.builds(
    Candidate,
    product_id=st.integers(0, 7).map(lambda n: ProductId(f"p{n}")),
    row=st.just(0),
    price_cents=st.integers(0, 50),
    score=st.integers(0, 20).map(float),
    group=st.sampled_from(("", "g1", "g2")),
    brand=st.sampled_from(("", "a", "b")),
)
POOLS = st.lists(
    st.lists(CANDIDATE, min_size=1, max_size=5, unique_by=lambda c: c.product_id), min_size=1, max_size=4
)  # fmt: skip


def is_valid(chosen: list[tuple[Slot, Candidate]], most: int | None, cap: int | None) -> bool:
    keys = [c.group or c.product_id for _, c in chosen]
    brands = [c.brand for _, c in chosen if c.brand]
    total = sum(c.price_cents * slot.quantity for slot, c in chosen)
    within = most is None or total <= most
    return len(set(keys)) == len(keys) and within and all(cap is None or brands.count(b) <= cap for b in brands)


@given(pools=POOLS, data=st.data())
def test_a_candidate_fits_exactly_where_the_bundle_with_it_is_valid(pools: list[list[Candidate]], data) -> None:
    slots = [Slot(f"s{i}", data.draw(st.integers(1, 2)), required=False) for i in range(len(pools))]
    choice = [data.draw(st.integers(0, len(pool) - 1)) for pool in pools]
    position = data.draw(st.integers(0, len(pools) - 1))
    most, cap = data.draw(st.none() | st.integers(0, 150)), data.draw(st.none() | st.integers(1, 3))
    rest = [(slots[i], pools[i][k]) for i, k in enumerate(choice) if i != position]
    if not is_valid(rest, None, cap):
        return
    fit = {}
    if len(pools) > 1:
        mask = np.asarray(data.draw(st.lists(st.booleans(), min_size=len(pools[0]), max_size=len(pools[0]))))
        fit[0, 1] = np.repeat(np.where(mask, -np.inf, 1.0)[:, None], len(pools[1]), axis=1)
    replacing = Replacing(slots, pools, choice, pairs=PairTerms(fit), max_per_brand=cap)
    fits = replacing.fitting(position, most).tolist()
    for k, candidate in enumerate(pools[position]):
        new = [*choice[:position], k, *choice[position + 1 :]]
        is_forbidden = bool(fit) and position in (0, 1) and fit[0, 1][new[0], new[1]] == -np.inf
        assert fits[k] == (is_valid([*rest, (slots[position], candidate)], most, cap) and not is_forbidden)
        if fits[k]:
            bundle = replacing.replaced(position, k, most, "swapped")
            assert [i.candidate for i in bundle.items] == [pools[i][n] for i, n in enumerate(new)]
            assert bundle.score == pytest.approx(sum(bundle.parts.values()))


def test_a_slot_whose_product_is_gone_is_filled_and_every_item_has_alternatives() -> None:
    pools = [
        [Candidate(ProductId(f"a{n}"), 0, 10 + n, 1.0) for n in range(3)],
        [Candidate(ProductId(f"b{n}"), 0, 10 + n, 1.0) for n in range(3)],
    ]
    slots = [Slot("a", required=False), Slot("b", required=False)]
    replacing = Replacing(slots, pools, [0, None])
    assert replacing.fitting(1, 21).tolist() == [True, True, False]
    bundle = replacing.replaced(1, 1, 21, "swapped")
    assert (bundle.total_cents, bundle.open_slots) == (21, ())
    assert [item.alternatives for item in bundle.items] == [(), ("b0",)]
