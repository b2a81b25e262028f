"""What people said of products for a query: grades, and which queries are only ever asked, never learned from."""

import hashlib
from collections.abc import Iterable

import msgspec

from setwise.names import ProductId

HELD_OUT_IN = 4
"""One query of so many is asked of each release before it goes live, and none ever learns from it."""


class Judgement(msgspec.Struct, frozen=True):
    """One grade, 0 = useless; grades are relevance gains, so that one of 3 is worth three of 1."""

    query: str
    product_id: ProductId
    grade: int


class JudgedQuery(msgspec.Struct, frozen=True):
    """One query with the grade of every product that was judged for it."""

    text: str
    grades: dict[ProductId, int]

    @property
    def is_held_out(self) -> bool:
        """The same in every build, by the words alone: a live release and the next one are asked the same."""
        return int.from_bytes(hashlib.blake2b(_key(self.text).encode(), digest_size=8).digest()) % HELD_OUT_IN == 0


def by_query(judgements: Iterable[Judgement], products: frozenset[ProductId]) -> list[JudgedQuery]:
    """Queries for which some judged product of the catalogue is worth anything, in the order of their first judgement.
    Of several judgements of one product the last one holds; letters' case makes no other query."""
    texts: dict[str, str] = {}
    grades: dict[str, dict[ProductId, int]] = {}
    for one in judgements:
        key = _key(one.query)
        texts.setdefault(key, one.query)
        if one.product_id in products:
            grades.setdefault(key, {})[one.product_id] = one.grade
    return [JudgedQuery(texts[key], found) for key, found in grades.items() if any(found.values())]


def _key(query: str) -> str:
    return " ".join(query.casefold().split())
