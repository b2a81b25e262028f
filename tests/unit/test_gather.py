"""What an answer goes on with where a dependency fails; the failures are real ones."""

from datetime import UTC, datetime

import numpy as np
import pytest

from online.breaker import IN_A_ROW, Breaker
from online.deadline import Deadline
from online.gather import Breakers, Context, Dependencies, TimeOuts, encode, hydrate, retrieve
from online.hydration import RedisFeatures, SqliteFeatures
from online.live import LiveRelease, popular_rows
from online.messages import BundleRequest, Degraded, ProductsRequest
from online.retrieval import InProcessRetriever
from online.retrieval_weaviate import WeaviateRetriever
from setwise.catalogue import Product
from setwise.index import LocalIndex, build_index
from setwise.names import ProductId, ReleaseId
from setwise.pseudonyms import Pseudonyms
from setwise.release import Manifest
from setwise.settings import Vectors
from setwise.snapshot import Snapshot, write_snapshot
from setwise.terms import Analyzer

NOW = datetime.now(UTC)
TITLES = ["Walnut desk", "Oak desk", "Brass lamp", "Red rug", "Blue rug", "Oak chair"]
POPULARITY = np.asarray([1, 9, 3, 2, 8, 5], dtype=np.float32)


@pytest.fixture
def live(tmp_path) -> LiveRelease:
    kinds = {"desk": "Desks", "lamp": "Lamps", "rug": "Rugs", "chair": "Chairs"}
    products = [
        Product(ProductId(f"p{i}"), title, 100, "USD", product_types=(kinds[title.split()[1]],))
        for i, title in enumerate(TITLES)
    ]
    vectors = np.random.default_rng(1).normal(size=(6, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    write_snapshot(products, tmp_path / "snapshot")
    build_index(vectors, TITLES, tmp_path / "index")
    snapshot = Snapshot(tmp_path / "snapshot")
    manifest = Manifest(ReleaseId("r"), NOW, None, (), {}, {}, {}, "USD", collection="Setwise_none")
    rows = popular_rows(snapshot.category, POPULARITY)
    index = LocalIndex(tmp_path / "index")
    return LiveRelease(manifest, snapshot, None, index, None, None, Analyzer(), [], popularity=POPULARITY, popular=rows)


def context(live: LiveRelease, tmp_path, deadline: Deadline | None = None, **changes: object) -> Context:
    reader = SqliteFeatures(tmp_path / "absent.db", "setwise", 1_000)
    given = {"retriever": InProcessRetriever(), "features": reader, "breakers": Breakers(features=Breaker("sqlite"))}
    return Context(live, Dependencies(**(given | changes)), NOW, deadline)


def found(live: LiveRelease, hits) -> list[str]:
    return [live.snapshot[row].title for row in hits.rows.tolist()]


def test_the_most_bought_rows_lead_and_each_category_has_its_part(monkeypatch) -> None:
    category = np.asarray([0] * 50 + [1] * 3)
    bought = np.arange(53, dtype=np.float32)
    monkeypatch.setattr("online.live.POPULAR_ROWS", 10)
    assert popular_rows(category, bought).tolist() == [52, 51, 50, 49, 48, 47, 46, 45]
    assert popular_rows(category, None).tolist() == [0, 1, 2, 3, 4, 50, 51, 52]
    assert popular_rows(np.empty(0, np.int64), None).tolist() == []


def test_a_broken_index_is_answered_with_what_is_bought_most_of_what_was_named(live, tmp_path) -> None:
    of_another_model = np.ones(384, dtype=np.float32)
    asked = context(live, tmp_path)
    desks, rugs = retrieve(asked, ["desk", "something red"], [of_another_model] * 2, [10, 10], [[], ["Rugs"]])
    assert found(live, desks) == ["Oak desk", "Walnut desk"]
    assert found(live, rugs) == ["Red rug", "Blue rug"]
    assert asked.rung == "popular"
    assert [entry.dependency for entry in asked.degraded] == ["index"]


def test_where_nothing_answers_the_words_the_last_rung_has_the_most_bought_of_all(live, tmp_path) -> None:
    asked = context(live, tmp_path, Deadline(0.0))
    (anything,) = retrieve(asked, ["qqq"], [None], [3])
    assert found(live, anything) == ["Oak desk", "Blue rug", "Oak chair"]
    assert asked.degraded == [Degraded("index", "no time left")]


def test_a_store_that_nobody_listens_for_costs_one_rung_and_five_failures_open_its_breaker(live, tmp_path) -> None:
    store = WeaviateRetriever(Vectors(weaviate_grpc_port=1), timeout_s=2)
    breakers = Breakers()
    reasons = []
    for _ in range(IN_A_ROW + 1):
        asked = context(live, tmp_path, retriever=store, breakers=breakers)
        (desks,) = retrieve(asked, ["walnut desk"], [None], [5])
        assert found(live, desks)[0] == "Walnut desk"
        assert asked.rung == "local_index"
        reasons += [entry.reason for entry in asked.degraded]
    assert reasons == ["unavailable"] * IN_A_ROW + ["circuit open"]
    store.close()


def test_an_encoder_that_fails_leaves_the_words(live, tmp_path) -> None:
    asked = context(live, tmp_path)
    assert encode(asked, ["a desk", "a rug"]) == [None, None]  # there is none in this release
    assert (asked.rung, asked.degraded) == ("lexical", [Degraded("encoder", "AttributeError")])
    assert encode(context(live, tmp_path), []) == []


def test_a_store_that_was_never_filled_leaves_out_the_shopper_and_only_where_there_is_one(live, tmp_path) -> None:
    asked = context(live, tmp_path)
    assert hydrate(asked, BundleRequest(prompt="a desk")) == (None, None)
    assert (asked.rung, asked.degraded) == ("full", [])
    assert hydrate(asked, BundleRequest(prompt="a desk", user_id="u-1")) == (None, None)
    assert (asked.rung, asked.degraded) == ("no_profile", [Degraded("sqlite", "never filled")])


def test_a_visitor_without_a_session_row_or_view_is_answered_in_full_and_without_consent_nothing_is_read(
    live, tmp_path
) -> None:
    names = Pseudonyms(b"secret")
    for request in (
        BundleRequest(prompt="a desk", visitor_id="v-1"),
        ProductsRequest(prompt="a desk", session_id="s-1"),
        BundleRequest(prompt="a desk", user_id="u-1", visitor_id="v-1", consent=False),
    ):
        asked = context(live, tmp_path, pseudonyms=names)
        assert hydrate(asked, request) == (None, None)
        assert (asked.rung, asked.degraded) == ("full", [])
    down = RedisFeatures("redis://127.0.0.1:1/0", "setwise", 1_000)
    asked = context(live, tmp_path, pseudonyms=names, features=down)
    assert hydrate(asked, BundleRequest(prompt="a desk", visitor_id="v-1", consent=False)) == (None, None)
    assert asked.degraded == []
    assert hydrate(asked, BundleRequest(prompt="a desk", visitor_id="v-1")) == (None, None)
    assert (asked.rung, asked.degraded) == ("no_profile", [Degraded("sqlite", "unreachable")])
    down.close()


def test_the_worst_rung_stays_and_each_dependency_is_named_once(live, tmp_path) -> None:
    asked = context(live, tmp_path)
    for rung in ("no_profile", "local_index", "lexical", "local_index"):
        asked.degrade(rung, rung, "down")
    assert asked.rung == "local_index"
    assert [entry.dependency for entry in asked.degraded] == ["no_profile", "local_index", "lexical"]


def test_a_call_that_was_cut_short_by_the_deadline_is_no_failure_of_the_dependency(live, tmp_path) -> None:
    def times_out(_: float) -> None:
        raise TimeoutError("timeout")

    for left, is_open in ((0.05, False), (5.0, True)):
        breaker = Breaker("store")
        asked = context(live, tmp_path, Deadline(left), timeouts=TimeOuts(retrieve_s=1.0))
        for _ in range(IN_A_ROW):
            assert asked.ask(breaker, "local_index", 1.0, times_out) is None
        assert breaker.is_open == is_open
        assert asked.rung == "local_index"
