from pathlib import Path

import dagster as dg
from dagster._core.instance.ref import InstanceRef

from orchestration.__main__ import IN_FILES


@dg.asset
def numbers() -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(metadata={"rows": 3})


@dg.asset_check(asset=numbers)
def there_are_some() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


def test_what_a_build_by_command_records_is_read_by_dagsters_own_storage(tmp_path: Path) -> None:
    files = tmp_path / "history" / "runs"
    kept = InstanceRef.from_dir(
        str(tmp_path), overrides={"event_log_storage": IN_FILES | {"config": {"base_dir": str(files)}}}
    )
    runs = []
    for _ in range(2):
        with dg.DagsterInstance.from_ref(kept) as instance:
            done = dg.materialize([numbers, there_are_some], instance=instance)
            assert done.success
            runs.append(done.run_id)
    assert list(files.glob("*.db")) and not list(files.glob("*.db-wal")), "no file was left open"
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path))) as instance:
        assert type(instance.event_log_storage).__name__ == "SqliteEventLogStorage"
        assert [run.run_id for run in instance.get_runs()] == runs[::-1]
        assert all(len(instance.all_logs(run)) > 10 for run in runs)
        found = instance.get_latest_materialization_event(dg.AssetKey("numbers"))
        assert found is not None and found.run_id == runs[-1]
        assert found.asset_materialization is not None and found.asset_materialization.metadata["rows"].value == 3
