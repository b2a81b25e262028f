"""How far a stream has read, in the same file as what it made of it."""

from collections.abc import Mapping

from sqlalchemy import BigInteger, Column, Connection, Integer, MetaData, String, Table


class OffsetsMovedError(Exception):
    """Another process has worked on these records."""


def offsets_table(tables: MetaData) -> Table:
    """The next offset of each partition."""
    return Table(
        "offsets",
        tables,
        Column("topic", String, primary_key=True),
        Column("partition", Integer, primary_key=True),
        Column("next_offset", BigInteger, nullable=False),
    )


def read_offsets(connection: Connection, topic: str) -> dict[int, int]:
    """Of the partitions that were read from."""
    rows = connection.exec_driver_sql("SELECT partition, next_offset FROM offsets WHERE topic = ?", (topic,))
    return {row.partition: row.next_offset for row in rows}


def move_offsets(connection: Connection, topic: str, since: Mapping[int, int], ends: Mapping[int, int]) -> None:
    """To `ends`. Raises OffsetsMovedError where they are not `since` any more: the transaction has to be undone."""
    known = read_offsets(connection, topic)
    if any(known.get(partition, 0) != since.get(partition, 0) for partition in ends):
        raise OffsetsMovedError(topic)
    statement = "INSERT INTO offsets VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET next_offset = excluded.next_offset"
    connection.exec_driver_sql(statement, [(topic, partition, end) for partition, end in ends.items()])
