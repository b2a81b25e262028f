"""What was known of shoppers at a moment, as Feast's historical retrieval says it: never what came later."""

import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from orchestration import feature_store
from setwise.names import PRODUCT_STATS_VIEW, SHOPPER_ENTITY_KEY, SHOPPER_PROFILES_VIEW, UserId
from setwise.profiles import ShopperProfile
from setwise.settings import Settings
from setwise.views import VIEWS

Snapshots = Sequence[tuple[datetime, Mapping[UserId, ShopperProfile]]]


def profiles_then(settings: Settings, snapshots: Snapshots, asked: Sequence[tuple[UserId, datetime]]) -> list[Any]:
    """The profile of each shopper as of that time, as the online store would have given it; None for who was unknown.

    In a store of its own: what answers read online is neither seen nor changed."""
    import pandas as pd

    if not asked:
        return []
    with tempfile.TemporaryDirectory() as folder:
        storage = msgspec.structs.replace(settings.storage, data_dir=folder)
        features = msgspec.structs.replace(settings.features, backend="sqlite")
        mine = msgspec.structs.replace(settings, storage=storage, features=features)
        feature_store.write_parquet(mine, SHOPPER_PROFILES_VIEW, snapshots)
        feature_store.write_parquet(mine, PRODUCT_STATS_VIEW, [])
        store = feature_store.open_store(mine)
        feature_store.apply(store, mine)
        entities = pd.DataFrame(asked, columns=[SHOPPER_ENTITY_KEY, "event_timestamp"])
        entities["at"] = range(len(entities))
        names = VIEWS[SHOPPER_PROFILES_VIEW].features
        wanted = [f"{SHOPPER_PROFILES_VIEW}:{name}" for name in names]
        found = store.get_historical_features(entities, wanted).to_arrow().to_pylist()
    # Feast gives rows in an order of its own.
    rows: list[Any] = [None] * len(asked)
    for row in found:
        known = {name: row[name] for name in names if row[name] is not None}
        rows[row["at"]] = known or None
    return rows
