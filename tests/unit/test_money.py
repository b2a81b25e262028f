from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setwise.money import MoneyError, digits_of, format_cents, to_cents


@pytest.mark.parametrize(
    ("amount", "currency", "cents"),
    [
        ("1499.00", "USD", 149_900),
        ("1499", "USD", 149_900),
        ("0.005", "USD", 1),
        ("0.0049", "USD", 0),
        ("1.2345", "KWD", 1_235),
        ("1980.5", "JPY", 1_981),
    ],
)
def test_an_amount_becomes_minor_units_of_its_own_currency_rounded_half_up(amount, currency, cents) -> None:
    assert to_cents(amount, currency) == cents


@pytest.mark.parametrize("amount", ["", "-1", "1e5", "1,5", "NaN", "١٢", "1" * 16, "9" * 15])
def test_what_is_no_plain_amount_is_refused(amount: str) -> None:
    with pytest.raises(MoneyError):
        to_cents(amount, "USD")


def test_an_unknown_currency_is_refused() -> None:
    with pytest.raises(MoneyError, match="ISO 4217"):
        to_cents("1.00", "XXX")


@given(st.integers(0, 10**12), st.sampled_from(["USD", "JPY", "KWD"]))
def test_formatting_and_reading_an_amount_gives_the_same_amount(cents: int, currency: str) -> None:
    text = format_cents(cents, currency)
    assert to_cents(text.split()[0], currency) == cents
    assert Decimal(text.split()[0]) == Decimal(cents).scaleb(-digits_of(currency))
