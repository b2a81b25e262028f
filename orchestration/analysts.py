"""The role of analysts on PostgreSQL: reads the marts, and nothing else of the warehouse."""

import logging

import psycopg
from psycopg import sql

from setwise.settings import Warehouse

logger = logging.getLogger("setwise.marts")
SCHEMA = "marts"


def grant_marts(warehouse: Warehouse) -> bool:
    """Makes the role where it is missing and lets it read what is in the marts now and later; False where this user may
    not. People log in by roles of their own that are members of it. Raises psycopg.Error."""
    if warehouse.backend != "postgres" or not warehouse.analyst_role:
        return True
    role, schema = sql.Identifier(warehouse.analyst_role), sql.Identifier(SCHEMA)
    with psycopg.connect(warehouse.postgres_url, autocommit=True) as connection:
        try:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [warehouse.analyst_role]).fetchone():
                connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(role))
        except psycopg.errors.DuplicateObject:
            pass  # another build was quicker
        except psycopg.errors.InsufficientPrivilege:
            logger.warning("analysts have no role: let an administrator CREATE ROLE %s", warehouse.analyst_role)
            return False
        for statement in (
            "CREATE SCHEMA IF NOT EXISTS {schema}",
            "GRANT USAGE ON SCHEMA {schema} TO {role}",
            "GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}",
            # dbt makes its tables anew each time.
            "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON TABLES TO {role}",
        ):
            connection.execute(sql.SQL(statement).format(schema=schema, role=role))
    return True
