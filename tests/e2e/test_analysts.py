"""What analysts find in the database itself: a comment on every column, and marts that their role alone may read."""

import os
import uuid
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from builds import marts
from postgres_server import postgres_programs, postgres_server
from psycopg import sql

from orchestration.marts import build
from orchestration.warehouse.stores import build_warehouse
from setwise.settings import Settings

COMMENTS = {
    "duckdb": "SELECT schema_name, table_name, column_name, comment FROM duckdb_columns() "
    "WHERE schema_name IN ('raw', 'marts') AND table_name <> 'alembic_version'",
    "postgres": "SELECT table_schema, table_name, column_name, "
    "col_description(format('%I.%I', table_schema, table_name)::regclass, ordinal_position) "
    "FROM information_schema.columns WHERE table_schema IN ('raw', 'marts') AND table_name <> 'alembic_version'",
}
REFUSED = (
    "SELECT * FROM raw.served", "SELECT * FROM raw.erasures", "SELECT * FROM staging.stg_served",
    "INSERT INTO marts.dim_users (person_key) VALUES ('x')", "DELETE FROM marts.fct_orders",
    "UPDATE marts.dim_users SET known_as = ''", "DROP TABLE marts.dim_users", "TRUNCATE marts.fct_served",
    "CREATE TABLE marts.mine (a int)", "CREATE SCHEMA mine", "CREATE TABLE public.mine (a int)",
)  # fmt: skip


def check_comments(settings: Settings) -> None:
    """On each column of the raw tables and the marts."""
    warehouse = build_warehouse(settings)
    columns = warehouse.rows(COMMENTS[settings.warehouse.backend])
    warehouse.close()
    assert len(columns) > 150
    assert [column for column in columns if not column[3]] == []


def test_every_column_of_a_duckdb_file_says_what_it_means(tmp_path: Path) -> None:
    settings = Settings.from_env({"SETWISE_DATA_DIR": str(tmp_path)})
    warehouse = build_warehouse(settings)
    warehouse.migrate()
    assert marts(settings, os.environ, "run", "--quiet") == 0
    check_comments(settings)
    warehouse.rewrite()  # as after an erasure
    check_comments(settings)


def test_every_column_on_postgres_says_what_it_means_and_an_analyst_reads_marts_only(
    leave_out: Callable, tmp_path: Path
) -> None:
    programs = postgres_programs()
    if programs is None:
        leave_out("PostgreSQL of its own", "initdb is not installed")
        return
    with postgres_server(programs) as url:
        own = {"SETWISE_WAREHOUSE": "postgres", "SETWISE_WAREHOUSE_POSTGRES_URL": url}
        settings = Settings.from_env({"SETWISE_DATA_DIR": str(tmp_path)} | own)
        warehouse = build_warehouse(settings)
        warehouse.migrate()
        warehouse.close()
        assert build(settings, os.environ, "run", "--quiet") == 0
        check_comments(settings)
        password, name = uuid.uuid4().hex, sql.Identifier(settings.warehouse.analyst_role)
        with psycopg.connect(url, autocommit=True) as operator:
            made = sql.SQL("CREATE ROLE ann LOGIN PASSWORD {} IN ROLE {}")
            operator.execute(made.format(sql.Literal(password), name))
        # dbt makes a mart anew: it is read all the same.
        assert marts(settings, os.environ, "run", "--quiet", "--select", "dim_products") == 0
        as_ann = urlunsplit(urlsplit(url)._replace(netloc=f"ann:{password}@{url.rsplit('@')[-1].split('/')[0]}"))
        with psycopg.connect(as_ann, autocommit=True) as ann:
            tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'marts'"
            readable = [mart for (mart,) in ann.execute(tables)]
            assert len(readable) >= 12
            for mart in readable:
                assert ann.execute(sql.SQL("SELECT count(*) FROM marts.{}").format(sql.Identifier(mart))).fetchone()
            for refused in REFUSED:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    ann.execute(refused.encode())
