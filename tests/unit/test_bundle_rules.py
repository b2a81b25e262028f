"""Never wrong with money or rules, whatever is asked: each property reads the messages, not the search's arrays."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as with_

from benchmarks.assembly_instances import Instance, small
from setwise.bundle import Bundle, PairTerms, Replacing, assemble


def ask(it: Instance, n_bundles: int = 3, **changes):
    asked = {"max_total_cents": it.most, "min_total_cents": it.least, **changes}
    return assemble(
        it.slots, it.candidates, pairs=it.pairs, max_per_brand=it.max_per_brand, n_bundles=n_bundles, **asked
    )


def places(it: Instance, bundle: Bundle) -> list[int | None]:
    """Each slot's candidate of the bundle, by its place; None where the slot is open."""
    by_name = {item.slot.name: item.candidate for item in bundle.items}
    return [
        found.index(by_name[slot.name]) if slot.name in by_name else None
        for slot, found in zip(it.slots, it.candidates, strict=True)
    ]


def broken_rules(it: Instance, choice: list[int | None]) -> list[str]:
    chosen = [(i, it.slots[i], it.candidates[i][k]) for i, k in enumerate(choice) if k is not None]
    broken = [] if chosen else ["nothing chosen"]
    if it.most is not None and sum(c.price_cents * s.quantity for _, s, c in chosen) > it.most:
        broken.append("budget")
    keys = [c.group or ("", c.product_id) for _, _, c in chosen]
    if len(set(keys)) < len(keys):
        broken.append("a product or group twice")
    if any(k is None and (s.required or s.locked) for s, k in zip(it.slots, choice, strict=True)):
        broken.append("required slot open")
    for (i, j), block in it.pairs.fit.items():
        if choice[i] is not None and choice[j] is not None and block[choice[i], choice[j]] == -np.inf:
            broken.append("excluded pair")
    for (i, j), needed in it.pairs.needs.items():
        if choice[i] is not None and needed[choice[i]] and choice[j] is None:
            broken.append("needed slot open")
    brands = [(c.brand, s.locked) for _, s, c in chosen if c.brand]
    for brand in {brand for brand, _ in brands}:
        of_brand = [is_locked for name, is_locked in brands if name == brand]
        if it.max_per_brand is not None and len(of_brand) > max(it.max_per_brand, sum(of_brand)):
            broken.append("brand cap")
    return broken


seeds = st.integers(0, 100_000)


@settings(max_examples=80, deadline=None)
@given(seeds, st.integers(1, 6))
def test_every_bundle_and_every_alternative_keeps_every_rule(seed, n_bundles) -> None:
    it = small(seed)
    for bundle in ask(it, n_bundles).bundles:
        choice = places(it, bundle)
        assert broken_rules(it, choice) == []
        assert bundle.total_cents == sum(i.candidate.price_cents * i.slot.quantity for i in bundle.items)
        assert bundle.is_below_min == (bundle.total_cents < it.least)
        assert bundle.score == pytest.approx(sum(bundle.parts.values()))
        for item in bundle.items:
            position = it.slots.index(item.slot)
            assert len(set(item.alternatives) - {item.candidate.product_id}) == len(item.alternatives) <= 5
            for other in item.alternatives:
                place = next(k for k, c in enumerate(it.candidates[position]) if c.product_id == other)
                assert broken_rules(it, [place if i == position else k for i, k in enumerate(choice)]) == []


@settings(max_examples=80, deadline=None)
@given(seeds, st.integers(2, 6))
def test_no_two_bundles_share_more_than_half_of_the_unlocked_items_of_the_smaller(seed, n_bundles) -> None:
    bundles = ask(small(seed), n_bundles).bundles
    assert len(bundles) <= n_bundles
    for pair in combinations(bundles, 2):
        a, b = ({i.candidate.product_id for i in bundle.items if not i.slot.locked} for bundle in pair)
        assert 2 * len(a & b) <= min(len(a), len(b))


@settings(max_examples=80, deadline=None)
@given(seeds)
def test_the_cheapest_total_as_a_budget_gives_a_bundle_and_one_cent_less_gives_none(seed) -> None:
    it = small(seed)
    nothing = ask(it, max_total_cents=-1).infeasible
    assert nothing is not None
    if nothing.cheapest_total_cents is None:
        assert ask(it, max_total_cents=None).bundles == []
        return
    enough = ask(it, max_total_cents=nothing.cheapest_total_cents)
    assert enough.bundles and all(b.total_cents <= nothing.cheapest_total_cents for b in enough.bundles)
    assert nothing.cheapest is not None and nothing.cheapest.total_cents == nothing.cheapest_total_cents
    assert broken_rules(with_(it, most=None), places(it, nothing.cheapest)) == []
    less = ask(it, max_total_cents=nothing.cheapest_total_cents - 1)
    assert less.bundles == [] and less.infeasible is not None and less.infeasible.reason == "budget"


def without(it: Instance, slot: int) -> Instance:
    kept = [i for i in range(len(it.slots)) if i != slot]
    new = {i: k for k, i in enumerate(kept)}
    fit, needs = (
        {(new[i], new[j]): rows for (i, j), rows in of.items() if slot not in (i, j)}
        for of in (it.pairs.fit, it.pairs.needs)
    )
    return with_(
        it, slots=[it.slots[i] for i in kept], candidates=[it.candidates[i] for i in kept], pairs=PairTerms(fit, needs)
    )


@settings(max_examples=80, deadline=None)
@given(seeds, st.floats(0.3, 0.99))
def test_a_blocking_slot_is_one_without_which_the_rest_fits_and_no_other_is(seed, share) -> None:
    it = small(seed)
    least = ask(it, max_total_cents=-1).infeasible
    if least is None or not least.cheapest_total_cents:
        return
    budget = int(least.cheapest_total_cents * share)
    nothing = ask(it, max_total_cents=budget).infeasible
    assert nothing is not None and nothing.blocking
    filled = [i for i, slot in enumerate(it.slots) if slot.required or slot.locked]
    if len(filled) < 2:
        return
    fits = {it.slots[i].name for i in filled if ask(without(it, i), max_total_cents=budget).bundles}
    if fits:
        assert set(nothing.blocking) & {it.slots[i].name for i in filled} == fits
    else:
        assert len(nothing.blocking) == 1


@settings(max_examples=80, deadline=None)
@given(seeds, st.data())
def test_a_candidate_may_take_a_slot_over_exactly_where_the_bundle_with_it_keeps_every_rule(seed, data) -> None:
    it = small(seed)
    bundles = ask(it).bundles
    if not bundles:
        return
    choice = places(it, bundles[0])
    position = data.draw(st.sampled_from([i for i, k in enumerate(choice) if k is not None]))
    replacing = Replacing(it.slots, it.candidates, choice, pairs=it.pairs, max_per_brand=it.max_per_brand)
    fits = replacing.fitting(position, it.most).tolist()
    for place in range(len(it.candidates[position])):
        new = [place if i == position else k for i, k in enumerate(choice)]
        assert fits[place] == (not broken_rules(it, new))
        if fits[place]:
            bundle = replacing.replaced(position, place, it.most, "swapped")
            assert places(it, bundle) == new and bundle.score == pytest.approx(sum(bundle.parts.values()))
