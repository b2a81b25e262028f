from datetime import UTC, datetime, timedelta

import pytest

from orchestration.held_out import HELD_OUT, JUDGED, cases_of, split
from orchestration.training_questions import of_judgements
from setwise.catalogue import Product
from setwise.judgements import HELD_OUT_IN, Judgement, by_query
from setwise.names import SHOPPER_PROFILES_VIEW, ProductId, UserId
from setwise.orders import MerchantSet, Order, OrderLine
from setwise.snapshot import Snapshot, write_snapshot

START = datetime(2026, 1, 1, tzinfo=UTC)


def order(day: int, *products: int, user: str = "") -> Order:
    lines = tuple(OrderLine(ProductId(f"p{product}"), 1, 500) for product in products)
    return Order(f"o-{day}-{user}", START + timedelta(days=day), "USD", lines, UserId(user) if user else None)


ORDERS = [order(day, day % 10, (day + 1) % 10, user=f"u-{day % 7}") for day in range(200)]
SETS = [MerchantSet(f"s{n}", f"Set {n}", (ProductId("p1"), ProductId("p2"))) for n in range(100)]


@pytest.fixture
def snapshot(tmp_path) -> Snapshot:
    write_snapshot([Product(ProductId(f"p{n}"), f"Oak lamp {n}", 1_000 + n, "USD") for n in range(10)], tmp_path)
    return Snapshot(tmp_path)


def test_the_last_weeks_are_held_out_and_nothing_of_them_is_in_the_past() -> None:
    found = split(ORDERS, SETS)
    assert found.cut == ORDERS[-1].ordered_at - HELD_OUT
    assert max(one.ordered_at for one in found.past) < found.cut <= min(one.ordered_at for one in found.later)
    assert len(found.past) + len(found.later) == 200
    assert 0 < len(found.later_sets) < 30 and len(found.past_sets) + len(found.later_sets) == 100


def test_a_short_past_keeps_four_fifths_of_its_orders() -> None:
    found = split(ORDERS[:20], [])
    assert (len(found.past), len(found.later)) == (16, 4)


def test_questions_ask_for_the_next_order_the_rest_of_a_basket_and_a_set_and_are_the_same_again(snapshot) -> None:
    found, known = split(reversed(ORDERS), SETS), frozenset(snapshot.ids)
    cases = cases_of(found, snapshot, known)
    assert {case.task for case in cases} == {"next order", "basket", "set"}
    assert cases == cases_of(split(ORDERS, SETS), snapshot, known)
    following = [case for case in cases if case.task == "next order"]
    assert len(following) == 7 and all("returning shopper" in case.segments for case in following)
    profile = following[0].known[SHOPPER_PROFILES_VIEW]
    assert profile["orders_365d"] == sum(f"next {one.user_id}" == following[0].id for one in found.past)
    baskets = [case for case in cases if case.task == "basket"]
    assert all(not set(case.relevant) & set(case.body["basket"]) for case in baskets)


def test_products_that_a_compared_release_lacks_are_not_asked_for(snapshot) -> None:
    cases = cases_of(split(ORDERS, SETS), snapshot, frozenset({ProductId("p1"), ProductId("p3")}))
    assert {product for case in cases for product in case.relevant} <= {"p1", "p3"}


def test_a_shop_without_a_past_is_asked_by_its_own_titles(snapshot) -> None:
    cases = cases_of(split([], []), snapshot, frozenset(snapshot.ids))
    assert {case.task for case in cases} == {"title"} and len(cases) == 10


def test_judged_queries_are_asked_that_nothing_learns_from_with_their_grades(snapshot) -> None:
    known = frozenset(snapshot.ids)
    judged = [Judgement(f"lamp {n}", ProductId(f"p{at}"), at) for n in range(80) for at in (0, 1, 3)]
    cases = [case for case in cases_of(split(ORDERS, SETS), snapshot, known, judged) if case.task == JUDGED]
    assert len(cases) == pytest.approx(80 / HELD_OUT_IN, abs=10)
    assert all(case.gains == {"p1": 1, "p3": 3} and case.relevant == ["p1", "p3"] for case in cases)
    learned_from = {one.request["prompt"] for one in of_judgements(by_query(judged, known))}
    asked = {case.body["prompt"] for case in cases}
    assert not learned_from & asked and len(learned_from | asked) == 80
