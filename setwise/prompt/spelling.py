"""A misspelled word -> the word that was meant, in microseconds whatever the size of the vocabulary."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

from rapidfuzz.distance import OSA

SHORTEST = 4
TWO_EDITS_FROM = 7
_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]{5,}")
_ROWS = ("qwertzuiop", "qwertyuiop", "asdfghjkl", "yxcvbnm", "zxcvbnm", "azertyuiop")


class Speller:
    """Words by first letter and length, and again by last two letters, so that only a few are compared."""

    def __init__(self, words: Mapping[str, int], known: Iterable[str]) -> None:
        self.known = frozenset(known)
        self._words = words
        self._starts: dict[tuple[str, int], list[str]] = defaultdict(list)
        self._ends: dict[tuple[str, int], list[str]] = defaultdict(list)
        for word in words:
            if len(word) >= SHORTEST - 1 and word.isalpha():
                self._starts[word[:2], len(word)].append(word)
                self._ends[word[-2:], len(word)].append(word)

    def meant(self, word: str, *, is_denied: bool = False) -> str | None:
        """The nearest word within one edit or swap (two from seven letters on, the first letter kept), or None. What is
        denied is taken for another word only where it begins with the same letters: "waking" is no "baking"."""
        length = len(word)
        if word in self.known or length < SHORTEST - 1 or not word.isalpha():
            return None
        most = 2 if length >= TWO_EDITS_FROM and not is_denied else 1
        best: tuple[int, int, int, str] | None = None
        for other in self._near(word, most):
            distance = OSA.distance(word, other, score_cutoff=most)
            if distance > most or (distance > 1 and word[0] != other[0]):
                continue
            if is_denied and word[0] != other[0] and sorted(word) != sorted(other):
                continue
            if length < SHORTEST and not _doubles(word, other):
                continue
            if length == SHORTEST and distance and not _is_slip(word, other):
                continue
            is_shuffled = sorted(word) == sorted(other)
            rank = (distance, 0 if is_shuffled else 1 if _doubles(word, other) else 2, -self._words[other], other)
            best = rank if best is None or rank < best else best
        return best[3] if best else None

    def _near(self, word: str, most: int) -> set[str]:
        found: set[str] = set()
        for length in range(len(word) - most, len(word) + most + 1):
            found.update(self._starts.get((word[:2], length), ()))
            found.update(self._ends.get((word[-2:], length), ()))
            found.update(self._starts.get((word[1::-1], length), ()))
        for i in range(len(word) - 1):
            swapped = word[:i] + word[i + 1] + word[i] + word[i + 2 :]
            if swapped in self._words:
                found.add(swapped)
        return found


def _is_slip(word: str, other: str) -> bool:
    """Of four letters: one left out, doubled, swapped, or the last one wrong; 'text' is no tent and 'soup' no soap."""
    is_shorter = len(other) > len(word)
    return is_shorter or _doubles(word, other) or sorted(word) == sorted(other) or word[:-1] == other[:-1]


def _doubles(word: str, other: str) -> bool:
    """True if the words differ by a letter that is doubled in one of them."""
    longer, shorter = (word, other) if len(word) > len(other) else (other, word)
    if len(longer) != len(shorter) + 1:
        return False
    return any(longer[i] == longer[i - 1] and longer[:i] + longer[i + 1 :] == shorter for i in range(1, len(longer)))


def is_word_like(text: str) -> bool:
    """False for what fingers type when they mean nothing: no vowel, long runs of consonants, rows of keys."""
    if len(text) < 3 or not re.search(r"[aeiouyäöüáéíóúàèùâêîôû]", text) or _CONSONANTS.search(text):
        return False
    return not any(
        text[i : i + 4] in row or text[i : i + 4] in row[::-1] for row in _ROWS for i in range(len(text) - 3)
    )
