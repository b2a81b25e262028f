"""The in-process index: usearch for meaning, tantivy for words, both memory-mapped from a release's files."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec
import numpy as np
import onnxruntime  # noqa: F401 - loaded first: after usearch it ends the process with a segmentation fault
import tantivy
from numpy.typing import NDArray
from usearch.index import Index as VectorIndex

from setwise.terms import Analyzer, mapped

VECTORS_FILE = "vectors.npy"
GRAPH_FILE = "graph.usearch"
WORDS_FOLDER = "words"
EXACT_BELOW = 10_000
"""Up to here an exact scan is as quick as the graph, and misses nothing."""
DENSE_WEIGHT = 0.5
"""Share of the meaning in the fused score; the curve is flat between .4 and .6 on the public query sets."""
Cosines = Callable[[NDArray[np.int64]], NDArray[np.float64]]


class Hits(msgspec.Struct, frozen=True):
    """What both legs found together, best fused score first. Three arrays of one length, values 0..1."""

    rows: NDArray[np.int64]
    lexical: NDArray[np.float64]
    """BM25 as a share of the best hit's; 0 where the words did not find the row."""
    semantic: NDArray[np.float64]
    """Cosine as a share of the best hit's; 0 without an encoder."""

    @property
    def scores(self) -> NDArray[np.float64]:
        """The fused scores."""
        return fused(self.lexical, self.semantic)

    def of(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Lexical and semantic shares of these rows; no semantic ones where a row was not found."""
        if not len(self.rows):
            return np.zeros(len(rows)), None
        order = np.argsort(self.rows)
        at = order[np.minimum(np.searchsorted(self.rows, rows, sorter=order), len(order) - 1)]
        is_found = self.rows[at] == rows
        return np.where(is_found, self.lexical[at], 0.0), self.semantic[at] if is_found.all() else None


def fused(lexical: NDArray[np.float64], semantic: NDArray[np.float64]) -> NDArray[np.float64]:
    """One score from both legs."""
    return (1 - DENSE_WEIGHT) * lexical + DENSE_WEIGHT * semantic


def fuse(
    near: NDArray[np.int64], matching: tuple[NDArray[np.int64], NDArray[np.float64]], cosines: Cosines | None
) -> Hits:
    """Relative score fusion of the rows near in meaning and those that hold the words; ties by row.

    Each leg counts from 0, not from its worst hit (worth .02 of NDCG@10 on real queries), and the cosine of every row
    is computed, also where only the words found it."""
    rows = np.union1d(near, matching[0])
    lexical = np.zeros(len(rows))
    lexical[np.searchsorted(rows, matching[0])] = as_shares(matching[1])
    semantic = as_shares(cosines(rows)) if cosines else np.zeros(len(rows))
    order = np.lexsort((rows, -fused(lexical, semantic)))
    return Hits(rows[order], lexical[order], semantic[order])


def as_shares(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values as shares of the best one, at least 0."""
    best = values.max() if len(values) else 0.0
    return np.maximum(values, 0.0) / best if best > 0 else np.zeros(len(values))


def build_index(vectors: NDArray[np.float32], texts: Iterable[str], folder: Path) -> None:
    """Writes the index of rows 0..n-1; `texts` in the same order."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / VECTORS_FILE, vectors.astype(np.float16))
    graph = VectorIndex(
        ndim=vectors.shape[1], metric="cos", dtype="i8", connectivity=16, expansion_add=128, expansion_search=128
    )
    if len(vectors):
        graph.add(np.arange(len(vectors), dtype=np.uint64), vectors)
    graph.save(str(folder / GRAPH_FILE))

    words = folder / WORDS_FOLDER
    words.mkdir(exist_ok=True)
    index = tantivy.Index(_schema(), path=str(words))
    index.register_tokenizer("setwise", Analyzer().tantivy)
    writer = index.writer(heap_size=256_000_000, num_threads=1)
    for row, text in enumerate(texts):
        document = tantivy.Document()
        # By name, not by keyword: a keyword's integer would be a signed one, which ends the writer's thread.
        document.add_unsigned("row", row)
        document.add_text("text", text)
        writer.add_document(document)
    writer.commit()
    writer.wait_merging_threads()


def _schema() -> tantivy.Schema:
    return (
        tantivy.SchemaBuilder()
        .add_unsigned_field("row", fast=True)
        .add_text_field("text", tokenizer_name="setwise", index_option="freq")
        .build()
    )


class LocalIndex:
    """Searches one release's index. Safe to call from several threads."""

    def __init__(self, folder: Path) -> None:
        self.vectors: NDArray[np.float16] = mapped(folder / VECTORS_FILE)
        self._graph = VectorIndex.restore(str(folder / GRAPH_FILE), view=True)
        self._schema = _schema()
        index = tantivy.Index(self._schema, path=str(folder / WORDS_FOLDER))
        index.register_tokenizer("setwise", Analyzer().tantivy)
        self._searcher = index.searcher()

    def nearest(
        self, vector: NDArray[np.float32], limit: int, exact: bool | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Rows and cosine similarities, best first."""
        if not len(self.vectors):
            return np.empty(0, dtype=np.int64), np.empty(0)
        is_exact = len(self.vectors) < EXACT_BELOW if exact is None else exact
        # The graph compares int8 vectors: half as many again are fetched and ordered by the finer ones.
        found = self._graph.search(vector, limit + limit // 2, exact=is_exact).keys.astype(np.int64)
        cosines = self.similarity(vector, found)
        order = np.lexsort((found, -cosines))[:limit]
        return found[order], cosines[order]

    def matching(self, terms: Sequence[str], limit: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Rows and BM25 scores of what holds any of the terms, best first."""
        # One field: a title that counts twice lost .05 of NDCG@10 on real queries.
        clauses = [
            (tantivy.Occur.Should, tantivy.Query.term_query(self._schema, "text", term, "freq")) for term in terms
        ]
        if not clauses:
            return np.empty(0, dtype=np.int64), np.empty(0)
        hits = self._searcher.search(tantivy.Query.boolean_query(clauses), limit, count=False).hits
        rows = self._searcher.fast_field_values("row", [address for _, address in hits])
        return np.asarray(rows, dtype=np.int64), np.asarray([score for score, _ in hits], dtype=np.float64)

    def hybrid(self, terms: Sequence[str], vector: NDArray[np.float32] | None, limit: int) -> Hits:
        """Both legs fused; without a vector (the encoder failed) the words alone."""
        if vector is None:
            return fuse(np.empty(0, dtype=np.int64), self.matching(terms, limit), None)
        near, _ = self.nearest(vector, limit)
        return fuse(near, self.matching(terms, limit), lambda rows: self.similarity(vector, rows))

    def similarity(self, vector: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Cosine of the vector to these rows."""
        cosines: NDArray[np.float64] = (self.vectors[rows].astype(np.float32) @ vector).astype(np.float64)
        return cosines


def index_recall(index: LocalIndex, queries: NDArray[np.float32], k: int = 100) -> float:
    """Mean share of the k exact nearest rows that the graph finds too."""
    k = min(k, len(index.vectors))
    exact = [np.argpartition(-(index.vectors.astype(np.float32) @ q), k - 1)[:k] for q in queries]
    found = [index.nearest(q, k)[0] for q in queries]
    return float(np.mean([len(np.intersect1d(a, b)) / k for a, b in zip(exact, found, strict=True)]))
