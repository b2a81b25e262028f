"""Feast, filled: parquet files of feature rows, and what is new in them written to the online store."""

import os
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, get_type_hints
from urllib.parse import unquote, urlsplit

from setwise.names import FEAST_PROJECT
from setwise.profiles import ShopperProfile
from setwise.settings import Settings, SettingsError
from setwise.statistics import ProductStats
from setwise.views import VIEWS

if TYPE_CHECKING:
    from feast import FeatureStore

_REPO = Path(__file__).parents[1] / "feature_repo"
_PROBED = 5


def open_store(settings: Settings, project: str = FEAST_PROJECT) -> "FeatureStore":
    """Feast as `feature_repo/feature_store.<backend>.yaml` describes it, with the settings filled in."""
    import feature_repo  # noqa: F401 - before Feast: it imports it in a third of the time

    # isort: split
    import yaml
    from feast import FeatureStore, RepoConfig

    folder = Path(settings.storage.data_dir).absolute()
    (folder / "features").mkdir(parents=True, exist_ok=True)
    features = settings.features
    values = {"SETWISE_DATA_DIR": str(folder), "FEAST_KEY_TTL_S": str(features.max_age_s)}
    if features.backend == "redis":
        values["FEAST_REDIS"] = redis_connection(features.redis_url)
    described = yaml.safe_load((_REPO / f"feature_store.{features.backend}.yaml").read_text())
    config = RepoConfig(**_filled(described, values) | {"project": project})
    config.repo_path = _REPO
    return FeatureStore(repo_path=str(_REPO), config=config)


def redis_connection(url: str) -> str:
    """A redis:// or rediss:// address in Feast's own form: host:port,db=0,password=..."""
    parts = urlsplit(url)
    password = unquote(parts.password or "")
    if parts.scheme not in ("redis", "rediss") or not parts.hostname or ":" in parts.hostname or "," in password:
        raise SettingsError(
            "SETWISE_REDIS_URL is not accepted: expected redis://[user:password@]host:port/db "
            "(rediss:// for TLS) with a host name or IPv4 address, and no comma in the password"
        )
    options = {
        "db": parts.path.strip("/") or "0",
        "username": unquote(parts.username or ""),
        "password": password,
        "ssl": "true" if parts.scheme == "rediss" else "",
    }
    return ",".join(
        [f"{parts.hostname}:{parts.port or 6379}", *(f"{name}={value}" for name, value in options.items() if value)]
    )


def apply(store: "FeatureStore", settings: Settings) -> None:
    """Registers the entities, views and the service; a second time changes nothing."""
    from feature_repo.features import definitions

    store.apply(list(definitions(settings.storage.data_dir, settings.features.max_age_s)))
    if store.config.online_store.type == "sqlite":
        # Without a write-ahead log, readers would wait while rows are written. The file remembers the mode.
        connection = sqlite3.connect(store.config.online_store.path)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.close()


def write_parquet(
    settings: Settings,
    view: str,
    snapshots: Iterable[tuple[datetime, Mapping[Any, ProductStats] | Mapping[Any, ShopperProfile]]],
) -> Path:
    """Replaces the file of a view by these rows; each snapshot carries its event time, by which rows age."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from feature_repo.features import parquet_of

    rows = [(key, moment, row) for moment, snapshot in snapshots for key, row in snapshot.items()]
    kinds = {
        int: pa.int64(), float: pa.float32(), tuple[int, ...]: pa.list_(pa.int64()),
        tuple[float, ...]: pa.list_(pa.float32()),
    }  # fmt: skip
    columns = {
        VIEWS[view].entity_key: pa.array([key for key, _, _ in rows], pa.string()),
        "event_timestamp": pa.array([moment for _, moment, _ in rows], pa.timestamp("us", "UTC")),
    }
    for name, kind in get_type_hints(VIEWS[view].row).items():
        values = [getattr(row, name) for _, _, row in rows]
        columns[name] = pa.array(values, kinds.get(kind, pa.list_(pa.string())))
    path = parquet_of(settings.storage.data_dir, view)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    pq.write_table(pa.table(columns), temporary)
    temporary.replace(path)
    return path


def materialise(store: "FeatureStore", until: datetime) -> dict[str, int]:
    """Writes to the online store what has event times after the last run's `until`; rows written per view.

    An online store that has lost its rows (another server, an emptied one) is filled again.
    """
    written = {}
    for view in (name for name, one in VIEWS.items() if not one.is_streamed):
        known = store.get_feature_view(view)
        assert known.ttl is not None
        # A microsecond more than the bounds, because Feast takes both of them in.
        oldest = until - known.ttl + timedelta(microseconds=1)
        last = known.most_recent_end_time
        start = oldest if last is None else max(oldest, last + timedelta(microseconds=1))
        if last is not None and _is_lost(store, view, _keys(known, oldest, last)):
            start = oldest
        keys = _keys(known, start, until)
        if keys:
            # Feast prints coloured lines of its own between those that show the build's progress.
            with redirect_stdout(StringIO()):
                store.materialize(start, until, [view])
        written[view] = len(keys)
    return written


def _filled(node: Any, values: Mapping[str, str]) -> Any:
    if isinstance(node, dict):
        return {name: _filled(value, values) for name, value in node.items()}
    return Template(node).substitute(values) if isinstance(node, str) else node


def _keys(view: Any, start: datetime, until: datetime) -> list[str]:
    import pyarrow.parquet as pq

    if start > until:
        return []
    window = [("event_timestamp", ">=", start), ("event_timestamp", "<=", until)]
    column = pq.read_table(view.batch_source.path, columns=view.join_keys, filters=window).column(0)
    return column.unique().to_pylist()


def _is_lost(store: "FeatureStore", view: str, keys: list[str]) -> bool:
    feature, entity_key = VIEWS[view].features[0], VIEWS[view].entity_key
    rows = [{entity_key: key} for key in keys[:_PROBED]]
    if not rows:
        return False
    found = store.get_online_features([f"{view}:{feature}"], rows).to_dict()[feature]
    return all(value is None for value in found)
