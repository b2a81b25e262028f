"""One suite for every vector store: the same release, asked the same."""

import os
import uuid
from datetime import UTC, datetime

import numpy as np
import pytest

from online.live import LiveRelease
from online.retrieval import InProcessRetriever, SlotQuery, VectorStoreDownError
from online.retrieval_weaviate import WeaviateRetriever
from orchestration import collection
from setwise.catalogue import Product, indexed_text
from setwise.complementarity import Complementarity, build_complementarity
from setwise.index import LocalIndex, build_index
from setwise.names import COLLECTION_PREFIX, ProductId, ReleaseId, collections_of
from setwise.release import Manifest
from setwise.settings import Settings, Vectors
from setwise.snapshot import Snapshot, write_snapshot
from setwise.terms import Analyzer
from setwise.vocabulary import mine

WORDS = "red blue green walnut oak brass linen velvet sofa chair desk lamp rug vase shelf table".split()


@pytest.fixture(scope="module")
def release(tmp_path_factory) -> LiveRelease:
    folder = tmp_path_factory.mktemp("release")
    rng = np.random.default_rng(3)
    titles = [" ".join(rng.choice(WORDS, 4, replace=False)) for _ in range(400)]
    products = [Product(ProductId(f"p{i}"), title, 1_000 + i, "USD") for i, title in enumerate(titles)]
    vectors = rng.normal(size=(400, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    write_snapshot(products, folder / "snapshot")
    build_index(vectors, (indexed_text(p) for p in products), folder / "index")
    name = f"{COLLECTION_PREFIX}test_{uuid.uuid4().hex[:8]}"
    manifest = Manifest(ReleaseId("r-test"), datetime.now(UTC), None, (), {}, {}, {}, "USD", collection=name)
    snapshot = Snapshot(folder / "snapshot")
    (folder / "complementarity").mkdir()
    build_complementarity(snapshot, vectors.astype(np.float16), [], [], datetime.now(UTC), folder / "complementarity")
    return LiveRelease(
        manifest=manifest,
        snapshot=snapshot,
        encoder=None,
        index=LocalIndex(folder / "index"),
        vocabulary=mine(products),
        complementarity=Complementarity.open(folder / "complementarity"),
        analyzer=Analyzer(),
    )


@pytest.fixture(scope="module", params=["in-process", "weaviate"])
def retriever(request, release, require_server):
    if request.param == "in-process":
        yield InProcessRetriever()
        return
    known = {k: v for k, v in os.environ.items() if k.startswith("SETWISE_WEAVIATE_")}
    settings = Settings.from_env(known).vectors
    require_server("Weaviate", settings.weaviate_host, settings.weaviate_http_port)
    with collection.connect(settings) as client:
        vectors = release.index.vectors()
        collection.load(client, release.manifest.collection, release.snapshot, vectors, print)
        store = WeaviateRetriever(settings, timeout_s=10)
        yield store
        store.close()
        client.collections.delete(release.manifest.collection)


def query(release: LiveRelease, row: int, text: str, limit: int = 20) -> SlotQuery:
    return SlotQuery(release.analyzer.query_terms(text), release.index.vectors(np.asarray([row]))[0], limit)


def test_a_product_is_found_by_its_own_title_and_vector(release, retriever) -> None:
    rows = [3, 77, 399]
    found = retriever.retrieve(release, [query(release, row, release.snapshot[row].title) for row in rows])
    assert [hits.rows[0] for hits in found] == rows


def test_hits_come_best_first_and_no_more_than_asked(release, retriever) -> None:
    hits = retriever.retrieve(release, [query(release, 5, "red sofa", 15)])[0]
    assert 0 < len(hits.rows) <= 30
    assert list(hits.scores) == sorted(hits.scores, reverse=True)
    assert len(set(hits.rows.tolist())) == len(hits.rows)


def test_words_alone_find_products_when_there_is_no_vector(release, retriever) -> None:
    hits = retriever.retrieve(release, [SlotQuery(release.analyzer.query_terms("velvet sofas"), None, 10)])[0]
    titles = [release.snapshot[row].title for row in hits.rows.tolist()]
    assert all("velvet" in title or "sofa" in title for title in titles)
    assert "velvet" in titles[0] and "sofa" in titles[0]


def test_both_stores_agree_on_most_of_the_best(release, retriever) -> None:
    asked = [query(release, row, release.snapshot[row].title, 50) for row in range(0, 400, 20)]
    own = InProcessRetriever().retrieve(release, asked)
    other = retriever.retrieve(release, asked)
    shared = [len(set(a.rows[:10].tolist()) & set(b.rows[:10].tolist())) / 10 for a, b in zip(own, other, strict=True)]
    assert np.mean(shared) >= 0.8


def test_a_store_that_does_not_answer_says_so(release) -> None:
    store = WeaviateRetriever(Vectors(weaviate_grpc_port=1), timeout_s=1)
    with pytest.raises(VectorStoreDownError):
        store.retrieve(release, [query(release, 1, "red")])
    store.close()


def test_one_shops_clean_up_never_touches_anothers_collection(release, require_server) -> None:
    settings = Settings.from_env({k: v for k, v in os.environ.items() if k.startswith("SETWISE_WEAVIATE_")}).vectors
    require_server("Weaviate", settings.weaviate_host, settings.weaviate_http_port)
    mine, other = (f"{collections_of(f'/shop/{uuid.uuid4()}')}a" for _ in range(2))
    with collection.connect(settings) as client:
        for name in (mine, other):
            collection.load(client, name, release.snapshot, release.index.vectors(), print)
        gone = collection.remove_others(client, mine[:-1], set())
        assert gone == [mine]
        assert client.collections.exists(other)
        client.collections.delete(other)
