import re
from pathlib import Path

import pytest

from orchestration.bad_days import wrong_clicks, wrong_orders, wrong_prices
from setwise.catalogue import Product
from setwise.drift import OrdersSummary
from setwise.names import ProductId
from setwise.snapshot import Snapshot, write_snapshot

LIVE = OrdersSummary(800, 1_600, None, "p1", 0.05, 0.02)


def snapshot(folder: Path, factor: float, only: int = 100, prefix: str = "p") -> Snapshot:
    folder.mkdir()
    write_snapshot(
        [
            Product(ProductId(f"{prefix}{n}"), "Lamp", int((1_000 + n) * (factor if n < only else 1)), "USD")
            for n in range(100)
        ],
        folder,
    )
    return Snapshot(folder)


@pytest.mark.parametrize(("factor", "only", "said"), [(100, 100, "100% of 100"), (0.01, 60, "60% of 100")])
def test_prices_in_another_unit_are_refused_with_their_factor(tmp_path, factor, only, said) -> None:
    live = snapshot(tmp_path / "live", 1)
    reason = wrong_prices(snapshot(tmp_path / "new", factor, only), live)
    assert said in reason and re.search(rf"median factor {'100' if factor > 1 else '0.00'}", reason)


@pytest.mark.parametrize(("factor", "only"), [(1.5, 100), (0.5, 100), (100, 15)])
def test_sales_and_a_few_odd_prices_are_a_usual_day(tmp_path, factor, only) -> None:
    assert not wrong_prices(snapshot(tmp_path / "new", factor, only), snapshot(tmp_path / "live", 1))


def test_another_shops_prices_are_compared_with_nothing(tmp_path) -> None:
    assert not wrong_prices(snapshot(tmp_path / "new", 100, prefix="q"), snapshot(tmp_path / "live", 1))


@pytest.mark.parametrize(
    ("now", "new", "said"),
    [
        (OrdersSummary(), OrdersSummary(), "0 orders, the live release had 800"),
        (OrdersSummary(900), OrdersSummary(100, 100, None, "p7", 1.0, 0.02), "100% of 100 new orders hold p7"),
        (OrdersSummary(900), OrdersSummary(100, 100, None, "p7", 0.1, 0.9), "90% of 100 new orders are one shopper's"),
    ],
)
def test_orders_that_are_gone_or_all_alike_are_refused(now, new, said) -> None:
    assert said in wrong_orders(now, LIVE, new)


def test_usual_orders_and_those_of_a_small_shop_are_taken() -> None:
    assert not wrong_orders(OrdersSummary(850), LIVE, OrdersSummary(60, 90, None, "p7", 0.2, 0.1))
    assert not wrong_orders(OrdersSummary(), OrdersSummary(10), OrdersSummary())
    favourite = OrdersSummary(800, 800, None, "p1", 0.6, 0.02)
    assert not wrong_orders(OrdersSummary(900), favourite, OrdersSummary(100, 100, None, "p1", 0.7, 0.02))


def test_clicks_of_one_bot_are_refused_and_those_of_many_are_not() -> None:
    assert "97% of 310 clicks come from one of 11 people" in wrong_clicks([300, *[1] * 10])
    assert not wrong_clicks([5] * 100) and not wrong_clicks([40]) and not wrong_clicks([])
