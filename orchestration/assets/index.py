"""Where a prompt finds products: files for the in-process index, and a collection in Weaviate."""

from pathlib import Path

import dagster as dg
import numpy as np

from orchestration import collection
from orchestration.artefacts import Artefact, result
from orchestration.assets.embeddings import VECTORS_FILE
from orchestration.resources import Workplace
from setwise.catalogue import indexed_text
from setwise.index import LocalIndex, build_index, index_recall
from setwise.names import collections_of
from setwise.snapshot import Snapshot

GROUP = "index"
MIN_RECALL = 0.97
WORDS = "4"
"""Which words of a product are indexed, as a number that changes with them: other words are another collection."""

LAYOUT = "2"
"""How the files of the in-process index are laid out."""


@dg.asset(group_name=GROUP, kinds={"usearch", "tantivy"})
def product_index(
    workplace: Workplace, products: Artefact, product_embeddings: Artefact
) -> dg.MaterializeResult[Artefact]:
    """usearch graph and tantivy words of one release. One row = one product, numbered as in the snapshot."""

    def build(folder: Path) -> dict[str, object]:
        snapshot = Snapshot(products.path)
        vectors = np.load(product_embeddings.path / VECTORS_FILE).astype(np.float32)
        build_index(vectors, (indexed_text(product) for product in snapshot), folder)
        sample = np.random.default_rng(0).choice(len(vectors), min(200, len(vectors)), replace=False)
        recall = index_recall(LocalIndex(folder), vectors[sample])
        return {"products": len(snapshot), "recall_at_100": round(recall, 4)}

    return result(
        workplace.artefacts.make("product_index", [WORDS, LAYOUT, products.key, product_embeddings.key], build)
    )


@dg.asset_check(asset=product_index, blocking=True)
def index_finds_what_an_exact_scan_finds(product_index: Artefact) -> dg.AssetCheckResult:
    """Recall of the 100 nearest against an exact scan, over 200 products' own vectors: at least .97."""
    recall = float(str(product_index.facts["recall_at_100"]))
    return dg.AssetCheckResult(passed=recall >= MIN_RECALL, metadata={"recall_at_100": recall})


@dg.asset(group_name=GROUP, kinds={"weaviate"})
def product_collection(
    context: dg.AssetExecutionContext, workplace: Workplace, products: Artefact, product_embeddings: Artefact
) -> dg.MaterializeResult[Artefact]:
    """The same rows in a Weaviate collection of their own; nothing where SETWISE_VECTORS is in-process."""
    vectors = workplace.settings.vectors
    artefacts = workplace.artefacts
    if vectors.backend != "weaviate":
        return result(artefacts.make("product_collection", ["none"], lambda _: {"collection": "", "products": 0}))

    def build(_: Path) -> dict[str, object]:
        name = f"{collections_of(workplace.settings.storage.releases)}{products.key}_{product_embeddings.key}_{WORDS}"
        matrix = np.load(product_embeddings.path / VECTORS_FILE)
        with collection.connect(vectors) as client:
            count = collection.load(client, name, Snapshot(products.path), matrix, context.log.info)
        return {"collection": name, "products": count}

    inputs = [
        WORDS,
        workplace.settings.storage.releases,
        products.key,
        product_embeddings.key,
        vectors.weaviate_host,
        vectors.weaviate_http_port,
    ]
    artefact = artefacts.make("product_collection", inputs, build)
    with collection.connect(vectors) as client:
        is_lost = not client.collections.exists(str(artefact.facts["collection"]))
    if is_lost:  # the server's data was removed since
        artefacts.drop(artefact)
        artefact = artefacts.make("product_collection", inputs, build)
    return result(artefact)
