"""Names that two processes share. A store is found by the same word on both sides, or not at all."""

from typing import NewType

ProductId = NewType("ProductId", str)
UserId = NewType("UserId", str)
ReleaseId = NewType("ReleaseId", str)

COLLECTION_ALIAS = "SetwiseProducts"
COLLECTION_PREFIX = "SetwiseProducts_"
"""One Weaviate collection per release: this prefix and the release's id."""

FEAST_PROJECT = "setwise"
PRODUCT_STATS_VIEW = "product_stats"
SHOPPER_PROFILES_VIEW = "shopper_profiles"
RANKER_SERVICE = "ranker_v1"
PRODUCT_ENTITY_KEY = "product_id"
SHOPPER_ENTITY_KEY = "user_id"


def collection_of(release_id: ReleaseId) -> str:
    """The Weaviate collection that holds this release's vectors."""
    return COLLECTION_PREFIX + release_id.replace("-", "_")
