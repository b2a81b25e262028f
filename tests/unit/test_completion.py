from datetime import datetime, timezone

import numpy as np
import pytest

from setwise.catalogue import Product, product_text
from setwise.complementarity import Complementarity, build_complementarity
from setwise.completion import FEATURES, WEIGHTS, candidates, given_terms, look_up, score
from setwise.index import Analyzer, LocalIndex, build_index
from setwise.names import ProductId
from setwise.orders import Order, OrderLine
from setwise.snapshot import Snapshot, write_snapshot

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
KINDS = ("sofa", "lamp", "rug", "tent", "pot")
THINGS = [
    Product(ProductId(f"{kind}{i}"), f"{color} {kind}", 1_000, "EUR", product_types=(f"Home > {kind}",))
    for kind in KINDS
    for i, color in enumerate(("red", "blue", "green", "grey", "black"))
]
ROW = {product.id: row for row, product in enumerate(THINGS)}
ANALYZER = Analyzer()


def unit(text: str) -> np.ndarray:
    """One direction a word."""
    words = [np.random.default_rng(list(word.encode())).normal(size=32) for word in text.lower().split()]
    total = np.sum(words, axis=0)
    return (total / np.linalg.norm(total)).astype(np.float32)


def open_shop(folder, orders):
    write_snapshot(THINGS, folder)
    vectors = np.asarray([unit(product.title) for product in THINGS])
    build_index(vectors, map(product_text, THINGS), folder)
    build_complementarity(Snapshot(folder), vectors.astype(np.float16), orders, [], NOW, folder)
    return LocalIndex(folder), Complementarity.open(folder)


def orders_of(*pairs: tuple[str, str]) -> list[Order]:
    return [
        Order(f"o{i}", NOW, "EUR", tuple(OrderLine(ProductId(p), 1, 100) for p in pair)) for i, pair in enumerate(pairs)
    ]


@pytest.fixture(scope="module")
def different(tmp_path_factory):
    """Carts of sofas with lamps and tents with pots."""
    pairs = [(f"{a}{i}", f"{b}{j}") for a, b in (("sofa", "lamp"), ("tent", "pot")) for i in range(4) for j in range(4)]
    return open_shop(tmp_path_factory.mktemp("different"), orders_of(*pairs * 3))


@pytest.fixture(scope="module")
def alike(tmp_path_factory):
    """Carts of two things of one kind, time and again."""
    pairs = [(f"{kind}{i}", f"{kind}{i + 1}") for kind in KINDS for i in range(3)]
    return open_shop(tmp_path_factory.mktemp("alike"), orders_of(*pairs * 6))


def complete(shop, given, intent=""):
    """Ids best first, the parts and rows of all candidates."""
    index, complementarity = shop
    rows = np.asarray([ROW[i] for i in given])
    titles = [ANALYZER.query_terms(THINGS[row].title) for row in rows.tolist()]
    asked = look_up(index, rows, titles, ANALYZER.query_terms(intent), unit(intent) if intent else None)
    found = candidates(asked, index, complementarity)
    parts = score(found, asked, index, complementarity)
    return [THINGS[row].id for row in found[np.argsort(-parts.sum(axis=1))].tolist()], parts, found


def test_what_is_given_is_no_candidate(different) -> None:
    ids, _, _ = complete(different, ["sofa0", "lamp1"])
    assert not {"sofa0", "lamp1"} & set(ids)


def test_where_carts_hold_different_things_the_other_kind_completes_even_what_nobody_bought(
    different,
) -> None:
    assert complete(different, ["sofa0"])[0][0].startswith("lamp")
    assert complete(different, ["tent4"])[0][0].startswith("pot")


def test_where_carts_hold_things_of_one_kind_another_of_it_completes(alike) -> None:
    assert alike[1].likeness > 0.6
    assert complete(alike, ["tent4"])[0][0].startswith("tent")


def test_words_that_are_said_lead(different) -> None:
    assert complete(different, ["sofa4"], "rug")[0][0].startswith("rug")


def test_parts_that_do_not_apply_are_nothing(different) -> None:
    _, parts, _ = complete(different, ["sofa0"])
    assert parts.shape[1] == len(FEATURES)
    assert not parts[:, :2].any()


def test_what_co_purchase_adds_to_a_score_is_its_strength_times_its_weight(different) -> None:
    _, parts, found = complete(different, ["sofa0"])
    lamp = found.tolist().index(ROW["lamp1"])
    part = parts[lamp, FEATURES.index("bought_together")]
    assert part == pytest.approx(WEIGHTS["bought_together"] * different[1].strengths(np.asarray([0]), found)[0, lamp])
    assert part > 0


def test_terms_that_all_given_titles_have_count_most() -> None:
    assert given_terms([["nikon", "lens"], ["nikon", "case"]]) == ["nikon", "nikon", "case", "lens"]
