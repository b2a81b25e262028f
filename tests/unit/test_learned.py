"""Weights are learned from choices that were held out, and only where that is better."""

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from orchestration.choices import Choices, fit, fit_new, learn
from orchestration.held_baskets import hold_out
from setwise.complementarity.resale import resale_odds
from setwise.learned import LEARNED_FILE, Learned, read_learned
from setwise.names import ProductId
from setwise.orders import MerchantSet, Order, OrderLine

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
TRUTH = np.asarray([2.0, -1.0, 0.0])


def choices(count: int, truth: np.ndarray = TRUTH, seed: int = 0) -> Choices:
    """What people with these weights take of thirty."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, 30, len(truth)))
    taken = (features @ truth + rng.gumbel(size=(count, 30))).argmax(axis=1)
    rows = np.arange(count)
    features[rows, 0], features[rows, taken] = features[rows, taken], features[rows, 0].copy()
    return Choices(features, np.zeros((count, 30)), rows)


def test_the_weights_that_people_chose_by_are_found_up_to_scale() -> None:
    found = fit(choices(3_000), np.asarray([1.0, 0.0, 0.0]))
    assert found[1] / found[0] == pytest.approx(-0.5, abs=0.05)
    assert found[2] / found[0] == pytest.approx(0.0, abs=0.05)


def test_products_that_stand_for_many_give_the_weights_that_all_of_them_would() -> None:
    every = choices(4_000)
    # Of the 29 that were not taken, every seventh one stands for its like.
    kept = np.r_[0, np.arange(1, 30, 7)]
    counts = np.full((4_000, len(kept)), np.log(29 / (len(kept) - 1)))
    counts[:, 0] = 0.0
    some = fit(Choices(every.features[:, kept], counts, every.units), np.asarray([1.0, -1.0, 0.0]))
    assert some[1] / some[0] == pytest.approx(-0.5, abs=0.1)


def test_few_choices_leave_the_weights_where_they_were() -> None:
    prior = np.asarray([1.0, 0.0, 1.0])
    assert fit(choices(3), prior) == pytest.approx(prior, abs=0.6)
    assert fit(choices(3_000), prior)[1] < -0.3


def test_what_the_prior_does_not_count_is_fitted_beside_it_as_it_is() -> None:
    found = fit_new(choices(3_000), np.asarray([3.0, 0.0, 0.0]))
    assert found[0] == 3.0
    assert found[1] == pytest.approx(-1.5, abs=0.15)
    assert found[2] == pytest.approx(0.0, abs=0.15)


def test_no_weight_turns_against_what_is_known() -> None:
    assert fit(choices(3_000), np.asarray([1.0, 1.0, 1.0]))[1] == 0.0


def test_a_feature_that_never_differs_keeps_its_weight() -> None:
    made = choices(200)
    made.features[:, :, 2] = 7.0
    assert fit(made, np.asarray([1.0, 1.0, 5.0]))[2] == 5.0


def test_what_is_no_better_than_the_shipped_weights_is_not_learned() -> None:
    nothing = choices(400, np.zeros(3))
    assert learn(nothing, TRUTH)[0] is None
    assert learn(choices(400), TRUTH)[0] is None
    found, before, after = learn(choices(400), np.asarray([1.0, 0.0, 3.0]))
    assert found is not None
    assert after > before


def test_without_choices_nothing_is_learned() -> None:
    none = Choices(np.zeros((0, 1, 3)), np.zeros((0, 1)), np.zeros(0, np.int64))
    assert learn(none, TRUTH) == (None, 0.0, 0.0)


def test_what_sells_again_has_the_better_odds_and_single_pieces_the_worse() -> None:
    # Ten products that are in many baskets, ninety that never sold; then ninety that sold once each.
    groceries = resale_odds(np.asarray([40] * 10 + [0] * 90))
    assert groceries[0] > 1.5 > 0 > groceries[-1]
    single = resale_odds(np.asarray([1] * 900 + [0] * 100))
    assert single[-1] > 1.5 > 0 > single[0]


def test_odds_of_a_shop_that_sold_little_are_even() -> None:
    assert resale_odds(np.zeros(50, np.int64)) == pytest.approx(0.0)
    assert np.abs(resale_odds(np.asarray([1] + [0] * 99))).max() < 0.1
    assert len(resale_odds(np.zeros(0, np.int64))) == 0


def order(number: int, *ids: str) -> Order:
    lines = tuple(OrderLine(ProductId(one), 1, 100) for one in ids)
    return Order(f"o{number}", NOW + timedelta(days=number), "EUR", lines)


def test_the_newest_orders_are_held_out_with_the_sets_that_they_hold() -> None:
    orders = [order(number, f"a{number}", f"b{number}", "c") for number in range(8)]
    sets = [MerchantSet(f"s{n}", f"title {n}", (ProductId(f"a{n}"), ProductId("c"))) for n in (0, 7)]
    held = hold_out(lambda: iter(orders), sets)
    assert [one.order_id for one in held.orders()] == [f"o{n}" for n in range(6)]
    assert held.sets == [sets[0]]
    assert {basket.title for basket in held.baskets} == {"title 7", ""}
    assert len({basket.unit for basket in held.baskets}) == 2  # the set and its order are one


def test_of_sets_that_no_order_holds_a_quarter_is_held_out() -> None:
    sets = [MerchantSet(f"s{n}", "a title", (ProductId("a"), ProductId("b"))) for n in range(400)]
    held = hold_out(lambda: iter(()), sets)
    assert 70 < len(held.baskets) < 130
    assert len(held.baskets) + len(held.sets) == 400


def test_a_release_that_was_built_without_learning_has_the_shipped_weights(tmp_path) -> None:
    assert read_learned(tmp_path) == Learned()
    (tmp_path / LEARNED_FILE).write_bytes(b'{"resale": 0.5}')
    assert read_learned(tmp_path).resale == 0.5
