"""The raw tables: events as they came, append-only, (source, id) unique; the last build's orders and products."""

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
ORDERS = sa.Table(
    "orders",
    METADATA,
    sa.Column("order_id", sa.Text, primary_key=True, comment="the shop's order id"),
    sa.Column("line_number", sa.Integer, primary_key=True, autoincrement=False, comment="from 1 on within the order"),
    sa.Column("ordered_at", sa.DateTime, nullable=False, comment="when, UTC"),
    sa.Column("user_key", sa.Text, nullable=False, comment="pseudonym of the user, as events have it, or empty"),
    sa.Column("product_id", sa.Text, nullable=False, comment="product id, of the feed or not"),
    sa.Column("quantity", sa.Integer, nullable=False, comment="pieces; below 0 = they came back"),
    sa.Column("price_cents", sa.BigInteger, nullable=False, comment="of one piece, in minor units"),
    sa.Column("currency", sa.Text, nullable=False, comment="ISO 4217 code"),
    comment="One row for each line of the orders file of the last build.",
)
PRODUCTS = sa.Table(
    "products",
    METADATA,
    sa.Column("product_id", sa.Text, primary_key=True, comment="id of the feed"),
    sa.Column("title", sa.Text, nullable=False, comment="title of the feed"),
    sa.Column("brand", sa.Text, nullable=False, comment="brand, or empty"),
    sa.Column("category", sa.Text, nullable=False, comment="first category path, levels joined by ' > ', or empty"),
    sa.Column("price_cents", sa.BigInteger, nullable=False, comment="list price in minor units"),
    sa.Column("currency", sa.Text, nullable=False, comment="ISO 4217 code of price and cost"),
    sa.Column("cost_cents", sa.BigInteger, comment="cost_of_goods_sold in minor units, where the feed says it"),
    sa.Column("is_in_feed", sa.Boolean, nullable=False, comment="false: an earlier feed had it, the last one has not"),
    comment="One row for each product that a feed had, as the last feed with it says.",
)
BUILDS = sa.Table(
    "builds",
    METADATA,
    sa.Column("table_name", sa.Text, primary_key=True, comment="orders or products"),
    sa.Column("key", sa.Text, nullable=False, comment="hash of what the rows were made from"),
    sa.Column("row_count", sa.BigInteger, nullable=False, comment="rows that were written"),
    sa.Column("loaded_at", sa.DateTime, nullable=False, comment="when, UTC"),
    comment="One row for each table that a build fills: written in the same transaction as its rows.",
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
