"""Several slots' rows in one look say what each slot's rows say alone."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from online.candidates import Asked, Known, rank, rank_all
from online.eligibility import REASONS, Rules, eligible, refusals
from online.live import LiveRelease
from online.messages import Filters
from online.pools import Pools
from online.wishes import Wish
from setwise.catalogue import Product
from setwise.complementarity import Complementarity, build_complementarity
from setwise.index import Hits, LocalIndex, as_shares, build_index, found_by
from setwise.names import ProductId, ReleaseId
from setwise.ranking import FEATURES
from setwise.release import Manifest
from setwise.rules import ActiveRules
from setwise.snapshot import Snapshot, write_snapshot
from setwise.terms import Analyzer, codes_of

NOW = datetime.now(UTC)
ADJECTIVES, KINDS = ("Walnut", "Oak", "Brass", "Blue 90cm", "Wool"), ("Desks", "Lamps", "Rugs", "Chairs")
TITLES = [(f"{one} {kind[:-1].lower()} {number}", kind) for number, one in enumerate(ADJECTIVES) for kind in KINDS]
VALUES = st.lists(arrays(np.float64, st.integers(1, 9), elements=st.sampled_from([-1.0, 0.0, 0.5, 2.0])), min_size=1)


@pytest.fixture(scope="module")
def live(tmp_path_factory) -> LiveRelease:
    folder, rng = tmp_path_factory.mktemp("release"), np.random.default_rng(1)
    products = [
        Product(ProductId(f"p{at}"), title, 100 + 17 * at, "USD", product_types=(kind,), stock=at % 4)
        for at, (title, kind) in enumerate(TITLES)
    ]
    write_snapshot(products, folder / "snapshot")
    vectors = rng.normal(size=(len(products), 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    build_index(vectors, [title for title, _ in TITLES], folder / "index")
    snapshot, index, analyzer = Snapshot(folder / "snapshot"), LocalIndex(folder / "index"), Analyzer()
    (folder / "together").mkdir()
    build_complementarity(snapshot, vectors.astype(np.float16), [], [], NOW, folder / "together")
    manifest = Manifest(ReleaseId("r"), NOW, None, (), {}, {}, {}, "USD")
    together = Complementarity.open(folder / "together")
    return LiveRelease(manifest, snapshot, None, index, None, together, analyzer, popularity=rng.random(len(products)))


@settings(deadline=None)
@given(VALUES)
def test_shares_places_and_medians_are_those_of_each_pool_alone(values: list[np.ndarray]) -> None:
    pools, joined = Pools.joined([np.arange(len(own)) for own in values]), np.concatenate(values)
    assert pools.shares(joined).tolist() == np.concatenate([as_shares(own) for own in values]).tolist()
    places = [np.argsort(np.argsort(-own, kind="stable"), kind="stable") for own in values]
    assert pools.places(joined).tolist() == np.concatenate(places).tolist()
    assert pools.medians(joined).tolist() == [float(np.median(own)) for own in values]
    assert pools.spread(range(len(values))).tolist() == [at for at, own in enumerate(values) for _ in own]


def asked_for(live: LiveRelease, text: str, name: str, wished: tuple[str, ...], limit: int) -> Asked:
    terms, vector = live.analyzer.query_terms(text), live.index.vectors(np.asarray([len(text) % len(TITLES)]))[0]
    wishes = [Wish("colors", word, codes_of(live.analyzer.terms(word))) for word in wished]
    return Asked(live.index.hybrid(terms, vector, limit), vector, name, [f"{name}s".capitalize()], wishes, terms=terms)


def test_slots_that_are_ranked_together_rank_as_they_do_alone(live) -> None:
    asked = [
        asked_for(live, "a blue 90cm desk", "desk", ("blue",), 8),
        asked_for(live, "brass lamp", "lamp", ("brass", "wool"), 5),
        asked_for(live, "wool rug", "rug", (), 1),
        Asked(Hits(np.empty(0, np.int64), np.empty(0), np.empty(0)), None, terms=("oak",)),
        asked_for(live, "oak chair", "chair", ("oak",), 3),
    ]
    parts = [np.arange(0, 20, 2), np.arange(12), np.asarray([3]), np.arange(5, 9), np.empty(0, np.int64)]
    known = Known(None, ActiveRules(), [19], now=NOW, share_cents=300, to_learn_from=True)
    for rows, one, found in zip(parts, asked, rank_all(live, parts, asked, known), strict=True):
        alone = rank(live, rows, one, known)
        assert found.rows.tolist() == alone.rows.tolist()
        assert found.met.tolist() == alone.met.tolist()
        assert found.features is not None and alone.features is not None
        for at, name in enumerate(FEATURES):
            assert found.features[:, at] == pytest.approx(alone.features[:, at]), name
        assert found.scores == pytest.approx(alone.scores)


def test_a_row_is_found_only_in_the_hits_of_its_own_question() -> None:
    one = Hits(np.asarray([4, 1]), np.asarray([1.0, 0.5]), np.asarray([0.25, 1.0]))
    other = Hits(np.asarray([2, 4]), np.asarray([1.0, 0.0]), np.asarray([0.5, 0.75]))
    rows, of = np.asarray([4, 2, 4, 1]), np.asarray([0, 0, 1, 1])
    lexical, semantic, missing = found_by([one, other], rows, of)
    assert lexical.tolist() == [1.0, 0.0, 0.0, 0.0]
    assert semantic.tolist() == [0.25, 0.0, 0.75, 0.0]
    assert missing.tolist() == [1, 3]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(TITLES) - 1), st.integers(1, 4)), max_size=12))
def test_each_row_is_refused_for_what_it_would_be_refused_for_alone(live, wanted: list[tuple[int, int]]) -> None:
    oak = codes_of(live.analyzer.terms("oak"))
    rules = Rules(NOW, "USD", frozenset({3, 5}), [oak], frozenset({1}), [], Filters(price_max_cents=350))
    rows, quantities = (np.asarray([pair[at] for pair in wanted], dtype=np.int64) for at in (0, 1))
    together = [REASONS[code] for code in refusals(live, rows, quantities, rules).tolist()]
    alone = [eligible(live, np.asarray([row]), quantity, rules) for row, quantity in wanted]
    assert together == ["" if len(kept) else next(iter(lost)) for kept, lost in alone]
    for (row, quantity), why in zip(wanted, together, strict=True):
        stock = row % 4
        assert (why == "stock") == (stock < quantity)
        assert why or (row not in (3, 5) and "Oak" not in TITLES[row][0] and 100 + 17 * row <= 350)
