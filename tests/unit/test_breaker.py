import pytest
from hypothesis import given
from hypothesis import strategies as st

from online.breaker import IN_A_ROW, PROBE_EVERY_S, WINDOW, Breaker
from online.deadline import Deadline
from online.dependency_watch import FIRST_ATTEMPTS, DependencyWatch


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_it_opens_after_five_failures_in_a_row_and_not_before() -> None:
    breaker = Breaker("store")
    for _ in range(IN_A_ROW - 1):
        breaker.note(False)
    assert not breaker.is_open
    breaker.note(False)
    assert breaker.is_open


def test_it_opens_where_half_of_the_last_twenty_failed_without_five_in_a_row() -> None:
    breaker = Breaker("store")
    for number in range(WINDOW - 1):
        breaker.note(number % 2 == 0)
        assert not breaker.is_open
    breaker.note(False)
    assert breaker.is_open


@given(st.lists(st.booleans(), max_size=80))
def test_it_is_open_exactly_when_its_rule_was_met_since_the_last_success_that_closed_it(results: list[bool]) -> None:
    breaker, window, is_open = Breaker("store"), list[bool](), False
    for is_success in results:
        breaker.note(is_success)
        if is_success and is_open:
            window, is_open = [], False
        window = [*window, is_success][-WINDOW:]
        in_a_row = len(window) >= IN_A_ROW and not any(window[-IN_A_ROW:])
        half = len(window) == WINDOW and 2 * window.count(False) >= WINDOW
        is_open = is_open or (not is_success and (in_a_row or half))
        assert breaker.is_open == is_open


def test_one_probe_a_second_while_it_is_open_and_one_before_anybody_asked() -> None:
    clock = Clock()
    breaker = Breaker("store", clock)
    assert [breaker.is_probe_due() for _ in range(3)] == [True, False, False]
    breaker.open()
    due = []
    for _ in range(30):
        clock.now += PROBE_EVERY_S / 10
        due.append(breaker.is_probe_due())
    assert sum(due) == 3 or sum(due) == 2
    breaker.note(True)
    clock.now += 10
    assert not breaker.is_probe_due()


def test_a_success_closes_it_and_old_failures_are_forgotten() -> None:
    breaker = Breaker("store")
    for _ in range(IN_A_ROW):
        breaker.note(False)
    breaker.note(True)
    assert not breaker.is_open
    for _ in range(IN_A_ROW - 1):
        breaker.note(False)
    assert not breaker.is_open


def test_the_watch_knows_at_once_what_is_down_and_sees_it_come_back() -> None:
    clock = Clock()
    breaker, answers = Breaker("store", clock), [*[OSError("refused")] * (FIRST_ATTEMPTS + 1), None]
    asked = []

    def ask() -> None:
        asked.append(clock.now)
        answer = answers.pop(0)
        if answer is not None:
            raise answer

    watch = DependencyWatch([(breaker, ask)])
    watch.look()
    assert watch.degraded() == ["store"]
    for _ in range(10):
        clock.now += 0.25
        watch.look()
    assert (watch.degraded(), len(asked)) == ([], FIRST_ATTEMPTS + 2)


def test_what_is_slow_only_once_at_start_is_not_left_out() -> None:
    breaker, answers = Breaker("store"), [OSError("timeout"), None]

    def ask() -> None:
        answer = answers.pop(0)
        if answer is not None:
            raise answer

    watch = DependencyWatch([(breaker, ask)])
    watch.look()
    assert (watch.degraded(), answers) == ([], [])


@pytest.mark.parametrize(("passed", "left", "given_to_a_stage"), [(0.0, 0.15, 0.1), (0.1, 0.05, 0.05), (0.2, 0.0, 0.0)])
def test_a_stage_gets_its_own_time_out_and_never_more_than_what_is_left(passed, left, given_to_a_stage) -> None:
    clock = Clock()
    deadline = Deadline(0.15, clock)
    clock.now += passed
    assert deadline.left_s() == pytest.approx(left)
    assert deadline.at_most(0.1) == pytest.approx(given_to_a_stage)
    assert deadline.is_nearer_than(0.01) == (left < 0.01)


def test_without_seconds_there_is_no_deadline() -> None:
    deadline = Deadline()
    assert not deadline.is_set
    assert not deadline.is_nearer_than(1e9)
    assert deadline.at_most(3.0) == 3.0
