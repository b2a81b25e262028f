"""The in-process index: usearch for meaning, tantivy for words, both memory-mapped from a release's files."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec
import numpy as np
import onnxruntime  # noqa: F401 - loaded first: after usearch it ends the process with a segmentation fault
import tantivy
from numpy.typing import NDArray
from usearch.index import Index as VectorIndex

from setwise.rows import distinct
from setwise.terms import Analyzer, mapped

VECTORS_FILE = "vectors.npy"
GRAPH_FILE = "graph.usearch"
WORDS_FOLDER = "words"
WHOLE = 32_767
"""Vectors are kept as whole numbers of this part of 1."""
EXPANSION = 128
"""How many neighbours the graph looks at when a row is added, and at least when it is searched."""
EXACT_BELOW = 10_000
"""Up to here an exact scan is as quick as the graph, and misses nothing."""
DENSE_WEIGHT = 0.5
"""Share of the meaning in the fused score; the curve is flat between .4 and .6 on the public query sets."""
ROW_BITS = 40
Cosines = Callable[[NDArray[np.int64]], NDArray[np.float64]]


class Hits(msgspec.Struct, frozen=True):
    """What both legs found together, best fused score first. Three arrays of one length, values 0..1."""

    rows: NDArray[np.int64]
    lexical: NDArray[np.float64]
    """BM25 as a share of the best hit's; 0 where the words did not find the row."""
    semantic: NDArray[np.float64]
    """Cosine as a share of the best hit's; 0 without an encoder."""
    best_bm25: float = 1.0
    best_cosine: float = 1.0
    """What the shares are shares of."""

    @property
    def scores(self) -> NDArray[np.float64]:
        """The fused scores."""
        return fused(self.lexical, self.semantic)

    def mixed(self, dense_weight: float) -> "Hits":
        """The same rows in the order that another share of the meaning gives them."""
        order = np.lexsort((self.rows, -fused(self.lexical, self.semantic, dense_weight)))
        changed = {name: getattr(self, name)[order] for name in ("rows", "lexical", "semantic")}
        return msgspec.structs.replace(self, **changed)

    def of(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
        """Lexical and semantic shares of these rows, 0 for those that were not found, and the places of these."""
        return found_by([self], rows, np.zeros(len(rows), np.int64))


def found_by(
    hits: Sequence[Hits], rows: NDArray[np.int64], of: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Lexical and semantic shares of these rows, `of` = in whose hits each is looked for; 0 for those that were not
    found, and the places of these."""
    # A row in one question's hits is no row in another's: the question stands in the upper bits.
    known = np.concatenate([hit.rows + (at << ROW_BITS) for at, hit in enumerate(hits)])
    if not len(known):
        return np.zeros(len(rows)), np.zeros(len(rows)), np.arange(len(rows))
    wanted = rows + (of << ROW_BITS)
    order = known.argsort()
    at = order.take(known.searchsorted(wanted, sorter=order), mode="clip")
    missing = (known.take(at) != wanted).nonzero()[0]
    lexical = np.concatenate([hit.lexical for hit in hits]).take(at)
    semantic = np.concatenate([hit.semantic for hit in hits]).take(at)
    lexical[missing] = semantic[missing] = 0.0
    return lexical, semantic, missing


def fused(
    lexical: NDArray[np.float64], semantic: NDArray[np.float64], dense_weight: float = DENSE_WEIGHT
) -> NDArray[np.float64]:
    """One score from both legs."""
    return (1 - dense_weight) * lexical + dense_weight * semantic


def fuse(
    near: NDArray[np.int64],
    matching: tuple[NDArray[np.int64], NDArray[np.float64]],
    cosines: Cosines | None,
    limit: int | None = None,
) -> Hits:
    """Relative score fusion of the best `limit` rows near in meaning and those that hold the words; ties by row.

    Each leg counts from 0, not from its worst hit (worth .02 of NDCG@10 on real queries), and the cosine of every row
    is computed, also where only the words found it."""
    rows = distinct(near, matching[0])
    lexical = np.zeros(len(rows))
    lexical[rows.searchsorted(matching[0])] = as_shares(matching[1])
    found = cosines(rows) if cosines else np.zeros(len(rows))
    if limit is not None and len(near) > limit:
        by_meaning = rows.searchsorted(near)
        by_meaning = by_meaning[np.lexsort((by_meaning, -found[by_meaning]))]
        kept = lexical > 0
        kept[by_meaning[:limit]] = True
        rows, lexical, found = rows[kept], lexical[kept], found[kept]
    semantic = as_shares(found)
    order = np.lexsort((rows, -fused(lexical, semantic)))
    best = (float(values.max(initial=0.0)) for values in (matching[1], found))
    return Hits(rows[order], lexical[order], semantic[order], *best)


def as_shares(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values as shares of the best one, at least 0."""
    best = values.max() if len(values) else 0.0
    return np.maximum(values, 0.0) / best if best > 0 else np.zeros(len(values))


def build_index(vectors: NDArray[np.float32], texts: Iterable[str], folder: Path) -> None:
    """Writes the index of rows 0..n-1: vectors of length 1, `texts` in the same order."""
    folder.mkdir(parents=True, exist_ok=True)
    # Of vectors of length 1 this is finer than half precision, and read three to five times as fast.
    np.save(folder / VECTORS_FILE, np.round(vectors * WHOLE).astype(np.int16))
    graph = VectorIndex(ndim=vectors.shape[1], metric="cos", dtype="i8", connectivity=16, expansion_add=EXPANSION)
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
        self._vectors: NDArray[np.int16] = mapped(folder / VECTORS_FILE)
        # Releases that were built earlier hold them in half precision.
        self._part = np.float32(1 / WHOLE if self._vectors.dtype == np.int16 else 1.0)
        self._graph = VectorIndex.restore(str(folder / GRAPH_FILE), view=True)
        self._graph.expansion_search = EXPANSION  # a saved graph does not keep it, and usearch's own is 64
        self._schema = _schema()
        index = tantivy.Index(self._schema, path=str(folder / WORDS_FOLDER))
        index.register_tokenizer("setwise", Analyzer().tantivy)
        self._searcher = index.searcher()

    def __len__(self) -> int:
        return len(self._vectors)

    @property
    def dimensions(self) -> int:
        """Length of a vector."""
        return int(self._vectors.shape[1])

    def vectors(self, rows: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
        """Vectors of length 1 of these rows, or of all, shape (rows, dimensions)."""
        found = self._vectors if rows is None else self._vectors.take(rows, axis=0)
        return found.astype(np.float32) * self._part

    def nearest(
        self, vector: NDArray[np.float32], limit: int, exact: bool | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Rows and cosine similarities, best first."""
        found = self._near(vector, limit, exact)
        cosines = self.similarity(vector, found)
        order = np.lexsort((found, -cosines))[:limit]
        return found[order], cosines[order]

    def _near(self, vector: NDArray[np.float32], limit: int, exact: bool | None = None) -> NDArray[np.int64]:
        """Half as many rows again: the graph compares int8 vectors, the finer ones order them."""
        if not len(self):
            return np.empty(0, dtype=np.int64)
        is_exact = len(self) < EXACT_BELOW if exact is None else exact
        found: NDArray[np.int64] = self._graph.search(vector, limit + limit // 2, exact=is_exact).keys.astype(np.int64)
        return found

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
        near, matching = self._near(vector, limit), self.matching(terms, limit)
        return fuse(near, matching, lambda rows: self.similarity(vector, rows), limit)

    def rarity(self, terms: Sequence[str]) -> NDArray[np.float64]:
        """BM25's inverse document frequency of each term."""
        counts = np.asarray([self._searcher.doc_freq("text", term) for term in terms], dtype=np.float64)
        return np.log1p((len(self) - counts + 0.5) / (counts + 0.5))

    def is_nowhere(self, terms: Sequence[str]) -> NDArray[np.bool_]:
        """True for each term that no row holds."""
        return np.asarray([not self._searcher.doc_freq("text", term) for term in terms], dtype=bool)

    def similarity(self, vector: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Cosine of the vector to these rows."""
        found = self._vectors.take(rows, axis=0).astype(np.float32) @ (vector * self._part)
        cosines: NDArray[np.float64] = found.astype(np.float64)
        return cosines


def index_recall(index: LocalIndex, queries: NDArray[np.float32], k: int = 100) -> float:
    """Mean share of the k exact nearest rows that the graph finds too."""
    k, every = min(k, len(index)), np.arange(len(index))
    exact = [np.argpartition(-index.similarity(q, every), k - 1)[:k] for q in queries]
    found = [index.nearest(q, k)[0] for q in queries]
    return float(np.mean([len(np.intersect1d(a, b)) / k for a, b in zip(exact, found, strict=True)]))
