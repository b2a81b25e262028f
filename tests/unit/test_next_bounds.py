"""What bounds of next orders may know, and how small shops are made of a large one."""

from datetime import UTC, datetime

import numpy as np

from benchmarks.evaluate.next_bounds import ordered_best, sold_to_others
from benchmarks.evaluate.small_shops import dealt
from benchmarks.evaluate.taste import Case, recalls
from setwise.names import ProductId, UserId
from setwise.orders import Order, OrderLine


def case(rows: list[int], own: list[bool], bought: list[bool], beside: int = 0) -> Case:
    """A shopper with these candidates, whose score is the place in the list; `beside` = bought but no candidate."""
    is_new, is_bought = ~np.asarray(own), np.asarray(bought)
    columns = -np.arange(len(rows), dtype=np.float64)[:, None]
    new = int((is_new & is_bought).sum()) + beside
    return Case(np.asarray(rows), columns, is_bought, is_new, int(is_bought.sum()) + beside, new)


def test_what_others_buy_leaves_the_shopper_out() -> None:
    anna = case([0, 1], [True, False], [True, False])
    bert = case([0, 1], [True, False], [True, True])

    of_anna, of_bert = sold_to_others([anna, bert], 2)

    assert np.allclose(of_anna[:, 0], np.log1p([1, 1]))
    assert np.allclose(of_bert[:, 0], np.log1p([1, 0]))


def test_what_others_buy_again_counts_only_for_what_is_own() -> None:
    anna = case([0, 1], [True, False], [True, True])
    bert = case([0, 1], [True, True], [False, True])

    of_anna, _ = sold_to_others([anna, bert], 2)

    # One other owner, who did not buy it again: (0 + .5) / (1 + 1).
    assert np.allclose(of_anna[:, 1], [np.log(0.25), 0.0])


def test_the_best_order_counts_what_is_no_candidate_as_missed() -> None:
    asked = [case([0, 1, 2], [True, True, False], [True, False, True], beside=2)]

    assert ordered_best("own", asked, own=True) == ["own", "0.2500", ""]
    assert ordered_best("all", asked, own=False) == ["all", "0.5000", "0.3333"]


def test_recall_of_what_is_new_has_no_value_where_nothing_is() -> None:
    every, new = recalls([case([0, 1], [True, True], [True, False])], np.ones(1))

    assert every.tolist() == [1.0]
    assert np.isnan(new).all()


def test_a_shopper_has_all_orders_in_one_small_shop() -> None:
    line, moment = (OrderLine(ProductId("a"), 1, 100),), datetime(2011, 1, 1, tzinfo=UTC)
    orders = [Order(f"{at}", moment, "GBP", line, UserId(f"user-{at % 9}") if at % 3 else None) for at in range(90)]

    shops = [dealt(orders, 4, at) for at in range(4)]

    assert sorted(order.order_id for shop in shops for order in shop) == sorted(order.order_id for order in orders)
    assert sum(map(len, ({order.user_id for order in shop} - {None} for shop in shops))) == 6
