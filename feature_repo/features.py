"""Feast's definitions: two views over parquet files, one that events are pushed to, and the service of the ranker."""

import os
from datetime import timedelta
from pathlib import Path
from typing import get_type_hints

from feast import Entity, FeatureService, FeatureView, Field, FileSource, PushSource, ValueType
from feast.types import Array, Float32, Int64, String

from setwise.names import (
    PRODUCT_ENTITY_KEY,
    PRODUCT_STATS_VIEW,
    RANKER_SERVICE,
    SESSION_ENTITY_KEY,
    SHOPPER_ENTITY_KEY,
    SHOPPER_PROFILES_VIEW,
    SHOPPER_SESSIONS_VIEW,
)
from setwise.sessions import WINDOW
from setwise.settings import Settings
from setwise.views import VIEWS

_FEAST_TYPES = {int: Int64, float: Float32, tuple[int, ...]: Array(Int64), tuple[float, ...]: Array(Float32)}


def parquet_of(data_dir: str | Path, view: str) -> Path:
    """The file that the rows of a view are read from, absolute."""
    return Path(data_dir).absolute() / "features" / f"{view}.parquet"


def feature_view(name: str, entity: Entity, data_dir: str | Path, max_age_s: int) -> FeatureView:
    """A view with one field per field of its struct in `setwise.statistics`; other tuples are lists of strings."""
    hints = get_type_hints(VIEWS[name].row)
    parquet = FileSource(
        name=f"{name}_parquet", path=str(parquet_of(data_dir, name)), timestamp_field="event_timestamp"
    )  # fmt: skip
    return FeatureView(
        name=name,
        entities=[entity],
        ttl=timedelta(seconds=max_age_s),
        schema=[
            Field(name=entity.join_key, dtype=String),
            *(Field(name=feature, dtype=_FEAST_TYPES.get(kind, Array(String))) for feature, kind in hints.items()),
        ],
        source=PushSource(name=f"{name}_push", batch_source=parquet) if VIEWS[name].is_streamed else parquet,
    )


def definitions(
    data_dir: str | Path, max_age_s: int
) -> tuple[Entity, Entity, Entity, FeatureView, FeatureView, FeatureView, FeatureService]:
    """Everything that `apply` registers, for one data folder."""
    product = Entity(name="product", join_keys=[PRODUCT_ENTITY_KEY], value_type=ValueType.STRING)
    shopper = Entity(name="shopper", join_keys=[SHOPPER_ENTITY_KEY], value_type=ValueType.STRING)
    acting = Entity(name="acting_shopper", join_keys=[SESSION_ENTITY_KEY], value_type=ValueType.STRING)
    stats = feature_view(PRODUCT_STATS_VIEW, product, data_dir, max_age_s)
    profiles = feature_view(SHOPPER_PROFILES_VIEW, shopper, data_dir, max_age_s)
    sessions = feature_view(SHOPPER_SESSIONS_VIEW, acting, data_dir, int(WINDOW.total_seconds()))
    ranker = FeatureService(name=RANKER_SERVICE, features=[stats, profiles])
    return product, shopper, acting, stats, profiles, sessions, ranker


# Feast's command line finds what it applies among the names of this module; Setwise itself calls `definitions`.
_settings = Settings.from_env(os.environ)
product, shopper, acting_shopper, product_stats, shopper_profiles, shopper_sessions, ranker = definitions(
    _settings.storage.data_dir, _settings.features.max_age_s
)
