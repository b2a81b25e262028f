"""What alembic executes: on PostgreSQL itself, for DuckDB as text. Its version table lies beside the raw tables."""

import sqlalchemy as sa
from alembic import context

from orchestration.warehouse.tables import METADATA, SCHEMA

url = context.config.attributes["url"]
common = {"target_metadata": METADATA, "version_table_schema": SCHEMA, "include_schemas": True}
if context.is_offline_mode():
    context.configure(url=url, literal_binds=True, transactional_ddl=False, **common)
    context.run_migrations()
else:
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=sa.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection, **common)
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()
