"""One release's vectors in Weaviate: filled under a name of its own, seen by shoppers only when the alias moves."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import dagster as dg
import numpy as np
import weaviate
from weaviate.classes.config import Configure, DataType, Property, Tokenization, VectorDistances
from weaviate.classes.init import AdditionalConfig, Auth, Timeout
from weaviate.exceptions import UnexpectedStatusCodeError

from setwise.catalogue import indexed_text
from setwise.names import COLLECTION_ALIAS
from setwise.settings import Vectors
from setwise.snapshot import Snapshot
from setwise.terms import Analyzer


@contextmanager
def connect(vectors: Vectors) -> Iterator[weaviate.WeaviateClient]:
    """A client for one asset's work; a server that does not answer is one clear sentence."""
    try:
        client = weaviate.connect_to_custom(
            http_host=vectors.weaviate_host,
            http_port=vectors.weaviate_http_port,
            http_secure=vectors.weaviate_secure,
            grpc_host=vectors.weaviate_host,
            grpc_port=vectors.weaviate_grpc_port,
            grpc_secure=vectors.weaviate_secure,
            auth_credentials=Auth.api_key(vectors.weaviate_api_key) if vectors.weaviate_api_key else None,
            additional_config=AdditionalConfig(timeout=Timeout(init=5, query=30, insert=120)),
            skip_init_checks=True,
        )
        ready = client.is_ready()
    except weaviate.exceptions.WeaviateBaseError:
        ready = False
    if not ready:
        address = f"{vectors.weaviate_host}:{vectors.weaviate_http_port}"
        raise dg.Failure(f"Weaviate does not answer at {address}; start it (make services) or unset SETWISE_VECTORS")
    try:
        yield client
    finally:
        client.close()


def load(
    client: weaviate.WeaviateClient, name: str, snapshot: Snapshot, vectors: np.ndarray, say: Callable[[str], None]
) -> int:
    """Fills the collection from nothing and returns its number of objects; a failure removes it."""
    client.collections.delete(name)
    # The texts are analysed as for the in-process index, so that both match the same words.
    words = {"data_type": DataType.TEXT, "tokenization": Tokenization.WHITESPACE}
    client.collections.create(
        name,
        properties=[Property(name="text", **words)],
        vector_config=Configure.Vectors.self_provided(
            vector_index_config=Configure.VectorIndex.hnsw(
                distance_metric=VectorDistances.COSINE, ef=128, ef_construction=128, max_connections=16
            )
        ),
        inverted_index_config=Configure.inverted_index(bm25_b=0.75, bm25_k1=1.2),
    )
    analyzer = Analyzer()
    try:
        collection = client.collections.get(name)
        with collection.batch.fixed_size(batch_size=500, concurrent_requests=2) as batch:
            for row, product in enumerate(snapshot):
                batch.add_object(
                    {"text": " ".join(analyzer.terms(indexed_text(product)))},
                    uuid=object_id(row),
                    vector=vectors[row].astype(np.float32).tolist(),
                )
                if batch.number_errors > 10:
                    break
                if (row + 1) % 5_000 == 0:
                    say(f"loaded {row + 1:,} of {len(snapshot):,} products into Weaviate")
        failed = collection.batch.failed_objects
        count = int(collection.aggregate.over_all(total_count=True).total_count or 0)
        if failed or count != len(snapshot):
            reason = failed[0].message if failed else "objects are missing"
            raise dg.Failure(f"Weaviate took {count} of {len(snapshot)} products: {reason}")
    except BaseException:
        client.collections.delete(name)
        raise
    return count


def object_id(row: int) -> uuid.UUID:
    """The row as a UUID: an answer needs no property to be read back."""
    return uuid.UUID(int=row + 1)


def point_alias(client: weaviate.WeaviateClient, name: str) -> None:
    """Moves the alias to this collection in one step. It is the same for all shops of a server: who built last has
    it."""
    if not client.alias.exists(alias_name=COLLECTION_ALIAS):
        with suppress(UnexpectedStatusCodeError):  # another shop's build made it at the same moment
            client.alias.create(alias_name=COLLECTION_ALIAS, target_collection=name)
            return
    client.alias.update(alias_name=COLLECTION_ALIAS, new_target_collection=name)


def remove_others(client: weaviate.WeaviateClient, prefix: str, kept: set[str]) -> list[str]:
    """Deletes one shop's collections of releases that are gone."""
    gone = [n for n in client.collections.list_all(simple=True) if n.startswith(prefix) and n not in kept]
    for name in gone:
        client.collections.delete(name)
    return gone
