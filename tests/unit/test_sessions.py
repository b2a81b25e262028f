"""Acts of a shopper become one row, whatever the order they come in and however often."""

import random
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from setwise.events import Interaction, InteractionEvent, InteractionItem
from setwise.sessions import (
    MAX_CLICKED,
    MAX_HELD,
    MOST_ACTS,
    WINDOW,
    Act,
    ShopperSession,
    act_of,
    keys_of,
    merged,
    row_of,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def event(kind: str, *products: str, minute: float = 0, key: str = "", **data) -> InteractionEvent:
    key = key or f"{kind}-{minute}-{products}"
    items = [InteractionItem(product) for product in products]
    said = Interaction(kind, NOON, 1, data.pop("user", "u-1"), items=items, **data)
    return InteractionEvent(key, "shop", f"setwise.{kind}", NOON + timedelta(minutes=minute), said)


def acts(*events: InteractionEvent) -> list[Act]:
    return [act for one in events if (act := act_of(one)) is not None]


def row(*events: InteractionEvent) -> ShopperSession:
    return row_of(merged([], acts(*events)))


def test_clicks_and_views_are_listed_once_last_first() -> None:
    found = row(event("click", "a"), event("view_item", "b", minute=1), event("click", "a", minute=2))
    assert found.clicked_products == ("a", "b")
    assert (found.cart_products, found.bought_products) == ((), ())
    assert found.last_at_s == int((NOON + timedelta(minutes=2)).timestamp())


def test_the_cart_holds_what_was_neither_taken_out_nor_bought() -> None:
    found = row(
        event("add_to_cart", "a", "b", "c"),
        event("remove_from_cart", "b", minute=1),
        event("purchase", "c", minute=2, order_id="o"),
        event("add_to_cart", "d", minute=3),
    )
    assert (found.cart_products, found.bought_products) == (("d", "a"), ("c",))
    assert row(event("purchase", "a"), event("add_to_cart", "a", minute=1)).cart_products == ("a",)


def test_bots_floods_and_answers_that_were_never_given_say_nothing_and_wrong_clocks_do() -> None:
    for mark in ("bot", "flood", "unserved"):
        assert act_of(event("click", "a", marks=[mark])) is None
    for mark in ("no_time", "clock"):
        assert act_of(event("click", "a", marks=[mark])) is not None
    for kind in ("impression", "search", "refund"):
        assert act_of(event(kind, "a")) is None


def test_an_event_belongs_to_its_user_its_visitor_and_its_session() -> None:
    assert keys_of(event("click", "a", user="u-1", visitor="v-1", session="s-1")) == ["u-1", "v-1", "s-1"]
    assert keys_of(event("click", "a", user="", visitor="v-1")) == ["v-1"]
    assert keys_of(event("click", "a", user="", consent=False)) == []


def test_what_is_a_day_older_than_the_newest_act_is_forgotten() -> None:
    day = WINDOW.total_seconds() / 60
    found = row(event("add_to_cart", "a"), event("click", "b", minute=1), event("click", "c", minute=day + 0.5))
    assert (found.clicked_products, found.cart_products) == (("c", "b"), ())


def test_many_clicks_push_nothing_out_of_the_cart_and_lists_are_bounded() -> None:
    many = [event("click", f"p-{n}", minute=n) for n in range(5 * MOST_ACTS)]
    found = row(event("add_to_cart", "a"), *many)
    assert found.cart_products == ("a",)
    assert found.clicked_products == tuple(f"p-{n}" for n in range(5 * MOST_ACTS - 1, 5 * MOST_ACTS - 1 - 20, -1))
    assert len(found.clicked_products) == MAX_CLICKED
    bought = [event("purchase", *(f"p-{n}-{of}" for of in range(30)), minute=n) for n in range(3)]
    assert len(row(*bought).bought_products) == MAX_HELD


def test_a_second_one_of_the_same_source_and_id_moves_nothing_even_with_another_time() -> None:
    first, removed = event("add_to_cart", "a", key="e-1"), event("remove_from_cart", "a", minute=1)
    again = event("add_to_cart", "a", minute=2, key="e-1")
    assert row(first, removed, again) == row(again, removed, first) == row(first, removed)


EVENTS = st.builds(
    lambda kind, products, minute, key: event(kind, *products, minute=minute, key=f"{kind}{products}{minute}{key}"),
    st.sampled_from(["click", "view_item", "add_to_cart", "remove_from_cart", "purchase"]),
    st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=3),
    st.integers(0, 3 * 24 * 60),
    st.integers(0, 3),
)


@settings(deadline=None)
@given(st.lists(EVENTS, min_size=1, max_size=40), st.randoms(), st.integers(1, 7))
def test_order_batches_and_duplicates_change_nothing(events, rng, size) -> None:
    expected = merged([], acts(*events))
    mixed = [*events, *rng.choices(events, k=len(events))]
    rng.shuffle(mixed)
    found: list[Act] = []
    for start in range(0, len(mixed), size):
        found = merged(found, acts(*mixed[start : start + size]))
    assert found == expected
    assert row_of(found) == row_of(expected)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**30), st.integers(1, 50))
def test_order_and_duplicates_change_nothing_beyond_the_bounds_either(seed, size) -> None:
    rng = random.Random(seed)
    kinds = ("click", "add_to_cart", "remove_from_cart", "purchase")
    events = [
        event(rng.choice(kinds), f"p-{rng.randrange(99)}", minute=rng.randrange(2_000), key=str(n)) for n in range(400)
    ]
    mixed = acts(*events, *rng.choices(events, k=200))
    rng.shuffle(mixed)
    found: list[Act] = []
    for start in range(0, len(mixed), size):
        found = merged(found, mixed[start : start + size])
    assert found == merged([], acts(*events))
