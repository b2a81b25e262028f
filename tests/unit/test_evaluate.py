import os
from pathlib import Path

import pytest

from benchmarks.evaluate.asking import body_of
from benchmarks.evaluate.report import as_table
from benchmarks.evaluate.scoring import join_runs
from benchmarks.evaluate.shops import ROOT, Shop, on_day_0
from benchmarks.evaluate.tasks import SHOPS, askings, day_0_measures, measures

SHARED = Path(os.environ.get("SETWISE_SHARED") or ROOT / "../shared")


def test_a_cart_is_sent_as_basket_and_a_history_as_what_to_exclude() -> None:
    assert body_of({"text": "", "given": ["a"], "subsets": ["p3"]}) == {"k": 100, "basket": ["a"]}
    assert body_of({"text": "", "given": ["a"], "subsets": ["p2"], "user_id": "u"}) == {
        "k": 100,
        "exclude": ["a"],
        "user_id": "u",
    }


def test_an_anonymous_question_leaves_the_shopper_out() -> None:
    assert body_of({"text": "", "given": ["a"], "subsets": ["p3"], "user_id": "u"}, anonymous=True) == {
        "k": 100,
        "basket": ["a"],
    }


def test_a_query_without_history_is_its_words_alone() -> None:
    assert body_of({"text": "red lamp", "subsets": []}) == {"k": 100, "prompt": "red lamp"}


@pytest.mark.parametrize("shop", SHOPS)
def test_every_run_of_a_shop_is_scored(shop) -> None:
    scored = {run for measure in measures(shop) for run in (measure.asking, measure.against) if run is not None}
    assert scored == set(askings(shop))


@pytest.mark.parametrize("shop", SHOPS)
def test_every_baseline_that_is_compared_with_comes_with_its_set(shop) -> None:
    folder = SHARED / "data" / shop / "baselines"
    assert all(
        (folder / measure.baseline_file).is_file() or not folder.is_dir()
        for measure in measures(shop)
        if not measure.against
    )


def test_a_shop_on_day_0_has_its_catalogue_alone_and_what_is_made_of_it(tmp_path) -> None:
    for name in ("catalogue", "orders", "sets"):
        (tmp_path / f"{name}.jsonl").write_text("")
    (tmp_path / "builds/a/artefacts/encoder").mkdir(parents=True)
    (tmp_path / "builds/a/artefacts/encoder/model").write_text("m")
    shop = Shop("a", tmp_path, tmp_path / "builds/a")
    new = on_day_0(shop)
    assert shop.environ.keys() - new.environ.keys() == {"SETWISE_ORDERS", "SETWISE_SETS"}
    assert new.environ["SETWISE_FEED"] == shop.environ["SETWISE_FEED"]
    assert (new.data_dir / "artefacts/encoder/model").read_text() == "m" and new.data_dir != shop.data_dir


@pytest.mark.parametrize("shop", SHOPS)
def test_day_0_is_asked_the_questions_of_the_shop_but_what_a_shopper_buys_next(shop) -> None:
    lines = list(day_0_measures(shop))
    assert lines and {line.asking for line in lines} <= set(askings(shop))
    assert all(line.against and line.against.day_0 and not line.against.anonymous for line in lines)
    assert {line.subset for line in lines}.isdisjoint({"p1", "p2"})


def test_joined_runs_hold_every_line_of_each(tmp_path) -> None:
    (tmp_path / "a.jsonl").write_text('{"query_id": "1"}\n')
    (tmp_path / "b.jsonl").write_text('{"query_id": "2"}\n')
    joined = join_runs([tmp_path / "a.jsonl", tmp_path / "b.jsonl"], tmp_path / "both.jsonl")
    assert joined.read_text() == '{"query_id": "1"}\n{"query_id": "2"}\n'


def test_a_table_is_markdown_with_even_columns() -> None:
    assert as_table(["a", "bb"], [["ccc", "d"]]) == "| a   | bb |\n| --- | -- |\n| ccc | d  |"
