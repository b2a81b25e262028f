"""Which words of shoppers does no product have?"""

import re
from collections.abc import Iterable

import msgspec

from online.live import LiveRelease
from setwise.languages import language
from setwise.prompt import Understanding
from setwise.vocabulary import words_of

_WORD = re.compile(r"[^\W\d_]{2,}")


class UnknownWord(msgspec.Struct):
    """A word, how many answers were given to sentences that hold it, and one of these."""

    word: str
    answers: int
    example: str


def unknown_words(live: LiveRelease, prompts: Iterable[tuple[str, int]]) -> list[UnknownWord]:
    """Those of most answers first. What was understood without a product is no word to look for: money, sizes,
    exclusions, numbers, words between words, and kinds that the shopper named in another language."""
    found: dict[str, UnknownWord] = {}
    for prompt, answers in prompts:
        reading = live.read(prompt)
        text, understood = reading.text.lower(), _understood(reading)
        searched = set(live.analyzer.query_terms(text))
        for word in dict.fromkeys(_WORD.findall(text)):
            if word in understood:
                continue
            terms = [term for term in live.analyzer.query_terms(word) if term in searched]
            if terms and live.index.is_nowhere(terms).all():
                found.setdefault(word, UnknownWord(word, 0, prompt)).answers += answers
    return sorted(found.values(), key=lambda one: (-one.answers, one.word))


def _understood(reading: Understanding) -> set[str]:
    table = language(reading.language)
    named = (wish.name for wish in reading.named if wish.categories)
    money = table.currencies.values
    return {word for name in (*named, *money) for word in words_of(name)} | table.detect | {*table.units, *table.scales}
