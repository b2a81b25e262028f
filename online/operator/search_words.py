"""Which words of shoppers does no product have?"""

from collections.abc import Iterable

import msgspec
import numpy as np

from online.live import LiveRelease


class UnknownWord(msgspec.Struct):
    """A term, how many answers were given to sentences that hold it, and one of these."""

    word: str
    answers: int
    example: str


def unknown_words(live: LiveRelease, prompts: Iterable[tuple[str, int]]) -> list[UnknownWord]:
    """Those of most answers first. Money, sizes and exclusions were understood: they are no words to look for."""
    found: dict[str, UnknownWord] = {}
    for prompt, answers in prompts:
        read = live.read(prompt)
        terms = list(dict.fromkeys(live.analyzer.query_terms(read.text)))
        if not terms:
            continue
        nowhere = live.index.is_nowhere(terms)
        for term in np.asarray(terms)[nowhere].tolist():
            known = found.setdefault(term, UnknownWord(term, 0, prompt))
            known.answers += answers
    return sorted(found.values(), key=lambda one: (-one.answers, one.word))
