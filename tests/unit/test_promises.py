import msgspec
import pytest

from online.messages import (
    BudgetRead,
    BundleAnswer,
    BundleOut,
    BundleRequest,
    ExcludeRead,
    ItemOut,
    Understood,
)
from online.promises import broken


def item(product_id: str, price_cents: int = 100, quantity: int = 1) -> ItemOut:
    return ItemOut(product_id, "slot", quantity, price_cents, "title", "", "", 1.0, [], [])


def bundle(*items: ItemOut, total_cents: int | None = None) -> BundleOut:
    total = sum(one.price_cents * one.quantity for one in items) if total_cents is None else total_cents
    return BundleOut("b", "title", "best match", total, "USD", 1.0, [], [], list(items))


def answer(*bundles: BundleOut, max_cents: int | None = 1_000, scope: str = "total") -> BundleAnswer:
    understood = Understood(
        "en", BudgetRead(None, max_cents, "USD", scope, False), [], {}, [], [], [], [], [],
        ExcludeRead([], [], [], [], [], []), [], [],
    )  # fmt: skip
    return BundleAnswer("r", "release", "full", [], {}, understood, list(bundles), None, {})


REQUEST = BundleRequest(prompt="anything", n_bundles=2, lock=["p-1"], exclude=["p-8"], basket=["p-9"])
KEPT = answer(bundle(item("p-1"), item("p-2", 450, 2)))


def test_an_answer_that_keeps_everything_breaks_nothing() -> None:
    assert broken(REQUEST, KEPT) == []


@pytest.mark.parametrize(
    ("given", "promise"),
    [
        (answer(*[bundle(item("p-1"))] * 3), "number"),
        (answer(bundle(item("p-1"), total_cents=99)), "total"),
        (answer(bundle(item("p-1"), item("p-2", 451, 2))), "budget"),
        (answer(bundle(item("p-1"), item("p-1"))), "twice"),
        (answer(bundle(item("p-2"))), "locked"),
        (answer(bundle(item("p-1"), item("p-8"))), "excluded"),
        (answer(bundle(item("p-1"), item("p-9"))), "excluded"),
    ],
)
def test_each_broken_promise_is_named(given, promise) -> None:
    assert broken(REQUEST, given) == [promise]


def test_a_bundle_without_items_is_broken() -> None:
    assert broken(BundleRequest(prompt="anything"), answer(bundle())) == ["empty"]


def test_a_limit_for_each_item_is_none_for_the_total() -> None:
    given = answer(bundle(item("p-1", 900), item("p-2", 900)), scope="item")
    assert broken(REQUEST, given) == []


def test_a_budget_in_another_currency_is_not_compared() -> None:
    assert KEPT.understood.budget is not None
    euros = msgspec.structs.replace(KEPT.understood.budget, currency="EUR", max_cents=1)
    understood = msgspec.structs.replace(KEPT.understood, budget=euros)
    assert broken(REQUEST, msgspec.structs.replace(KEPT, understood=understood)) == []
