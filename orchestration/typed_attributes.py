"""Typed attributes: how often a colour, material, style, size or brand that was typed is kept in what is bought."""

import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import msgspec
import numpy as np
from numpy.typing import NDArray

from orchestration.impressions import fall_of_attention
from orchestration.policy_values import read_places
from orchestration.typed_words import PEOPLE, learned_period
from orchestration.warehouse.rows import naive
from orchestration.warehouse.stores import Warehouse
from setwise.names import ProductId
from setwise.orders import MerchantSet
from setwise.prompt import ATTRIBUTES, understand
from setwise.snapshot import Snapshot
from setwise.terms import Analyzer, codes_of
from setwise.vocabulary import Vocabulary

LEAST_CHOICES = 20
"""Of a kind, that must have been made with both at hand: what met the wish, and what did not."""
AS_SHIPPED = 0.5
"""Of what could be lost by chance, the share that is kept where the shipped weight stays as it is."""
PULL = 10.0
"""What AS_SHIPPED counts, in purchases: a kind of few purchases stays about where it was."""
MOST_SETS, MOST_OTHERS = 2_000, 1_000
"""Titled sets that are read, and products that stand for all of a kind: a few seconds of a build."""
USUAL_FALL = 1.0
"""How attention falls with the place, where too little was explored to know it: it is 1 / place ** this."""
BOUGHT = (
    "SELECT answered.prompt, coalesce(nullif(answered.user_key, ''), answered.visitor_key), orders.product_id, "
    "orders.credited_request_id FROM marts.fct_orders AS orders "
    "JOIN marts.fct_served AS answered ON answered.request_id = orders.credited_request_id "
    "WHERE answered.prompt <> '' AND answered.language = ? AND orders.ordered_at >= ? AND NOT orders.is_machine "
    "AND coalesce(nullif(answered.user_key, ''), answered.visitor_key, '') <> '' "
    "ORDER BY orders.ordered_at, orders.order_id, orders.line_number"
)
SHOWN = (
    "SELECT request_id, slot, product_id, min(CASE WHEN bundle_id = '' THEN position ELSE 1 END) "
    "FROM marts.fct_served_items WHERE request_id IN (SELECT credited_request_id FROM marts.fct_orders "
    "WHERE ordered_at >= ? AND credited_request_id IS NOT NULL) GROUP BY request_id, slot, product_id "
    "ORDER BY request_id, slot, 4, product_id"
)
Shown = dict[str, dict[str, dict[int, int]]]
"""Request -> slot ('' of a list) -> row of each product that was shown -> its place; every bundle is looked at."""


class Choice(msgspec.Struct, frozen=True):
    """One product that was chosen after a sentence. `kept`: of each kind of attribute that was typed, how far the
    product has it, 0..1, and how far one that is chosen without regard to it would."""

    who: str
    prompt: str
    product: ProductId
    kept: dict[str, tuple[float, float]]


def choices_of_purchases(warehouse: Warehouse, snapshot: Snapshot, vocabulary: Vocabulary) -> list[Choice]:
    """Oldest first; [] before there are marts. Each purchase beside what of its kind was shown for the same slot. Who
    was forgotten is not among them, and a sentence that was emptied says nothing. Raises WarehouseDownError."""
    if (period := learned_period(warehouse)) is None:
        return []
    since, newest = period
    shown = _shown(warehouse, snapshot, since)
    fall = fall_of_attention(read_places(warehouse, "product", since, newest))
    reader = _Reader(snapshot, vocabulary)
    found = []
    for prompt, who, product_id, request_id in warehouse.rows(BOUGHT, [vocabulary.language, naive(since)]):
        row = snapshot.row_of(ProductId(product_id))
        slots = shown.get(request_id, {}).values()
        places = next((places for places in slots if row in places), None)
        if row is None or places is None:
            continue
        rows, at = (np.asarray(list(values), dtype=np.int64) for values in (places, places.values()))
        alike = snapshot.category[rows] == snapshot.category[row]
        attention = at[alike] ** -(USUAL_FALL if fall is None else fall)
        if kept := reader.kept(prompt, row, rows[alike], attention):
            found.append(Choice(who, prompt, ProductId(product_id), kept))
    return found


def choices_of_sets(sets: Iterable[MerchantSet], snapshot: Snapshot, vocabulary: Vocabulary) -> list[Choice]:
    """Each product of a set whose title says an attribute, beside other products of its kind. A title is one person's.
    In an order that has nothing to do with their contents, as sets have no time."""
    reader, found = _Reader(snapshot, vocabulary), []
    titled = sorted((one for one in sets if one.title), key=lambda one: (zlib.crc32(one.set_id.encode()), one.set_id))
    members: dict[int, NDArray[np.int64]] = {}
    for one in titled[:MOST_SETS]:
        for row in snapshot.rows_of(one.product_ids):
            if (kind := int(snapshot.category[row])) not in members:
                rows = np.flatnonzero(snapshot.category == kind)
                members[kind] = rows[:: 1 + len(rows) // MOST_OTHERS]
            alike = members[kind]
            if kept := reader.kept(one.title, row, alike, np.ones(len(alike))):
                found.append(Choice(one.set_id, one.title, snapshot.ids[row], kept))
    return found


def weights_of(choices: Sequence[Choice]) -> dict[str, float]:
    """How many times the shipped weight each kind counts, 0..2: 2 where it is always kept, 0 where it is kept no more
    than by chance, drawn to 1. Kinds of too few people or choices are not there, and count once."""
    found = {}
    for kind in ATTRIBUTES:
        mine = [(one.who, *one.kept[kind]) for one in choices if kind in one.kept]
        if len(mine) >= LEAST_CHOICES and len({who for who, *_ in mine}) >= PEOPLE:
            more = sum(has - chance for _, has, chance in mine)
            room = sum(1.0 - chance for *_, chance in mine)
            pull = PULL * room / len(mine)
            share = (more + pull * AS_SHIPPED) / (room + pull)
            found[kind] = round(min(max(share / AS_SHIPPED, 0.0), 1.0 / AS_SHIPPED), 3)
    return found


def shares_of(choices: Sequence[Choice]) -> dict[str, tuple[int, float, float]]:
    """For people: of each kind how many choices, how far it was kept, and how far it would be by chance."""
    by_kind: Mapping[str, list[tuple[float, float]]] = defaultdict(list)
    for one in choices:
        for kind, pair in one.kept.items():
            by_kind[kind].append(pair)
    means = {kind: np.mean(pairs, axis=0).round(3).tolist() for kind, pairs in sorted(by_kind.items())}
    return {kind: (len(by_kind[kind]), has, chance) for kind, (has, chance) in means.items()}


class _Reader:
    """Reads each sentence once."""

    def __init__(self, snapshot: Snapshot, vocabulary: Vocabulary) -> None:
        self._snapshot, self._vocabulary, self._analyzer = snapshot, vocabulary, Analyzer()
        self._read: dict[str, list[tuple[str, str]]] = {}

    def kept(
        self, prompt: str, chosen: int, others: NDArray[np.int64], attention: NDArray[np.float64]
    ) -> dict[str, tuple[float, float]]:
        """Of each kind that the sentence says, if what was at hand differs in it."""
        wishes = self._wishes(prompt)
        if not wishes:
            return {}
        names = [codes_of(self._analyzer.terms(word)) for _, word in wishes]
        degrees = self._snapshot.meets(np.append(chosen, others), names)
        found = {}
        for kind, count in Counter(kind for kind, _ in wishes).items():
            has, *rest = degrees[:, [kind == of for of, _ in wishes]].sum(axis=1) / count
            if min(rest) < max(rest):
                found[kind] = (round(float(has), 4), round(float(np.average(rest, weights=attention)), 4))
        return found

    def _wishes(self, prompt: str) -> list[tuple[str, str]]:
        if prompt not in self._read:
            read = understand(prompt, self._vocabulary)
            self._read[prompt] = [(kind, word) for kind in ATTRIBUTES for word in getattr(read, kind)]
        return self._read[prompt]


def _shown(warehouse: Warehouse, snapshot: Snapshot, since: datetime) -> Shown:
    found: Shown = defaultdict(lambda: defaultdict(dict))
    for request_id, slot, product_id, place in warehouse.rows(SHOWN, [naive(since)]):
        row = snapshot.row_of(ProductId(product_id))
        if row is not None:
            found[request_id][slot][row] = place
    return found


def with_a_kind(choices: Iterable[Choice], kinds: Iterable[str]) -> Iterator[Choice]:
    """Those after sentences that say an attribute of one of the kinds."""
    wanted = frozenset(kinds)
    return (one for one in choices if wanted.intersection(one.kept))
