"""What comes next: products that complete those that are given, in the direction that was said."""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from setwise.complementarity import Complementarity
from setwise.index import LocalIndex, as_shares

FEATURES = (
    "intent_meaning", "intent_words", "alike_meaning", "alike_words", "kinds", "bought_together", "resale",
)  # fmt: skip
"""intent_*: cosine to the words that were said, BM25 of them as a share of the best. alike_*: the same to the given
products. kinds: mean log lift of the kinds. bought_together: summed strength as a partner of all that is given. resale:
log odds that what was bought so often is bought (again), from the lowest up."""

WEIGHTS = {
    "intent_meaning": 4.6,
    "intent_words": 1.4,
    "alike_meaning": 3.6,
    "alike_words": 7.9,
    "kinds": 1.5,
    "bought_together": 60.0,
    "resale": 0.0,
}
"""Where a shop's own past has too little to learn from. The first four were fitted on bundles of two public sets' past
(train folds, whole baskets held out). bought_together is flat from 40 to 120 on half of UCI p3, and up to 60 on those
bundles; kinds was chosen by hand on the sample shop. alike_* count times the shop's likeness and kinds times the rest:
whether carts hold things of one kind or of different ones is read from the shop's own past."""
MAX_TERMS = 48
MAX_REPEATS = 4
PARTNERS = 300
LEGS = 150
WORDS_SCORED = 1_000
"""Rows whose words are compared; candidates beyond them count as without a word in common."""
KINDS = 6
PER_KIND = 25

Rows = NDArray[np.int64]
Found = tuple[Rows, NDArray[np.float64]]


class Asked(msgspec.Struct, frozen=True):
    """What is to be completed, looked up once: the given rows' mean direction and words, and what was said."""

    given: Rows
    direction: NDArray[np.float32]
    alike: Found
    said: Found
    said_vector: NDArray[np.float32] | None

    @property
    def is_said(self) -> bool:
        """Whether there are words of an intent."""
        return self.said_vector is not None or bool(len(self.said[0]))


def look_up(
    index: LocalIndex,
    given: Rows,
    titles: Sequence[Sequence[str]],
    said_terms: Sequence[str],
    said_vector: NDArray[np.float32] | None,
) -> Asked:
    """`titles`: terms of each given title; `said_*`: the words of the intent, empty and None where nothing was said."""
    mean = index.vectors(given).mean(axis=0)
    return Asked(
        given,
        mean / max(float(np.linalg.norm(mean)), 1e-9),
        index.matching(given_terms(titles), WORDS_SCORED),
        index.matching(said_terms, WORDS_SCORED),
        said_vector,
    )


def given_terms(titles: Sequence[Sequence[str]]) -> list[str]:
    """Terms of the given titles, each as often as titles have it: what all of them say counts most."""
    counts = Counter(term for title in titles for term in dict.fromkeys(title))
    kept = sorted(counts, key=lambda term: (-counts[term], term))[:MAX_TERMS]
    return [term for term in kept for _ in range(min(counts[term], MAX_REPEATS))]


def candidates(asked: Asked, index: LocalIndex, complementarity: Complementarity) -> Rows:
    """Rows worth scoring: partners, the most bought of kinds that go with these, what is near in meaning or words."""
    kinds = np.unique(complementarity.groups[asked.given]).tolist()
    found = [complementarity.partners(asked.given, PARTNERS)[0]]
    found += [complementarity.members(code, PER_KIND) for code, _ in complementarity.category_partners(kinds, KINDS)]
    found += [asked.alike[0][:LEGS], asked.said[0][:LEGS], index.nearest(asked.direction, LEGS)[0]]
    found += [index.nearest(asked.said_vector, LEGS)[0]] if asked.said_vector is not None else []
    return np.setdiff1d(np.concatenate(found), asked.given)


def score(
    rows: Rows,
    asked: Asked,
    index: LocalIndex,
    complementarity: Complementarity,
    weights: Mapping[str, float] = WEIGHTS,
) -> NDArray[np.float64]:
    """Parts of the scores in the order of FEATURES, shape (rows, features); a score is the sum of its row."""
    columns = features(rows, asked, index, complementarity)
    parts: NDArray[np.float64] = columns * np.asarray([weights[name] for name in FEATURES])
    return parts


def features(rows: Rows, asked: Asked, index: LocalIndex, complementarity: Complementarity) -> NDArray[np.float64]:
    """What weights are multiplied with, shape (rows, features)."""
    columns = np.zeros((len(rows), len(FEATURES)))
    if asked.said_vector is not None:
        columns[:, 0] = index.similarity(asked.said_vector, rows)
    columns[:, 1] = _shares(asked.said, rows)
    columns[:, 2] = index.similarity(asked.direction, rows)
    columns[:, 3] = _shares(asked.alike, rows)
    columns[:, 4] = np.log(np.maximum(complementarity.kind_lift(asked.given, rows), 1e-3)).mean(axis=0)
    columns[:, 5] = complementarity.strengths(asked.given, rows).sum(axis=0)
    columns[:, 6] = complementarity.resale(rows)
    like = complementarity.likeness
    columns *= np.asarray([1.0, 1.0, like, like, 1.0 - like, 1.0, 1.0])
    return columns


def _shares(found: Found, rows: Rows) -> NDArray[np.float64]:
    """BM25 of these rows as a share of the best hit's, 0 where the words did not find them."""
    order = np.argsort(found[0])
    places = np.searchsorted(found[0][order], rows)
    known = places < len(order)
    known[known] = found[0][order][places[known]] == rows[known]
    shares = np.zeros(len(rows))
    shares[known] = as_shares(found[1])[order][places[known]]
    return shares
