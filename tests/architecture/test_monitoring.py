import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from online import metrics
from online.messages import Degraded
from online.stream_metrics import families
from setwise.consumer_lag import ConsumerLag
from setwise.experiment import Assignment
from setwise.live_counts import SINCE_START, CountKey

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "monitoring"
PROMISED = {
    "setwise_stage_duration_seconds": {"stage"},
    "setwise_request_duration_seconds": {"route", "status"},
    "setwise_degraded_total": {"reason"},
    "setwise_constraint_violations_total": set(),
    "setwise_cache_requests_total": {"cache", "result"},
    "setwise_experiment_assignments_total": {"flag", "variant"},
    "setwise_index_age_seconds": set(),
    "setwise_feature_age_seconds": set(),
    "setwise_events_total": {"type", "result"},
    "setwise_revenue_attributed_cents_total": {"currency", "variant"},
    "setwise_consumer_lag": {"consumer", "topic"},
}
LAG = ConsumerLag("loader", datetime.now(UTC), {"served": 3})
EARNED = {CountKey(SINCE_START, '{"ranking":"treatment"}', "", "revenue_cents", "USD"): 1_299}


def rules() -> list[dict[str, str]]:
    groups = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> set[str]:
    return {rule["alert"] for rule in rules() if "alert" in rule}


def panels() -> list[dict]:
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def exposed() -> set[str]:
    """Names of the page, a histogram's three series included."""
    types = re.findall(r"^# TYPE (\S+) (\S+)$", metrics.render(families([LAG], EARNED)).decode(), re.MULTILINE)
    found = {name for name, _ in types}
    return found | {f"{name}_{part}" for name, kind in types if kind == "histogram" for part in ("bucket", "sum", "count")}  # fmt: skip # noqa: E501


def used(expression: str) -> set[str]:
    return set(re.findall(r"(?<![:\w])setwise_\w+", re.sub(r'"[^"]*"', "", expression)))


def test_every_metric_of_an_alert_or_a_panel_is_in_the_page() -> None:
    expressions = [rule["expr"] for rule in rules()]
    expressions += [target["expr"] for panel in panels() for target in panel["targets"]]
    names = set().union(*map(used, expressions))
    assert len(expressions) > 30 and len(names) > 10
    assert names - exposed() == set()


def test_every_series_that_is_recorded_is_used_and_every_used_one_is_recorded() -> None:
    expressions = [rule["expr"] for rule in rules()] + [t["expr"] for panel in panels() for t in panel["targets"]]
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    assert recorded == set(re.findall(r"setwise:\w+:\w+", " ".join(expressions)))


def test_what_the_contracts_name_is_there_with_its_labels_and_buckets_from_half_a_millisecond() -> None:
    metrics.observe_request("/v1/bundles", 200, 0.0004)
    metrics.observe_stages({"understand": 0.4})
    metrics.observe_cache("answers", "hit")
    metrics.observe_assignment(Assignment({"ranking": "treatment"}))
    metrics.observe_answer("lexical", [Degraded("encoder", "timeout")], 0)
    metrics.observe_events("click", "accepted")
    page = metrics.render(families([LAG], EARNED)).decode()
    assert 'setwise_consumer_lag{consumer="loader",topic="served"} 3.0\n' in page
    assert 'setwise_revenue_attributed_cents_total{currency="USD",variant="ranking=treatment"} 1299.0\n' in page
    for name, labels in PROMISED.items():
        assert name in exposed()
        found = re.search(rf"^{name}(?:_bucket)?(?:\{{(.*)\}})? ", page, re.MULTILINE)
        assert found is not None, name
        assert labels <= set(re.findall(r'(\w+)="', found[1] or "")), name
    first = re.search(r'setwise_request_duration_seconds_bucket\{le="([^"]*)",route="/v1/bundles",status="200"\}', page)
    assert first is not None and float(first[1]) == 0.0005


def test_every_alert_says_what_it_is_and_has_its_remedy_in_the_document() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    rows = dict(re.findall(r"^\| `(Setwise\w+)` \| [^|]+ \| ([^|]+) \|$", text, re.MULTILINE))
    assert set(rows) == alerts()
    assert all(len(remedy) > 30 for remedy in rows.values())
    for rule in rules():
        if "alert" in rule:
            assert rule["annotations"]["summary"] and rule["labels"]["severity"] in ("page", "warn")


def test_every_metric_of_the_page_is_in_the_document() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    named = set(re.findall(r"setwise_\w+", text))
    ours = {name for name in exposed() if name.startswith("setwise_") and not name.endswith("_created")}
    assert {name for name in ours if not re.search(r"_(bucket|sum|count)$", name)} <= named


def test_every_panel_has_a_title_and_a_place_of_its_own() -> None:
    places = [tuple(panel["gridPos"].values()) for panel in panels()]
    assert len(set(places)) == len(places)
    assert all(panel["title"] and panel["targets"] for panel in panels())


def test_every_alert_rises_when_it_should_and_only_then(leave_out) -> None:
    if (promtool := shutil.which("promtool")) is None:
        leave_out("promtool", "it is not on PATH; the package `prometheus` brings it")
    assert set(re.findall(r"alertname=?\"?:? ?\\?\"?(Setwise\w+)", (MONITORING / "alerts_test.yml").read_text())) == alerts()  # fmt: skip # noqa: E501
    tried = subprocess.run(
        [str(promtool), "test", "rules", MONITORING / "alerts_test.yml"], capture_output=True, text=True, check=False
    )
    assert tried.returncode == 0, tried.stdout + tried.stderr


@pytest.mark.parametrize("kept", ["alerts.yml", "prometheus.yml", "dashboard.json"])
def test_no_file_for_operators_names_a_machine(kept) -> None:
    addresses = re.findall(r"\d+\.\d+\.\d+\.\d+|https?://\S+", (MONITORING / kept).read_text())
    assert set(addresses) <= {"127.0.0.1"}
