import itertools
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.sample_shop import generate
from orchestration.sample_shop.words import PAIRS
from setwise.catalogue import Product, product_text
from setwise.complementarity import WEIGHTS, Complementarity, build_complementarity
from setwise.complementarity.copurchase import MAX_BASKET, Basket, count_pairs, find_partners
from setwise.feeds import read_orders, read_products, read_sets
from setwise.names import ProductId
from setwise.orders import MerchantSet, Order, OrderLine
from setwise.snapshot import Snapshot, write_snapshot

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
DIMENSIONS = 48


def vectors_of(products: list[Product]) -> np.ndarray:
    """Unit vectors of the texts: each word has one random direction."""
    rng, words = np.random.default_rng(0), {}
    rows = [
        sum(words.setdefault(word, rng.normal(size=DIMENSIONS)) for word in product_text(p).split()) for p in products
    ]
    matrix = np.asarray(rows).reshape(-1, DIMENSIONS)
    return (matrix / np.linalg.norm(matrix, axis=1, keepdims=True)).astype(np.float16)


def order(number: int, *ids: str, days_ago: int = 0) -> Order:
    lines = tuple(OrderLine(ProductId(i), 1, 100) for i in ids)
    return Order(f"o{number}", NOW - timedelta(days=days_ago), "EUR", lines)


@pytest.fixture
def shop(tmp_path: Path) -> Callable[..., tuple[Complementarity, Snapshot]]:
    def make(products, orders=(), sets=()) -> tuple[Complementarity, Snapshot]:
        write_snapshot(products, tmp_path / "snapshot")
        snapshot = Snapshot(tmp_path / "snapshot")
        folder = tmp_path / "complementarity"
        folder.mkdir(exist_ok=True)
        build_complementarity(snapshot, vectors_of(products), orders, sets, NOW, folder)
        return Complementarity.open(folder), snapshot

    return make


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> tuple[Complementarity, Snapshot]:
    folder = tmp_path_factory.mktemp("sample")
    generate(folder / "shop", products=600, shoppers=200, orders=6_000)
    products = list(read_products(folder / "shop/feed.jsonl"))
    write_snapshot(products, folder / "snapshot")
    snapshot = Snapshot(folder / "snapshot")
    orders = list(read_orders(folder / "shop/orders.jsonl", "USD"))
    sets = list(read_sets(folder / "shop/sets.jsonl"))
    newest = max(order.ordered_at for order in orders)
    build_complementarity(snapshot, vectors_of(products), orders, sets, newest, folder)
    return Complementarity.open(folder), snapshot


THINGS = [
    Product(ProductId(f"{kind}{i}"), f"{color} {kind}", 1_000 + 100 * i, "EUR", product_types=(f"Home > {kind}",))
    for kind in ("sofa", "lamp", "rug", "tent")
    for i, color in enumerate(("red", "blue", "green", "grey"))
]


@pytest.mark.parametrize(("left", "right"), PAIRS.items())
def test_every_planted_pair_of_the_sample_shop_is_the_best_partner_of_its_category(sample, left, right) -> None:
    made, snapshot = sample
    names = snapshot.meta.categories
    (best, lift), *_ = made.category_partners([names.index(left)], 3)
    assert names[best] == right
    assert lift > 3


def test_planted_pairs_fit_better_than_strangers_and_than_two_of_a_kind(sample) -> None:
    made, snapshot = sample
    rows = {name: np.flatnonzero(snapshot.category == code) for code, name in enumerate(snapshot.meta.categories)}
    planted = np.mean([made.fit(rows[a], rows[b]).mean() for a, b in PAIRS.items()])
    strangers = np.mean([made.fit(rows[a], rows[b]).mean() for a, b in itertools.product(PAIRS, PAIRS) if a != b])
    same = np.mean([made.fit(rows[a], rows[a]).mean() for a in PAIRS])
    assert planted > strangers + 0.2
    assert planted > same + 0.2


def test_a_shop_whose_carts_hold_different_things_has_no_likeness(sample) -> None:
    assert sample[0].likeness < 0.05


def test_products_bought_together_are_partners_and_the_reason_says_so(shop) -> None:
    made, snapshot = shop(THINGS, [order(i, "sofa0", "lamp0") for i in range(20)])
    sofa, lamp, tent = snapshot.rows_of(map(ProductId, ("sofa0", "lamp0", "tent1")))
    rows, strengths = made.partners(np.asarray([sofa]), 10)
    assert rows.tolist() == [lamp]
    assert 0 < strengths[0] <= 1
    assert made.reason(sofa, lamp) == "bought together"
    assert made.reason(sofa, tent) is None


def test_a_product_that_stands_for_two_slots_fits_the_others_equally_in_both(shop) -> None:
    made, snapshot = shop(THINGS, [order(i, "sofa0", "lamp0") for i in range(20)])
    sofa, lamp, rug = snapshot.rows_of(map(ProductId, ("sofa0", "lamp0", "rug0")))
    rows = np.asarray([lamp, sofa, lamp, rug, sofa])
    alone = np.asarray([sofa, lamp, rug])
    fit, place = made.fit(rows, rows), [1, 0, 1, 2, 0]
    assert fit == pytest.approx(made.fit(alone, alone)[np.ix_(place, place)], abs=1e-6)
    assert fit == pytest.approx(fit.T, abs=1e-6)
    assert (made.strengths(rows, rows) == made.strengths(alone, alone)[np.ix_(place, place)]).all()


def test_what_two_products_share_only_through_a_third_is_explained_away() -> None:
    baskets = [Basket([0, 1], 1.0)] * 200 + [Basket([1, 2], 1.0)] * 200 + [Basket([0, 1, 2], 1.0)] * 50
    counts = count_pairs(baskets, 3)
    partners = find_partners(counts, np.zeros(len(counts.keys), dtype=bool))
    start, stop = partners.offsets[:2]
    strength = dict(zip(partners.rows[start:stop].tolist(), partners.strengths[start:stop].tolist(), strict=True))
    assert strength[1] > 0.3
    assert strength.get(2, 0.0) < 0.05


def test_one_order_of_two_of_a_category_is_a_choice_and_no_pair_but_two_orders_or_a_set_are(shop) -> None:
    rows = [0]
    assert not len(shop(THINGS, [order(1, "sofa0", "sofa1")])[0].partners(np.asarray(rows), 5)[0])
    assert len(
        shop(THINGS, [order(1, "sofa0", "sofa1"), order(2, "sofa0", "sofa1")])[0].partners(np.asarray(rows), 5)[0]
    )
    made, _ = shop(THINGS, sets=[MerchantSet("s", "pair", (ProductId("sofa0"), ProductId("sofa1")))])
    assert made.partners(np.asarray(rows), 5)[0].tolist() == [1]
    assert made.reason(0, 1) == made.reason(1, 0) == "in a set"


def test_an_order_of_a_shop_that_restocks_says_nothing() -> None:
    assert not len(count_pairs([Basket(list(range(MAX_BASKET + 1)), 1.0)], MAX_BASKET + 1).keys)


def test_older_orders_count_less(shop) -> None:
    fresh = [order(i, "sofa0", "lamp0") for i in range(10)]
    old = [order(i, "sofa0", "rug0", days_ago=720) for i in range(10, 20)]
    made, snapshot = shop(THINGS, [*fresh, *old])
    rows, _ = made.partners(np.asarray([0]), 2)
    assert [snapshot[row].id for row in rows.tolist()] == ["lamp0", "rug0"]


def test_without_orders_and_sets_there_are_no_partners_and_another_kind_fits_better_than_the_same(shop) -> None:
    made, snapshot = shop(THINGS)
    rows = np.arange(len(snapshot))
    assert not len(made.partners(rows, 5)[0])
    assert made.category_partners([0], 5) == []
    fit, same = made.fit(rows, rows), snapshot.category[:, None] == snapshot.category
    assert fit[~same].mean() > fit[same].mean()
    assert made.likeness == 0.5


def test_without_categories_clusters_stand_in_and_are_named_by_their_words(shop) -> None:
    kinds = ("sofa couch seat", "lamp light bulb", "rug carpet wool")
    words = [Product(ProductId(f"{kind[0]}{i}"), f"{kind} number{i}", 100, "EUR") for kind in kinds for i in range(6)]
    made, _ = shop(words)
    assert len(made.groups) == len(words)
    assert len(made.meta.groups) == 3
    assert {frozenset(name.split()) for name in made.meta.groups} == {frozenset(kind.split()) for kind in kinds}
    assert all(len(set(made.groups[i : i + 6].tolist())) == 1 for i in (0, 6, 12))


def test_a_product_without_a_category_joins_the_nearest(shop) -> None:
    made, snapshot = shop([*THINGS, Product(ProductId("x"), "red lamp lamp", 900, "EUR")])
    assert snapshot.meta.categories[made.groups[len(THINGS)]] == "lamp"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 11), min_size=1, max_size=6), max_size=30), st.sets(st.integers(0, 11)))
def test_what_always_holds(tmp_path_factory, baskets, basket) -> None:
    folder = tmp_path_factory.mktemp("shop")
    write_snapshot(THINGS, folder)
    snapshot = Snapshot(folder)
    orders = [order(i, *(THINGS[row].id for row in rows)) for i, rows in enumerate(baskets)]
    build_complementarity(snapshot, vectors_of(THINGS), orders, [], NOW, folder)
    made = Complementarity.open(folder)
    given_rows = np.asarray(sorted(basket), dtype=np.int64)
    rows, strengths = made.partners(given_rows, 8)
    assert len(rows) <= 8
    assert not set(rows.tolist()) & basket
    assert (strengths > 0).all()
    assert (np.diff(strengths) <= 0).all()
    together = {frozenset(pair) for rows in baskets for pair in itertools.combinations(set(rows), 2)}
    assert all(any(frozenset((row, other)) in together for other in basket) for row in rows.tolist())
    every = np.arange(len(THINGS))
    fit = made.fit(every, every)
    assert ((fit >= 0) & (fit <= 1)).all()
    assert np.allclose(fit, fit.T)
    assert np.allclose(made.strengths(given_rows, rows).sum(axis=0), strengths)


def test_bundles_are_as_large_as_the_shops_own_sets_are(shop) -> None:
    ids = [product.id for product in THINGS]
    pairs = [MerchantSet(f"p{i}", "", (ids[i % 16], ids[(i + 5) % 16])) for i in range(60)]
    larger = [MerchantSet(f"l{i}", "", tuple(ids[:5])) for i in range(30)]
    for is_kind in (True, False):
        assert shop(THINGS, sets=[*pairs, *larger])[0].sizes(5, is_kind=is_kind) == [2, 2, 2, 5, 5]
        assert shop(THINGS, sets=[MerchantSet("all", "", tuple(ids))] * 90)[0].sizes(1, is_kind=is_kind) == [7]


def test_a_shop_without_a_past_has_several_like_things_for_a_kind_and_four_different_ones_else(shop) -> None:
    made, _ = shop(THINGS)
    assert made.sizes(3, is_kind=False) == [4, 4, 4]
    assert made.sizes(3, is_kind=True) == [2, 3, 5]
    assert made.likeness == 0.5
    assert made.likeness_of_a_kind == pytest.approx(0.89)


def test_what_is_taken_for_granted_of_a_kind_gives_way_to_what_the_shops_orders_hold(shop) -> None:
    made, _ = shop(THINGS, [order(i, f"sofa{i % 4}", f"lamp{i % 3}") for i in range(400)])
    assert made.likeness_of_a_kind < 0.5
    assert made.likeness_of_a_kind - made.likeness < 0.05


def test_the_parts_of_a_likely_fit_by_their_weights_are_the_fit(sample) -> None:
    made, _ = sample
    rows = np.arange(50)
    weights = np.asarray([WEIGHTS[name] for name in ("kinds", "style", "price")])
    assert made.likely_parts(3, rows) @ weights == pytest.approx(made.likely_fit(np.asarray([3]), rows)[0], abs=2e-3)
