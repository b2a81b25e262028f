import re
from datetime import datetime, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setwise.feeds import values
from setwise.feeds.report import Refusal
from setwise.feeds.text import clean, html_text


@pytest.mark.parametrize(
    ("text", "cents", "currency"),
    [
        ("1499.00 USD", 149_900, "USD"),
        ("USD 1499.00", 149_900, "USD"),
        ("1499 USD", 149_900, "USD"),
        ("1499.00USD", 149_900, "USD"),
        ("12.345 USD", 1_235, "USD"),
        ("1,499.00 USD", 149_900, "USD"),
        ("1.499,00 EUR", 149_900, "EUR"),
        ("1499,00 EUR", 149_900, "EUR"),
        ("0,499 EUR", 50, "EUR"),
        ("1 499,00 eur", 149_900, "EUR"),
        ("1'499.50 CHF", 149_950, "CHF"),
        ("1,234,567 USD", 123_456_700, "USD"),
        ("1.234.567 EUR", 123_456_700, "EUR"),
        ("1,00,000.00 INR", 10_000_000, "INR"),
        ("1,499 JPY", 1_499, "JPY"),
        ("1980.5 JPY", 1_981, "JPY"),
        ("1.2345 KWD", 1_235, "KWD"),
        ("12.50", 1_250, "GBP"),
    ],
)
def test_a_price_that_can_mean_one_thing_only_is_read(text: str, cents: int, currency: str) -> None:
    assert values.money("price", text, "GBP") == (cents, currency)


@pytest.mark.parametrize(
    "text",
    "1,499 USD|1,499 KWD|1.499 JPY|$1,499.00|€ 5|5 €|-5 USD|5 USD EUR|USD 5 USD|1e3 USD||USD|5 XXX|1.499,00.5 EUR|"
    "14 99 USD|1,49,5 USD|٥ USD|1499. USD|NaN USD|9999999999999999".split("|"),
)
def test_any_other_price_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        values.money("price", text, "USD")
    assert refused.value.field == "price"
    assert "1499.00 USD" in refused.value.remedy


def test_a_price_without_a_currency_is_refused_where_there_is_no_default() -> None:
    with pytest.raises(Refusal, match="currency is missing"):
        values.money("price", "12.50", None)


def meant(text: str) -> Decimal:
    """The digits, with the last separator as the decimal one unless it is repeated."""
    amount = re.sub(r"[^0-9.,]", "", text)
    last = max(amount.rfind("."), amount.rfind(","))
    if last < 0 or amount.count(amount[last]) > 1:
        return Decimal(re.sub("[.,]", "", amount))
    return Decimal(re.sub("[.,]", "", amount[:last]) + "." + amount[last + 1 :])


@given(st.text("0123456789.,' ", min_size=1, max_size=14), st.sampled_from([" USD", " EUR", "EUR", ""]))
def test_a_price_that_is_read_is_the_one_that_was_written(amount: str, code: str) -> None:
    text = clean(amount + code)
    try:
        cents, _ = values.money("price", text, "USD")
    except Refusal:
        return
    assert abs(Decimal(cents) - meant(text) * 100) <= Decimal("0.5")


@pytest.mark.parametrize("text", ["in stock", "in_stock", "In Stock", "https://schema.org/InStock", "schema:InStock"])
def test_every_spelling_of_in_stock_is_one_word(text: str) -> None:
    assert values.availability(text) == "in_stock"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("out of stock", "out_of_stock"),
        ("http://schema.org/SoldOut", "out_of_stock"),
        ("Pre-Order", "preorder"),
        ("https://schema.org/BackOrder/", "backorder"),
    ],
)
def test_the_other_availabilities_have_one_word_each(text: str, word: str) -> None:
    assert values.availability(text) == word


@pytest.mark.parametrize("text", ["", "yes", "1", "https://schema.org/", "in stock soon"])
def test_an_unknown_availability_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match="availability"):
        values.availability(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-27T09:00:00Z",
        "2026-11-27T10:00+0100",
        "2026-11-27t09:00:00.0z",
        "2026-11-27 09:00",
        "2026-11-27T01:00 -08",
    ],
)
def test_a_time_is_utc_and_a_naive_one_was_utc_already(text: str) -> None:
    assert values.time("timestamp", text) == datetime(2026, 11, 27, 9, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "text", ["", "1704061212030", "20261127", "27.11.2026", "2026-13-01", "0001-01-01T00:00+05:00"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(Refusal, match="not a time"):
        values.time("timestamp", text)


def test_a_period_that_ends_on_a_date_includes_that_day() -> None:
    starts_at, ends_at = values.period("sale_price_effective_date", "2026-11-27/2026-11-30")
    assert (starts_at.isoformat(), ends_at.isoformat()) == ("2026-11-27T00:00:00+00:00", "2026-12-01T00:00:00+00:00")


@pytest.mark.parametrize(
    "text", ["2026-11-27", "/2026-11-27", "2026-11-27/", "soon/later", "2026-12-01T00Z/2026-11-01T00Z"]
)
def test_a_period_without_two_times_in_order_is_refused(text: str) -> None:
    with pytest.raises(Refusal):
        values.period("sale_price_effective_date", text)


def test_category_levels_are_joined_one_way_and_paths_told_apart() -> None:
    paths = values.category_paths("Home>Living room > Sofas | Sale &gt; Sofas | Home > Living room>Sofas | ")
    assert paths == ("Home > Living room > Sofas", "Sale > Sofas")


@pytest.mark.parametrize(
    "text", ["javascript:alert(1)", "JavaScript:x", "data:text/html,x", "ftp://a/b", "https://" + "a" * 2000]
)
def test_an_address_that_is_no_web_page_is_refused(text: str) -> None:
    with pytest.raises(Refusal):
        values.link("link", text)


def test_stock_below_zero_is_none_and_a_rating_has_five_stars() -> None:
    assert [values.stock("stock", text) for text in ("12", "12.0", "-3")] == [12, 12, 0]
    assert values.rating("rating", "4,5") == 4.5
    for text in ("abc", "5.1", "-1", "10"):
        with pytest.raises(Refusal):
            values.rating("rating", text)


def test_html_becomes_the_text_that_a_reader_sees() -> None:
    html = "<p>So<b>ft</b> &amp; warm</p><script>bad(1)</script><!-- no <i>x</i> --><ul><li>A</li><li>B</li></ul>"
    assert html_text(html) == "Soft & warm A B"
    assert html_text("5 < 6 and 7 > 3") == "5 < 6 and 7 > 3"


def test_text_keeps_no_control_or_lone_surrogate() -> None:
    assert clean(" a\0b\t\u00a0c\ud800\u202e\x1b d\r\n") == "ab c d"
