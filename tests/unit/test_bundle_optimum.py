import numpy as np
import pytest
from msgspec.structs import replace

from benchmarks.assembly_instances import Instance, small
from benchmarks.exact_assembly import exact_value, times_said
from setwise.bundle.assembly import SAID_BEFORE, lean, leanings, several
from setwise.bundle.cheapest import cheapest
from setwise.bundle.problem import Problem

BLOCKS, INSTANCES = 6, 300


def problem_of(it: Instance) -> Problem:
    return Problem(it.slots, it.candidates, it.pairs, it.max_per_brand)


def exact_of(it: Instance, problem: Problem, unary: np.ndarray, earlier: list[set[str]], least: int) -> float | None:
    scored = [
        [replace(c, score=float(unary[problem.starts[i] + k])) for k, c in enumerate(found)]
        for i, found in enumerate(it.candidates)
    ]
    return exact_value(
        it.slots, scored, it.pairs, most=it.most, least=least, max_per_brand=it.max_per_brand, earlier=earlier
    )


@pytest.mark.parametrize("block", range(BLOCKS))
def test_each_bundle_is_within_one_percent_of_what_cp_sat_finds_for_its_objective(block) -> None:
    for seed in range(block, INSTANCES, BLOCKS):
        it = small(seed)
        problem, earlier = problem_of(it), []
        for leaning, found in zip(leanings(3), [*several(problem, it.most, it.least, 3), None], strict=False):
            if earlier and not earlier[-1]:
                break  # everything is locked: another bundle would be the same
            unary = problem.score + lean(problem, leaning, it.most)
            unary -= SAID_BEFORE * times_said(it.candidates, problem, earlier)
            best = exact_of(it, problem, unary, earlier, it.least)
            if best is None and it.least:
                best = exact_of(it, problem, unary, earlier, 0)
            if found is None or best is None:
                assert found is None and best is None, seed
                break
            assert found.value >= best - 0.01 * abs(best) - 1e-5, seed
            assert found.bound >= best - 1e-5, seed
            mine = [option for option in found.choice.tolist() if problem.filled[option] and problem.unlocked[option]]
            earlier.append({it.candidates[problem.slot[o]][problem.candidate[o]].product_id for o in mine})


@pytest.mark.parametrize("block", range(BLOCKS))
def test_the_cheapest_total_is_exactly_what_cp_sat_finds(block) -> None:
    for seed in range(block, INSTANCES, BLOCKS):
        it = small(seed)
        problem = problem_of(it)
        choice = cheapest(problem)
        exact = exact_value(it.slots, it.candidates, it.pairs, max_per_brand=it.max_per_brand, cheapest=True)
        assert (None if choice is None else problem.total(choice)) == exact, seed
