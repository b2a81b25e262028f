"""Which words of shoppers does no product have?"""

import re
from collections.abc import Iterable

import msgspec

from online.live import LiveRelease

_WORD = re.compile(r"[^\W\d_]{2,}")


class UnknownWord(msgspec.Struct):
    """A word, how many answers were given to sentences that hold it, and one of these."""

    word: str
    answers: int
    example: str


def unknown_words(live: LiveRelease, prompts: Iterable[tuple[str, int]]) -> list[UnknownWord]:
    """Those of most answers first. Money, sizes and exclusions were understood: they are no words to look for."""
    found: dict[str, UnknownWord] = {}
    for prompt, answers in prompts:
        text = live.read(prompt).text.lower()
        searched = set(live.analyzer.query_terms(text))
        for word in dict.fromkeys(_WORD.findall(text)):
            terms = [term for term in live.analyzer.query_terms(word) if term in searched]
            if terms and live.index.is_nowhere(terms).all():
                found.setdefault(word, UnknownWord(word, 0, prompt)).answers += answers
    return sorted(found.values(), key=lambda one: (-one.answers, one.word))
