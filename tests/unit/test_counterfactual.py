import numpy as np
import pytest

from setwise.counterfactual import MAX_WEIGHT, Logged, as_explored, as_ranked, codes_of, estimate
from setwise.exploration import explored_list, explored_order, list_propensities

ATTRACTION = np.asarray([0.1, 0.3, 0.2])
SEEN = np.asarray([1.0, 0.6, 0.4])
"""Chance of a click by rank, and how often a place is looked at."""


def days(count: int, answers: int, share: float) -> list[tuple[Logged, np.ndarray, np.ndarray]]:
    """Logs of shoppers who click by what stands where, drawn by the exploration itself."""
    rng, found = np.random.default_rng(11), []
    for day in range(count):
        drawn = [explored_order(f"{day} {number}", 3, share) for number in range(answers)]
        ranks = np.asarray([one.ranks for one in drawn])
        places = np.broadcast_to(np.arange(1, 4), ranks.shape)
        clicks = rng.random(ranks.shape) < ATTRACTION[ranks - 1] * SEEN
        logged = Logged(
            np.repeat(np.arange(answers), 3),
            np.asarray([one.propensities for one in drawn]).ravel(),
            clicks.ravel().astype(float),
        )
        found.append((logged, ranks.ravel(), places.ravel()))
    return found


@pytest.mark.parametrize("method", ["ips", "snips"])
def test_95_of_100_intervals_hold_the_truth_for_the_served_any_and_another_order(method) -> None:
    held = {"served": 0, "explored": 0, "other": 0}
    truth = {
        "served": float(ATTRACTION @ SEEN),
        "explored": float(ATTRACTION.sum() * SEEN.mean()),
        "other": float(ATTRACTION[[1, 2, 0]] @ SEEN),
    }
    logs = days(40, 400, 0.2)
    place_of = np.asarray([3, 1, 2])
    for logged, ranks, places in logs:
        targets = {
            "served": (as_ranked(ranks, places), 0.0),
            "explored": (as_explored(logged, ranks, places, np.full(len(ranks), 0.2)), 5.0),
            "other": (as_ranked(place_of[ranks - 1], places), 15.0),
        }
        for name, (target, heaviest) in targets.items():
            found = estimate(logged, target, method, heaviest)
            assert found is not None and found.low <= found.value <= found.high
            held[name] += found.low <= truth[name] <= found.high
    assert all(count >= 34 for count in held.values()), held


def test_the_served_order_without_exploring_is_the_plain_mean() -> None:
    logged = Logged(codes_of(["a", "a", "b", "b"]), np.ones(4), np.asarray([1.0, 0.0, 0.0, 0.0]))
    for method in ("ips", "snips"):
        found = estimate(logged, np.ones(4), method)
        assert found is not None and found.value == pytest.approx(0.5) and found.effective == pytest.approx(4)


def test_a_policy_of_which_nothing_was_shown_has_no_ratio_and_an_upper_bound_that_admits_ignorance() -> None:
    logged = Logged(codes_of(["a", "b"]), np.asarray([0.9, 0.9]), np.asarray([1.0, 1.0]))
    assert estimate(logged, np.zeros(2), "snips") is None
    found = estimate(logged, np.zeros(2), "ips", heaviest=50.0)
    assert found is not None and found.value == 0.0 and found.high > 25


def test_heavy_weights_are_clipped_and_it_is_said() -> None:
    logged = Logged(codes_of(["a", "b"]), np.asarray([1e-5, 0.9]), np.asarray([1.0, 0.0]))
    found = estimate(logged, np.ones(2), "ips")
    assert found is not None and found.value == pytest.approx(MAX_WEIGHT / 2) and found.clipped > 0.9


def test_nothing_logged_says_nothing() -> None:
    none = np.empty(0)
    assert estimate(Logged(codes_of([]), none, none), none, "ips") is None


def test_a_thing_that_could_not_be_shown_was_not_shown() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Logged(codes_of(["a"]), np.zeros(1), np.zeros(1))


def test_the_exploring_policy_of_a_list_follows_from_what_was_logged() -> None:
    share = 0.1
    for number in range(200):
        drawn = explored_list(f"list {number}", 4, 9, share)
        ranks, places = np.asarray(drawn.ranks), np.arange(1, 5)
        logged = Logged(np.zeros(4, np.int64), np.asarray(drawn.propensities), np.zeros(4))
        target = as_explored(logged, ranks, places, np.full(4, share))
        assert target == pytest.approx(list_propensities(drawn.ranks, 9, 1.0))
