import random
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setwise.catalogue import Product
from setwise.names import ProductId, UserId
from setwise.orders import Order, OrderLine
from setwise.profiles import MAX_BOUGHT, price_tiers, shopper_profiles
from setwise.statistics import MAX_BASKET, MAX_LISTED, product_stats

AS_OF = datetime(2026, 1, 1, tzinfo=timezone.utc)


def order(days: float, *lines: tuple[str, int] | tuple[str, int, int], user: str | None = None) -> Order:
    """An order so many days before AS_OF; lines are (product, quantity, unit cents)."""
    return Order(
        f"o-{days}-{user}",
        AS_OF - timedelta(days=days),
        "USD",
        tuple(OrderLine(ProductId(line[0]), line[1], line[2] if len(line) > 2 else 1000) for line in lines),
        UserId(user) if user else None,
    )


def product(key: str, category: str = "Sofas", brand: str = "", color: str = "") -> Product:
    return Product(ProductId(key), key, 1000, "USD", product_types=(f"Home > {category}",), brand=brand, color=color)


def catalogue(*products: Product) -> dict[ProductId, Product]:
    return {product.id: product for product in products}


def test_orders_are_counted_once_per_order_and_weigh_half_after_30_days() -> None:
    stats = product_stats([order(0.001, ("a", 3), ("a", 1)), order(30, ("a", 1)), order(60, ("a", 1))], AS_OF)
    row = stats[ProductId("a")]
    assert (row.orders_30d, row.orders_365d) == (2, 3)
    assert row.popularity == pytest.approx(1 + 0.5 + 0.25, abs=1e-4)


def test_orders_at_or_after_the_moment_or_over_a_year_ago_do_not_count() -> None:
    assert product_stats([order(0, ("a", 1)), order(-1, ("b", 1)), order(366, ("c", 1))], AS_OF) == {}
    assert ProductId("d") in product_stats([order(365, ("d", 1))], AS_OF)


def test_return_rate_is_pieces_sent_back_of_pieces_bought() -> None:
    stats = product_stats([order(9, ("a", 4), ("b", 1)), order(5, ("a", -1), ("b", -3)), order(4, ("c", -1))], AS_OF)
    assert stats[ProductId("a")].return_rate == 0.25
    assert stats[ProductId("b")].return_rate == 1.0
    assert ProductId("c") not in stats  # sent back, never bought in the window
    assert stats[ProductId("a")].orders_365d == 1  # a return is not an order


def test_co_bought_has_the_most_frequent_partner_first_and_ties_by_id() -> None:
    orders = [
        order(1, ("a", 1), ("z", 1)),
        order(2, ("z", 1), ("a", 1), ("c", 1)),
        order(3, ("a", 1), ("b", 2)),
        order(4, ("b", -1), ("y", 1)),
    ]
    stats = product_stats(orders, AS_OF)
    assert stats[ProductId("a")].co_bought == ("z", "b", "c")
    assert stats[ProductId("z")].co_bought == ("a", "c")
    assert stats[ProductId("y")].co_bought == ()  # what goes back was not bought together


def test_co_bought_is_cut_and_huge_baskets_are_left_out() -> None:
    large = [(f"p{number:03}", 1) for number in range(MAX_BASKET)]
    stats = product_stats([order(1, *large), order(2, ("x", 1), *large)], AS_OF)
    assert stats[ProductId("p000")].co_bought == tuple(f"p{number:03}" for number in range(1, MAX_LISTED + 1))
    assert stats[ProductId("x")].co_bought == ()


def test_price_tiers_run_from_0_to_1_within_category_and_currency() -> None:
    products = catalogue(*(product(key) for key in "abcd"), product("e", "Lamps"), product("f"))
    prices = {"a": (100, "USD"), "b": (200, "USD"), "c": (200, "USD"), "d": (900, "USD"), "e": (5, "USD")}
    tiers = price_tiers({ProductId(key): value for key, value in prices.items()} | {
        ProductId("f"): (1, "EUR"), ProductId("gone"): (7, "USD")}, products)  # fmt: skip
    assert tiers == {"a": 0.0, "b": 0.5, "c": 0.5, "d": 1.0, "e": 0.5, "f": 0.5}


def test_a_profile_tells_taste_from_what_was_kept() -> None:
    products = catalogue(
        product("a", "Sofas", "Acme", "White/Blue"), product("b", "Sofas", "Bo", "blue"), product("c", "Lamps", "Acme")
    )
    orders = [
        order(40, ("a", 1, 500), user="u"),
        order(20, ("a", 2, 500), ("b", 1, 900), user="u"),
        order(10, ("c", 1, 100), ("gone", 1, 5), user="u"),
        order(5, ("c", -1, 100), user="u"),
        order(3, ("b", 1, 900)),
    ]
    profiles = shopper_profiles(orders, products, AS_OF)
    profile = profiles[UserId("u")]
    assert profile.orders_365d == 3
    assert profile.top_categories == ("Sofas",)
    assert profile.top_brands == ("Acme", "Bo")
    assert profile.top_colors == ("blue", "white")
    assert profile.recent_products == ("gone", "a", "b")
    assert profile.usual_products == ("a",)
    assert profile.mean_price_tier == pytest.approx(1 / 3)  # a twice at 0, b once at 1
    assert set(profiles) == {"u"}


def test_own_history_is_weighed_by_age_and_tells_its_rhythm() -> None:
    products = catalogue(product("a", brand="Acme"), product("b", "Lamps", "Bo"), product("c", "Lamps", "Bo"))
    orders = [
        order(120, ("a", 1, 500), ("b", 1, 100), user="u"),
        order(40, ("a", 1, 500), user="u"),
        order(10, ("a", 1, 500), ("c", 1, 900), user="u"),
    ]
    profile = shopper_profiles(orders, products, AS_OF)[UserId("u")]
    assert profile.bought_products == ("a", "c", "b")
    a, c, b = profile.bought_weights
    assert (b, c) == pytest.approx((0.5, 0.5 ** (10 / 120)))
    assert a == pytest.approx(0.5 + 0.5 ** (40 / 120) + c)
    assert profile.bought_orders == (3, 1, 1)
    assert profile.bought_days_ago == pytest.approx((10, 10, 120))
    assert profile.rhythm_days == pytest.approx((55, 0, 0))
    assert profile.days_since_order == pytest.approx(10)
    assert profile.repeat_share == pytest.approx(2 / 3)  # a twice; c was new
    assert profile.top_categories == ("Sofas", "Lamps")
    assert profile.category_weights == pytest.approx((a / (a + b + c), (b + c) / (a + b + c)))
    assert len(profile.brand_weights) == len(profile.top_brands) == 2
    assert profile.tier_weights == pytest.approx((b / (a + b + c), a / (a + b + c), c / (a + b + c)))


def test_a_long_history_keeps_what_weighs_most() -> None:
    bought = [order(1, *((f"p{number:03}", 1) for number in range(MAX_BOUGHT + 9)), user="u")]
    bought += [order(days, ("old", 1), user="u") for days in (100, 200)]
    profile = shopper_profiles(bought, {}, AS_OF)[UserId("u")]
    lengths = {len(getattr(profile, name)) for name in ("bought_products", "bought_weights", "rhythm_days")}
    assert lengths == {MAX_BOUGHT}
    assert "old" not in profile.bought_products


def test_the_trend_is_popularity_of_the_last_weeks() -> None:
    row = product_stats([order(7, ("a", 1)), order(70, ("a", 1))], AS_OF)[ProductId("a")]
    assert row.trend == pytest.approx(0.5 + 0.5**10)


def test_a_shopper_without_a_known_product_has_the_middle_tier() -> None:
    profile = shopper_profiles([order(1, ("gone", 1), user="u")], {}, AS_OF)[UserId("u")]
    assert (profile.mean_price_tier, profile.top_categories, profile.recent_products) == (0.5, (), ("gone",))
    assert shopper_profiles([order(1, ("a", -1), user="v")], {}, AS_OF) == {}


lines = st.tuples(st.sampled_from("abcdef"), st.integers(-3, 3).filter(bool), st.integers(0, 10_000))
orders_of = st.lists(
    st.builds(
        lambda days, chosen, user: order(days, *chosen, user=user),
        st.integers(-60, 400),
        st.lists(lines, min_size=1, max_size=5),
        st.sampled_from([None, "u", "v"]),
    ),
    max_size=20,
)


@given(orders_of, st.randoms(use_true_random=False))
def test_later_orders_change_nothing_and_neither_does_the_sequence(orders: list[Order], shuffle: random.Random) -> None:
    products = catalogue(product("a", brand="A"), product("b", "Lamps", color="red"), product("c"))
    earlier = [each for each in orders if each.ordered_at < AS_OF]
    mixed = orders[:]
    shuffle.shuffle(mixed)
    stats = product_stats(mixed, AS_OF)
    before = product_stats(earlier, AS_OF)
    assert stats.keys() == before.keys()
    for key, row in stats.items():
        assert row.popularity == pytest.approx(before[key].popularity)
        assert 0 <= row.return_rate <= 1
        assert row.orders_30d <= row.orders_365d
        assert (row.orders_365d, row.co_bought) == (before[key].orders_365d, before[key].co_bought)
    assert all(0 <= profile.mean_price_tier <= 1 for profile in shopper_profiles(mixed, products, AS_OF).values())
    assert shopper_profiles(orders, products, AS_OF) == shopper_profiles(earlier, products, AS_OF)
