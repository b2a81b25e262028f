"""The raw tables: events as they came, dead letters, offsets."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
SCHEMA = "raw"
EVENT_COLUMNS = (
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


def upgrade() -> None:
    """Only what PostgreSQL and DuckDB both understand."""
    for name, text in (
        ("interactions", "One row for each thing that a shopper did."),
        ("served", "One row for each answer that was given."),
    ):
        columns = [
            sa.Column(column, kind, nullable=False, comment=said, primary_key=column in ("source", "id"))
            for column, kind, said in EVENT_COLUMNS
        ]
        op.create_table(name, *columns, schema=SCHEMA, comment=text)
    op.create_table(
        "dead_letters",
        sa.Column("topic", sa.Text, primary_key=True, comment="topic that it was read from"),
        sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False, comment="partition of that topic"),
        sa.Column(
            "offset", sa.BigInteger, primary_key=True, autoincrement=False, comment="offset within that partition"
        ),
        sa.Column("reason", sa.Text, nullable=False, comment="why it is no row of the topic's table"),
        sa.Column("received_at", sa.DateTime, nullable=False, comment="when the log took it, UTC"),
        sa.Column(
            "event", sa.Text, nullable=False, comment="the record as it came; bytes that are no text are replaced"
        ),
        schema=SCHEMA,
        comment="One row for each record that could not be read.",
    )
    op.create_table(
        "offsets",
        sa.Column("topic", sa.Text, primary_key=True, comment="topic"),
        sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False, comment="partition of that topic"),
        sa.Column("next_offset", sa.BigInteger, nullable=False, comment="the first record that is not loaded yet"),
        schema=SCHEMA,
        comment="One row for each partition: written in the same transaction as the rows before that offset.",
    )
