"""Orders and products of the last build."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
SCHEMA = "raw"


def upgrade() -> None:
    """Only what PostgreSQL and DuckDB both understand."""
    op.create_table(
        "orders",
        sa.Column("order_id", sa.Text, primary_key=True, comment="the shop's order id"),
        sa.Column(
            "line_number", sa.Integer, primary_key=True, autoincrement=False, comment="from 1 on within the order"
        ),
        sa.Column("ordered_at", sa.DateTime, nullable=False, comment="when, UTC"),
        sa.Column("user_key", sa.Text, nullable=False, comment="pseudonym of the user, as events have it, or empty"),
        sa.Column("product_id", sa.Text, nullable=False, comment="product id, of the feed or not"),
        sa.Column("quantity", sa.Integer, nullable=False, comment="pieces; below 0 = they came back"),
        sa.Column("price_cents", sa.BigInteger, nullable=False, comment="of one piece, in minor units"),
        sa.Column("currency", sa.Text, nullable=False, comment="ISO 4217 code"),
        schema=SCHEMA,
        comment="One row for each line of the orders file of the last build.",
    )
    op.create_table(
        "products",
        sa.Column("product_id", sa.Text, primary_key=True, comment="id of the feed"),
        sa.Column("title", sa.Text, nullable=False, comment="title of the feed"),
        sa.Column("brand", sa.Text, nullable=False, comment="brand, or empty"),
        sa.Column("category", sa.Text, nullable=False, comment="first category path, levels joined by ' > ', or empty"),
        sa.Column("price_cents", sa.BigInteger, nullable=False, comment="list price in minor units"),
        sa.Column("currency", sa.Text, nullable=False, comment="ISO 4217 code of price and cost"),
        sa.Column("cost_cents", sa.BigInteger, comment="cost_of_goods_sold in minor units, where the feed says it"),
        sa.Column(
            "is_in_feed", sa.Boolean, nullable=False, comment="false: an earlier feed had it, the last one has not"
        ),
        schema=SCHEMA,
        comment="One row for each product that a feed had, as the last feed with it says.",
    )
    op.create_table(
        "builds",
        sa.Column("table_name", sa.Text, primary_key=True, comment="orders or products"),
        sa.Column("key", sa.Text, nullable=False, comment="hash of what the rows were made from"),
        sa.Column("row_count", sa.BigInteger, nullable=False, comment="rows that were written"),
        sa.Column("loaded_at", sa.DateTime, nullable=False, comment="when, UTC"),
        schema=SCHEMA,
        comment="One row for each table that a build fills: written in the same transaction as its rows.",
    )
