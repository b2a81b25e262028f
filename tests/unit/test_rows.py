import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from setwise.rows import among, distinct

ROWS = st.lists(st.integers(0, 30), max_size=40).map(lambda found: np.asarray(found, dtype=np.int64))


@settings(deadline=None)
@given(ROWS, ROWS)
def test_distinct_rows_are_those_of_all_parts_once_and_rising(one: np.ndarray, other: np.ndarray) -> None:
    found = distinct(one, other)
    assert found.tolist() == sorted({*one.tolist(), *other.tolist()})
    assert found.dtype == np.int64


@settings(deadline=None)
@given(ROWS, ROWS)
def test_a_row_is_among_others_whatever_their_order(rows: np.ndarray, others: np.ndarray) -> None:
    assert among(rows, others).tolist() == [row in set(others.tolist()) for row in rows.tolist()]
