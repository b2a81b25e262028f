from pathlib import Path

import numpy as np
import pytest

from orchestration.gates import Gate, not_worse
from orchestration.held_out import Case
from orchestration.measures import Answer, Evaluation, calibration, evaluated, interval, ndcg, price_tiers, recall
from orchestration.model_card import CARD_FILE, model_card, write_card
from setwise.catalogue import Product
from setwise.drift import OrdersSummary, Summary
from setwise.names import ProductId
from setwise.snapshot import Snapshot, write_snapshot

CASES = [Case(f"c{n}", "basket", {}, [f"p{n % 20}"], ["head product"]) for n in range(60)]


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    write_snapshot([Product(ProductId(f"p{n}"), f"Lamp {n}", 1_000 + n, "USD") for n in range(40)], tmp_path)
    return Snapshot(tmp_path)


def answers(place: int) -> dict[str, Answer]:
    """The meant product stands at this place, among nine that were not."""
    found = {}
    for case in CASES:
        others = [f"p{n}" for n in range(20, 29)]
        ranked = others[:place] + case.relevant + others[place:]
        found[case.id] = Answer(case.id, ranked, [1.0 - at / 10 for at in range(10)], "en")
    return found


def evaluation(snapshot: Snapshot, mine: dict[str, Answer], live: dict[str, Answer]) -> Evaluation:
    return evaluated("2026-01-01", CASES, mine, live, snapshot, snapshot, "r-live")


def test_figures_are_those_of_the_book() -> None:
    assert ndcg(["a", "b", "c"], {"b": 1}) == pytest.approx(1 / np.log2(3))
    assert ndcg(["a"], {"a": 1}) == 1.0 and recall(["a", "b"], {"a": 1, "z": 1}) == 0.5
    assert ndcg(["a", "x", "b"], {"a": 1, "b": 3}) == pytest.approx((1 + 3 / 2) / (3 + 1 / np.log2(3)))
    mean, low, high = interval(np.asarray([0.0, 1.0] * 50))
    assert (mean, low < 0.45, high > 0.55) == (0.5, True, True)
    assert interval(np.asarray([0.0, 1.0] * 50)) == (mean, low, high)


def test_a_release_that_answers_worse_is_refused_with_the_difference_and_a_better_one_is_not(snapshot) -> None:
    worse = evaluation(snapshot, answers(4), answers(0))
    refusals = [gate.refusal for gate in not_worse(worse) if gate.refusal]
    assert len(refusals) == 2 and refusals[0].startswith("gate ndcg_at_10 (upper end of the difference -0.6")
    assert not any(gate.refusal for gate in not_worse(evaluation(snapshot, answers(0), answers(4))))
    assert not any(gate.refusal for gate in not_worse(evaluation(snapshot, answers(1), answers(1))))


def test_a_loss_within_noise_is_no_reason(snapshot) -> None:
    mine = answers(1) | {f"c{n}": answers(0)[f"c{n}"] for n in range(0, 60, 3)}
    live = answers(1) | {f"c{n}": answers(0)[f"c{n}"] for n in (*range(1, 60, 3), 2)}
    found = evaluation(snapshot, mine, live)
    assert (found.figure("NDCG@10").difference or 0) < 0
    assert not any(gate.refusal for gate in not_worse(found))


def test_answers_that_show_hardly_any_of_the_catalogue_any_more_are_refused(snapshot) -> None:
    alike = {case.id: Answer(case.id, [*case.relevant[:1], "p0"], [1.0, 0.5], "en") for case in CASES[:1] * 60}
    found = evaluation(snapshot, alike, answers(9))
    assert any("gate coverage refused" in gate.refusal for gate in not_worse(found))


def test_without_a_live_release_nothing_is_compared(snapshot) -> None:
    found = evaluated("", CASES, answers(9), {}, snapshot, None, "")
    assert not not_worse(found) and found.live_coverage is None


def test_a_gate_says_by_how_much() -> None:
    assert Gate("violations", 3, 0, is_most=True).refusal == "gate violations refused the release: 3 is more than 0"
    assert Gate("index_recall", 0.95, 0.97).refusal == "gate index_recall refused the release: 0.95 is less than 0.97"
    assert not Gate("index_recall", 0.97, 0.97).refusal


def test_a_higher_score_is_meant_more_often_where_answers_are_good() -> None:
    shares = [share for _, share, _ in calibration(CASES, answers(0))]
    assert shares == sorted(shares) and shares[-1] == pytest.approx(0.5)


def test_price_tiers_are_places_within_a_category(snapshot) -> None:
    tiers = price_tiers(snapshot)
    assert tiers.min() == 0.0 and tiers.max() == 1.0 and (np.diff(tiers) > 0).all()


def test_the_same_inputs_give_the_same_card_and_it_names_data_figures_gates_limits_and_versions(snapshot) -> None:
    def card() -> str:
        found = evaluation(snapshot, answers(1), answers(2))
        summary = Summary(40, OrdersSummary(100, 200, None, "p1", 0.1, 0.1), {})
        return model_card("r-1", {"encoder": "abc"}, {"index_recall": 1.0}, found, summary, {"encoder": "MiniLM"})

    text = card()
    assert text == card()
    for said in (
        "# Release r-1",
        "products: 40",
        "| basket | all | NDCG@10 | 60 |",
        "index_recall: 1",
        "## Limits",
        "numpy ",
    ):
        assert said in text, said


def test_a_new_card_leaves_that_of_an_earlier_release_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "earlier").hardlink_to(write_card("one", tmp_path / "card") / CARD_FILE)
    write_card("two", tmp_path / "card")
    assert (tmp_path / "earlier").read_text() == "one" and (tmp_path / "card" / CARD_FILE).read_text() == "two"
