from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from demo.shopper import BUYS, buys
from online import metrics
from online.operator.business import live_business
from online.operator.catalogue import read_refused
from online.operator.figures import _gauges, _spreads
from setwise.consumer_lag import LagNote, lag_between, read_lags
from setwise.demo_player import Played, Switch, read_played, read_switch, write_played, write_switch
from setwise.live_counts import CountKey
from setwise.log import LogDownError
from setwise.names import REJECTIONS_FILE
from setwise.reports import REPORTS_FILE, Report, Reports, read_reports, write_reports
from setwise.whole_file import write_whole

NOW = datetime(2026, 4, 1, 12, 0, 30, tzinfo=UTC)
MINUTE = int(NOW.timestamp()) // 60


def test_counts_are_added_up_by_minute_variant_and_slot_and_money_by_currency() -> None:
    counts = {
        CountKey(MINUTE, "", "sofa", "served"): 3,
        CountKey(MINUTE - 1, '{"ranking":"treatment"}', "sofa", "bought"): 2,
        CountKey(MINUTE - 1, '{"ranking":"treatment"}', "sofa", "revenue_cents", "USD"): 500,
        CountKey(MINUTE, "", "lamp", "revenue_cents", "JPY"): 7,
        CountKey(MINUTE, "", "lamp", "revenue_cents", "USD"): -100,
    }
    told = live_business(counts, range(MINUTE - 2, MINUTE + 1), NOW)
    assert (told.total.served, told.total.bought, told.total.revenue_cents) == (3, 2, {"USD": 400, "JPY": 7})
    assert [funnel.served for _, funnel in told.by_minute] == [0, 0, 3]
    assert told.by_minute[-1][0] == datetime(2026, 4, 1, 12, tzinfo=UTC)
    assert told.by_variant['{"ranking":"treatment"}'].revenue_cents == {"USD": 500}
    assert told.by_slot["lamp"].revenue_cents == {"USD": -100, "JPY": 7}


def test_histograms_are_told_in_milliseconds_and_what_is_not_known_is_null() -> None:
    metrics.observe_stages({"rank": 4.0})
    metrics.observe_ages(12.0, None)
    found = {family.name: family for family in metrics.collected()}
    [spread] = [s for s in _spreads(found["setwise_stage_duration_seconds"]) if s.labels == {"stage": "rank"}]
    assert spread.le_ms[0] == 0.2 and spread.le_ms[-1] is None
    assert spread.counts == sorted(spread.counts) and spread.counts[-1] >= 1
    assert spread.counts[spread.le_ms.index(3.0)] < spread.counts[spread.le_ms.index(5.0)]
    gauges = _gauges(found)
    assert (gauges["index_age_s"], gauges["feature_age_s"]) == (12.0, None)


def test_a_reader_says_how_far_behind_it_is_and_that_the_log_is_away(tmp_path: Path) -> None:
    assert read_lags(tmp_path) == []
    LagNote(tmp_path, "loader").note(lambda: {"served": lag_between({0: 7, 1: 3}, {0: 5})})

    def away() -> dict[str, int]:
        raise LogDownError("away")

    LagNote(tmp_path, "stream").note(away)
    (tmp_path / "consumers/half.json").write_text("{")
    assert [(lag.name, lag.behind) for lag in read_lags(tmp_path)] == [("loader", {"served": 5}), ("stream", None)]


def test_rows_that_were_refused_are_counted_by_reason_also_while_a_build_writes_them(tmp_path: Path) -> None:
    assert read_refused(tmp_path) is None
    row = b'{"row":%d,"id":"p","field":"price","value":"x","reason":"it is no amount","remedy":"write one"}\n'
    write_whole(tmp_path / REJECTIONS_FILE, row % 2 + row % 3 + b'{"row": 4, "i')
    refused = read_refused(tmp_path)
    assert refused is not None and [one.row for one in refused.rows] == [2, 3]
    assert refused.by_reason == {"price: it is no amount": 2}


def test_a_file_of_the_marts_that_another_version_wrote_counts_as_none(tmp_path: Path) -> None:
    assert read_reports(tmp_path) is None
    reports = Reports(NOW, NOW, None, [Report("prompts", "Top prompts", "", ["prompt"], [["=1+1"]])])
    write_reports(tmp_path, reports)
    assert read_reports(tmp_path) == reports
    write_whole(tmp_path / REPORTS_FILE, b'{"made": 1}')
    assert read_reports(tmp_path) is None


def test_a_reader_asks_the_log_no_more_than_every_other_second(tmp_path: Path) -> None:
    asked, note = [], LagNote(tmp_path, "loader")
    for _ in range(5):
        note.note(lambda: asked.append(1) or {})  # type: ignore[func-returns-value]
    assert asked == [1]


def test_the_demos_switch_is_kept_and_a_player_that_is_gone_is_not_shown(tmp_path: Path) -> None:
    assert read_switch(tmp_path) == Switch() and read_played(tmp_path) is None
    write_switch(tmp_path, Switch(120, True))
    assert read_switch(tmp_path) == Switch(120, True)
    write_played(tmp_path, Played(datetime.now(UTC), 5))
    played = read_played(tmp_path)
    assert played is not None and played.visits == 5
    write_played(tmp_path, Played(NOW, 5))
    assert read_played(tmp_path) is None
    (tmp_path / "demo/switch.json").write_text('{"per_minute": 100000}')
    assert read_switch(tmp_path) == Switch()


@pytest.mark.parametrize("per_minute", [0, 601])
def test_a_pace_that_no_demo_has_is_refused(per_minute: int) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"per_minute": per_minute}, Switch)


def test_shoppers_under_treatment_buy_more_often_whatever_the_experiment_is_called() -> None:
    assert buys({}) == buys({"ranking": "control"}) == BUYS
    assert buys({"ranking": "control", "slots": "treatment"}) > BUYS
