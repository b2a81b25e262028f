"""Text -> index terms, and for each product of a release the terms it has, as numbers that are compared at once."""

import re
import zlib
from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import tantivy
from numpy.typing import NDArray

from setwise.rows import distinct

Codes = NDArray[np.uint32]
_STOP_WORDS = frozenset("a an and at by for from in is it its me my of on or our the this to we with".split())
_ALPHANUMERIC = re.compile(r"\w+")
QUERIES = 4_096
"""Texts whose terms are kept."""


_DENIED = re.compile(
    r"\b[^\W_]+[- ]free\b|\b(?:without|no|free of|frei von|ohne|sans|sin)\s+(?:added\s+)?[^\W_]+"
    r"|\b[^\W_]{3,}frei(?:e[mnrs]?)?\b"
)


def without_denials(text: str) -> str:
    """What a text says that a thing has: "gluten-free" and "no sugar" say what it has not."""
    return _DENIED.sub(" ", text.lower())


def denials_in(text: str) -> str:
    """What a text says that a thing has not, in lower case: 'gluten-free no sugar'."""
    return " ".join(_DENIED.findall(text.lower()))


class Analyzer:
    """Text -> index terms: lower-case, accents folded, English stems. The same on every index implementation."""

    def __init__(self) -> None:
        self.tantivy = (
            tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
            .filter(tantivy.Filter.remove_long(40))
            .filter(tantivy.Filter.lowercase())
            .filter(tantivy.Filter.ascii_fold())
            .filter(tantivy.Filter.stemmer("english"))
            .build()
        )
        self._kept = lru_cache(maxsize=QUERIES)(self._query_terms)

    def terms(self, text: str) -> list[str]:
        """Terms in order, repeated ones kept."""
        terms: list[str] = self.tantivy.analyze(text.encode("utf-8", "replace").decode())
        return terms

    def query_terms(self, text: str) -> tuple[str, ...]:
        """Distinct terms of a query without words that say nothing, unless nothing else is left. One answer asks for
        those of a text several times: the latest are kept."""
        return self._kept(text)

    def _query_terms(self, text: str) -> tuple[str, ...]:
        words = [word for word in _ALPHANUMERIC.findall(text.lower()) if word not in _STOP_WORDS]
        return tuple(dict.fromkeys(self.terms(" ".join(words) or text)))


FEW_CODES = 4
"""So many terms are compared one by one, which is quicker for them."""
LIKE = np.uint32(0xFFFF)
"""The bits by which most terms are told from those that are looked for, without a binary search for each of them."""


def code_of(term: str) -> int:
    """A term as 32 bits. Two of a product's fifty terms clash with one of a query's once in 80 million."""
    return zlib.crc32(term.encode())


def codes_of(terms: Iterable[str]) -> Codes:
    """Each distinct term's code, rising."""
    return np.asarray(sorted({code_of(term) for term in terms}), dtype=np.uint32)


def side_by_side(terms: Sequence[str]) -> list[str]:
    """Each two neighbouring terms as one."""
    return [f"{one} {next_one}" for one, next_one in pairwise(terms)]


def mapped(path: Path) -> NDArray[Any]:
    """An array of a file, memory-mapped: a plain view, as indexing numpy's own memmap costs ten times as much."""
    array: NDArray[Any] = np.load(path, mmap_mode="r").view(np.ndarray)
    return array


class TermTable:
    """The terms of each row, memory-mapped: about 4 bytes a term."""

    def __init__(self, folder: Path, name: str) -> None:
        file = folder / f"{name}_terms.bin"
        is_empty = not file.stat().st_size
        self._codes: Codes = (
            np.empty(0, np.uint32) if is_empty else np.memmap(file, np.uint32, mode="r").view(np.ndarray)
        )
        self._offsets: NDArray[np.int64] = mapped(folder / f"{name}_offsets.npy")

    def counts(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many terms each row has."""
        found: NDArray[np.int64] = self._offsets[rows + 1] - self._offsets[rows]
        return found

    def has(self, rows: NDArray[np.int64], codes: Codes) -> NDArray[np.bool_]:
        """Shape (rows, codes): which row has which term; codes rise."""
        found = np.zeros((len(rows), len(codes)), dtype=bool)
        if not len(rows) or not len(codes):
            return found
        starts = self._offsets.take(rows)
        lengths = self._offsets.take(rows + 1) - starts
        # One flat gather of all rows' terms; `ends` says where those of each row end.
        ends = lengths.cumsum()
        at = (starts - ends + lengths).repeat(lengths)
        at += np.arange(len(at))
        flat = self._codes.take(at)
        if len(codes) <= FEW_CODES:
            for at_code, code in enumerate(codes):
                found[ends.searchsorted((flat == code).nonzero()[0], "right"), at_code] = True
            return found
        # Few terms share their lower bits with one of the codes: only those are looked for among them.
        is_like = np.zeros(LIKE + 1, dtype=bool)
        is_like[codes & LIKE] = True
        hits = is_like.take(flat & LIKE).nonzero()[0]
        terms = flat.take(hits)
        position = codes.searchsorted(terms)
        is_one = codes.take(position, mode="clip") == terms
        found[ends.searchsorted(hits[is_one], "right"), position[is_one]] = True
        return found

    def has_all(self, rows: NDArray[np.int64], names: Sequence[Codes]) -> NDArray[np.bool_]:
        """Shape (rows, names): True where a row has every term of a name; no row has a name without terms."""
        if not names:
            return np.zeros((len(rows), 0), dtype=bool)
        codes = distinct(*names)
        found = self.has(rows, codes)
        columns = [
            found[:, np.searchsorted(codes, name)].all(axis=1) if len(name) else np.zeros(len(rows), bool)
            for name in names
        ]
        return np.stack(columns, axis=1)

    def overlap(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Shape (rows, rows): the terms that two rows share, as a share of those that either has; 0 without any."""
        own = [self._codes[self._offsets[row] : self._offsets[row + 1]] for row in rows.tolist()]
        has = self.has(rows, distinct(np.empty(0, np.uint32), *own)).astype(np.float64)
        shared, count = has @ has.T, has.sum(axis=1)
        found: NDArray[np.float64] = shared / np.maximum(count[:, None] + count - shared, 1.0)
        return found


class TermTableWriter:
    """Writes rows in order, straight to the file: memory grows by 8 bytes a row."""

    def __init__(self, folder: Path, name: str) -> None:
        self._file = (folder / f"{name}_terms.bin").open("wb")
        self._offsets_file = folder / f"{name}_offsets.npy"
        self._lengths = array("q", [0])

    def add(self, terms: Iterable[str]) -> None:
        """The next row's terms."""
        codes = codes_of(terms)
        self._file.write(codes.tobytes())
        self._lengths.append(len(codes))

    def close(self) -> None:
        """Ends the file and writes where each row begins."""
        self._file.close()
        np.save(self._offsets_file, np.cumsum(self._lengths, dtype=np.int64))
