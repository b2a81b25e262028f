"""What is answered where nothing was said, and what a past may change where something was."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest

from online.candidates import Asked, Known, rank
from online.live import LiveRelease, rising_rows
from online.returning import rows_known, rows_next, rows_that_fit
from setwise.catalogue import Product
from setwise.complementarity import Complementarity, build_complementarity
from setwise.index import Hits, LocalIndex, build_index
from setwise.names import ProductId, ReleaseId, UserId
from setwise.orders import Order, OrderLine
from setwise.profiles import shopper_profiles
from setwise.ranking import FEATURES, WEIGHTS
from setwise.release import Manifest
from setwise.rules import ActiveRules
from setwise.sessions import ShopperSession
from setwise.snapshot import Snapshot, write_snapshot
from setwise.statistics import TREND_FILE as TREND
from setwise.statistics import product_stats, read_popularity, write_popularity
from setwise.taste import NEXT_FEATURES, next_columns, past_columns, read_taste
from setwise.terms import Analyzer

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SHOP = [("Dark coffee", "Coffee"), ("Coffee filter", "Filters"), ("Green tea", "Tea"), ("Tea pot", "Pots"),
        ("Mild coffee", "Coffee"), ("New coffee", "Coffee"), ("Desk", "Desks"), ("Lamp", "Lamps")]  # fmt: skip
PRODUCTS = [
    Product(ProductId(f"p{at}"), title, 100 + at, "USD", product_types=(kind,)) for at, (title, kind) in enumerate(SHOP)
]
IDS = [product.id for product in PRODUCTS]
NOTHING = Asked(Hits(np.empty(0, np.int64), np.empty(0), np.empty(0)), None)


def order(days: float, user: str | None, *rows: int) -> Order:
    lines = tuple(OrderLine(IDS[row], 1, 100 + row) for row in rows)
    return Order(f"o-{days}-{user}", NOW - timedelta(days=days), "USD", lines, UserId(user) if user else None)


ORDERS = [order(days, "u", 0) for days in (90, 60, 30)] + [order(45, "u", 2)]
ORDERS += [order(number, f"v{number}", 0, 1) for number in range(1, 30)]
ORDERS += [order(number, f"w{number}", 6, 7) for number in range(1, 40)]


def live_of(folder: Path, orders: list[Order]) -> LiveRelease:
    write_snapshot(PRODUCTS, folder / "snapshot")
    vectors = np.eye(len(SHOP), 16, dtype=np.float32)
    vectors[5, 0] = 2.0  # the new coffee is like the dark one
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    build_index(vectors, [title for title, _ in SHOP], folder / "index")
    (folder / "together").mkdir()
    snapshot, index = Snapshot(folder / "snapshot"), LocalIndex(folder / "index")
    build_complementarity(snapshot, vectors.astype(np.float16), orders, [], NOW, folder / "together")
    write_popularity(product_stats(orders, NOW), IDS, folder)
    popularity, trend = read_popularity(folder), read_popularity(folder, TREND)
    manifest = Manifest(ReleaseId("r"), NOW, None, (), {}, {}, {}, "USD")
    return LiveRelease(
        manifest, snapshot, None, index, None, Complementarity.open(folder / "together"), Analyzer(),
        popularity=popularity, trend=trend, rising=rising_rows(len(SHOP), trend),
    )  # fmt: skip


@pytest.fixture(scope="module")
def live(tmp_path_factory) -> LiveRelease:
    return live_of(tmp_path_factory.mktemp("shop"), ORDERS)


def profile_of(user: str, orders: list[Order] = ORDERS) -> dict:
    found = shopper_profiles(orders, {product.id: product for product in PRODUCTS}, NOW)
    return msgspec.to_builtins(found[UserId(user)])


def taste_of(live: LiveRelease, profile: dict | None, session: ShopperSession | None = None):
    return read_taste(profile, session, live.snapshot, live.complementarity)


def session(*clicked: str, cart: tuple[str, ...] = (), bought: tuple[str, ...] = ()) -> ShopperSession:
    return ShopperSession(1, *(tuple(map(ProductId, products)) for products in (clicked, cart, bought)))


def answered(live: LiveRelease, taste) -> list[int]:
    rows = rows_next(live, taste, 10)
    return rank(live, rows, NOTHING, Known(None, ActiveRules(), taste=taste, nothing_said=True)).rows.tolist()


def test_a_returning_shopper_is_offered_the_usual_then_what_goes_with_it_or_is_like_it(live) -> None:
    best = answered(live, taste_of(live, profile_of("u")))
    assert best[0] == 0 and 2 in best[:3]
    assert best.index(1) < best.index(3)  # filters are bought with this coffee, pots with nothing
    assert best.index(5) < best.index(3)  # nobody bought the new coffee yet


def test_a_stranger_is_offered_what_is_bought_most_lately(live) -> None:
    assert taste_of(live, None) is None
    assert set(answered(live, None)[:4]) == {0, 1, 6, 7}


def test_a_shop_without_orders_answers_a_stranger_and_one_who_clicked(tmp_path) -> None:
    fresh = live_of(tmp_path, [])
    assert answered(fresh, None) == list(range(len(SHOP)))
    clicked = answered(fresh, taste_of(fresh, None, session("p0")))
    assert clicked[:2] == [0, 5]  # the one that is like it comes before all others


def test_a_release_without_statistics_answers_too(live) -> None:
    bare = msgspec.structs.replace(live, popularity=None, trend=None, rising=rising_rows(len(SHOP), None))
    assert answered(bare, taste_of(bare, profile_of("u")))[0] == 0
    assert len(answered(bare, None)) == len(SHOP)


def test_a_profile_of_an_older_build_has_a_taste_all_the_same(live) -> None:
    old = {"recent_products": ["p2", "gone"], "usual_products": [], "orders_365d": 2}
    assert answered(live, taste_of(live, old))[0] == 2
    assert taste_of(live, {"recent_products": ["gone"]}) is None


def test_what_was_bought_a_moment_ago_is_own_and_what_was_clicked_is_not(live) -> None:
    taste = taste_of(live, profile_of("u"), session("p3", bought=("p6",)))
    columns = next_columns(np.arange(len(SHOP)), taste, live.index, live.complementarity, live.popularity, live.trend)
    own = columns[:, NEXT_FEATURES.index("is_own")]
    assert np.flatnonzero(own).tolist() == [0, 2, 6]
    nearest = columns[:, NEXT_FEATURES.index("nearest")]
    assert nearest[3] == pytest.approx(1.0, abs=1e-3)


def test_shares_are_between_0_and_1_and_0_for_what_is_not_known(live) -> None:
    taste = taste_of(live, profile_of("u"))
    found = past_columns(np.arange(len(SHOP)), taste)
    for column in found.values():
        assert column.min() >= 0 and column.max() <= 1
    assert np.flatnonzero(found["own"]).tolist() == [0, 2]
    assert found["due"][0] == pytest.approx(1.0)  # every thirty days, and thirty days ago
    assert found["due"][2] == 0
    assert found["goes_with_past"][1] > 0 == found["goes_with_past"][6]
    assert past_columns(np.asarray([6, 7]), taste) == {}


def test_only_what_was_named_is_brought_along(live) -> None:
    known = rows_known(taste_of(live, profile_of("u")))
    assert rows_that_fit(live, known, [msgspec.structs.replace(NOTHING, name="coffee")], "")[0].tolist() == [0, 1]
    named = msgspec.structs.replace(NOTHING, name="something hot", categories=["Tea"])
    assert rows_that_fit(live, known, [named], "")[0].tolist() == [2]
    assert rows_that_fit(live, known, [NOTHING], "a sofa")[0].tolist() == []
    assert rows_that_fit(live, rows_known(None), [NOTHING], "coffee")[0].tolist() == []


def test_a_past_never_outweighs_a_name(live) -> None:
    most = sum(WEIGHTS[name] for name in ("own", "due", "goes_with_past", "tier_liked"))
    assert most < WEIGHTS["slot_match"]
    taste = taste_of(live, profile_of("u"))
    hits = Hits(np.asarray([6, 0]), np.asarray([1.0, 0.0]), np.asarray([1.0, 0.0]))
    asked = Asked(hits, None, name="desk", categories=["Desks"])
    ranked = rank(live, np.asarray([0, 6]), asked, Known(profile_of("u"), ActiveRules(), taste=taste))
    assert ranked.rows.tolist() == [6, 0]
    assert ranked.parts[1, FEATURES.index("own")] > 0
