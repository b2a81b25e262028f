"""Assembly that is out of time: it answers less, never anything that does not fit, and never less than there is."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from setwise.bundle import Candidate, PairTerms, Slot, assemble, assemble_ideas
from setwise.names import ProductId

ALWAYS = lambda: True  # noqa: E731 - a name for the moment after the deadline


@st.composite
def problems(draw: st.DrawFn) -> tuple[list[Slot], list[list[Candidate]], int, int | None]:
    count = draw(st.integers(1, 4))
    slots = [Slot(f"slot {i}", draw(st.integers(1, 3)), draw(st.booleans())) for i in range(count)]
    price, score, group, brand = st.integers(1, 60), st.floats(0, 3), st.integers(0, 5), st.integers(0, 2)

    def one(name: str) -> Candidate:
        return Candidate(ProductId(name), 0, draw(price), draw(score), f"g{draw(group)}", f"b{draw(brand)}")

    candidates = [[one(f"p{i}-{k}") for k in range(draw(st.integers(1, 12)))] for i in range(count)]
    return slots, candidates, draw(st.integers(1, 200)), draw(st.one_of(st.none(), st.integers(1, 2)))


@settings(max_examples=150, deadline=None)
@given(problems())
def test_late_it_finds_a_bundle_exactly_where_there_is_one_and_says_the_same_where_there_is_none(problem) -> None:
    slots, candidates, most, cap = problem
    late, whole = (
        assemble(slots, candidates, max_total_cents=most, max_per_brand=cap, is_late=is_late)
        for is_late in (ALWAYS, lambda: False)
    )
    assert bool(late.bundles) == bool(whole.bundles)
    assert late.infeasible == whole.infeasible
    for bundle in late.bundles:
        groups = [item.candidate.group for item in bundle.items]
        assert bundle.total_cents == sum(i.candidate.price_cents * i.slot.quantity for i in bundle.items) <= most
        assert len(set(groups)) == len(groups)
        assert {slot.name for slot in slots if slot.required} <= {item.slot.name for item in bundle.items}


def test_late_it_ends_with_one_bundle_and_does_less_work() -> None:
    rng = np.random.default_rng(1)
    slots = [Slot(f"slot {i}") for i in range(5)]
    found = [
        [
            Candidate(ProductId(f"p{i}-{k}"), 0, 100 + int(score * 300), float(score), f"{i}-{k}")
            for k, score in enumerate(rng.random(60))
        ]
        for i in range(5)
    ]
    fit = {(i, j): rng.random((60, 60)) for i in range(5) for j in range(i + 1, 5)}
    asked: list[int] = []

    def is_late() -> bool:
        asked.append(1)
        return True

    done = assemble(slots, found, max_total_cents=1_200, pairs=PairTerms(fit, {}), is_late=is_late)
    assert len(done.bundles) == 1
    assert done.bundles[0].total_cents <= 1_200
    assert len(asked) <= 3
    assert len(assemble(slots, found, max_total_cents=1_200, pairs=PairTerms(fit, {})).bundles) == 3


def test_late_an_open_wish_has_one_bundle() -> None:
    found = [[Candidate(ProductId(f"{i}-{k}"), 0, 100 + k, 1.0, f"{i}-{k}") for k in range(9)] for i in range(4)]
    slots = [Slot(f"slot {i}", required=False) for i in range(4)]
    done = assemble_ideas(
        slots, found, [0, 1, 2, 3], sizes=[3] * 5, same_group=0.2, max_total_cents=1_000, is_late=ALWAYS
    )  # fmt: skip
    assert len(done.bundles) == 1
