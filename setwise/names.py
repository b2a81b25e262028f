"""Names that two processes share. A store is found by the same word on both sides, or not at all."""

import hashlib
from typing import NewType

ProductId = NewType("ProductId", str)
UserId = NewType("UserId", str)
ReleaseId = NewType("ReleaseId", str)

COLLECTION_ALIAS = "SetwiseProducts"
COLLECTION_PREFIX = "SetwiseProducts_"
"""Every collection of ours starts so; `collections_of` tells the shops apart."""

FEAST_PROJECT = "setwise"
PRODUCT_STATS_VIEW = "product_stats"
SHOPPER_PROFILES_VIEW = "shopper_profiles"
SHOPPER_SESSIONS_VIEW = "shopper_sessions"
RANKER_SERVICE = "ranker_v1"
PRODUCT_ENTITY_KEY = "product_id"
SHOPPER_ENTITY_KEY = "user_id"
SESSION_ENTITY_KEY = "shopper_key"
"""A pseudonym of a user, a visitor or a session, as events have it."""

REQUESTS_TOPIC = "requests"
RESULTS_TOPIC = "results"
SERVED_TOPIC = "served"
INTERACTIONS_TOPIC = "interactions"
CHANGES_TOPIC = "catalogue-changes"
ERASURES_TOPIC = "erasures"
TOPICS = (REQUESTS_TOPIC, RESULTS_TOPIC, SERVED_TOPIC, INTERACTIONS_TOPIC, CHANGES_TOPIC, ERASURES_TOPIC)
COMPACTED_TOPICS = frozenset({CHANGES_TOPIC, ERASURES_TOPIC})
"""Topics that keep the last record of each key, however old it is."""
DEAD_LETTER = ".dead-letter"

KEYS_FILE = "keys.db"
RULES_FILE = "rules.db"
SPOOL_FILE = "spool.db"
"""Files of the data folder that nothing can make anew."""
REJECTIONS_FILE = "reports/rejections.jsonl"
"""Below the data folder: rows of the last feed that were not taken, one JSON document a line."""
EXPERIMENTS_FILE = "reports/experiments.json"
"""Below the data folder: what the experiments came to."""


def collections_of(releases_url: str) -> str:
    """What the names of one shop's collections start with: shops that share a Weaviate never touch each other's."""
    return f"{COLLECTION_PREFIX}{_shop(releases_url)}_"


def redis_keys_of(releases_url: str) -> str:
    """What the Redis keys of one shop's rules and answered bundles start with, for the same reason."""
    return f"setwise:{_shop(releases_url)}"


def _shop(releases_url: str) -> str:
    return hashlib.sha256(releases_url.encode()).hexdigest()[:8]
