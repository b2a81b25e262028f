"""What a ranker is asked to learn: questions whose answers came later than all that is known when they are asked."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import msgspec
import numpy as np
import pytest

from orchestration.assets.ranker import PRIOR, judge
from orchestration.assets.training_rows import refuse_leaks
from orchestration.ranker_training import MANY_QUESTIONS, RECIPES, Questions, ideal_of
from orchestration.training_questions import (
    MANY_SETS,
    MOST_SETS,
    PARTS_OF_SETS,
    cutoff_of,
    of_judgements,
    of_orders,
    of_sets,
    without_traces,
)
from setwise.judgements import Judgement, by_query
from setwise.names import ProductId, UserId
from setwise.orders import MerchantSet, Order, OrderLine
from setwise.ranker import CARD_FILE, RankerCard
from setwise.ranking import FEATURES, SEARCH, SHOPPER, feature_rows
from tests.unit.ranker_rows import questions as planted

START = datetime(2026, 1, 1, tzinfo=UTC)
KNOWN = frozenset(map(ProductId, "abcdefgh"))


def order(day: int, user: str | None, products: str, number: str = "") -> Order:
    lines = tuple(OrderLine(ProductId(name), 1, 100) for name in products)
    return Order(f"{day}-{user}-{number}", START + timedelta(days=day), "USD", lines, UserId(user) if user else None)


def test_the_newest_orders_are_asked_for_at_most_a_fifth_of_all() -> None:
    assert cutoff_of([]) is None
    assert cutoff_of([order(day, "u", "a") for day in range(100)]) == START + timedelta(days=80)
    sparse = [order(day, "u", "a") for day in range(0, 1000, 10)]
    assert cutoff_of(sparse) == START + timedelta(days=960)


def test_a_shopper_is_asked_for_the_next_order_alone_and_for_what_of_it_is_new() -> None:
    cutoff = START + timedelta(days=10)
    past = [order(1, "u", "ab"), order(12, "u", "bc"), order(15, "u", "d"), order(11, "new here", "e")]
    found = of_orders(past, cutoff, KNOWN)
    shoppers = [one for one in found if "user_id" in one.request]
    assert [(one.request.get("exclude"), set(one.meant)) for one in shoppers] == [
        (None, {"b", "c"}),
        (["a", "b"], {"c"}),
    ]
    baskets = [one for one in found if "basket" in one.request]
    assert len(baskets) == 1
    assert {*baskets[0].request["basket"], *baskets[0].meant} == {"b", "c"}
    assert all(one.at is not None and one.at >= cutoff for one in found)


def test_products_that_the_catalogue_lacks_and_returns_are_nothing_to_ask_for() -> None:
    gone = Order("r", START + timedelta(days=12), "USD", (OrderLine(ProductId("a"), -1, 100),), UserId("u"))
    past = [order(1, "u", "ab"), gone, order(13, "u", "z")]
    assert of_orders(past, START + timedelta(days=10), KNOWN) == []


def made_sets(count: int, products: str = "abcd") -> list[MerchantSet]:
    return [MerchantSet(str(n), f"set {n}", tuple(map(ProductId, products[: 2 + n % 3]))) for n in range(count)]


def test_of_few_sets_a_third_is_asked_for_and_leaves_no_trace_in_what_is_known() -> None:
    (part,) = of_sets(made_sets(9), [], KNOWN)
    assert len(part.held) == 3 and len(part.questions) == 3
    assert {one.request["prompt"] for one in part.questions} == {one.title for one in part.held}
    rest = without_traces([order(1, "u", "ab"), order(2, "u", "ae"), order(3, "u", "ef")], part.held)
    assert [one.order_id[0] for one in rest] == ["2", "3"]
    assert of_sets(made_sets(2), [], KNOWN) == []


def test_every_one_of_many_sets_is_asked_for_once_and_is_not_known_meanwhile() -> None:
    sets = [*made_sets(MANY_SETS), MerchantSet("untitled", " ", (ProductId("a"), ProductId("b")))]
    parts = of_sets(sets, [], KNOWN)
    titles = [[one.request["prompt"] for one in part.questions] for part in parts]
    assert len(parts) == PARTS_OF_SETS
    assert sorted(title for part in titles for title in part) == sorted(one.title for one in sets[:-1])
    assert all(part == [one.title for one in held.held] for part, held in zip(titles, parts, strict=True))
    assert max(map(len, titles)) - min(map(len, titles)) <= 1
    assert of_sets(sets, [], KNOWN) == parts
    assert len(of_sets(made_sets(MANY_SETS - 1), [], KNOWN)) == 1


def test_no_more_sets_are_asked_for_than_a_build_has_time_for() -> None:
    parts = of_sets(made_sets(MOST_SETS + 100), [], KNOWN)
    assert sum(len(part.questions) for part in parts) == MOST_SETS


def test_sets_that_one_order_holds_are_asked_for_together_and_are_questions_of_one_unit() -> None:
    named = [f"p{n}" for n in range(MANY_SETS)]
    orders = [
        Order(str(n), START, "USD", tuple(OrderLine(ProductId(one), 1, 100) for one in named[n : n + 6]))
        for n in range(0, MANY_SETS, 6)
    ]
    sets = [
        MerchantSet(f"{n}-{size}", f"{n} of {size}", tuple(map(ProductId, named[n : n + size])))
        for n in range(0, MANY_SETS, 6)
        for size in range(2, 6)
    ] + made_sets(MANY_SETS)
    part_of = {
        one.set_id: at
        for at, part in enumerate(of_sets(sets, orders, KNOWN | set(map(ProductId, named))))
        for one in part.held
    }
    of_order = [{part_of[f"{n}-{size}"] for size in range(2, 6)} for n in range(0, MANY_SETS, 6)]
    assert all(len(parts) == 1 for parts in of_order) and len(set.union(*of_order)) == PARTS_OF_SETS
    units = {
        one.request["prompt"]: one.unit
        for part in of_sets(sets, orders, KNOWN | set(map(ProductId, named)))
        for one in part.questions
    }
    assert len({units[f"0 of {size}"] for size in range(2, 6)}) == 1
    assert len(set(units.values())) == len(orders) + MANY_SETS


def test_a_kind_with_too_few_questions_keeps_the_prior_where_there_is_one(tmp_path) -> None:
    few = planted(RECIPES["search"].least_questions - 1, 0)
    assert judge("search", few, tmp_path / "search").chosen == "prior"
    assert (tmp_path / "search/ranker.onnx").read_bytes() == (PRIOR / "search/ranker.onnx").read_bytes()
    assert judge(SHOPPER, planted(MANY_QUESTIONS - 1, 0), tmp_path / SHOPPER).chosen == "sum"
    assert not (tmp_path / SHOPPER).exists()
    assert judge("list", None, tmp_path / "list").chosen == "prior"


def test_trees_that_learned_something_are_taken_and_those_that_learned_noise_are_not(tmp_path) -> None:
    good = judge(SHOPPER, planted(400, 0), tmp_path / "good", have_time=True)
    assert good.chosen == "own" and good.difference is not None and good.difference[1] > 0
    assert next(iter(good.importances)) == "cosine"
    rows = feature_rows({}, 400 * 20)
    rows[:, FEATURES.index("lexical")] = [1.0, *([0.0] * 19)] * 400
    gains = [1, *([0] * 19)] * 400

    # The sum has it right already: nothing can be better.
    known = Questions(
        rows.astype(np.float32), np.asarray(gains), np.full(400, 20), np.full(400, ideal_of([1.0])), np.arange(400)
    )
    assert judge(SHOPPER, known, tmp_path / "none").chosen == "sum"
    assert not (tmp_path / "none").exists()


def test_few_questions_judge_each_other_by_folds_and_all_of_them_are_learned_from(tmp_path) -> None:
    found = judge("list", planted(60, 0), tmp_path / "list")
    assert (found.chosen, found.questions, found.judged_by) == ("own", 60, 60)
    assert "60 questions" in (tmp_path / "list/ranker.json").read_text()


def test_titles_have_no_latest_quarter_so_that_a_build_learns_from_every_set_it_asks_for(tmp_path) -> None:
    found = judge(SEARCH, planted(400, 0), tmp_path / SEARCH)
    assert (found.chosen, found.questions, found.judged_by) == ("own", 400, 400)
    assert "400 questions" in (tmp_path / SEARCH / "ranker.json").read_text()
    assert judge(SEARCH, planted(400, 0), tmp_path / "clicked", have_time=True).judged_by == 100
    assert judge(SHOPPER, planted(400, 0), tmp_path / SHOPPER, have_time=True).judged_by == 100


@pytest.mark.parametrize(("seed", "stays"), [(3, "prior"), (7, "sum")])
def test_shipped_trees_leave_only_where_the_sum_is_surely_better(tmp_path, seed: int, stays: str) -> None:
    # Nothing tells what is meant; by chance the sum is better on both draws, and only surely so on the second.
    rng, alone = np.random.default_rng(seed), planted(40, 0)
    noise = msgspec.structs.replace(alone, gains=rng.permuted(alone.gains.reshape(40, -1), axis=1).ravel())
    found = judge(SEARCH, noise, tmp_path / SEARCH)
    assert found.ndcg_prior is not None and found.ndcg_sum > found.ndcg_prior
    assert found.chosen == stays


def test_questions_of_few_baskets_keep_what_is_shipped_however_many_they_are(tmp_path) -> None:
    many = planted(400, 0)
    of_few = msgspec.structs.replace(many, units=many.units % (RECIPES[SEARCH].least_questions - 1))
    assert judge(SEARCH, of_few, tmp_path / SEARCH).chosen == "prior"


def test_few_questions_take_the_small_steps_of_what_is_shipped_and_many_of_a_shop_larger_ones() -> None:
    shipped = msgspec.json.decode((PRIOR / SEARCH / CARD_FILE).read_bytes(), type=RankerCard)
    recipe = RECIPES[SEARCH]
    assert shipped.scale == recipe.scale == recipe.of(MANY_QUESTIONS - 1).scale < recipe.of(MANY_QUESTIONS).scale
    assert RECIPES[SHOPPER].of(10 * MANY_QUESTIONS) == RECIPES[SHOPPER]


def test_judged_queries_are_searches_and_lists_with_their_grades_and_those_held_out_are_never_asked() -> None:
    judged = [Judgement(f"query {n}", ProductId("ab"[at]), 3 * at) for n in range(40) for at in (0, 1)]
    judged += [Judgement("one product", ProductId("c"), 2), Judgement("nothing good", ProductId("c"), 0)]
    queries = by_query(judged, KNOWN)
    held = {one.text for one in queries if one.is_held_out}
    assert 4 <= len(held) <= 16 and "nothing good" not in {one.text for one in queries}
    found = of_judgements(queries)
    assert {one.request["prompt"] for one in found} == {one.text for one in queries} - held
    searches = [one for one in found if "candidates" not in one.request]
    lists = [one for one in found if "candidates" in one.request]
    assert {one.request["prompt"] for one in searches} - {one.request["prompt"] for one in lists} <= {"one product"}
    assert all(one.meant == {"a": 0, "b": 3} and one.request["candidates"] == ["a", "b"] for one in lists)


def test_of_several_judgements_of_a_product_the_last_one_holds_and_case_makes_no_other_query() -> None:
    said = [("Red  Lamp", "a", 1), ("red lamp", "b", 2), ("RED LAMP", "a", 3), ("red lamp", "sold elsewhere", 3)]
    (found,) = by_query([Judgement(query, ProductId(i), grade) for query, i, grade in said], KNOWN)
    assert (found.text, found.grades) == ("Red  Lamp", {"a": 3, "b": 2})


def test_evidence_that_is_as_new_as_a_question_is_refused() -> None:
    past = [order(1, "u", "ab"), order(12, "u", "bc")]
    asked = of_orders(past, START + timedelta(days=10), KNOWN)
    refuse_leaks(asked, past[:1])
    with pytest.raises(dg.Failure, match=r"know their own future.*orders of row 0"):
        refuse_leaks(asked, past)
