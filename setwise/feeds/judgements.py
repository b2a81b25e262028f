"""Judged queries (JSON Lines or CSV): a query, a product, and how well the one answers the other."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from setwise.feeds.delimited import delimiter_of, records
from setwise.feeds.fields import id_of
from setwise.feeds.jsonlines import json_lines, plain
from setwise.feeds.report import FeedError, Refusal, Rejection
from setwise.feeds.text import clean, decoded, head_of, opened
from setwise.judgements import Judgement
from setwise.names import ProductId

MOST_GRADE = 10
QUERY_CHARS = 512
"""As many as a prompt may have."""
_NAMES = {
    "query": ("query", "query_text", "search_query", "search_term", "keyword", "text", "q"),
    "product_id": ("product_id", "item_id", "doc_id", "docid", "document_id", "sku", "id"),
    "grade": ("grade", "rating", "relevance", "judgement", "judgment", "gain", "label", "esci_label"),
}
"""The names that such a column has in the field's tools and sets; the first one that is there counts."""
_OF_A_QUERY = ("grades", "gold", "ratings", "judgements", "judgments")
"""In JSON one line may be a query with all its grades: an object of product ids."""
_LETTERS = {
    name: grade
    for names, grade in (("e exact", "3"), ("s substitute", "2"), ("c complement", "1"), ("i irrelevant", "0"))
    for name in names.split()
}
"""ESCI's labels, by how much a shopper who asked is helped."""
_GRADE = re.compile(r"[0-9]{1,2}(?:\.0+)?")


def read_judgements(path: Path) -> Iterator[Judgement | Rejection]:
    """Every judgement of the file, taken or rejected; FeedError at once where it has none of the two forms."""
    head = head_of(path)
    if head.lstrip().startswith(b"{"):
        return _json(path)
    header = decoded(path, head.lstrip().splitlines()[0], 0)
    columns = {_column(name) for name in header.split(delimiter_of(header))}
    missing = [name for name, aliases in _NAMES.items() if columns.isdisjoint(aliases)]
    if missing:
        said = f"{path} is neither JSON Lines nor a CSV of judgements (no column {', '.join(missing)})"
        raise FeedError(f"{said}: add what is missing")
    return _csv(path, header)


def _json(path: Path) -> Iterator[Judgement | Rejection]:
    with opened(path) as stream:
        for number, value in json_lines(path, stream):
            if isinstance(value, Refusal):
                yield value.rejection(number)
                continue
            row = plain(value) if isinstance(value, dict) else {}
            grades = next((row[name] for name in _OF_A_QUERY if isinstance(row.get(name), dict)), None)
            if grades is None:
                yield _taken(number, row)
            else:
                for product_id, grade in grades.items():
                    yield _taken(number, {**row, "product_id": product_id, "grade": grade})


def _csv(path: Path, header: str) -> Iterator[Judgement | Rejection]:
    names: list[str] = []
    with opened(path) as stream:
        for number, cells in records(path, stream, delimiter_of(header)):
            if isinstance(cells, Refusal):
                yield cells.rejection(number)
            elif not names:
                names = [_column(cell) for cell in cells]
            else:
                yield _taken(number, dict(zip(names, cells, strict=False)))


def _taken(number: int, row: Mapping[str, Any]) -> Judgement | Rejection:
    product_id = ""
    try:
        product_id, query, grade = (_first(row, name) for name in ("product_id", "query", "grade"))
        if not query:
            raise Refusal("query", "", "the query is missing", "write what a shopper would type")
        if len(query) > QUERY_CHARS:
            raise Refusal("query", query, f"the query has {len(query)} characters", f"use {QUERY_CHARS} at most")
        return Judgement(query, ProductId(id_of("product_id", product_id)), _grade(grade))
    except Refusal as refusal:
        return refusal.rejection(number, product_id)


def _grade(text: str) -> int:
    digits = _LETTERS.get(text.lower(), text)
    if not _GRADE.fullmatch(digits) or float(digits) > MOST_GRADE:
        reason = f"this is not a whole number from 0 to {MOST_GRADE}" if text else "the grade is missing"
        raise Refusal("grade", text, reason, "write 0 for useless, more for better, or ESCI's E, S, C and I")
    return int(float(digits))


def _first(row: Mapping[str, Any], name: str) -> str:
    """The value under the first of a field's names that is there."""
    value = next((row[alias] for alias in _NAMES[name] if row.get(alias) is not None), "")
    if not isinstance(value, str):
        raise Refusal(name, str(value), "the value is neither text nor a number", "write it as text")
    return clean(value)


def _column(name: str) -> str:
    return re.sub(r"[\s-]+", "_", clean(name).strip('"').lower())
