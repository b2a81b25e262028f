"""What comes next: products that complete those that are given, in the direction that was said."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from setwise.complementarity import Complementarity
from setwise.index import LocalIndex, as_shares

FEATURES = ("intent_meaning", "intent_words", "alike_meaning", "alike_words", "kinds", "bought_together")
"""intent_*: cosine to the words that were said, BM25 of them as a share of the best. alike_*: the same to the given
products. kinds: mean log lift of the kinds. bought_together: summed strength as a partner of all that is given."""

WEIGHTS = {
    "intent_meaning": 4.6,
    "intent_words": 1.4,
    "alike_meaning": 3.6,
    "alike_words": 7.9,
    "kinds": 1.5,
    "bought_together": 60.0,
}
"""The first four were fitted on bundles of two public sets' past (train folds, whole baskets held out). bought_together
is flat from 40 to 120 on half of UCI p3, and up to 60 on those bundles; kinds was chosen by hand on the sample shop.
alike_* count times the shop's likeness and kinds times the rest: whether carts hold things of one kind or of different
ones is read from the shop's own past."""
PARTNERS = 300
LEGS = 150
WORDS_SCORED = 1_000
"""Rows whose words are compared; candidates beyond them count as without a word in common."""
KINDS = 6
PER_KIND = 25

Rows = NDArray[np.int64]


def given_terms(titles: Sequence[Sequence[str]], limit: int = 64) -> list[str]:
    """Terms of the given titles, each as often as titles have it: what all of them say counts most."""
    counts = Counter(term for title in titles for term in dict.fromkeys(title))
    kept = sorted(counts, key=lambda term: (-counts[term], term))[:limit]
    return [term for term in kept for _ in range(counts[term])]


def candidates(
    given: Rows,
    index: LocalIndex,
    complementarity: Complementarity,
    terms_of_given: Sequence[str],
    intent: tuple[Sequence[str], NDArray[np.float32] | None] | None,
) -> Rows:
    """Rows worth scoring: partners, the most bought of the kinds that go with these, what is near in meaning or words.

    `intent` = terms and vector of what was said, None where nothing was."""
    kinds = np.unique(complementarity.groups[given]).tolist()
    found = [complementarity.partners(given, PARTNERS)[0]]
    found += [complementarity.members(code, PER_KIND) for code, _ in complementarity.category_partners(kinds, KINDS)]
    found += [index.matching(terms_of_given, LEGS)[0], index.nearest(mean_vector(index, given), LEGS)[0]]
    if intent is not None:
        found.append(index.matching(intent[0], LEGS)[0])
        found += [index.nearest(intent[1], LEGS)[0]] if intent[1] is not None else []
    return np.setdiff1d(np.concatenate(found), given)


def mean_vector(index: LocalIndex, given: Rows) -> NDArray[np.float32]:
    """The direction of the given products, of length 1."""
    mean = index.vectors[given].astype(np.float32).mean(axis=0)
    unit: NDArray[np.float32] = mean / max(float(np.linalg.norm(mean)), 1e-9)
    return unit


def score(
    rows: Rows,
    given: Rows,
    index: LocalIndex,
    complementarity: Complementarity,
    terms_of_given: Sequence[str],
    intent: tuple[Sequence[str], NDArray[np.float32] | None] | None,
) -> NDArray[np.float64]:
    """Parts of the scores in the order of FEATURES, shape (rows, features); a score is the sum of its row."""
    columns = np.zeros((len(rows), len(FEATURES)))
    if intent is not None:
        columns[:, 1] = _words(index, intent[0], rows)
        if intent[1] is not None:
            columns[:, 0] = index.similarity(intent[1], rows)
    columns[:, 2] = index.similarity(mean_vector(index, given), rows)
    columns[:, 3] = _words(index, terms_of_given, rows)
    columns[:, 4] = np.log(np.maximum(complementarity.kind_lift(given, rows), 1e-3)).mean(axis=0)
    columns[:, 5] = complementarity.strengths(given, rows).sum(axis=0)
    like = complementarity.likeness
    shop = np.asarray([1.0, 1.0, like, like, 1.0 - like, 1.0])
    parts: NDArray[np.float64] = columns * shop * np.asarray([WEIGHTS[name] for name in FEATURES])
    return parts


def _words(index: LocalIndex, terms: Sequence[str], rows: Rows) -> NDArray[np.float64]:
    found, scores = index.matching(terms, WORDS_SCORED)
    order = np.argsort(found)
    places = np.minimum(np.searchsorted(found[order], rows), max(len(found) - 1, 0))
    if not len(found):
        return np.zeros(len(rows))
    known = found[order][places] == rows
    shares: NDArray[np.float64] = np.where(known, as_shares(scores)[order][places], 0.0)
    return shares
