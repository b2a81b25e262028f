"""What has to happen to the tables every day, whether anybody builds or not."""

import dagster as dg

from orchestration.resources import Workplace
from orchestration.retention import expire_by


@dg.op
def forget_sentences(context: dg.OpExecutionContext, workplace: Workplace) -> None:
    """Empties the sentences of shoppers that are too old, and removes dead letters as old."""
    done = expire_by(workplace.settings)
    context.log.info(f"{done.sentences} sentences and {done.letters} dead letters were too old")


@dg.job(executor_def=dg.in_process_executor, description="Sentences of shoppers are kept for a limited time.")
def retention() -> None:
    """One step: forget_sentences."""
    forget_sentences()


daily_retention = dg.ScheduleDefinition(
    name="daily_retention",
    job=retention,
    cron_schedule="30 4 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
