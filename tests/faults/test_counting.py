"""Several processes count together: whichever of them is scraped, through kills and restarts."""

import json
import os
import re
import signal
import urllib.request
from pathlib import Path

import pytest
from fault_load import ask_now
from fault_servers import Service, serving, wait_until, workers_of

ROOMY = {"SETWISE_DEADLINE_MS": "5000", "SETWISE_QUEUE_MS": "5000", "SETWISE_WORKERS": "2"}
ANSWERS = 'setwise_request_duration_seconds_count{route="/v1/bundles",status="200"}'
LIVE = ("setwise_resident_bytes", "setwise_index_age_seconds")


def page(service: Service) -> dict[str, float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{service.port}/metrics", timeout=10) as reply:
        text = reply.read().decode()
    return {
        name: float(value)
        for name, value in (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    }


def ask(service: Service, count: int) -> None:
    for number in range(count):
        reply = ask_now(
            service.port, "/v1/bundles", {"prompt": f"zanzibar desk under ${900 + number}", "user_id": "u-1"}
        )
        assert reply.status == 200


def folder_of(environ: dict[str, str], service: Service) -> Path:
    return Path(environ["SETWISE_DATA_DIR"]) / "metrics" / str(service.port)


def gauges_of(environ: dict[str, str], service: Service) -> set[int]:
    names = [path.name for path in folder_of(environ, service).glob("gauge_livesum_*.db")]
    return {int(re.findall(r"\d+", name)[-1]) for name in names}


def is_memory_of_the_living(service: Service) -> bool:
    """Processes note theirs once a second, from when they are ready."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in workers_of(service))
    noted = page(service).get("setwise_resident_bytes", 0)
    return 0.85 < noted / (pages * os.sysconf("SC_PAGE_SIZE")) < 1.15


def test_every_scrape_has_what_all_processes_counted_also_what_a_killed_one_did(embedded, tmp_path) -> None:
    environ = embedded | ROOMY
    with serving(environ, tmp_path / "log") as service:
        # The service is ready when the first of its processes is.
        wait_until(lambda: is_memory_of_the_living(service), 60, "the memory of both")
        ask(service, 30)
        assert {page(service)[ANSWERS] for _ in range(10)} == {30}
        assert {page(service)["setwise_constraint_violations_total"] for _ in range(5)} == {0}
        before = page(service)
        victim = workers_of(service).pop()
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: victim not in workers_of(service) and len(workers_of(service)) == 2, 20, "a new worker")
        wait_until(lambda: gauges_of(environ, service) == workers_of(service), 60, "gauges of the living")
        after = page(service)
        assert after[ANSWERS] == 30 and after["setwise_cpu_seconds_total"] >= before["setwise_cpu_seconds_total"]
        ask(service, 10)
        wait_until(lambda: is_memory_of_the_living(service), 60, "the memory of two, not of three")
        last = page(service)
        assert last[ANSWERS] == 40
        assert all(last[name] > 0 for name in LIVE)
    again = Service(environ, tmp_path / "again.log", service.port)
    try:
        again.wait_ready()
        ask(again, 5)
        assert page(again)[ANSWERS] == 5, "a new start counts from nothing"
    finally:
        again.stop()


@pytest.mark.long  # the same as above, in the folder that is the usual one
def test_a_new_start_counts_from_nothing_in_a_folder_of_ones_own_too(embedded, tmp_path) -> None:
    environ = embedded | ROOMY
    left = Path(embedded["SETWISE_DATA_DIR"]) / "own-metrics"
    environ["PROMETHEUS_MULTIPROC_DIR"] = str(left)
    for _ in range(2):
        with serving(environ, tmp_path / "log") as service:
            ask(service, 5)
            assert page(service)[ANSWERS] == 5
            pids = {int(re.findall(r"\d+", path.name)[-1]) for path in left.glob("counter_*.db")}
            assert workers_of(service) <= pids


def test_a_log_that_is_no_terminal_is_json_without_prompts(embedded, tmp_path) -> None:
    log = tmp_path / "log"
    with serving(embedded | ROOMY | {"SETWISE_WORKERS": "1", "SETWISE_LOG_LEVEL": "debug"}, log) as service:
        ask(service, 2)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    requests = [line for line in lines if line["message"].startswith("POST /v1/bundles 200")]
    assert len(requests) == 2 and all(re.fullmatch("[0-9a-f]{32}", line["trace_id"]) for line in requests)
    assert {"time", "level", "logger", "message", "pid"} <= set.intersection(*map(set, lines))
    assert "zanzibar" not in log.read_text()
