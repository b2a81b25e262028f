"""The benchmark's own arithmetic: lateness, percentiles, prompts, and a document that holds what was measured."""

import base64
import json
import math
import re
from itertools import islice

from benchmarks.serving.goals import GOALS, row
from benchmarks.serving.load import Sample, percentile, read_samples, summary
from benchmarks.serving.prompts import made_prompts, requests
from benchmarks.serving.report import write_report

MACHINE = {
    "date": "2026-01-01 00:00 UTC", "factor": 2.0, "quick": False, "load_before": 0.1, "processor": "X", "cores": 2,
    "memory_gib": 8.0, "python": "3.11", "versions": {"numpy": "2.4"},
}  # fmt: skip
UNIQUE = {
    "offered_per_s": 25.0, "asked": 100, "answered": 99, "served_by": {"full": 99},
    "p50": 10.0, "p90": 20.0, "p99": 30.0,
    "stages": {"encode": [6.0, 9.0], "rank": [3.5, 4.0], "total": [9.5, 28.0]}, "explained": 0.95, "cpu_ms_all": 12.0,
}  # fmt: skip
EMBEDDED = {
    "machine": MACHINE,
    "result": {
        "shop": "sample-30000", "products": 30_000, "seconds_to_first_answer": 3.0, "cold": UNIQUE, "unique": UNIQUE,
        "memory_mb": [{"resident": 500.0, "own": 200.0}],
    },
}  # fmt: skip


def line(seq: int, timestamp: str, latency_ms: float, code: int = 200) -> str:
    return json.dumps(
        {
            "seq": seq,
            "code": code,
            "timestamp": timestamp,
            "latency": latency_ms * 1e6,
            "body": base64.b64encode(b'{"request_id":"r","served_by":"no_profile"').decode(),
            "headers": {"Server-Timing": ["encode;dur=1.5, total;dur=4.25"]},
        }
    )


def test_a_request_that_left_late_is_as_late_as_it_left() -> None:
    lines = [
        line(1, "2026-01-01T00:00:00.150000000Z", 10),  # due at .100
        line(0, "2026-01-01T00:00:00.000000123Z", 10),
        line(2, "2026-01-01T00:00:00.200000000Z", 10),
    ]
    times = [sample.ms for sample in read_samples(lines, 0.1)]
    assert [round(ms) for ms in times] == [10, 60, 10]


def test_stages_and_the_rung_are_read_from_the_answer() -> None:
    (sample,) = read_samples([line(0, "2026-01-01T00:00:00Z", 5)], 0.1)
    assert sample.stages == {"encode": 1.5, "total": 4.25}
    assert sample.served_by == "no_profile"


def test_the_nearest_rank_is_the_percentile_and_nothing_has_none() -> None:
    assert percentile([4, 1, 3, 2], 0.5) == 2
    assert percentile(list(range(1, 101)), 0.99) == 99
    assert math.isnan(percentile([], 0.5))


def test_what_failed_is_counted_and_not_timed() -> None:
    measured = summary([Sample(200, 10, {"total": 9}), Sample(503, 0.1, {}), Sample(0, 10_000, {})], 5)
    assert (measured.asked, measured.answered, measured.p99, measured.explained) == (3, 1, 10, 0.9)
    assert measured.statuses == {"200": 1, "503": 1, "0": 1}


def test_no_two_made_prompts_are_alike_and_a_seed_gives_the_same_ones() -> None:
    prompts = list(islice(made_prompts(1), 5_000))
    assert len(set(prompts)) == 5_000
    assert prompts == list(islice(made_prompts(1), 5_000))


def test_a_load_names_shoppers_of_the_shop_or_nobody() -> None:
    ids = {int(re.sub("u-", "", str(body["user_id"]))) for body in requests(500, 1, 30)}
    assert min(ids) >= 1 and max(ids) <= 30
    assert all("user_id" not in body for body in requests(50, 1, 0))
    assert len({body["prompt"] for body in requests(500, 1, 30)}) == 500


def test_goals_are_scaled_by_the_machines_factor() -> None:
    cells = row(GOALS[0], {"embedded": EMBEDDED, "servers": None}, 2.0)
    assert cells == [
        "whole answer p50 / p99, ms",
        "10 / 30",
        "20 / 60",
        "10 / 30",
        "yes",
        "25 / 70",
        "50 / 140",
        "-",
        "",
    ]


def test_the_document_holds_the_figures_and_its_pictures(tmp_path) -> None:
    naive = {
        "machine": MACHINE,
        "result": {"shop": "sample-30000", "unique": UNIQUE | {"p99": 300.0, "cpu_ms_all": 60.0}},
    }
    write_report({"embedded": EMBEDDED, "naive": naive}, tmp_path / "benchmarks.md")
    text = (tmp_path / "benchmarks.md").read_text()
    assert "10.0 x" in text and "5.0 x" in text and "99 of 100" in text
    for picture in re.findall(r"!\[\]\((.+?)\)", text):
        assert (tmp_path / picture).read_text().startswith("<?xml")
