"""Stages of an answer: together they are the time that it took."""

import time

import pytest

from online.stages import STAGES, Stages, Waits


def test_the_stages_and_the_waits_around_them_add_up_to_the_whole() -> None:
    waits = Waits(time.perf_counter())

    def pipeline() -> dict[str, float]:
        stages = Stages()
        with stages("rank"):
            time.sleep(0.02)
        time.sleep(0.01)
        return stages.timings_ms()

    time.sleep(0.01)
    made = waits.timed(pipeline)
    time.sleep(0.01)
    timings = waits.around(made)
    assert list(timings) == ["queue", *STAGES, "other", "resume", "total"]
    assert sum(ms for name, ms in timings.items() if name != "total") == pytest.approx(timings["total"], abs=0.01)
    assert all(timings[name] >= 10 for name in ("queue", "other", "resume")) and timings["rank"] >= 20


def test_an_answer_that_no_thread_made_waited_for_none() -> None:
    timings = Waits(time.perf_counter() - 0.002).around(dict.fromkeys(STAGES, 0.0) | {"total": 0.1})
    assert timings["queue"] == timings["resume"] == 0.0
    assert timings["other"] == timings["total"] >= 2
