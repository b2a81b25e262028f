"""python -m orchestration build | rollback | home: what `make` calls; the same jobs as in Dagster's pages."""

import argparse
import errno
import fcntl
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SHOWN_IN_PAGES = ("model_card", "plots")
SHOWN_ROWS = 3
"""Rows of an input that were not taken, in the terminal; all of them are in a file."""
LEAST_FREE_BYTES = 1_000_000_000
"""What a build needs at least: the encoder's export alone writes 0.3 GB, and fails with errors that name no disk."""
AS_PRINTED = {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}
"""What steps print stays in this terminal: Dagster would start four processes a step to keep it, 3 s of CPU a build. In
runs that its pages start, it does."""
IN_FILES = {"module": "orchestration.run_records", "class": "KeptEventLog"}
INSTANCE = """# Written by `python -m orchestration`; edit the settings instead.
telemetry:
  enabled: false
nux:
  enabled: false
# A busy machine takes minutes to import what the jobs need; Dagster gives up after three, and `make demo` ends with it.
code_servers:
  local_startup_timeout: 900
concurrency:
  runs:
    tag_concurrency_limits:
      - key: setwise/build
        value: release
        limit: 1
"""


def prepare_home(environ: dict[str, str]) -> Path:
    """Makes DAGSTER_HOME and its dagster.yaml, with run history in PostgreSQL where the settings say so."""
    from setwise.settings import Settings

    settings = Settings.from_env(environ)
    data_dir = Path(settings.storage.data_dir).absolute()
    home = Path(environ.get("DAGSTER_HOME") or data_dir / "dagster")
    home.mkdir(parents=True, exist_ok=True)
    text = INSTANCE
    if settings.storage.dagster_postgres_url:
        # The address stays in the environment: the file holds no password.
        text += "storage:\n  postgres:\n    postgres_url:\n      env: SETWISE_DAGSTER_POSTGRES_URL\n"
    (home / "dagster.yaml").write_text(text)
    os.environ["DAGSTER_HOME"] = environ["DAGSTER_HOME"] = str(home)
    return home


def run_job(name: str, ops: Mapping[str, Any] | None = None) -> int:
    """Runs a job here with this configuration of its ops, recorded in Dagster, with a line for each step; 0 or 1."""
    import dagster as dg
    from dagster._core.instance.ref import InstanceRef
    from rich.console import Console

    from orchestration.definitions import defs
    from setwise.settings import Settings

    console, started = Console(highlight=False, soft_wrap=True), time.perf_counter()
    failures: list[str] = []
    refusals: list[str] = []
    began: dict[str, float] = {}
    home, overrides = os.environ["DAGSTER_HOME"], {"compute_logs": AS_PRINTED}
    if not Settings.from_env(os.environ).storage.dagster_postgres_url:
        overrides["event_log_storage"] = IN_FILES | {"config": {"base_dir": str(Path(home) / "history" / "runs")}}
    here = InstanceRef.from_dir(home, overrides=overrides)
    with dg.DagsterInstance.from_ref(here) as instance:

        def show(event: dg.EventLogEntry) -> None:
            step = event.step_key or ""
            if event.dagster_event is None:
                if event.level == 20 and step:
                    console.print(f"    {step}: {event.user_message}", style="dim")
                return
            kind = event.dagster_event.event_type_value
            if kind == "STEP_START":
                began[step] = time.perf_counter()
                console.print(f"  {step} ...")
            elif kind == "ASSET_MATERIALIZATION":
                facts = event.dagster_event.step_materialization_data.materialization.metadata
                shown = [
                    f"{k} {v.value}"
                    for k, v in facts.items()
                    if isinstance(v.value, int | float | str) and k not in SHOWN_IN_PAGES
                ]
                console.print(f"    {', '.join(s for s in shown if not s.startswith(('key', 'feed ', 'path')))}")
                for said in _not_taken(facts):
                    console.print(f"    {said}", style="yellow")
            elif kind == "STEP_SUCCESS" and step in began:
                console.print(f"    done in {time.perf_counter() - began[step]:.1f} s", style="dim")
            elif kind == "ASSET_CHECK_EVALUATION":
                check = event.dagster_event.asset_check_evaluation_data
                if not check.passed and check.description:
                    is_warning = check.severity is dg.AssetCheckSeverity.WARN
                    said = f"{check.check_name}: {check.description}"
                    console.print(f"    {said}", style="yellow") if is_warning else refusals.append(said)
            elif kind == "STEP_FAILURE":
                failures.append(_reason(event.dagster_event.step_failure_data))

        job = defs.resolve_job_def(name)
        record = instance.handle_new_event

        def record_and_show(event: dg.EventLogEntry, **kwargs: object) -> None:
            record(event, **kwargs)
            show(event)

        instance.handle_new_event = record_and_show  # type: ignore[method-assign]
        quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        done = job.execute_in_process(run_config={**quiet, "ops": ops or {}}, instance=instance, raise_on_error=False)
    if failures or not done.success:
        for text in refusals or failures or ["a check failed; see the run in Dagster's pages"]:
            console.print(f"setwise: {text.strip()}", style="bold red")
        return 1
    console.print(f"{name}: done in {time.perf_counter() - started:.1f} s")
    return 0


def _not_taken(facts: Mapping[str, Any]) -> Iterator[str]:
    """The first rows that this input refused, and where the others are."""
    if "rejected_rows" not in facts or not facts["rejected"].value:
        return
    for record in facts["rejected_rows"].records[:SHOWN_ROWS]:
        row = record.data
        yield f"row {row['row']}: {row['field']} {row['value']!r}: {row['reason']}; {row['remedy']}"
    if (more := facts["rejected"].value - SHOWN_ROWS) > 0:
        yield f"and {more} more, all of them in {facts['path_of_rejections'].value}"


def _reason(failure) -> str:
    """The sentence that the asset raised, else the deepest cause."""
    if failure.user_failure_data is not None and failure.user_failure_data.description:
        return failure.user_failure_data.description
    error = failure.error
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message if error is not None else "a step failed; see the run in Dagster's pages"


def main() -> int:
    """Parses the command line; errors are one sentence."""
    parser = argparse.ArgumentParser(prog="python -m orchestration", description=__doc__)
    parser.add_argument("command", choices=["build", "rollback", "home"], help="home: prepare DAGSTER_HOME, print it")
    parser.add_argument("--to", default="", metavar="RELEASE", help="rollback: this one instead of the one before")
    chosen = parser.parse_args()
    command = chosen.command
    from setwise.settings import SettingsError

    home = Path()
    try:
        home = prepare_home(dict(os.environ))
        if command == "home":
            print(home)
            return 0
        import logging
        import warnings

        # Libraries' own warnings belong to the run's record, not between the lines that show progress.
        logging.getLogger().addHandler(logging.NullHandler())
        warnings.simplefilter("ignore")
        with _one_at_a_time(home):
            if command == "rollback":
                return run_job("rollback", {"switch_back": {"config": {"release_id": chosen.to}}})
            if _is_full(home):
                return _say_full(home)
            return run_job("release_build") and (_say_full(home) if _is_full(home) else 1)
    except SettingsError as error:
        print(f"setwise: {error}", file=sys.stderr)
        return 2
    except Exception as error:
        if getattr(error, "errno", None) == errno.ENOSPC or _is_full(home):
            return _say_full(home)
        raise


@contextmanager
def _one_at_a_time(home: Path) -> Iterator[None]:
    """Waits for another build of the same folder; the lock ends with its process, however that ends."""
    with (home / "build.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("setwise: another build of this folder runs; waiting for it to end", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_full(home: Path) -> bool:
    return shutil.disk_usage(home).free < LEAST_FREE_BYTES


def _say_full(home: Path) -> int:
    free = shutil.disk_usage(home).free // 1_000_000
    print(
        f"setwise: the disk under {home} has {free} MB free and a build needs 1000; free some space, or set "
        "SETWISE_DATA_DIR to a roomier folder, and run the command again; the live release is untouched",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
