"""Retrieved rows to scored candidates, slot by slot."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from online.feature_columns import columns_of
from online.live import LiveRelease
from online.pools import Pools
from online.wishes import Wish, met_of_each
from setwise import completion
from setwise.bundle import Candidate
from setwise.experiment import Parameters
from setwise.index import Hits
from setwise.ranker import Ranker
from setwise.ranking import (
    BASKET,
    FEATURES,
    LIST,
    PARTS,
    SEARCH,
    SHOPPER,
    best_first,
    feature_rows,
    weighted_parts,
)
from setwise.rules import ActiveRules
from setwise.sessions import ShopperSession
from setwise.taste import Taste

LEAST_LIKENESS = 0.36
"""The cosine from which a product may be what was named, where no word and no category says so. On the sample shop a
kayak's best is .30, a hammock's .355 and an aquarium's .354; a carpet's is .445, a chandelier's .447, a duvet's .52."""
LEAST_LIKENESS_OF_A_KIND = 0.5
"""The same for a kind that the word tables know under names of which the shop has none: "socks" are no running shoes
(.40), a sweater is no blanket (.49) and a mattress no bed (.42)."""
logger = logging.getLogger(__name__)

Rows = NDArray[np.int64]


class Asked(msgspec.Struct, frozen=True):
    """What one pool of rows was retrieved for. `name` is '' where the text is a whole sentence."""

    hits: Hits
    vector: NDArray[np.float32] | None
    name: str = ""
    categories: Sequence[str] = ()
    wishes: Sequence[Wish] = ()
    given: completion.Asked | None = None
    """What is to be completed: it decides in place of words and meaning, which it holds."""
    terms: Sequence[str] = ()
    """Distinct terms of what was said."""
    is_kind: bool = False
    """True where the word tables know what was named."""
    is_list: bool = False
    """The request lists the rows: no search of ours has chosen them."""

    @property
    def kind(self) -> str:
        """Which of the learned rankers it is for."""
        if self.given is not None:
            return BASKET
        return (LIST if self.is_list else SEARCH) if self.terms else SHOPPER


class Known(msgspec.Struct, frozen=True):
    """What is known beside the words: the shopper, the shop's rules, locked and basket rows, what was done lately."""

    profile: Mapping[str, Any] | None
    active: ActiveRules
    anchors: Sequence[int] = ()
    session: ShopperSession | None = None
    taste: Taste | None = None
    nothing_said: bool = False
    """True where neither words nor given products decide: taste and what all buy do."""
    now: datetime | None = None
    share_cents: int | None = None
    """What one product may cost: the budget's upper bound, shared among the slots."""
    to_learn_from: bool = False
    """Whether the feature rows are wanted, with every column filled."""
    parameters: Parameters = Parameters()
    """What an experiment's variant changes of the ranking."""


class RankedBy(NamedTuple):
    """What the products of a list were ranked by: one of setwise.ranking.KINDS, and each one's row of FEATURES."""

    kind: str
    rows: Mapping[str, NDArray[np.float64]]


class Ranked(msgspec.Struct, frozen=True):
    """Rows with the parts of their scores, best first: shapes (n, parts), (n, wishes) and (n, features)."""

    rows: Rows
    parts: NDArray[np.float64]
    met: NDArray[np.float64]
    features: NDArray[np.float64] | None = None
    """The rows that were ranked by, where they are to be learned from."""
    kind: str = ""
    """Which of setwise.ranking.KINDS ranked them."""
    named: NDArray[np.int64] | None = None
    """How each is what was named: 1 by its category, 2 by all words, 3 by both."""

    @property
    def scores(self) -> NDArray[np.float64]:
        """A score is the sum of its parts."""
        total: NDArray[np.float64] = self.parts.sum(axis=1)
        return total

    def of_kind(self) -> "Ranked":
        """The rows that are what the slot names: of its category and with all of its words, else with the words, else
        of the category; all where none is. Parmesan comes before other cheese, and a couch may be called a sofa."""
        if self.named is None:
            return self
        for mask in (self.named == 3, self.named >= 2, self.named == 1):
            if mask.any():
                return self.only(mask)
        return self

    def only(self, which: NDArray[np.bool_] | slice) -> "Ranked":
        """These rows, in the same order."""
        features = None if self.features is None else self.features[which]
        named = None if self.named is None else self.named[which]
        return Ranked(self.rows[which], self.parts[which], self.met[which], features, self.kind, named)


def of_what_is_named(live: LiveRelease, ranked: Ranked, asked: Asked) -> Ranked:
    """The rows of the kind that was named; none where the shop has no word for it and nothing means the like."""
    kind = ranked.of_kind()
    if kind is not ranked or asked.categories or asked.vector is None or not len(ranked.rows):
        return kind
    near = float(live.index.similarity(asked.vector, kind.rows).max())
    least = LEAST_LIKENESS_OF_A_KIND if asked.is_kind else LEAST_LIKENESS
    return kind if near >= least else ranked.only(np.zeros(len(ranked.rows), dtype=bool))


def rank(live: LiveRelease, rows: Rows, asked: Asked, known: Known) -> Ranked:
    """Scores these rows; what is not known counts nothing."""
    return rank_all(live, [rows], [asked], known)[0]


def rank_all(live: LiveRelease, parts: Sequence[Rows], asked: Sequence[Asked], known: Known) -> list[Ranked]:
    """Scores the rows of each pool for what it was retrieved for; pools of one kind are scored together."""
    found: list[Ranked] = []
    alike: dict[tuple[str, bool], list[int]] = {}
    for at, (rows, one) in enumerate(zip(parts, asked, strict=True)):
        nothing = np.zeros((0, len(PARTS))), np.zeros((0, len(one.wishes))), np.empty((0, len(FEATURES)))
        found.append(Ranked(rows, *nothing, one.kind))
        if len(rows):
            alike.setdefault((one.kind, bool(one.terms)), []).append(at)
    for places in alike.values():
        pools = Pools.joined([parts[at] for at in places])
        for at, ranked in zip(places, _rank_alike(live, pools, [asked[at] for at in places], known), strict=True):
            found[at] = ranked
    return found


def _rank_alike(live: LiveRelease, pools: Pools, asked: Sequence[Asked], known: Known) -> list[Ranked]:
    kind, rows, ids = asked[0].kind, pools.rows, live.snapshot.ids
    degrees = met_of_each(live, pools, [one.wishes for one in asked])
    ranker = live.rankers.get(kind) if known.parameters.ranker else None
    read = FEATURES if known.to_learn_from else ranker.card.features if ranker is not None else ()
    features = feature_rows(columns_of(live, pools, asked, known, degrees, read), len(rows))
    weighted = weighted_parts(features, _learned(live, ranker, features), known.parameters.part_weights())
    category, words = (features[:, FEATURES.index(name)] for name in ("category_match", "slot_match"))
    named = 2 * (words >= 1.0) + (category > 0)
    scores = weighted.sum(axis=1)
    found = []
    for own, degree in zip(pools.slices, degrees, strict=True):
        order = best_first(scores[own], lambda at, first=own.start: ids[int(rows[first + at])])  # type: ignore[misc]
        within = order + own.start
        kept = features[within] if known.to_learn_from else None
        found.append(Ranked(rows[within], weighted[within], degree[order], kept, kind, named[within]))
    return found


def _learned(
    live: LiveRelease, ranker: Ranker | None, features: NDArray[np.float64]
) -> NDArray[np.float32] | None:  # fmt: skip
    """The learned part; without a ranker, or where it fails, the weighted sum alone ranks."""
    try:
        return None if ranker is None else ranker.score(features)
    except Exception as error:  # whatever the runtime raises: the weighted sum is still there
        logger.error("the ranker of release %s fails: %r", live.manifest.release_id, error)
        return None


def as_candidates(live: LiveRelease, ranked: Ranked, now: datetime) -> list[Candidate]:
    """What assembly chooses from."""
    snapshot = live.snapshot
    prices = snapshot.prices_now(ranked.rows, now).tolist()
    groups, brands = snapshot.group[ranked.rows].tolist(), snapshot.brand[ranked.rows].tolist()
    return [
        Candidate(snapshot.ids[row], row, price, score, str(group), snapshot.meta.brands[brand])
        for row, price, group, brand, score in zip(
            ranked.rows.tolist(), prices, groups, brands, ranked.scores.tolist(), strict=True
        )
    ]
