"""Clicks as questions: how attention falls is read from what exploring moved, and a low click counts more."""

import numpy as np
import pytest

from orchestration.impressions import MOST_WEIGHT, Listed, as_questions, fall_of_attention, gains_of, with_enough
from orchestration.policy_values import Places
from orchestration.ranker_training import MOST_GAIN, Recipe, fit, learned_by, ndcg_of
from setwise.exploration import explored_list
from setwise.ranking import FEATURES, KINDS
from tests.unit.ranker_rows import questions

SHOWN = 15
FALL = 1.0
COSINE, SEMANTIC = FEATURES.index("cosine"), FEATURES.index("semantic")


def made_lists(count: int, seed: int, share: float = 0.3) -> tuple[Places, list[Listed], np.ndarray]:
    """Lists ranked by `semantic` alone, clicked where the cosine is high and the place is seen; and the cosines."""
    rng = np.random.default_rng(seed)
    rank, position, propensity, clicks, lists, worth = [], [], [], [], [], []
    attention = np.arange(1, SHOWN + 1) ** -FALL
    for number in range(count):
        rows = np.zeros((SHOWN, len(FEATURES)), np.float32)
        rows[:, SEMANTIC] = np.sort(rng.random(SHOWN))[::-1]
        rows[:, COSINE] = 0.5 * rows[:, SEMANTIC] + 0.5 * rng.random(SHOWN)
        drawn = explored_list(f"{seed}-{number}", SHOWN, SHOWN, share)
        rows = rows[np.asarray(drawn.ranks) - 1]
        seen = (rng.random(SHOWN) < attention) & (rng.random(SHOWN) < rows[:, COSINE] ** 2)
        lists.append(Listed("shopper", rows, seen.astype(np.int64), np.zeros(SHOWN, np.int64)))
        worth.append(rows[:, COSINE])
        rank += drawn.ranks
        position += range(1, SHOWN + 1)
        propensity += drawn.propensities
        clicks += seen.tolist()
    names = [""] * len(rank)
    rewards = {"click": np.asarray(clicks, dtype=np.float64)}
    places = Places(
        names, names, np.asarray(position), np.asarray(rank), np.full(len(rank), share), np.asarray(propensity), rewards
    )
    return places, lists, np.concatenate(worth)


def test_how_attention_falls_is_found_though_better_products_stand_higher() -> None:
    places, _, _ = made_lists(6_000, 1)
    found = fall_of_attention(places)
    assert found == pytest.approx(FALL, abs=0.15)
    # The naive reading takes what products are worth for attention.
    ctr = np.bincount(places.position, places.rewards["click"])[1:]
    naive = -np.polyfit(np.log(np.arange(1, SHOWN + 1)), np.log(ctr), 1)[0]
    assert naive > FALL + 0.2


def test_without_clicks_on_what_was_moved_nothing_is_known_of_attention() -> None:
    places, _, _ = made_lists(300, 2, share=0.0)
    assert places.rewards["click"].sum() > 100
    assert fall_of_attention(places) is None


def test_a_click_counts_as_many_times_more_as_its_place_is_seen_less_often_up_to_a_limit() -> None:
    clicked, bought = np.asarray([1, 0, 1, 0, 1, 0, 0, 1, 0]), np.asarray([1, 0, 0, 1, 0, 0, 0, 0, 0])
    one = Listed("search", np.zeros((9, len(FEATURES)), np.float32), clicked, bought)
    assert gains_of(one, 0.0).tolist() == [6, 0, 2, 6, 2, 0, 0, 2, 0]
    assert gains_of(one, 1.0).tolist() == [6, 0, 6, 24, 10, 0, 0, 2 * MOST_WEIGHT, 0]
    assert gains_of(one, 3.0).max() <= MOST_GAIN


def test_trees_grown_on_corrected_clicks_order_other_lists_better_by_what_they_are_worth() -> None:
    _, lists, _ = made_lists(1_500, 3)
    _, others, worth = made_lists(300, 4)
    clicked = [one for one in lists if one.clicked.any()]
    recipe = Recipe(0.25, 40, 8, 100)
    made = {fall: as_questions(clicked, fall)[0] for fall in (0.0, FALL)}
    fresh, _ = as_questions(others, 0.0)
    fresh = type(fresh)(
        fresh.features, np.round(worth * 10).astype(np.int64), fresh.counts, np.full(300, 50.0), fresh.units
    )
    by_sum = ndcg_of(fresh, fresh.sums()).mean()
    ours = {
        fall: ndcg_of(fresh, fresh.sums() + learned_by(fit(one, recipe), recipe, fresh)).mean()
        for fall, one in made.items()
    }
    assert ours[FALL] > ours[0.0] > by_sum


def test_only_kinds_that_have_enough_lists_are_learned_from() -> None:
    shown, of_shown = questions(50, 1), np.asarray([0] * 10 + [3] * 40)
    found = with_enough((shown, of_shown), 20)
    assert found is not None
    assert np.array_equal(found[0].features, shown.only(np.arange(10, 50)).features)
    assert {KINDS[kind] for kind in found[1]} == {"shopper"}
    assert with_enough((shown, of_shown), 60) is None and with_enough(None, 20) is None
