"""Several processes on one port: killed, replaced, drained and overrun, while a load goes on."""

import os
import re
import signal
import time
from collections import Counter
from pathlib import Path

import pytest
from fault_load import Load, Reply, ask_now
from fault_servers import free_port, serving, wait_until, workers_of

from benchmarks.serving.load import attack, vegeta
from benchmarks.serving.overload import judged

LONG = os.environ.get("FAULTS") == "long"
RATED_PER_S, OVERRUN_S = 50, 60
STEADY_PER_S = 20 if LONG else 8
"""What one worker answers while the other starts; the short form shares its cores with other suites."""
ROOMY = {"SETWISE_DEADLINE_MS": "5000", "SETWISE_QUEUE_MS": "5000", "SETWISE_DRAIN_S": "0.3"}


def body_of(number: int) -> object:
    return {"prompt": f"a desk and an office chair under ${2_000 + number}", "user_id": f"u-{number}"}


def became_ready(log: Path) -> set[int]:
    """The workers that ever said so."""
    return set(map(int, re.findall(r"worker (\d+) is ready", log.read_text())))


def is_whole(reply: Reply) -> bool:
    return reply.status == 200 and bool(reply.body["bundles"]) and reply.body["timings_ms"]["total"] > 0


def test_a_killed_worker_is_replaced_and_only_what_it_was_answering_is_lost(embedded, tmp_path) -> None:
    kills = 10 if LONG else 1
    with serving(embedded | ROOMY | {"SETWISE_WORKERS": "2"}, tmp_path / "log") as service:
        killed: set[int] = set()
        with Load(service.port, STEADY_PER_S, 8 * kills, body_of) as load:
            for _ in range(kills):
                time.sleep(3)
                # The last one that answers is not killed: on a crowded machine a start takes longer than the pause.
                wait_until(lambda: len(became_ready(tmp_path / "log") - killed) == 2, 60, "two that are ready")
                victim = workers_of(service).pop()
                killed.add(victim)
                os.kill(victim, signal.SIGKILL)
                wait_until(lambda gone=victim: len(workers_of(service) - {gone}) == 2, 10, "a new worker")
        assert len(killed) == kills and len(workers_of(service) - killed) == 2
        wait_until(lambda: is_whole(ask_now(service.port, "/v1/bundles", body_of(0))), 60, "an answer")
    failed = [reply for reply in load.replies if not is_whole(reply)]
    print(f"{len(failed)} of {len(load.replies)} failed in {kills} kills: {Counter(r.problem for r in failed)}")
    assert {reply.status for reply in load.replies} <= {200, 0}
    # A worker has at most its two answers under way, and what it had just accepted.
    assert len(failed) <= 3 * kills


def test_a_rolling_restart_loses_nothing(embedded, tmp_path) -> None:
    restarts = 20 if LONG else 1
    with serving(embedded | ROOMY | {"SETWISE_WORKERS": "2"}, tmp_path / "log") as service:
        seen: set[int] = set(workers_of(service))
        with Load(service.port, STEADY_PER_S, 10 * restarts, body_of) as load:
            for _ in range(restarts):
                old = workers_of(service)
                service.process.send_signal(signal.SIGHUP)
                wait_until(lambda old=old: workers_of(service).isdisjoint(old), 240, "all replaced")
                seen |= workers_of(service)
        assert len(seen) == 2 + 2 * restarts
        assert service.stop() == 0
    failed = [reply for reply in load.replies if not is_whole(reply)]
    print(f"{len(failed)} of {len(load.replies)} failed in {restarts} rolling restarts")
    assert failed == []


def test_sigterm_says_draining_answers_what_came_and_ends_with_0(embedded, tmp_path) -> None:
    with serving(embedded | ROOMY | {"SETWISE_DRAIN_S": "2"}, tmp_path / "log") as service:
        with Load(service.port, 10, 2, body_of) as load:
            time.sleep(0.5)
            service.process.terminate()
            wait_until(lambda: ask_now(service.port, "/health/ready").status == 503, 1.5, "draining")
            assert ask_now(service.port, "/health/ready").body["detail"] == "draining"
            assert ask_now(service.port, "/health/live").status == 200
        assert service.process.wait(timeout=20) == 0
    assert all(is_whole(reply) for reply in load.replies), [(r.status, r.problem) for r in load.replies]


if LONG:  # it needs both cores for itself, and a load generator that costs little

    @pytest.mark.parametrize("factor", [2, 5, 10])
    def test_an_overrun_service_answers_some_in_time_and_refuses_the_others_at_once(
        embedded, tmp_path, leave_out, factor
    ) -> None:
        try:
            vegeta()
        except RuntimeError as error:
            leave_out("vegeta", str(error))
        usual = {"SETWISE_DEADLINE_MS": "150", "SETWISE_DEADLINE_ENCODE_MS": "150", "SETWISE_ADDRESS_PER_S": "0"}
        with serving(embedded | usual, tmp_path / "log") as service:
            for number in range(20):
                ask_now(service.port, "/v1/bundles", body_of(number))
            bodies = [body_of(number) for number in range(RATED_PER_S * factor * OVERRUN_S)]
            samples = attack(f"http://127.0.0.1:{service.port}/v1/bundles", bodies, RATED_PER_S * factor, tmp_path)
            after = ask_now(service.port, "/v1/bundles", body_of(0))
        print(judged(samples, factor, RATED_PER_S, OVERRUN_S))
        assert {sample.status for sample in samples} == {200, 503}
        assert all(sample.served_by for sample in samples if sample.status == 200)
        assert is_whole(after)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_that_is_taken_is_one_sentence(embedded, tmp_path, workers) -> None:
    import socket
    import subprocess
    import sys

    from fault_servers import ROOT

    with socket.socket() as other:
        port = free_port()
        other.bind(("127.0.0.1", port))
        other.listen()
        environ = {k: v for k, v in os.environ.items() if not k.startswith("SETWISE_")}
        environ |= embedded | {"SETWISE_PORT": str(port), "SETWISE_WORKERS": workers}
        done = subprocess.run(
            [sys.executable, "-m", "online"],
            cwd=ROOT,
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == [
        f"setwise: port {port} of 127.0.0.1 is taken; end what listens there or set SETWISE_PORT"
    ]
