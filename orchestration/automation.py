"""When things run: a daily build, a build for a new feed file, and the way back."""

from pathlib import Path

import dagster as dg

from orchestration.resources import Workplace
from setwise.names import ReleaseId

ONE_BUILD = {"setwise/build": "release"}

release_build = dg.define_asset_job(
    "release_build",
    dg.AssetSelection.all(),
    executor_def=dg.in_process_executor,
    tags=ONE_BUILD,
    description="Feed to live release; only what changed is computed again.",
)

daily_build = dg.ScheduleDefinition(
    name="daily_build",
    job=release_build,
    cron_schedule="0 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
"""What is learned is learned anew every day, behind the same gates as a build by hand."""


@dg.sensor(job=release_build, minimum_interval_seconds=30, default_status=dg.DefaultSensorStatus.STOPPED)
def new_feed_file(context: dg.SensorEvaluationContext, workplace: Workplace) -> dg.SensorResult | dg.SkipReason:
    """Starts a build when one of the merchant's files was replaced."""
    mine = workplace.settings.catalogue
    paths = [Path(path) for path in (mine.feed, mine.orders, mine.sets, mine.judgements) if path]
    present = [path for path in paths if path.is_file()]
    if not present:
        return dg.SkipReason("SETWISE_FEED names no file: there is nothing to watch")
    state = ";".join(f"{path.name}:{path.stat().st_size}:{path.stat().st_mtime_ns}" for path in present)
    if state == context.cursor:
        return dg.SkipReason("the files are the ones of the last build")
    return dg.SensorResult(run_requests=[dg.RunRequest(run_key=state)], cursor=state)


class RollbackConfig(dg.Config):
    """Which release to go back to; empty = the one before the live one."""

    release_id: str = ""


@dg.op
def switch_back(context: dg.OpExecutionContext, config: RollbackConfig, workplace: Workplace) -> None:
    """Makes an earlier release the live one; the alias in Weaviate moves with it."""
    from orchestration.collection import connect, point_alias

    releases = workplace.releases
    live = releases.current_id()
    others = [manifest for manifest in releases.manifests() if manifest.release_id != live]
    parent = releases.manifest(live).parent if live else None
    wanted = config.release_id or next((m.release_id for m in others if m.release_id == parent), None)
    wanted = wanted or (others[0].release_id if others else None)
    if wanted is None:
        raise dg.Failure("there is no other release to go back to")
    kept = [manifest.release_id for manifest in releases.manifests()]
    if wanted not in kept:
        raise dg.Failure(f"release {wanted} is not kept; there are {', '.join(kept)}")
    manifest = releases.manifest(ReleaseId(wanted))
    releases.switch(manifest.release_id)
    if manifest.collection and workplace.settings.vectors.backend == "weaviate":
        with connect(workplace.settings.vectors) as client:
            point_alias(client, manifest.collection)
    context.log.info(f"release {manifest.release_id} is live again, {live} before it stays")


@dg.job(executor_def=dg.in_process_executor, tags=ONE_BUILD, description="Back to the release before the live one.")
def rollback() -> None:
    """One step: switch_back."""
    switch_back()
