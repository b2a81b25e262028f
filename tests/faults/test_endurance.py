"""Ten minutes each, by `make faults`: nothing grows under a steady load, and faults that come one after the other cost
no answer. ENDURANCE_S makes them shorter or longer."""

import os
import random
import time
from collections import Counter
from pathlib import Path

import msgspec
from fault_ladder import FAULTS, is_full, is_valid
from fault_load import Load, Reply
from fault_servers import Stage, serving, wait_until

SECONDS = float(os.environ.get("ENDURANCE_S", "600"))
WARM_S = SECONDS / 4
"""Until then caches fill: they are bounded, and stand still afterwards."""
SOAK_RATE = 30
"""60 % of the rated 50 a second."""
FAULT_RATE = 10
FAULT_EVERY_S, FAULT_S = 30, 10
SEED = 16


class Held(msgspec.Struct):
    """What the serving processes hold."""

    resident_mb: float
    sockets: int
    files: int
    threads: int


def held(pids: set[int]) -> Held:
    links = [str(link.readlink()) for pid in pids for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    sockets = sum(link.startswith("socket:") for link in links)
    threads = sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in pids)
    return Held(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, sockets, len(links) - sockets, threads)


def body_of(number: int) -> object:
    words = ("a desk and an office chair", "a cosy living room, no leather", "a rug and two lamps", "a wooden bed")
    return {"prompt": f"{words[number % 4]} under ${1_500 + number}", "user_id": f"u-{number % 60}"}


def without_body(reply: Reply) -> Reply:
    return msgspec.structs.replace(reply, body={}, headers={})


def test_a_steady_load_makes_nothing_grow(embedded, tmp_path) -> None:
    with serving(embedded | {"SETWISE_DEADLINE_MS": "1000", "SETWISE_QUEUE_MS": "1000"}, tmp_path / "log") as service:
        seen: list[Held] = []
        began = time.monotonic()
        with Load(service.port, SOAK_RATE, SECONDS, body_of, without_body) as load:
            while time.monotonic() - began < SECONDS:
                time.sleep(SECONDS / 40)
                seen.append(held({service.process.pid}))
        time.sleep(2)
        last = held({service.process.pid})
    settled = seen[len(seen) // 4 :]
    print("resident MB, each fortieth:", [round(one.resident_mb) for one in seen], last)
    print(Counter(reply.status for reply in load.replies))
    assert {reply.status for reply in load.replies} == {200}
    half = len(settled) // 2
    early, late = (sum(one.resident_mb for one in part) / len(part) for part in (settled[:half], settled[half:]))
    assert late < 1.03 * early
    assert last.files <= seen[0].files and last.threads <= seen[0].threads
    assert last.sockets <= min(one.sockets for one in seen)


def test_faults_that_come_one_after_the_other_cost_no_answer(stage: Stage, stock, tmp_path) -> None:
    dice = random.Random(SEED)
    happened: list[str] = []

    def judged(reply: Reply) -> Reply:
        problem = "" if is_valid(reply, stock) else f"{reply.status} {reply.problem} {str(reply.body)[:500]}"
        rung = {"served_by": reply.body.get("served_by", "none")}
        return msgspec.structs.replace(reply, body=rung, headers={}, problem=problem)

    def asked(number: int) -> object:
        return {
            "prompt": f"a desk and an office chair for {number % 50} years",
            "budget": {"max_cents": 300_000 + number},
        }

    with serving(stage.environ, tmp_path / "log") as service:
        wait_until(lambda: is_full(service), 60, "full before the faults")
        began = time.monotonic()
        with Load(service.port, FAULT_RATE, SECONDS, asked, judged) as load:
            while time.monotonic() - began < SECONDS - FAULT_EVERY_S:
                fault = dice.choice(sorted(FAULTS))
                happened.append(fault)
                breaks, mends = FAULTS[fault][:2]
                breaks(stage)
                time.sleep(FAULT_S)
                mends(stage)
                time.sleep(FAULT_EVERY_S - FAULT_S)
        back_s = wait_until(lambda: is_full(service), 60, "full after the faults")
    wrong = [reply.problem for reply in load.replies if reply.problem]
    times = sorted(reply.ms for reply in load.replies)
    print(f"{len(happened)} faults ({Counter(happened)}), {len(load.replies)} answers, {len(wrong)} wrong: {wrong[:5]}")
    print(Counter(reply.body["served_by"] for reply in load.replies), f"full again after {back_s:.1f} s")
    print(f"p50 {times[len(times) // 2]:.0f}, p99 {times[int(0.99 * len(times))]:.0f} ms")
    assert len(wrong) <= 0.0001 * len(load.replies)
