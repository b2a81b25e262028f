"""The release that this process answers from, and the watch that notices a newer one."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from online.caches import Cache
from online.polling import Polling
from setwise.complementarity import WEIGHTS, Complementarity
from setwise.encoder import Encoder
from setwise.index import LocalIndex
from setwise.learned import Learned, read_learned
from setwise.names import ProductId
from setwise.prompt import Understanding, lexicon_of, understand
from setwise.ranker import Ranker, open_rankers
from setwise.release import Manifest, ReleaseError, Releases
from setwise.snapshot import Snapshot
from setwise.statistics import TREND_FILE, read_popularity
from setwise.terms import Analyzer
from setwise.vocabulary import Vocabulary, read_vocabulary
from setwise.vocabulary.suggesting import Suggester

logger = logging.getLogger(__name__)
POLL_S = 0.5
READINGS, VECTORS = 5_000, 20_000
"""Sentences and texts that are remembered, some 20 MB and 30 MB."""
RISING_ROWS = 3_000
POPULAR_ROWS = 20_000
"""Rows of the last rung's table, the most bought of each category in equal parts: 4 ms to look through."""


class LiveRelease(msgspec.Struct, frozen=True):
    """One release, opened. A request takes it once and uses nothing else, so no answer sees two releases."""

    manifest: Manifest
    snapshot: Snapshot
    encoder: Encoder
    index: LocalIndex
    vocabulary: Vocabulary
    complementarity: Complementarity
    analyzer: Analyzer
    category_terms: list[list[str]] = []
    """Index terms of each leaf category's name, by its code in the snapshot."""
    categories_with: Mapping[str, NDArray[np.int64]] = {}
    """The codes of the leaf categories whose name has a term."""
    popularity: NDArray[np.float32] | None = None
    """Decayed orders of each row; None in a release that was built without them."""
    rankers: Mapping[str, Ranker] = {}
    """What is learned of ranking, by kind of request; none in a release without, and where they cannot be run."""
    popular: NDArray[np.int64] = np.empty(0, np.int64)
    """The most bought rows of each category, most bought first."""
    trend: NDArray[np.float32] | None = None
    """Orders of the last weeks, as statistics.ProductStats has them, of each row."""
    rising: NDArray[np.int64] = np.empty(0, np.int64)
    """The rows that are bought most lately, most first."""
    learned: Learned = Learned()
    """Weights that the shop's own past gave."""
    readings: Cache[Understanding] = msgspec.field(default_factory=lambda: Cache("readings", READINGS))
    vectors: Cache[NDArray[np.float32]] = msgspec.field(default_factory=lambda: Cache("vectors", VECTORS))

    suggesters: dict[str, Suggester] = {}

    def suggester(self, language: str) -> Suggester:
        """What helps with typing in a language; made when it is first asked for, in up to half a second."""
        if language not in self.suggesters:
            self.suggesters[language] = Suggester(self.vocabulary, language)
        return self.suggesters[language]

    def read(self, prompt: str) -> Understanding:
        """What a sentence says in the words of this catalogue."""
        found = self.readings.get(prompt)
        if found is None:
            found = understand(prompt, self.vocabulary)
            self.readings.put(prompt, found)
        return found


def open_release(manifest: Manifest, folder: Path) -> LiveRelease:
    """Opens the files of a verified release, and warms what the first answer would wait for."""
    snapshot, analyzer = Snapshot(folder / "snapshot"), Analyzer()
    popularity = read_popularity(folder / "statistics")
    trend = read_popularity(folder / "statistics", TREND_FILE)
    category_terms = [analyzer.terms(name) for name in snapshot.meta.categories]
    learned = read_learned(folder / "learned")
    live = LiveRelease(
        manifest,
        snapshot,
        Encoder(folder / "encoder"),
        LocalIndex(folder / "index"),
        read_vocabulary(folder / "vocabulary"),
        Complementarity.open(folder / "complementarity", learned.fit or WEIGHTS),
        analyzer,
        category_terms,
        categories_with=_inverted(category_terms),
        popularity=popularity,
        rankers=_rankers_of(manifest, folder / "ranker"),
        popular=popular_rows(snapshot.category, popularity),
        trend=trend,
        rising=rising_rows(len(snapshot), trend if trend is not None else popularity),
        learned=learned,
    )
    counts = {len(live.snapshot), len(live.index), len(live.complementarity.groups)}
    counts |= {len(column) for column in (popularity, trend) if column is not None}
    if live.encoder.card.dimensions != live.index.dimensions or len(counts) > 1:
        raise ReleaseError(f"release {manifest.release_id}: its parts do not fit each other")
    lexicon_of(live.vocabulary)
    live.index.hybrid(["warm"], live.encoder.encode(["warm"])[0], 10)
    return live


def _inverted(category_terms: Sequence[Sequence[str]]) -> dict[str, NDArray[np.int64]]:
    found: dict[str, list[int]] = {}
    for code, terms in enumerate(category_terms):
        for term in set(terms):
            found.setdefault(term, []).append(code)
    return {term: np.asarray(codes, dtype=np.int64) for term, codes in found.items()}


def _rankers_of(manifest: Manifest, folder: Path) -> dict[str, Ranker]:
    """What cannot be run is answered without: the weighted sum alone ranks then."""
    try:
        return open_rankers(folder)
    except Exception as error:  # whatever the runtime or the card's reading raises
        logger.error("release %s is served without its rankers: %r", manifest.release_id, error)
        return {}


def popular_rows(category: NDArray[np.int64], popularity: NDArray[np.float32] | None) -> NDArray[np.int64]:
    """Rows by falling popularity, of each category at most its part of POPULAR_ROWS; in the catalogue's order without
    orders."""
    count = len(category)
    bought = np.zeros(count) if popularity is None else popularity
    order = np.lexsort((np.arange(count), -bought))
    # The place of each row within its category, in that order.
    by_category = np.argsort(category[order], kind="stable")
    sizes = np.unique(category, return_counts=True)[1]
    place = np.empty(count, np.int64)
    place[by_category] = np.arange(count) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return order[place < POPULAR_ROWS // max(len(sizes), 1)].astype(np.int64)


def rising_rows(count: int, trend: NDArray[np.float32] | None) -> NDArray[np.int64]:
    """The first RISING_ROWS rows by falling trend; in the catalogue's order without orders."""
    bought = np.zeros(count) if trend is None else trend
    return np.lexsort((np.arange(count), -bought))[:RISING_ROWS].astype(np.int64)


class ReleaseWatch:
    """Looks for another `current` twice a second; a release that cannot be opened is logged and the old one stays."""

    def __init__(self, releases: Releases, on_open: Callable[[LiveRelease], None] | None = None) -> None:
        self._releases = releases
        self._on_open = on_open
        self._base: LiveRelease | None = None
        self._live: LiveRelease | None = None
        self._switching = threading.Lock()
        self.overlay: Callable[[LiveRelease], LiveRelease] = lambda live: live
        """What is laid over a release before it is answered from."""
        self._refused: str | None = None
        self._polling = Polling(self.look, "release-watch", POLL_S)

    @property
    def live(self) -> LiveRelease | None:
        """The release to answer from, or None before the first one could be opened."""
        return self._live

    def is_known(self, product_id: ProductId) -> bool:
        """False where the live catalogue lacks the product; True before there is one."""
        return self._live is None or self._live.snapshot.row_of(product_id) is not None

    def start(self) -> None:
        """Opens the live release now and watches from then on."""
        self._polling.start()
        if self._live is None:
            logger.warning("no release is live yet: build one (`make build`); until then answers are 503")

    def stop(self) -> None:
        """Ends the watch."""
        self._polling.stop()

    def refresh(self) -> None:
        """Lays the overlay over the open release anew."""
        with self._switching:
            self._live = self._base and self.overlay(self._base)

    def look(self) -> None:
        """Opens `current` where it is another release than the one that is open."""
        current = None
        try:
            current = self._releases.current_id()
            is_known = self._live is not None and self._live.manifest.release_id == current
            if current is None or is_known or current == self._refused:
                return
            live = open_release(*self._releases.fetch(current))
        except (OSError, ValueError, RuntimeError, KeyError, msgspec.MsgspecError) as error:
            self._refused = current
            logger.error("release %s cannot be served, the old one stays: %s", self._refused, error)
            return
        if self._on_open:
            self._on_open(live)
        self._base, self._refused = live, None
        self.refresh()
        logger.info("serving release %s, %d products", current, len(live.snapshot))
