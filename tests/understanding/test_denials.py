"""Sentences about what must not come are understood in every language, and what may come beside it stays wished."""

import pytest

from setwise.prompt import understand
from tests.understanding.denials import excluded_by, named_by, read_denials
from tests.understanding.score import vocabulary_of

DENIALS = read_denials()


def test_there_are_sentences_for_every_shop_and_none_is_there_twice() -> None:
    assert len({(row.shop, row.text) for row in DENIALS}) == len(DENIALS) >= 280
    assert len({row.shop for row in DENIALS}) == 9


@pytest.mark.parametrize("kind", ["categories", "words", "materials", "colors"])
def test_each_kind_of_exclusion_is_found_and_nothing_else(kind: str) -> None:
    right = said = labelled = 0
    for row in DENIALS:
        got = {pair for pair in excluded_by(understand(row.text, vocabulary_of(row.shop))) if pair[0] == kind}
        wanted = {pair for pair in row.excluded if pair[0] == kind}
        right, said, labelled = right + len(got & wanted), said + len(got), labelled + len(wanted)
    assert labelled >= 10
    assert 2 * right >= 0.95 * (said + labelled)


def test_what_is_named_and_left_open_beside_an_exclusion_is_kept() -> None:
    understood = [(row, understand(row.text, vocabulary_of(row.shop))) for row in DENIALS]
    right = sum(named_by(got) == row.named and got.is_occasion == row.is_open for row, got in understood)
    assert right >= 0.95 * len(DENIALS)
