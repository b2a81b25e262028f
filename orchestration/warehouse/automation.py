"""When the marts are made: within a minute after something new came, and only those that it changes. And what has to
happen to the tables every day, whether anybody builds or not."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import dagster as dg

from orchestration.resources import Workplace
from orchestration.retention import expire_by
from orchestration.warehouse.assets import boards, experiment_results, models
from orchestration.warehouse.stores import Warehouse, WarehouseDownError, build_warehouse
from orchestration.warehouse.tables import SCHEMA, TOPICS
from orchestration.warehouse.watching import policy_value_report, prompts_are_spread_as_before

EVERY_S = 60
AGAIN_AFTER = timedelta(minutes=5)
"""A run that failed is tried again so long after it."""
UNDERWAY = [
    dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]  # fmt: skip

marts = dg.define_asset_job(
    "marts",
    dg.AssetSelection.assets(models, boards, experiment_results),
    executor_def=dg.in_process_executor,
    description="dbt's models over the raw tables, then boards and experiments.",
)


def state_of(warehouse: Warehouse) -> dict[str, str]:
    """What tells one content of each raw table from another. Raises WarehouseDownError."""
    state = {"orders": "", "products": ""}
    for topic in TOPICS:
        ((count, newest),) = warehouse.rows(f"SELECT count(*), max(loaded_at) FROM {SCHEMA}.{topic}")  # noqa: S608
        state[topic] = f"{count} {newest}"
    return state | dict(warehouse.rows(f"SELECT table_name, key FROM {SCHEMA}.builds"))  # noqa: S608


def downstream_of(tables: Iterable[str], deps: Mapping[dg.AssetKey, Iterable[dg.AssetKey]]) -> set[dg.AssetKey]:
    """The models that these raw tables change."""
    reached = {dg.AssetKey(f"raw_{table}") for table in tables}
    raw = set(reached)
    while found := {key for key, of in deps.items() if key not in reached and not reached.isdisjoint(of)}:
        reached |= found
    return reached - raw


@dg.sensor(job=marts, minimum_interval_seconds=EVERY_S, default_status=dg.DefaultSensorStatus.RUNNING)
def marts_follow(context: dg.SensorEvaluationContext, workplace: Workplace) -> dg.SensorResult | dg.SkipReason:
    """Starts a run for what changed since the last one that was started; one at a time."""
    if context.instance.get_runs(dg.RunsFilter(job_name=marts.name, statuses=UNDERWAY), limit=1):
        return dg.SkipReason("a run is underway")
    warehouse = build_warehouse(workplace.settings)
    try:
        warehouse.migrate()
        state = state_of(warehouse)
    except WarehouseDownError as error:
        return dg.SkipReason(f"no answer from the warehouse ({error})")
    finally:
        warehouse.close()
    before = json.loads(context.cursor or "{}")
    if failed_at := _failed_at(context.instance):
        if datetime.now(UTC) < failed_at + AGAIN_AFTER:
            return dg.SkipReason("the last run failed; it is tried again some minutes later")
        before = {}
    changed = [table for table in state if state[table] != before.get(table)]
    if not changed:
        return dg.SkipReason("nothing came since the last run")
    keys = sorted(downstream_of(changed, models.asset_deps) | {*boards.keys, *experiment_results.keys})
    request = dg.RunRequest(asset_selection=keys, tags={"setwise/changed": " ".join(changed)})
    return dg.SensorResult([request], cursor=json.dumps(state))


def _failed_at(instance: dg.DagsterInstance) -> datetime | None:
    for last in instance.get_run_records(dg.RunsFilter(job_name=marts.name), limit=1):
        if last.dagster_run.status is dg.DagsterRunStatus.FAILURE:
            return last.update_timestamp.astimezone(UTC)
    return None


@dg.op
def forget_sentences(context: dg.OpExecutionContext, workplace: Workplace) -> None:
    """Empties the sentences of shoppers that are too old, and removes dead letters as old."""
    done = expire_by(workplace.settings)
    context.log.info(f"{done.sentences} sentences and {done.letters} dead letters were too old")


@dg.job(executor_def=dg.in_process_executor, description="Sentences of shoppers are kept for a limited time.")
def retention() -> None:
    """One step: forget_sentences."""
    forget_sentences()


watching = dg.define_asset_job(
    "watching",
    dg.AssetSelection.assets(policy_value_report) | dg.AssetSelection.checks(prompts_are_spread_as_before),
    executor_def=dg.in_process_executor,
    description="What other orders of answers are worth, and whether prompts are what they were.",
)

daily_watching = dg.ScheduleDefinition(
    name="daily_watching",
    job=watching,
    cron_schedule="30 5 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)

daily_retention = dg.ScheduleDefinition(
    name="daily_retention",
    job=retention,
    cron_schedule="30 4 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
