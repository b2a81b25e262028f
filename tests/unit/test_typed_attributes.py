"""Attributes that shoppers type: one that is kept in what is bought weighs more, one that is not weighs less."""

from pathlib import Path

import pytest

from orchestration.typed_attributes import (
    LEAST_CHOICES,
    Choice,
    choices_of_sets,
    shares_of,
    weights_of,
    with_a_kind,
)
from orchestration.typed_words import PEOPLE
from setwise.catalogue import Product
from setwise.names import ProductId
from setwise.orders import MerchantSet
from setwise.snapshot import Snapshot, write_snapshot
from setwise.vocabulary import Vocabulary

SHOP = Vocabulary(
    "USD", frozenset({"USD"}), categories={"Sofas": 40}, nouns={"sofa": {"Sofas": 40}},
    colors=frozenset({"grey", "green"}), materials=frozenset({"linen", "velvet"}), words=frozenset({"grey", "linen"}),
)  # fmt: skip


def chosen(count: int, has: float, chance: float, kind: str = "colors", people: int = 100) -> list[Choice]:
    return [
        Choice(f"u-{n % people}", f"a grey sofa {n}", ProductId(f"p-{n}"), {kind: (has, chance)}) for n in range(count)
    ]


def test_a_kind_that_is_kept_weighs_more_and_one_that_is_bought_as_by_chance_less() -> None:
    kept, ignored = chosen(200, 1.0, 0.4), [*chosen(80, 1.0, 0.4, "styles"), *chosen(120, 0.0, 0.4, "styles")]
    found = weights_of([*kept, *ignored])
    assert found["colors"] > 1.9 and found["styles"] < 0.1


def test_a_kind_that_is_always_kept_where_nearly_everything_has_it_says_little_for_it() -> None:
    common = weights_of([*chosen(90, 1.0, 0.9), *chosen(10, 0.0, 0.9)])
    rare = weights_of([*chosen(90, 1.0, 0.1), *chosen(10, 0.0, 0.1)])
    assert common["colors"] < 0.2 and rare["colors"] > 1.7


def test_few_choices_stay_about_as_shipped_and_fewer_or_few_people_teach_nothing() -> None:
    few = weights_of(chosen(LEAST_CHOICES, 1.0, 0.4))["colors"]
    many = weights_of(chosen(10 * LEAST_CHOICES, 1.0, 0.4))["colors"]
    assert 1.0 < few < many <= 2.0
    assert not weights_of(chosen(LEAST_CHOICES - 1, 1.0, 0.4))
    assert not weights_of(chosen(500, 1.0, 0.4, people=PEOPLE - 1)), "what few people do is told nobody"
    assert not weights_of([])


def test_a_product_of_a_titled_set_is_compared_with_others_of_its_kind(tmp_path: Path) -> None:
    products = [
        Product(ProductId(f"s-{n}"), f"Sofa {n}", 100, "USD", product_types=("Home > Sofas",), color=color)
        for n, color in enumerate(["Grey", "Green", "Green", "Green"])
    ]
    lamps = [Product(ProductId("l-1"), "Lamp", 100, "USD", product_types=("Home > Lamps",), color="Grey")]
    write_snapshot([*products, *lamps], tmp_path)
    ids = (ProductId("s-0"), ProductId("l-1"), ProductId("gone"))
    sets = [MerchantSet("1", "grey room", ids), MerchantSet("2", "", ids), MerchantSet("3", "a room", ids)]
    (one,) = choices_of_sets(sets, Snapshot(tmp_path), SHOP)
    assert (one.product, one.kept) == ("s-0", {"colors": (1.0, 0.25)}), "all lamps are grey: nothing was chosen"
    assert shares_of([one]) == {"colors": (1, 1.0, 0.25)}
    assert list(with_a_kind([one], {"colors"})) == [one] and not list(with_a_kind([one], {"sizes"}))


@pytest.mark.parametrize("weight", [0.0, 2.0])
def test_weights_are_bounded_whatever_is_bought(weight: float) -> None:
    found = weights_of(chosen(5_000, float(weight > 0), 0.5))["colors"]
    assert found == pytest.approx(weight, abs=0.02)
