"""What a ranker is asked to learn: questions whose answers came later than all that is known when they are asked."""

from datetime import UTC, datetime, timedelta

import dagster as dg
import numpy as np
import pytest

from orchestration.assets.ranker import PRIOR, judge
from orchestration.assets.training_rows import refuse_leaks
from orchestration.ranker_training import LEAST_QUESTIONS, Questions, ideal_of
from orchestration.training_questions import cutoff_of, of_orders, of_sets, without_traces
from setwise.names import ProductId, UserId
from setwise.orders import MerchantSet, Order, OrderLine
from setwise.ranking import FEATURES, SHOPPER, feature_rows
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


def test_sets_that_are_asked_for_leave_no_trace_in_what_is_known() -> None:
    sets = [MerchantSet(str(n), f"set {n}", tuple(map(ProductId, "abcd"[: 2 + n % 3]))) for n in range(9)]
    found, asked = of_sets(sets, KNOWN)
    assert len(asked) == 3 and len(found) == 3
    assert {one.request["prompt"] for one in found} == {one.title for one in asked}
    rest = without_traces([order(1, "u", "ab"), order(2, "u", "ae"), order(3, "u", "ef")], asked)
    assert [one.order_id[0] for one in rest] == ["2", "3"]


def test_a_kind_with_too_few_questions_keeps_the_prior_where_there_is_one(tmp_path) -> None:
    few = planted(LEAST_QUESTIONS - 1, 0)
    assert judge("search", few, tmp_path / "search").chosen == "prior"
    assert (tmp_path / "search/ranker.onnx").read_bytes() == (PRIOR / "search/ranker.onnx").read_bytes()
    assert judge(SHOPPER, few, tmp_path / SHOPPER).chosen == "sum"
    assert not (tmp_path / SHOPPER).exists()
    assert judge("list", None, tmp_path / "list").chosen == "prior"


def test_trees_that_learned_something_are_taken_and_those_that_learned_noise_are_not(tmp_path) -> None:
    good = judge(SHOPPER, planted(400, 0), tmp_path / "good")
    assert good.chosen == "own" and good.difference is not None and good.difference[1] > 0
    assert next(iter(good.importances)) == "cosine"
    rows = feature_rows({}, 400 * 20)
    rows[:, FEATURES.index("lexical")] = [1.0, *([0.0] * 19)] * 400
    gains = [1, *([0] * 19)] * 400

    # The sum has it right already: nothing can be better.
    known = Questions(
        rows.astype(np.float32), np.asarray(gains), np.full(400, 20), np.full(400, ideal_of([1.0])), np.ones(400)
    )
    assert judge(SHOPPER, known, tmp_path / "none").chosen == "sum"
    assert not (tmp_path / "none").exists()


def test_evidence_that_is_as_new_as_a_question_is_refused() -> None:
    past = [order(1, "u", "ab"), order(12, "u", "bc")]
    asked = of_orders(past, START + timedelta(days=10), KNOWN)
    refuse_leaks(asked, past[:1])
    with pytest.raises(dg.Failure, match=r"know their own future.*orders of row 0"):
        refuse_leaks(asked, past)
