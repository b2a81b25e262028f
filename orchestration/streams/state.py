"""What streams remember: one SQLite file, whose offsets and states change in one transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    LargeBinary,
    MetaData,
    String,
    Table,
    delete,
    select,
)
from sqlalchemy.dialects.sqlite import insert

from orchestration.streams.offsets import move_offsets, offsets_table, read_offsets
from setwise.local_store import open_local_store
from setwise.sessions import Act, ShopperKey

STATE_FILE = "streams.db"
TABLES = MetaData()
offsets_table(TABLES)
_SESSIONS = Table(
    "sessions",
    TABLES,
    Column("shopper_key", String, primary_key=True),
    Column("newest_us", BigInteger, nullable=False, index=True),
    Column("acts", LargeBinary, nullable=False),
)
AT_ONCE = 500
"""Keys of one SELECT."""
_encode, _decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(list[Act]).decode


class StreamState:
    """Raises SQLAlchemyError where the file cannot be read or written."""

    def __init__(self, path: Path) -> None:
        # A power cut may take the last transactions; their records are then read again.
        self._engine = open_local_store(path, TABLES, flush="NORMAL", is_serial=True)

    def offsets(self, topic: str) -> dict[int, int]:
        """The next offset of each partition that was read from."""
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            return read_offsets(connection, topic)

    def sessions(self, keys: Sequence[ShopperKey]) -> dict[ShopperKey, list[Act]]:
        """The acts of those keys that have any."""
        found: dict[ShopperKey, list[Act]] = {}
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for start in range(0, len(keys), AT_ONCE):
                some = _SESSIONS.c.shopper_key.in_(keys[start : start + AT_ONCE])
                for row in connection.execute(select(_SESSIONS.c.shopper_key, _SESSIONS.c.acts).where(some)):
                    found[ShopperKey(row.shopper_key)] = _decode(row.acts)
        return found

    def commit(
        self, topic: str, since: Mapping[int, int], ends: Mapping[int, int], sessions: Mapping[ShopperKey, list[Act]]
    ) -> None:
        """Keeps sessions and offsets together. Raises OffsetsMovedError where the offsets are not `since` any more."""
        rows = [
            {"shopper_key": key, "newest_us": acts[-1].at_us, "acts": _encode(acts)} for key, acts in sessions.items()
        ]
        with self._engine.begin() as connection:
            move_offsets(connection, topic, since, ends)
            if rows:
                statement = insert(_SESSIONS)
                new = {"newest_us": statement.excluded.newest_us, "acts": statement.excluded.acts}
                connection.execute(statement.on_conflict_do_update(set_=new), rows)

    def forget_sessions(self, before: datetime) -> None:
        """Those whose newest act was before this moment."""
        with self._engine.begin() as connection:
            connection.execute(delete(_SESSIONS).where(_SESSIONS.c.newest_us < int(before.timestamp() * 1_000_000)))

    def close(self) -> None:
        """Closes the file."""
        self._engine.dispose()
