"""What a word for an ingredient or a material leaves out besides itself."""

from pathlib import Path

import numpy as np
import pytest

from online.eligibility import free_of
from setwise.catalogue import Product
from setwise.feeds import read_products
from setwise.languages.contents import what_holds
from setwise.snapshot import Snapshot, write_snapshot
from setwise.terms import Analyzer, codes_of, denials_in

SHOPS = Path(__file__).parents[1] / "understanding/shops"


def test_who_wants_no_alcohol_wants_no_wine_in_any_language() -> None:
    assert {"wine", "bier", "vin", "cerveza"} <= set(what_holds("alcohol"))
    assert what_holds("Alkohol") == what_holds("alcohol")


def test_who_wants_no_metal_wants_no_steel_and_who_wants_no_wood_no_oak() -> None:
    assert {"steel", "brass"} <= set(what_holds("metal")) and "acier" in what_holds("métal")
    assert {"oak", "walnut"} <= set(what_holds("wood")) and "eiche" in what_holds("Holz")


def test_a_word_that_the_table_lacks_leaves_out_nothing_else() -> None:
    assert what_holds("polyester") == ()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Cerveza sin alcohol, pack de 6", "alcohol"),
        ("Alcohol-Free Lager, 6 Pack", "alcohol"),
        ("Alkoholfreies Weizen", "alkohol"),
        ("Bière sans alcool", "alcool"),
        ("Lactose-Free Milk", "lactose"),
    ],
)
def test_a_text_says_what_a_product_is_free_of(text: str, name: str) -> None:
    assert name in denials_in(text)


@pytest.mark.parametrize(
    ("shop", "name", "kept", "gone"),
    [
        ("food-es", "alcohol", {"Cerveza sin alcohol, pack de 6", "Zumo de naranja"}, {"Cerveza rubia, pack de 6"}),
        ("food", "alcohol", {"Alcohol-Free Lager, 6 Pack", "Orange Juice"}, {"Pale Ale, 6 Pack", "Chianti Red Wine"}),
        ("food", "lactose", {"Lactose-Free Milk"}, {"Whole Milk"}),
    ],
)
def test_beer_without_alcohol_is_the_beer_that_says_so(
    tmp_path: Path, shop: str, name: str, kept: set[str], gone: set[str]
) -> None:
    products = [row for row in read_products(SHOPS / f"{shop}.jsonl") if isinstance(row, Product)]
    write_snapshot(products, tmp_path)
    snapshot, analyzer = Snapshot(tmp_path), Analyzer()
    rows = np.arange(len(products))
    holders = [codes_of(analyzer.terms(other)) for other in what_holds(name)]
    left = {snapshot[int(row)].title for row in rows[free_of(snapshot, rows, name, holders)]}
    assert kept <= left
    assert left.isdisjoint(gone)
