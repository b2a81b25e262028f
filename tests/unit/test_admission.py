import pytest
from hypothesis import given
from hypothesis import strategies as st

from online.admission import BURST, FIRST_GUESS_S, Admission


def test_a_burst_is_let_in_however_slow_answers_are() -> None:
    admission = Admission(threads=2, longest_wait_s=0.03)
    for _ in range(100):
        admission.note(5.0)
    assert [admission.enter() for _ in range(2 * BURST + 1)] == [True] * 2 * BURST + [False]


def test_quick_answers_let_more_in_than_slow_ones() -> None:
    def let_in(seconds: float) -> int:
        admission = Admission(threads=2, longest_wait_s=0.03)
        for _ in range(100):
            admission.note(seconds)
        return sum(admission.enter() for _ in range(1_000))

    assert let_in(0.002) > let_in(0.01) > let_in(0.03) == 2 * BURST


def test_what_leaves_makes_room() -> None:
    admission = Admission(threads=1, longest_wait_s=0.0)
    assert all(admission.enter() for _ in range(BURST))
    assert not admission.enter()
    admission.leave()
    assert admission.enter()


@given(
    st.integers(1, 8),
    st.floats(0.001, 1),
    st.lists(st.one_of(st.none(), st.booleans(), st.floats(0.0001, 2)), max_size=200),
)
def test_who_is_let_in_is_of_the_burst_or_waits_no_longer_than_allowed(threads, longest, events) -> None:
    admission, inside = Admission(threads, longest), 0
    for event in events:
        if isinstance(event, float):
            admission.note(event)
        elif event is None and inside:
            admission.leave()
            inside -= 1
        else:
            may_enter = inside < BURST * threads or admission.expected_wait_s() <= longest
            assert admission.enter() == may_enter
            inside += may_enter


def test_the_measured_time_follows_what_answers_take() -> None:
    admission = Admission(threads=1, longest_wait_s=None)
    for _ in range(60):
        admission.note(0.2)
    for _ in range(3):
        assert admission.enter()
    assert admission.expected_wait_s() == pytest.approx(3 * 0.2, rel=0.02)
    assert Admission(1, None).expected_wait_s() == 0.0
    assert FIRST_GUESS_S < 0.03


def test_without_a_longest_wait_everybody_is_let_in() -> None:
    admission = Admission(threads=1, longest_wait_s=None)
    assert all(admission.enter() for _ in range(10_000))
