"""Judged queries in the forms that search teams keep them in."""

import gzip
import json
from pathlib import Path

import pytest

from setwise.feeds import FeedError, Rejection, read_judgements
from setwise.judgements import Judgement


def read(tmp_path: Path, content: str | bytes) -> list[Judgement | Rejection]:
    path = tmp_path / "judgements"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_judgements(path))


EXPECTED = [Judgement("red lamp", "p-1", 3), Judgement("red lamp", "p-2", 0)]


@pytest.mark.parametrize(
    "content",
    [
        "query,product_id,grade\nred lamp,p-1,3\nred lamp,p-2,0\n",
        "query,docid,rating\nred lamp,p-1,3.0\nred lamp,p-2,0\n",
        '"Search Query"\t"SKU"\t"Relevance"\nred lamp\tp-1\t3\nred lamp\tp-2\t0\n',
        "example_id,query,product_id,esci_label\n1,red lamp,p-1,E\n2,red lamp,p-2,Irrelevant\n",
        '{"query": "red lamp", "product_id": "p-1", "grade": 3}\n{"q": " red  lamp", "doc_id": "p-2", "label": "0"}\n',
        '{"query_id": "q-1", "text": "red lamp", "subsets": [], "gold": {"p-1": 3, "p-2": 0}}\n',
        '{"query": "red lamp", "ratings": {"p-1": "3", "p-2": "i"}}\n',
    ],
)
def test_judgements_are_read_under_the_names_that_are_usual(tmp_path: Path, content: str) -> None:
    assert read(tmp_path, content) == EXPECTED
    assert read(tmp_path, gzip.compress(content.encode())) == EXPECTED


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"query": ""}, "query"),
        ({"query": "x" * 513}, "query"),
        ({"query": ["red"]}, "query"),
        ({"product_id": None}, "product_id"),
        ({"product_id": "p" * 65}, "product_id"),
        ({"grade": None}, "grade"),
        ({"grade": "good"}, "grade"),
        ({"grade": -1}, "grade"),
        ({"grade": 2.5}, "grade"),
        ({"grade": 11}, "grade"),
        ({"grade": True}, "grade"),
    ],
)
def test_a_judgement_with_a_wrong_field_is_rejected_and_the_others_are_taken(tmp_path, fields, field) -> None:
    good = {"query": "red lamp", "product_id": "p-1", "grade": 3}
    bad, broken, taken = read(tmp_path, f"{json.dumps(good | fields)}\n[1]\n{json.dumps(good)}")
    assert isinstance(bad, Rejection) and (bad.row, bad.field) == (1, field)
    assert isinstance(broken, Rejection) and taken == EXPECTED[0]


def test_one_bad_grade_of_a_query_is_rejected_and_its_others_are_taken(tmp_path: Path) -> None:
    bad, taken = read(tmp_path, '{"query": "red lamp", "grades": {"p-9": "x", "p-1": 3}}')
    assert isinstance(bad, Rejection) and (bad.id, bad.field, bad.value) == ("p-9", "grade", "x")
    assert taken == EXPECTED[0]


def test_a_file_that_holds_no_judgements_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match=r"no column grade"):
        read(tmp_path, "query,product_id\nred lamp,p-1\n")
    with pytest.raises(FeedError, match="empty"):
        read(tmp_path, "\n")
