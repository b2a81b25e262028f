"""Who is one unit, by what is asked of marts that are small enough to see through."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pytest

from orchestration.experiments.units import Units, units_of

START = datetime(2026, 3, 1)
MARTS = """
    CREATE SCHEMA marts;
    CREATE TABLE marts.fct_served (request_id text, served_at timestamp, experiment text, user_key text,
        visitor_key text, language text, device text, total_ms double, is_test boolean);
    CREATE TABLE marts.fct_orders (user_key text, visitor_key text, credited_request_id text, ordered_at timestamp,
        currency text, revenue_cents bigint, refunded_cents bigint, margin_cents bigint, quantity bigint,
        is_machine boolean);
    CREATE TABLE marts.fct_bundle_outcomes (request_id text, products_bought bigint, items bigint);
    CREATE TABLE marts.fct_interactions (user_key text, visitor_key text, occurred_at timestamp, is_machine boolean);
    CREATE TABLE marts.fct_impressions AS SELECT * FROM marts.fct_interactions;
    CREATE TABLE marts.dim_users (person_key text, first_seen_at timestamp);
"""


class Marts:
    """The warehouse's one question, on tables in memory."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.connection.execute(MARTS)

    def rows(self, sql: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, parameters or []).fetchall()

    def served(self, hour: int, variant: str, user: str = "", visitor: str = "", device: str = "phone") -> None:
        self.rows(
            "INSERT INTO marts.fct_served VALUES (?, ?, ?, ?, ?, 'en', ?, 5, false)",
            [f"r-{hour}", START + timedelta(hours=hour), f'{{"ranking":"{variant}"}}', user, visitor, device],
        )

    def ordered(self, hour: int, cents: int, user: str = "", visitor: str = "") -> None:
        self.rows(
            "INSERT INTO marts.fct_orders VALUES (?, ?, NULL, ?, 'USD', ?, 0, 1, 1, false)",
            [user, visitor, START + timedelta(hours=hour), cents],
        )

    def units(self, preferred: Any) -> Units:
        return units_of(self, "ranking", START, START + timedelta(days=2), preferred)  # type: ignore[arg-type]


@pytest.fixture
def marts() -> Iterator[Marts]:
    one = Marts()
    yield one
    one.connection.close()


def test_a_visitor_who_signs_in_stays_one_unit_of_a_flag_of_visitors_with_what_only_the_user_bought(marts) -> None:
    marts.served(1, "control", visitor="v-1")
    marts.served(2, "control", user="u-1", visitor="v-1")
    marts.served(3, "treatment", user="u-1", visitor="v-2", device="desktop")  # on another device
    marts.ordered(4, 700, user="u-1")  # sent by the shop's server, which knows no visitor
    marts.ordered(5, 50, user="u-1", visitor="v-2")
    marts.rows("INSERT INTO marts.dim_users VALUES ('u-1', ?)", [START - timedelta(days=9)])
    found = marts.units("visitor")
    assert {name: (one.variant, one.kind, one.answers) for name, one in found.found.items()} == {
        "v-1": ("control", "visitor", 2), "v-2": ("treatment", "visitor", 1)
    }  # fmt: skip
    assert {name: one.revenue for name, one in found.found.items()} == {"v-1": {"USD": 700}, "v-2": {"USD": 50}}
    assert found.found["v-1"].is_returning and found.left_out["in two variants"] == 0


def test_of_a_flag_of_users_a_user_is_one_unit_on_all_devices_and_who_is_not_signed_in_another(marts) -> None:
    marts.served(1, "control", visitor="v-1")
    marts.served(2, "treatment", user="u-1", visitor="v-1")
    marts.served(3, "treatment", user="u-1", visitor="v-2")
    marts.ordered(4, 700, user="u-1")
    found = marts.units("user")
    assert {name: (one.variant, one.kind, one.answers) for name, one in found.found.items()} == {
        "v-1": ("control", "visitor", 1), "u-1": ("treatment", "user", 2)
    }  # fmt: skip
    assert found.found["u-1"].revenue == {"USD": 700} and not found.found["v-1"].revenue


def test_what_was_bought_before_the_first_answer_is_what_was_known_before(marts) -> None:
    marts.served(5, "control", visitor="v-1")
    marts.ordered(-30, 300, visitor="v-1")
    marts.ordered(1, 200, visitor="v-1")
    marts.ordered(6, 100, visitor="v-1")
    found = marts.units("visitor").found["v-1"]
    assert (found.before, found.revenue, found.has_bought) == ({"USD": 300}, {"USD": 100}, True)


def test_the_device_is_that_of_the_first_answer_that_says_one(marts) -> None:
    marts.served(1, "control", visitor="v-1", device="")
    marts.served(2, "control", visitor="v-1", device="tablet")
    marts.served(3, "control", visitor="v-1", device="desktop")
    assert marts.units("user").found["v-1"].device == "tablet"
