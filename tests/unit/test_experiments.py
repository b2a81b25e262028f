"""What is said of an experiment: rarely a false alarm however often one looks, and words that fit the figures."""

import math
from datetime import datetime, timedelta

import msgspec
import numpy as np
import pytest

from benchmarks.experiments import METRICS, Shop, needed, simulated
from orchestration.experiments.metrics import Difference, compared
from orchestration.experiments.power import plan
from orchestration.experiments.results import PLANNED, Result, result_of
from orchestration.experiments.units import Unit, Units
from orchestration.experiments.words import LEAST_P, days_left, words
from setwise.experiment import Parameters
from setwise.flags import Flag
from setwise.sequential import ALPHA, confidence_sequence, cost_of_looking, share_mismatch

START = datetime(2026, 3, 1)


def test_a_sequence_holds_nothing_at_all_looks_in_95_of_100_walks_and_a_plain_interval_does_not() -> None:
    walks, steps = 400, np.asarray([100 * 2**k for k in range(8)] + list(range(1_000, 20_000, 1_000)))
    steps.sort()
    drawn = np.random.default_rng(5).normal(size=(walks, int(steps.max()))).astype(np.float32)
    means = np.cumsum(drawn, axis=1)[:, steps - 1] / steps
    width = [confidence_sequence(0.0, 1 / math.sqrt(n), int(n), 5_000).high for n in steps]
    ever = (np.abs(means) > width).any(axis=1).mean()
    plainly = (np.abs(means) > 1.96 / np.sqrt(steps)).any(axis=1).mean()
    assert ever <= ALPHA < 0.2 < plainly


def test_an_interval_and_its_p_say_the_same_and_it_is_dearer_than_one_look_by_what_is_planned_for_it() -> None:
    for z in (0.0, 1.5, 3.0, 3.04, 6.0):
        found = confidence_sequence(z, 1.0, 900, 1_000)
        assert (found.low > 0) == (found.p < ALPHA)
    edge = confidence_sequence(0.0, 1.0, 700, 1_000).high
    assert confidence_sequence(edge, 1.0, 700, 1_000).p == pytest.approx(ALPHA)
    widths = {n: confidence_sequence(0.0, 1 / math.sqrt(n), n, n).high * math.sqrt(n) for n in (10, 1_000, 10**6)}
    assert len({round(width, 9) for width in widths.values()}) == 1
    assert 1.5 < cost_of_looking() < 2.5


def test_shares_that_are_not_as_set_are_found_and_those_that_are_cause_no_alarm() -> None:
    rng, alarms = np.random.default_rng(3), 0
    for _ in range(200):
        treated = np.cumsum(rng.random(5_000) < 0.5)[99::100]
        seen = np.arange(100, 5_001, 100)
        alarms += (
            min(share_mismatch([int(t), int(n - t)], [0.5, 0.5]) for t, n in zip(treated, seen, strict=True)) < 0.01
        )
    assert alarms <= 4
    assert share_mismatch([5_000, 5_600], [0.5, 0.5]) < LEAST_P
    assert share_mismatch([900, 50, 50], [0.9, 0.05, 0.05]) > 0.5
    assert share_mismatch([900, 1], [1.0, 0.0]) == 0.0


def test_without_a_difference_looking_daily_alarms_no_more_often_than_promised() -> None:
    found = [simulated(Shop(1_500), seed, 1_500, METRICS, every=7) for seed in range(30)]
    for metric in METRICS:
        assert sum(tally.alarmed[metric] for tally in found) <= 30 * ALPHA + 2, metric
    assert sum(tally.mismatch for tally in found) <= 2


def test_a_planted_lift_is_found_at_the_planned_power_and_its_intervals_hold_it() -> None:
    units, money = needed(0.8, pilot=20_000), METRICS[0]
    found = [simulated(Shop(units, 0.8), seed, units, METRICS[:1], every=7) for seed in range(40)]
    assert sum(tally.better[money] for tally in found) >= 28
    assert sum(tally.held[money] for tally in found) >= 36
    assert not any(tally.alarmed[money] and not tally.better[money] for tally in found)


def test_what_was_spent_before_narrows_the_interval_and_moves_no_mean_of_all() -> None:
    rng = np.random.default_rng(2)
    before = [rng.gamma(1.0, 50.0, 2_000) for _ in range(2)]
    after = [one * 0.9 + rng.gamma(1.0, 20.0, 2_000) for one in before]
    plain = compared("m", "t", *({"numerator": a} for a in after), 4_000)
    less = compared("m", "t", *({"numerator": a, "before": b} for a, b in zip(after, before, strict=True)), 4_000)
    assert None not in (plain.low, plain.high, less.low, less.high)
    assert less.high - less.low < 0.6 * (plain.high - plain.low)  # type: ignore[operator]
    assert less.control + less.treatment == pytest.approx(plain.control + plain.treatment)


def test_a_ratio_counts_units_and_not_their_answers() -> None:
    """Half of the units have all answers fast, half slow: a thousand answers of each say no more than one."""
    rng = np.random.default_rng(4)
    slow = [np.where(rng.random(500) < 0.5, 10.0, 30.0) for _ in range(2)]
    many = compared("ms", "t", *({"numerator": 1_000 * s, "denominator": np.full(500, 1_000.0)} for s in slow), 1_000)
    once = compared("ms", "t", *({"numerator": s, "denominator": np.ones(500)} for s in slow), 1_000)
    assert (many.low, many.high) == pytest.approx((once.low, once.high))


def test_too_little_is_no_verdict() -> None:
    few = {"numerator": np.ones(99)}
    assert compared("m", "t", few, few, 1_000).relative is None
    nothing = {"numerator": np.zeros(5_000)}
    assert compared("m", "t", nothing, nothing, 1_000).verdict == "open"
    assert plan("m", np.zeros(10), np.zeros(10), 0.1, 1.0) is None


def test_a_plan_says_how_long_it_takes() -> None:
    rng = np.random.default_rng(6)
    spent = rng.gamma(1.0, 5_000.0, 4_000) * (rng.random(4_000) < 0.2)
    found = {lift: plan("revenue", spent, np.zeros(4_000), lift, 400.0) for lift in (0.05, 0.1)}
    small, large = found[0.05], found[0.1]
    assert small is not None and large is not None and 3.7 < small.units / large.units < 4
    assert large.days == math.ceil(large.units / 400) and f"{large.days:,} days" in large.words()
    assert plan("revenue", spent, np.zeros(4_000), 0.1, 0.0).words().endswith("how long that takes")  # type: ignore[union-attr]


def difference(relative: float, low: float, high: float, verdict: str, metric: str = "revenue") -> Difference:
    return Difference(metric, "treatment", 1.0, 1.0 + relative, relative, low, high, 0.5, verdict)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "left", "said"),
    [
        ((0.031, 0.009, 0.054, "better"), 4, "treatment earns 3.1 % more per visitor (0.9 to 5.4), keep going 4 days"),
        ((0.031, 0.009, 0.054, "better"), 0, "treatment earns 3.1 % more per visitor (0.9 to 5.4), give it to all"),
        ((-0.031, -0.054, -0.009, "worse"), 0, "treatment earns 3.1 % less per visitor (-5.4 to -0.9), end it"),
        ((0.01, -0.012, 0.04, "open"), 1,
         "nothing is certain yet: treatment earns between 1.2 % less and 4.0 % more, keep going 1 day"),
        ((0.01, -0.012, 0.04, "open"), 0,
         "no difference was found: treatment earns between 1.2 % less and 4.0 % more, end it"),
        ((0.01, -0.012, 0.04, "open"), None,
         "nothing is certain yet: treatment earns between 1.2 % less and 4.0 % more, nobody comes any more"),
    ],
)  # fmt: skip
def test_words_say_what_was_found_and_what_to_do(found, left, said) -> None:
    assert words(difference(*found), "earns", left, []) == said


def test_a_guardrail_stands_in_the_words() -> None:
    slower = difference(0.12, 0.05, 0.2, "worse", "milliseconds per answer")
    said = words(difference(0.031, 0.009, 0.054, "better"), "earns", 0, [slower])
    assert said.endswith("but its milliseconds per answer are 12.0 % more, look at that first")


def test_days_are_a_whole_week_at_least_and_for_what_is_open_until_all_planned_units_are_in() -> None:
    assert days_left("better", 3.5, 100, 1_000) == 4
    assert days_left("better", 8.0, 100, 1_000) == 0
    assert days_left("open", 10.0, 500, 1_000) == 10
    assert days_left("open", 10.0, 1_200, 1_000) == 0
    assert days_left("open", 10.0, 0, 1_000) is None


def units(treated: int, control: int, lift: float, seed: int = 1) -> Units:
    """Buyers are one in five; every third unit is returning and known as a user."""
    rng, found = np.random.default_rng(seed), {}
    for number in range(treated + control):
        variant = "treatment" if number < treated else "control"
        cents = float(rng.gamma(4.0, 500.0) * (1 + lift * (variant == "treatment"))) * (rng.random() < 0.4)
        kind = "user" if number % 3 == 0 else "visitor"
        found[f"u-{number}"] = Unit(
            variant, kind, START, 2, float(rng.gamma(9.0, 2.0)), ("en", "de")[number % 2], number % 3 == 0, cents > 0,
            {"EUR": cents}, {"EUR": cents / 2}, {"EUR": 0.0}, int(cents > 0), 6,
        )  # fmt: skip
    return Units(found, {"in two variants": 3, "machines": 2, "testers": 1}, START, True)


FLAG = Flag(True, {"control": Parameters(), "treatment": Parameters()}, "control", {"control": 0.5, "treatment": 0.5})


def test_a_result_names_variants_metrics_segments_and_a_verdict() -> None:
    found = result_of("ranking", FLAG, units(3_000, 3_000, 0.3), START + timedelta(days=9))
    assert [(one.name, one.units) for one in found.variants] == [("control", 3_000), ("treatment", 3_000)]
    assert found.variants[1].revenue_per_unit["EUR"] > found.variants[0].revenue_per_unit["EUR"]
    by_name = {one.metric: one for one in found.metrics}
    assert by_name.keys() == {
        "conversion", "revenue per unit (EUR)", "margin per unit (EUR)", "attach rate", "milliseconds per answer"
    }  # fmt: skip
    assert by_name["revenue per unit (EUR)"].verdict == by_name["margin per unit (EUR)"].verdict == "better"
    assert by_name["milliseconds per answer"].verdict == "open"
    assert found.srm_p is not None and found.srm_p > 0.5 and found.days == 9 and found.planned_units == PLANNED
    assert msgspec.json.decode(msgspec.json.encode(found), type=Result) == found, "plain numbers, as the file has them"
    assert found.words.startswith("treatment earns ") and found.words.endswith("give it to all")
    segments = {one.segment for one in found.segments}
    assert segments == {"new", "returning", "known as user", "known as visitor", "language en", "language de"}
    assert sum(one.units for one in found.segments if one.segment in ("new", "returning")) == 6_000


def test_units_that_are_not_shared_out_as_set_withhold_every_verdict() -> None:
    found = result_of("ranking", FLAG, units(3_000, 2_500, 0.3), START + timedelta(days=9))
    assert found.srm_p is not None and found.srm_p < LEAST_P
    assert {one.verdict for one in found.metrics} | {one.verdict for one in found.segments} == {"withheld"}
    assert "not shared out as the flag says" in found.words


def test_segments_of_an_experiment_without_a_difference_are_open() -> None:
    found = result_of("ranking", FLAG, units(3_000, 3_000, 0.0, seed=8), START + timedelta(days=9))
    assert {one.verdict for one in found.segments} == {"open"} and len(found.segments) == 6


def test_one_variant_alone_has_nothing_to_compare_with() -> None:
    alone = Flag(True, FLAG.variants, "control", {})
    found = result_of("ranking", alone, units(0, 300, 0.0), START + timedelta(days=2))
    assert found.metrics == [] and "nothing to compare" in found.words and found.srm_p is None
