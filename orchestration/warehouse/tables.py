"""The raw tables: one row for each event as it came, append-only, (source, id) unique."""

import sqlalchemy as sa

from setwise.names import INTERACTIONS_TOPIC, SERVED_TOPIC

SCHEMA = "raw"
TOPICS = (INTERACTIONS_TOPIC, SERVED_TOPIC)
METADATA = sa.MetaData(schema=SCHEMA)
COLUMNS: tuple[tuple[str, type[sa.types.TypeEngine], str], ...] = (
    ("source", sa.Text, "who says so; with id the identity of the event"),
    ("id", sa.Text, "unique within source"),
    ("type", sa.Text, "CloudEvents type, such as setwise.click"),
    ("time", sa.DateTime, "when it happened, UTC, by the sender's clock where that is believed"),
    ("received_at", sa.DateTime, "when the log took it, UTC"),
    ("partition", sa.Integer, "partition of the topic that it was read from"),
    ("offset", sa.BigInteger, "offset within that partition"),
    ("key", sa.Text, "pseudonym of user, else of visitor, else an id of its own"),
    ("traceparent", sa.Text, "W3C trace context of the request that it came with, or empty"),
    ("loaded_at", sa.DateTime, "when it was written here, UTC"),
    ("data", sa.JSON, "the event's data; its fields are those of setwise.events"),
)


def _events(topic: str, text: str) -> sa.Table:
    columns = [
        sa.Column(name, kind, primary_key=name in ("source", "id"), nullable=False, comment=said)
        for name, kind, said in COLUMNS
    ]
    return sa.Table(topic, METADATA, *columns, comment=text)


EVENTS = {
    INTERACTIONS_TOPIC: _events(INTERACTIONS_TOPIC, "One row for each thing that a shopper did."),
    SERVED_TOPIC: _events(SERVED_TOPIC, "One row for each answer that was given."),
}
DEAD_LETTERS = sa.Table(
    "dead_letters",
    METADATA,
    sa.Column("topic", sa.Text, primary_key=True, comment="topic that it was read from"),
    sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False, comment="partition of that topic"),
    sa.Column("offset", sa.BigInteger, primary_key=True, autoincrement=False, comment="offset within that partition"),
    sa.Column("reason", sa.Text, nullable=False, comment="why it is no row of the topic's table"),
    sa.Column("received_at", sa.DateTime, nullable=False, comment="when the log took it, UTC"),
    sa.Column("event", sa.Text, nullable=False, comment="the record as it came; bytes that are no text are replaced"),
    comment="One row for each record that could not be read.",
)
OFFSETS = sa.Table(
    "offsets",
    METADATA,
    sa.Column("topic", sa.Text, primary_key=True, comment="topic"),
    sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False, comment="partition of that topic"),
    sa.Column("next_offset", sa.BigInteger, nullable=False, comment="the first record that is not loaded yet"),
    comment="One row for each partition: written in the same transaction as the rows before that offset.",
)
ERASURES = sa.Table(
    "erasures",
    METADATA,
    sa.Column("receipt_id", sa.Text, primary_key=True, comment="id of the erasure"),
    sa.Column("mark", sa.Text, primary_key=True, comment="SHA-256 of a pseudonym of the person"),
    sa.Column("until", sa.DateTime, nullable=False, comment="what happened up to then is forgotten, UTC"),
    sa.Column("taken_at", sa.DateTime, nullable=False, comment="when rows were removed here, UTC"),
    sa.Column("finished_at", sa.DateTime, comment="when all other stores were cleared too, UTC; null before"),
    sa.Column("removed", sa.Text, nullable=False, comment="rows that were removed by table, as JSON"),
    sa.Column("secret", sa.Text, nullable=False, comment="mark of the secret that the mark was made with"),
    comment="One row for each pseudonym of somebody who was forgotten: no row of theirs up to then is taken.",
)
