"""Many phrases written as one pattern: 'i|we already|~ have' stands for four."""

from collections.abc import Iterable
from itertools import product


def expanded(texts: Iterable[str]) -> list[str]:
    """Each pattern's phrases. A space parts the places, '|' what may stand there, '~' is nothing, '_' a space."""
    found: dict[str, None] = {}
    for text in texts:
        if "|" not in text:
            found[text] = None
            continue
        places = [
            ["" if part == "~" else part.replace("_", " ") for part in place.split("|")] for place in text.split(" ")
        ]
        for chosen in product(*places):
            found[" ".join([part for part in chosen if part])] = None
    return [text for text in found if text]
