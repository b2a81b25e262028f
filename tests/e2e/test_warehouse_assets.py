"""Dagster's side of the tables: an hour is loaded again without a change, and the marts are built over it."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from builds import python

from orchestration.warehouse.stores import DuckWarehouse
from setwise.cloud_event import CloudEvent
from setwise.events import Interaction, InteractionItem
from setwise.local_log import LOG_FILE, LocalLog
from setwise.names import INTERACTIONS_TOPIC

ROOT = Path(__file__).parents[2]
RUN = """
import json, sys
import dagster as dg
from orchestration.warehouse.assets import boards, experiment_results, marts_keep_up, models, raw_asset
from orchestration.warehouse.automation import marts_follow
from orchestration.warehouse.definitions import defs

def run(assets, **more):
    with dg.DagsterInstance.ephemeral() as instance:
        done = dg.materialize(assets, instance=instance, resources=defs.resources, raise_on_error=False, **more)
        found = {
            event.asset_key.to_user_string(): {k: v.value for k, v in event.step_materialization_data.materialization.metadata.items()}
            for event in done.get_asset_materialization_events()
        }
        return done.success, found

def look(cursor):
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance, cursor=cursor, resources={"workplace": defs.resources["workplace"]})
        told = marts_follow(context)
    if isinstance(told, dg.SkipReason):
        return told.skip_message, cursor
    return sorted(key.to_user_string() for key in told.run_requests[0].asset_selection), told.cursor

hour = sys.argv[1]
raw = raw_asset("interactions")
both = [run([raw], partition_key=hour) for _ in range(2)]
first, cursor = look(None)
built, names = run([models, boards, experiment_results, marts_keep_up]) if sys.argv[2] == "marts" else (True, {})
second, _ = look(cursor)
third, _ = look(json.dumps(json.loads(cursor) | {"served": "another"}))
print(json.dumps({
    "looks": [first, second, third],
    "hours": [[ok, found["raw_interactions"]] for ok, found in both],
    "marts": [built, sorted(names)],
}, default=str))
"""  # noqa: E501


@pytest.mark.parametrize("made", ["hours", pytest.param("marts", marks=pytest.mark.long)])
def test_an_hour_of_the_log_is_loaded_again_without_a_change_and_the_marts_follow(tmp_path: Path, made: str) -> None:
    log, now = LocalLog(tmp_path / LOG_FILE, 1), datetime.now(UTC)
    for number in range(30):
        items = [InteractionItem("p-1", 1, 500)]
        data = Interaction("purchase", now, 1, "u-1", items=items, currency="USD", order_id=f"o-{number}")
        event = CloudEvent(f"e-{number}", "setwise.purchase", now, data, "shop")
        log.append(INTERACTIONS_TOPIC, "u-1", event.encoded(), {}).result(10)
    log.append(INTERACTIONS_TOPIC, "u-1", b"no event", {}).result(10)
    log.close()
    own = {k: v for k, v in os.environ.items() if not k.startswith(("SETWISE_", "DAGSTER_"))}
    own |= {"SETWISE_DATA_DIR": str(tmp_path), "PYTHONWARNINGS": "ignore", "PYTHONPATH": str(ROOT)}
    hour = now.strftime("%Y-%m-%d-%H:00")
    done = python(own, RUN, hour, made)
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr[-4_000:]
    told = json.loads(done.stdout.splitlines()[-1])
    (first_ok, first), (again_ok, again) = told["hours"]
    assert first_ok and again_ok
    assert (first["loaded"], first["dead letters"]) == (30, 1)
    assert (again["loaded"], again["there already"]) == (0, 30)
    everything, nothing, after_answers = told["looks"]
    assert {"fct_interactions", "fct_orders", "rpt_freshness", "boards", "experiment_results"} <= set(everything)
    assert nothing == "nothing came since the last run"
    assert {"fct_served", "fct_orders", "boards"} <= set(after_answers)
    assert not {"fct_interactions", "stg_interaction_items", "fct_impressions"} & set(after_answers)
    if made == "hours":
        return
    built, names = told["marts"]
    assert built and {"stg_interactions", "fct_orders", "rpt_bundle_performance_daily"} <= set(names)
    assert (tmp_path / "boards" / "index.html").is_file() and (tmp_path / "reports" / "experiments.json").is_file()
    orders = DuckWarehouse(tmp_path / "warehouse.duckdb").rows(
        "SELECT count(*), sum(revenue_cents) FROM marts.fct_orders"
    )
    assert [(int(lines), int(cents)) for lines, cents in orders] == [(30, 15_000)]
