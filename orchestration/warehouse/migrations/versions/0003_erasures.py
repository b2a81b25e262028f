"""Who was forgotten, and how far it is carried out."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
SCHEMA = "raw"


def upgrade() -> None:
    """Only what PostgreSQL and DuckDB both understand."""
    op.create_table(
        "erasures",
        sa.Column("receipt_id", sa.Text, primary_key=True, comment="id of the erasure"),
        sa.Column("mark", sa.Text, primary_key=True, comment="SHA-256 of a pseudonym of the person"),
        sa.Column("until", sa.DateTime, nullable=False, comment="what happened up to then is forgotten, UTC"),
        sa.Column("taken_at", sa.DateTime, nullable=False, comment="when rows were removed here, UTC"),
        sa.Column("finished_at", sa.DateTime, comment="when all other stores were cleared too, UTC; null before"),
        sa.Column("removed", sa.Text, nullable=False, comment="rows that were removed by table, as JSON"),
        sa.Column("secret", sa.Text, nullable=False, comment="mark of the secret that the mark was made with"),
        schema=SCHEMA,
        comment="One row for each pseudonym of somebody who was forgotten: no row of theirs up to then is taken.",
    )
