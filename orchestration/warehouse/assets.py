"""Events in the raw tables, hour by hour, and dbt's models over them: from a topic to a mart."""

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, dbt_assets

from orchestration.boards.reports import BOARDS_FOLDER
from orchestration.marts import PROGRAM, after_dbt, dbt, dbt_environ
from orchestration.project import DBT_PROJECT
from orchestration.resources import Workplace
from orchestration.warehouse.rows import batch_of, naive
from orchestration.warehouse.sources import build_source
from orchestration.warehouse.stores import build_warehouse
from orchestration.warehouse.tables import SCHEMA, TOPICS
from setwise.flags import FlagsError
from setwise.settings import Settings

HOURS = dg.HourlyPartitionsDefinition(start_date="2026-01-01-00:00", timezone="UTC", end_offset=1)
MAX_LATE = timedelta(minutes=5)
"""An event that the log took so long ago and that is in no table means that the loader stands still."""
LATE = (
    "SELECT count(*) FROM raw.served AS came WHERE loaded_at < ? "
    "AND NOT EXISTS (SELECT 1 FROM marts.fct_served WHERE answer_id = came.id)",
    "SELECT count(*) FROM raw.interactions AS came WHERE loaded_at < ? "
    "AND NOT EXISTS (SELECT 1 FROM marts.fct_impressions WHERE source = came.source AND event_id = came.id) "
    "AND NOT EXISTS (SELECT 1 FROM marts.fct_interactions WHERE source = came.source AND event_id = came.id)",
)
"""Rows that no table of facts has yet."""
TOPIC_SPECS = [
    dg.AssetSpec(topic, group_name="topics", kinds={"kafka"}, description=f"Records of the log's topic {topic}.")
    for topic in TOPICS
]


def raw_asset(topic: str) -> dg.AssetsDefinition:
    """The raw table of one topic."""

    @dg.asset(
        name=f"raw_{topic}", group_name="raw", deps=[topic], partitions_def=HOURS,
        kinds={"postgres", "duckdb"},
        description="Events of one hour of the log, as they came; what is there already stays as it is.",
    )  # fmt: skip
    def load_hour(context: dg.AssetExecutionContext, workplace: Workplace) -> dg.MaterializeResult[None]:
        start = context.partition_time_window.start.astimezone(UTC)
        source, warehouse = build_source(workplace.settings), build_warehouse(workplace.settings)
        try:
            warehouse.migrate()
            done = [
                warehouse.load(batch_of(topic, records, datetime.now(UTC)), None)
                for records in source.between(topic, start, start + timedelta(hours=1))
            ]
            behind = sum(source.ends(topic).values()) - sum(warehouse.offsets(topic).values())
        finally:
            source.close()
            warehouse.close()
        return dg.MaterializeResult(
            metadata={
                "loaded": sum(one.inserted for one in done),
                "there already": sum(one.known for one in done),
                "dead letters": sum(one.dead for one in done),
                "records behind": max(behind, 0),
            }
        )

    return load_hour


def freshness_check(topic: str) -> dg.AssetChecksDefinition:
    """Whether the loader keeps up with one topic."""

    @dg.asset_check(asset=f"raw_{topic}", name=f"the_loader_keeps_up_with_{topic}")
    def keeps_up(workplace: Workplace) -> dg.AssetCheckResult:
        """What the log took five minutes ago and more is in the raw table."""
        source, warehouse = build_source(workplace.settings), build_warehouse(workplace.settings)
        try:
            warehouse.migrate()
            waiting = source.read(topic, warehouse.offsets(topic), 1_000, 1.0)
            late = sum(record.at < datetime.now(UTC) - MAX_LATE for record in waiting)
            rows = int(warehouse.rows(f"SELECT count(*) FROM {SCHEMA}.{topic}")[0][0])  # noqa: S608 - a name of ours
        finally:
            source.close()
            warehouse.close()
        return dg.AssetCheckResult(passed=not late, metadata={"late": late, "rows": rows})

    return keeps_up


class Names(DagsterDbtTranslator):
    """A source is the raw table's asset; a model is its own, in the group of its folder."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Without schemas: names are unique."""
        name = str(dbt_resource_props["name"])
        return dg.AssetKey(f"raw_{name}" if dbt_resource_props["resource_type"] == "source" else name)

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """staging, intermediate, marts; none for a source."""
        return None if dbt_resource_props["resource_type"] == "source" else str(dbt_resource_props["fqn"][1])


def manifest_of(settings: Settings, environ: Mapping[str, str]) -> Path:
    """What dbt read of the project, anew where a file of it is newer."""
    path = Path(settings.storage.data_dir).absolute() / "dbt-target/manifest.json"
    newest = max(file.stat().st_mtime for file in DBT_PROJECT.rglob("*") if file.is_file())
    if (not path.is_file() or path.stat().st_mtime < newest) and dbt(settings, environ, "parse", "--quiet"):
        raise RuntimeError("dbt cannot read its project; see the lines above")
    return path


_SETTINGS = Settings.from_env(os.environ)
_TARGET = Path(_SETTINGS.storage.data_dir).absolute() / "dbt-target"


@dbt_assets(manifest=manifest_of(_SETTINGS, os.environ), dagster_dbt_translator=Names(), project=None)
def models(context: dg.AssetExecutionContext, dbt_cli: DbtCliResource) -> Iterator[Any]:
    """dbt build: models and their tests, those that were chosen; unit tests look at the models, not at what is new."""
    settings, began = Settings.from_env(os.environ), datetime.now(UTC)
    os.environ.update(dbt_environ(settings, {}))
    command = ["build", "--exclude-resource-type", "unit_test"]
    yield from dbt_cli.cli(command, context=context, target_path=_TARGET).stream()
    after_dbt(settings, began)


@dg.asset(group_name="reports", deps=[dg.AssetKey("rpt_freshness")], kinds={"html"})
def boards(workplace: Workplace) -> dg.MaterializeResult[None]:
    """The page of `make boards`. One page, with a CSV file for each of its tables."""
    from orchestration.boards.page import write

    warehouse = build_warehouse(workplace.settings)
    try:
        page = write(warehouse, workplace.data_dir / BOARDS_FOLDER, datetime.now(UTC))
    finally:
        warehouse.close()
    return dg.MaterializeResult(metadata={"page": dg.MetadataValue.path(page), "bytes": page.stat().st_size})


@dg.asset(group_name="reports", deps=[dg.AssetKey("rpt_freshness")], kinds={"json"})
def experiment_results(workplace: Workplace) -> dg.MaterializeResult[None]:
    """What each experiment showed up to now, good at any look. One entry per flag that anybody was answered under."""
    from orchestration.experiments.__main__ import make_results

    warehouse = build_warehouse(workplace.settings)
    try:
        found = make_results(workplace.settings, warehouse)
    except FlagsError as error:  # as the service does: what was good stays
        return dg.MaterializeResult(metadata={"refused": str(error)})
    finally:
        warehouse.close()
    return dg.MaterializeResult(metadata={one.flag: one.words for one in found.experiments})


@dg.asset_check(asset="rpt_freshness", name="the_marts_keep_up")
def marts_keep_up(workplace: Workplace) -> dg.AssetCheckResult:
    """What came into the raw tables five minutes ago and more is in the marts."""
    until = naive(datetime.now(UTC) - MAX_LATE)
    warehouse = build_warehouse(workplace.settings)
    try:
        late = sum(int(warehouse.rows(statement, [until])[0][0]) for statement in LATE)
        ((built_at,),) = warehouse.rows("SELECT max(built_at) FROM marts.rpt_freshness")
    finally:
        warehouse.close()
    return dg.AssetCheckResult(passed=not late, metadata={"late": late, "built at (UTC)": str(built_at)})


DBT = DbtCliResource(project_dir=str(DBT_PROJECT), profiles_dir=str(DBT_PROJECT), dbt_executable=str(PROGRAM))
ASSETS = [*TOPIC_SPECS, *(raw_asset(topic) for topic in TOPICS), models, boards, experiment_results]
CHECKS = [*(freshness_check(topic) for topic in TOPICS), marts_keep_up]
