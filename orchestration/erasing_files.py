"""Somebody is forgotten in what was learned from the shop's past: kept orders, profiles, Feast's online store."""

import contextlib
import os
import sqlite3
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import msgspec

from orchestration.kept_rows import ORDERS_FILE, leave_out
from setwise.erasures import Erasures
from setwise.names import FEAST_PROJECT, SHOPPER_ENTITY_KEY, SHOPPER_PROFILES_VIEW
from setwise.orders import Order
from setwise.settings import Settings
from setwise.whole_file import write_whole

ROWS_FILE = "rows.json"
Removed = Counter[str]
"""By receipt."""


def forget_orders(settings: Settings, erasures: Erasures) -> Removed:
    """From every artefact that builds have kept."""
    removed: Removed = Counter()

    def is_theirs(order: Order) -> bool:
        receipt = erasures.covering(order.user_id, at=order.ordered_at)
        removed[receipt or ""] += receipt is not None
        return receipt is not None

    for file in _artefacts(settings, "orders").glob(f"*/{ORDERS_FILE}"):
        leave_out(file, Order, is_theirs)
    return removed


def forget_profiles(settings: Settings, erasures: Erasures) -> Removed:
    """From Feast's online store, then from the files that say whom to look for there: a process that is ended in
    between does it again."""
    if not len(erasures):
        return Counter()
    table, files = _parquet(settings), list(_artefacts(settings, "shopper_profiles").glob(f"*/{ROWS_FILE}"))
    known = set(_ids_of(table))
    for file in files:
        known.update(msgspec.json.decode(file.read_bytes(), type=dict[str, msgspec.Raw]))
    theirs = {user_id: receipt for user_id in known if (receipt := erasures.covering(user_id)) is not None}
    forget_online(settings, SHOPPER_PROFILES_VIEW, SHOPPER_ENTITY_KEY, theirs)
    if not theirs.keys().isdisjoint(_ids_of(table)):
        _leave_out_rows(table, set(theirs))
    for file in files:
        rows = msgspec.json.decode(file.read_bytes(), type=dict[str, msgspec.Raw])
        if not theirs.keys().isdisjoint(rows):
            write_whole(file, msgspec.json.encode({one: row for one, row in rows.items() if one not in theirs}))
    return Counter(theirs.values())


def _artefacts(settings: Settings, name: str) -> Path:
    return Path(settings.storage.data_dir).absolute() / "artefacts" / name


def _parquet(settings: Settings) -> Path:
    return Path(settings.storage.data_dir).absolute() / "features" / f"{SHOPPER_PROFILES_VIEW}.parquet"


def _ids_of(path: Path) -> list[str]:
    import pyarrow.parquet as pq

    return pq.read_table(path, columns=[SHOPPER_ENTITY_KEY]).column(0).to_pylist() if path.exists() else []


def _leave_out_rows(path: Path, ids: set[str]) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    rows = pq.read_table(path)
    unwanted = pc.is_in(rows.column(SHOPPER_ENTITY_KEY), pa.array(sorted(ids), pa.string()))
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    pq.write_table(rows.filter(pc.invert(unwanted)), temporary)
    temporary.replace(path)


def forget_online(settings: Settings, view: str, entity: str, ids: Iterable[str]) -> None:
    """The rows of these ids in a view of Feast's online store."""
    keys = [_entity_key(entity, one) for one in ids]
    if settings.features.backend == "redis":
        import redis

        with contextlib.closing(redis.Redis.from_url(settings.features.redis_url, protocol=2)) as client:
            for key in keys:
                client.delete(key + FEAST_PROJECT.encode())
        return
    file = Path(settings.storage.data_dir).absolute() / "features" / "online.db"
    if not file.exists():
        return
    with contextlib.closing(sqlite3.connect(file, timeout=10, isolation_level=None)) as connection:
        statement = f'DELETE FROM "{FEAST_PROJECT}_{view}" WHERE entity_key = ?'  # noqa: S608 - ours
        with contextlib.suppress(sqlite3.OperationalError):  # a store that was never filled
            connection.executemany(statement, [(key,) for key in keys])
        # Feast leaves what it has replaced in free places of the file.
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _entity_key(entity: str, user_id: str) -> bytes:
    from feast.infra.key_encoding_utils import serialize_entity_key
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey
    from feast.protos.feast.types.Value_pb2 import Value

    key = EntityKey(join_keys=[entity], entity_values=[Value(string_val=user_id)])
    return serialize_entity_key(key, entity_key_serialization_version=3)
