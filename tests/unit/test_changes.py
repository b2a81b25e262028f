"""Catalogue changes: the later word on each field holds, and the snapshot says what a rebuilt one would say."""

import tempfile
from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import permutations
from pathlib import Path

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.intake import feed_times, take
from setwise.catalogue import AVAILABILITIES, Product, Sale, is_sellable, price_now
from setwise.changes import FIELDS, NOTHING_CHANGED, ProductState, changed_product, merged, values_of
from setwise.names import ProductId
from setwise.snapshot import Snapshot, write_snapshot

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
BEFORE = int((NOW - timedelta(days=1)).timestamp() * 1_000_000)
times = st.integers(BEFORE - 5, BEFORE + 5)
states = st.builds(
    ProductState,
    st.just(ProductId("p")),
    price=st.none() | st.tuples(st.integers(1, 10**6), times),
    sale_price=st.none() | st.tuples(st.none() | st.integers(1, 10**6), times),
    availability=st.none() | st.tuples(st.sampled_from(AVAILABILITIES), times),
    stock=st.none() | st.tuples(st.none() | st.integers(0, 5), times),
    removed=st.none() | st.tuples(st.booleans(), times),
)
moments = st.none() | st.sampled_from([NOW - timedelta(hours=1), NOW, NOW + timedelta(hours=1)])
products = st.builds(
    Product,
    st.just(ProductId("p")),
    st.just("Thing"),
    st.integers(1, 10**6),
    st.just("USD"),
    availability=st.sampled_from(AVAILABILITIES),
    sale=st.none() | st.builds(Sale, st.integers(1, 10**6), moments, moments),
    stock=st.none() | st.integers(0, 5),
)


@given(st.lists(states, min_size=1, max_size=4))
def test_all_processes_agree_on_the_latest_word_of_each_field_whatever_the_order_of_arrival(
    arrived: list[ProductState],
) -> None:
    found = {reduce(merged, order) for order in permutations(arrived)}
    assert len(found) == 1
    (state,) = found
    for name in FIELDS:
        said = [word for one in arrived if (word := getattr(one, name)) is not None]
        held = getattr(state, name)
        assert held is None if not said else held in said and held[1] == max(at for _, at in said)


@given(states, states)
def test_a_word_that_is_known_already_changes_nothing(known: ProductState, other: ProductState) -> None:
    both = merged(known, other)
    assert merged(both, other) == merged(both, known) == both


def test_a_later_price_keeps_an_earlier_stock() -> None:
    first = ProductState(ProductId("p"), stock=(3, 10))
    assert merged(first, ProductState(ProductId("p"), price=(500, 20))) == ProductState(
        ProductId("p"), price=(500, 20), stock=(3, 10)
    )


def test_an_older_word_changes_nothing() -> None:
    known = ProductState(ProductId("p"), price=(500, 20))
    assert merged(known, ProductState(ProductId("p"), price=(400, 19))) is known


@settings(deadline=None)  # files are written
@given(products, states, st.sampled_from([-1, BEFORE, BEFORE + 10]), st.integers(1, 3), st.booleans())
def test_the_changed_snapshot_says_what_one_of_the_changed_product_says(
    product: Product, state: ProductState, fed_at: int, quantity: int, preorder: bool
) -> None:
    values = values_of(product, state, fed_at)
    now_sold = changed_product(product, values)
    other = msgspec.structs.replace(product, id=ProductId("other"))
    with tempfile.TemporaryDirectory() as folder:
        write_snapshot([other, product, other], Path(folder))
        base = Snapshot(Path(folder))
        rows = np.asarray([2, 1, 0, 1])
        snapshot = base.with_changes(NOTHING_CHANGED.with_rows({1: values}))
        assert snapshot.prices_now(rows, NOW).tolist() == [
            price_now(other, NOW), price_now(now_sold, NOW), price_now(other, NOW), price_now(now_sold, NOW)
        ]  # fmt: skip
        sellable = snapshot.sellable(rows, NOW, quantity, preorder).tolist()
        assert sellable[0] == is_sellable(other, NOW, quantity, preorder)
        assert sellable[1] == is_sellable(now_sold, NOW, quantity, preorder)
        assert snapshot[1] == now_sold and snapshot[0] == other
        is_removed = state.removed is not None and state.removed[0] and values[-1] == -1
        assert (snapshot.row_of(ProductId("p")) is None) == is_removed
        assert base[1] == product, "the base is as it was"


def test_words_from_before_the_feed_was_written_are_in_the_feed_already() -> None:
    product = Product(ProductId("p"), "Thing", 900, "USD", stock=7)
    state = ProductState(ProductId("p"), price=(500, BEFORE), stock=(0, BEFORE + 1_000_000))
    assert changed_product(product, values_of(product, state, BEFORE)) == msgspec.structs.replace(product, stock=0)


def test_a_new_price_ends_the_feeds_sale_and_a_sale_price_beside_it_begins_another() -> None:
    product = Product(ProductId("p"), "Thing", 900, "USD", sale=Sale(700))
    alone = ProductState(ProductId("p"), price=(800, 10))
    assert price_now(changed_product(product, values_of(product, alone, -1)), NOW) == 800
    both = ProductState(ProductId("p"), price=(800, 10), sale_price=(600, 10))
    assert price_now(changed_product(product, values_of(product, both, -1)), NOW) == 600
    ended = ProductState(ProductId("p"), sale_price=(None, 10))
    assert price_now(changed_product(product, values_of(product, ended, -1)), NOW) == 900


@given(st.lists(st.dictionaries(st.integers(0, 30), st.integers(1, 99), max_size=8), max_size=5))
def test_rows_that_change_again_have_their_newest_values(batches: list[dict[int, int]]) -> None:
    changed, expected = NOTHING_CHANGED, dict[int, int]()
    for batch in batches:
        changed = changed.with_rows({row: (price, -1, 0, 0, 0, 0) for row, price in batch.items()})
        expected |= batch
    assert changed.rows.tolist() == sorted(expected)
    assert changed.values[:, 0].tolist() == [expected[row] for row in sorted(expected)]


def test_a_delta_feed_has_the_last_word_on_its_own_products_only(tmp_path: Path) -> None:
    def written(folder: Path, rows: list[Product], base: Snapshot | None, at: int) -> Snapshot:
        spool, _ = take(rows, tmp_path / "report.jsonl", base or ())
        write_snapshot(spool, folder, feed_times(spool, base, at))
        spool.close()
        return Snapshot(folder)

    first, second, third = (Product(ProductId(name), name, 900, "USD") for name in "abc")
    full = written(tmp_path / "full", [first, second], None, 10)
    delta = written(tmp_path / "delta", [second, third], full, 30)
    change = ProductState(ProductId("x"), price=(500, 20))
    assert [values_of(product, change, delta.fed_at(row))[0] for row, product in enumerate(delta)] == [500, 900, 900]
