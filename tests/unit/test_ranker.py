"""The row, the parts of a score, and trees that add one: what is learned is served as it was trained."""

import msgspec
import numpy as np
import pytest

from orchestration.assets.ranker import judge_in_turn
from orchestration.ranker_training import (
    Recipe,
    bootstrap,
    discounted,
    fit,
    ideal_of,
    joined,
    learned_by,
    learned_by_folds,
    ndcg_of,
    parity,
    sure_above,
    write_ranker,
)
from setwise.ranker import CARD_FILE, MODEL_FILE, Ranker, RankerCard, UnknownFeatureError, open_rankers
from setwise.ranking import FEATURES, LAYOUT, PARTS, SHOPPER, WEIGHTS, feature_rows, weighted_parts
from tests.unit.ranker_rows import questions

RECIPE = Recipe(0.25, 30, 8, 20)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ranker")
    train = questions(40, 0)
    trees = fit(train, RECIPE)
    write_ranker(trees, RECIPE, folder, "service", "a test", {})
    return trees, folder


def test_a_column_that_is_not_known_has_its_default_and_a_score_is_the_sum_of_its_parts() -> None:
    rows = feature_rows({"lexical": np.asarray([0.5, 1.0]), "has_user": 1.0}, 2)
    assert rows[:, FEATURES.index("price_tier")].tolist() == [0.5, 0.5]
    assert rows[:, FEATURES.index("has_user")].tolist() == [1.0, 1.0]
    parts = weighted_parts(rows, np.asarray([0.25, -0.25], np.float32))
    assert parts.shape == (2, len(PARTS)) and PARTS[-1] == "learned"
    assert parts.sum(axis=1).tolist() == [0.5 * WEIGHTS["lexical"] + 0.25, WEIGHTS["lexical"] - 0.25]
    assert weighted_parts(rows)[:, -1].tolist() == [0.0, 0.0]


def test_no_two_features_share_a_name_and_no_weight_is_below_zero() -> None:
    assert len(set(FEATURES)) == len(LAYOUT)
    assert all(weight >= 0 for weight in WEIGHTS.values())


def test_what_trees_learn_holds_for_questions_they_never_saw(trained) -> None:
    trees, _ = trained
    fresh = questions(20, 1)
    before, after = ndcg_of(fresh, fresh.sums()), ndcg_of(fresh, fresh.sums() + learned_by(trees, RECIPE, fresh))
    assert bootstrap(after - before)[1] > 0.1


def test_no_question_is_judged_by_trees_that_learned_from_its_basket() -> None:
    alone = questions(20, 4)
    shuffled = np.random.default_rng(0).permuted(alone.gains.reshape(20, -1), axis=1).ravel()
    # Noise that is known by heart: every question is asked four times.
    noise = msgspec.structs.replace(alone, gains=shuffled).only(np.repeat(np.arange(20), 4))
    apart = msgspec.structs.replace(noise, units=np.arange(80))
    eager = Recipe(1.0, 20, 31, 2)
    by_unit, by_question = (ndcg_of(one, one.sums() + learned_by_folds(one, eager)).mean() for one in (noise, apart))
    assert by_question - by_unit > 0.2


def test_differences_of_one_basket_are_no_more_sure_than_one_of_them() -> None:
    one = np.random.default_rng(1).normal(0.1, 1.0, 50)
    copied, units = np.repeat(one, 9), np.repeat(np.arange(50), 9)
    assert bootstrap(copied, units) == pytest.approx(bootstrap(one))
    assert sure_above(copied, units) == sure_above(one) < sure_above(copied)


def test_questions_of_two_sources_are_of_different_baskets() -> None:
    found = joined([questions(3, 0), questions(2, 1)])
    assert found.units.tolist() == [0, 1, 2, 3, 4] and len(found) == 5


def test_who_bought_much_counts_by_it() -> None:
    mean, low, high = bootstrap(np.asarray([1.0] * 9 + [0.0]), ["a"] * 9 + ["b"])
    assert (mean, low, high) == (pytest.approx(0.9), 0.0, 1.0)


def test_the_file_that_is_served_scores_and_orders_as_the_trees_do(trained) -> None:
    difference, is_same = parity(trained[0], RECIPE, trained[1], questions(20, 2))
    assert difference < 1e-5 and is_same


def test_rows_that_lie_on_a_threshold_fall_to_the_same_side_in_the_file(tmp_path) -> None:
    train = questions(40, 3)
    near = np.nextafter(train.features, np.float32(1.0))
    train = msgspec.structs.replace(train, features=np.where(train.gains[:, None] > 0, near, train.features))
    coarse = msgspec.structs.replace(train, features=np.round(train.features, 1).astype(np.float32))
    for rows in (train, coarse):
        trees = fit(rows, RECIPE)
        write_ranker(trees, RECIPE, tmp_path, "service", "a test", {})
        assert parity(trees, RECIPE, tmp_path, rows) == (pytest.approx(0, abs=1e-5), True)


def test_the_same_rows_give_the_same_file(trained, tmp_path) -> None:
    write_ranker(fit(questions(40, 0), RECIPE), RECIPE, tmp_path, "service", "a test", {})
    assert (tmp_path / MODEL_FILE).read_bytes() == (trained[1] / MODEL_FILE).read_bytes()


def test_a_ranker_reads_its_columns_by_name_and_one_of_unknown_columns_is_refused(trained, tmp_path) -> None:
    recipe = Recipe(0.5, 5, 4, 20, without=("lexical",))
    rows = questions(40, 0)
    trees = fit(rows, recipe)
    write_ranker(trees, recipe, tmp_path, "service", "a test", {})
    assert np.allclose(Ranker(tmp_path).score(rows.features.astype(float)), learned_by(trees, recipe, rows), atol=1e-5)
    card = msgspec.json.decode((tmp_path / CARD_FILE).read_bytes(), type=RankerCard)
    told = msgspec.structs.replace(card, features=("of a later version", *card.features[1:]))
    (tmp_path / CARD_FILE).write_bytes(msgspec.json.encode(told))
    with pytest.raises(UnknownFeatureError, match="of a later version"):
        Ranker(tmp_path)
    assert open_rankers(tmp_path / "nothing here") == {}


def test_a_file_reads_only_the_columns_that_a_tree_splits_by(trained) -> None:
    trees, folder = trained
    split_by = {
        name for name, count in zip(trees.feature_name(), trees.feature_importance("split"), strict=True) if count
    }
    assert 0 < len(split_by) < len(FEATURES)
    assert set(Ranker(folder).card.features) == split_by


def test_the_gain_of_a_place_falls_with_its_rank() -> None:
    assert discounted(np.asarray([3.0, 0.0])) > discounted(np.asarray([0.0, 3.0])) > 0
    assert ideal_of([0, 3]) == discounted(np.asarray([3.0, 0.0]))


def test_a_teacher_that_teaches_nothing_leaves_what_the_next_one_teaches(tmp_path) -> None:
    good = questions(300, 3)
    shuffled = np.random.default_rng(0).permuted(good.gains.reshape(300, -1), axis=1).ravel()
    noise = msgspec.structs.replace(good, gains=shuffled)
    assert judge_in_turn(SHOPPER, [noise, None], tmp_path / "noise").chosen != "own"
    assert judge_in_turn(SHOPPER, [noise, good], tmp_path / "both").chosen == "own"
    assert (tmp_path / "both" / MODEL_FILE).is_file()
    assert judge_in_turn(SHOPPER, [good, noise], tmp_path / "first").chosen == "own"
