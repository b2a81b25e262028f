"""The rule of credits, case by case; that dbt says the same is tested in e2e/test_live_credits.py."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from setwise.attribution import (
    CLICK,
    IMPRESSION,
    Line,
    Order,
    Refund,
    Touch,
    at_us_of,
    credits_of,
    order_of,
    refund_of,
    refunded,
    resolved,
    touches_of,
)
from setwise.events import Interaction, InteractionEvent, InteractionItem

NOON = datetime(2026, 3, 8, 12, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


def event(kind: str, *items: InteractionItem, before: timedelta = timedelta(0), **data) -> InteractionEvent:
    said = Interaction(kind, NOON, 1, data.pop("user", "u-1"), items=list(items), **data)
    return InteractionEvent(f"{kind}-{before}", "shop", f"setwise.{kind}", NOON - before, said)


def touch(kind: str, before: timedelta, bundle: str = "b", product: str = "a", **who: str) -> Touch:
    return Touch(
        kind, at_us_of(NOON - before), "shop", f"{kind}-{before}", "r", bundle, product, who.get("user", "u-1"),
        who.get("visitor", ""),
    )  # fmt: skip


def order(*lines: Line, user: str = "u-1", visitor: str = "") -> Order:
    return Order("o", (0, "", ""), at_us_of(NOON), user, visitor, "USD", False, lines or (Line("a", 1, 100),))


HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


def test_the_windows_are_those_of_dbt() -> None:
    said = yaml.safe_load((ROOT / "dbt/dbt_project.yml").read_text())["vars"]
    assert (said["click_hours"], said["impression_hours"]) == (CLICK / HOUR, IMPRESSION / HOUR)


@pytest.mark.parametrize(
    ("touches", "credited"),
    [
        ([touch("click", 3 * HOUR, "old"), touch("click", 2 * HOUR, "new")], "new"),
        ([touch("click", 100 * HOUR, "click"), touch("impression", HOUR, "seen")], "click"),
        ([touch("click", CLICK + SECOND, "click"), touch("impression", HOUR, "seen")], "seen"),
        ([touch("click", CLICK, "click")], "click"),
        ([touch("impression", IMPRESSION, "seen")], "seen"),
        ([touch("impression", IMPRESSION + SECOND, "seen")], None),
        ([touch("click", -SECOND, "after")], None),
        ([touch("click", HOUR, "other", "b")], None),
        ([touch("click", HOUR, "theirs", user="u-2")], None),
        ([touch("click", HOUR, "nobody's", user="")], None),
    ],
)
def test_a_line_is_credited_to_the_last_click_in_a_week_else_to_the_last_impression_in_a_day(touches, credited) -> None:
    (found,) = credits_of(order(), touches)
    assert (found.bundle_id if found else None) == credited


def test_a_visitor_who_became_a_user_is_the_same_person_by_either_name() -> None:
    seen = [touch("click", HOUR, user="", visitor="v-1")]
    assert credits_of(order(user="u-1", visitor="v-1"), seen) == seen
    assert credits_of(order(user="u-1", visitor="v-2"), seen) == [None]


def test_machines_organic_events_and_answers_that_were_never_given_are_no_touches() -> None:
    item = InteractionItem("a", bundle_id="b-2")
    for mark in ("bot", "flood", "unserved"):
        assert touches_of(event("click", item, request_id="r", marks=[mark])) == []
    assert touches_of(event("click", item)) == []
    assert touches_of(event("add_to_cart", item, request_id="r")) == []
    (found,) = touches_of(event("click", item, request_id="r", bundle_id="b-1", marks=["clock"]))
    assert (found.bundle_id, found.product_id) == ("b-2", "a")


def test_an_impression_of_a_bundle_is_one_of_each_of_its_products() -> None:
    whole = touches_of(event("impression", request_id="r", bundle_id="b"))
    assert [one.product_id for one in whole] == [""]
    assert [one.product_id for one in resolved(whole, {("r", "b"): ["a", "c"], ("r", "x"): ["d"]})] == ["a", "c"]
    assert resolved(whole, {}) == []


def test_refunds_are_taken_from_the_lines_of_their_product_in_order_and_never_more_than_was_bought() -> None:
    lines = (Line("a", 2, 100), Line("b", 1, 50), Line("a", 3, 100))
    assert refunded(lines, []) == [0, 0, 0]
    assert refunded(lines, [Refund("o", {"a": 1}), Refund("o", {"a": 2})]) == [2, 0, 1]
    assert refunded(lines, [Refund("o", {"a": 99})]) == [2, 0, 3]
    assert refunded(lines, [Refund("o", {"b": 1}), Refund("o", {})]) == [2, 1, 3]


def test_purchases_and_refunds_are_read_from_events() -> None:
    bought = event("purchase", InteractionItem("a", 2, 100), order_id="o", currency="EUR", marks=["flood"])
    found = order_of(bought, NOON + SECOND)
    assert found is not None and found.lines == (Line("a", 2, 100),) and found.is_machine
    assert found.came == (at_us_of(NOON + SECOND), "shop", bought.id) and found.currency == "EUR"
    back = refund_of(event("refund", InteractionItem("a", 1), InteractionItem("a", 1), order_id="o"))
    assert back == Refund("o", {"a": 2})
    assert order_of(event("click", InteractionItem("a")), NOON) is None and refund_of(bought) is None


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["click", "impression"]), st.integers(-9, 200), st.sampled_from("bcd")), max_size=12
    ),
    st.randoms(),
)
def test_the_order_and_the_number_of_touches_change_nothing(some, rng) -> None:
    touches = [touch(kind, hours * HOUR, bundle) for kind, hours, bundle in some]
    mixed = [*touches, *touches]
    rng.shuffle(mixed)
    assert credits_of(order(), mixed) == credits_of(order(), touches)
