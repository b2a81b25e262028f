"""What an answer asks encoder, index and feature store for, and how it goes on without them."""

import logging
import math
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from online.breaker import Breaker
from online.deadline import Deadline
from online.dependency_watch import Probe
from online.encoding import Encoding
from online.hydration import FeatureReader
from online.live import LiveRelease
from online.messages import BundleRequest, Degraded, ProductsRequest
from online.popular import popular_hits
from online.retrieval import InProcessRetriever, Retriever, SlotQuery, VectorStoreDownError
from online.sessions import session_keys, session_of
from online.stages import Stages
from setwise.experiment import NO_EXPERIMENT, Assignment
from setwise.index import Hits
from setwise.names import SHOPPER_PROFILES_VIEW, SHOPPER_SESSIONS_VIEW
from setwise.pseudonyms import Pseudonyms
from setwise.request_ids import RequestIds
from setwise.sessions import ShopperSession

logger = logging.getLogger(__name__)
LADDER = ("full", "no_profile", "no_features", "lexical", "local_index", "popular")
PROMPT, NOT_UNDERSTOOD = "prompt", "not understood"
"""What a sentence that says nothing is noted as, on the rung that then answers."""
RESERVE_S = 0.01
"""Left for ranking and showing what was found: with less than this nothing is looked for any more."""
T = TypeVar("T")
Profile = dict[str, Any]


class TimeOuts(msgspec.Struct, frozen=True):
    """Seconds that one stage may wait, however much of the deadline is left."""

    encode_s: float = math.inf
    retrieve_s: float = math.inf
    features_s: float = math.inf


class Breakers(msgspec.Struct, frozen=True):
    """One for each dependency; shared by all answers of a process."""

    encoder: Breaker = msgspec.field(default_factory=lambda: Breaker("encoder"))
    vectors: Breaker = msgspec.field(default_factory=lambda: Breaker("weaviate"))
    features: Breaker = msgspec.field(default_factory=lambda: Breaker("features"))


class Dependencies(msgspec.Struct, frozen=True):
    """What an answer needs beside the release; built once per process."""

    retriever: Retriever
    features: FeatureReader
    allow_preorder: bool = False
    timeouts: TimeOuts = TimeOuts()
    encoding: Encoding = msgspec.field(default_factory=Encoding)
    breakers: Breakers = msgspec.field(default_factory=Breakers)
    request_ids: RequestIds = msgspec.field(default_factory=RequestIds)
    pseudonyms: Pseudonyms | None = None
    """What people are called in events; without it nobody's session is read."""
    to_learn_from: bool = False
    """Whether lists of products come with the feature rows that they were ranked by, every column filled."""

    def probes(self, live: Callable[[], LiveRelease | None]) -> list[tuple[Breaker, Probe]]:
        """One cheap question to each; nothing is asked before there is a release."""

        def vectors() -> object:
            release = live()
            if release is None:
                return None
            near = release.index.vectors(np.zeros(1, np.int64))[0] if len(release.snapshot) else None
            try:
                return self.retriever.retrieve(release, [SlotQuery(["a"], near, 1)], self.timeouts.retrieve_s)
            except VectorStoreDownError:
                self.retriever.renew()
                raise

        def encoder() -> object:
            release = live()
            return release and self.encoding.encode(release, ["a"], self.timeouts.encode_s)

        def features() -> object:
            return self.features.read(SHOPPER_PROFILES_VIEW, [""], datetime.now().astimezone())

        return [
            (self.breakers.vectors, vectors),
            (self.breakers.encoder, encoder),
            (self.breakers.features, features),
        ]

    def close(self) -> None:
        """Ends threads and connections."""
        self.encoding.close()
        self.retriever.close()
        self.features.close()


class Shopper(msgspec.Struct, frozen=True):
    """What of a profile answers use; any other form of it is wrong data."""

    top_brands: list[str] | None = None
    top_categories: list[str] | None = None
    top_colors: list[str] | None = None
    usual_products: list[str] | None = None
    recent_products: list[str] | None = None
    mean_price_tier: float | None = None
    orders_365d: int | None = None
    category_weights: list[float] | None = None
    brand_weights: list[float] | None = None
    color_weights: list[float] | None = None
    tier_weights: list[float] | None = None
    bought_products: list[str] | None = None
    bought_weights: list[float] | None = None
    bought_orders: list[int] | None = None
    bought_days_ago: list[float] | None = None
    rhythm_days: list[float] | None = None
    days_since_order: float | None = None
    repeat_share: float | None = None


class Context:
    """One answer on its way: its release, its clock, its deadline, what failed so far."""

    def __init__(
        self, live: LiveRelease, dependencies: Dependencies, now: datetime, deadline: Deadline | None = None,
        assignment: Assignment = NO_EXPERIMENT,
    ) -> None:  # fmt: skip
        self.live, self.dependencies, self.now, self.assignment = live, dependencies, now, assignment
        self.deadline = deadline or Deadline()
        self.stages = Stages()
        self.degraded: list[Degraded] = []
        self.rung = "full"
        self.request_id = dependencies.request_ids.new()

    def degrade(self, rung: str, dependency: str, reason: str) -> None:
        """Notes a dependency that is answered without; the worst rung stays."""
        entry = Degraded(dependency, reason)
        if entry not in self.degraded:
            self.degraded.append(entry)
        self.rung = max(self.rung, rung, key=LADDER.index)

    def is_late(self) -> bool:
        """True where only what was found already can still be answered."""
        return self.deadline.is_nearer_than(RESERVE_S)

    def ask(self, breaker: Breaker, rung: str, timeout_s: float, question: Callable[[float], T]) -> T | None:
        """What the dependency answers within its time-out and what is left; without it, None and the rung is noted."""
        if breaker.is_open:
            self.degrade(rung, breaker.name, "circuit open")
            return None
        if self.is_late():
            self.degrade(rung, breaker.name, "no time left")
            return None
        within = self.deadline.at_most(timeout_s)
        try:
            answer = question(within)
        except Exception as error:  # whatever a client library raises: no dependency's failure is an answer's
            # A call that was cut short because others were slow says nothing about this dependency.
            if within == timeout_s or "timeout" not in str(error):
                breaker.note(False)
            reason = str(error) if type(error).__module__.startswith("online.") else type(error).__name__
            self.degrade(rung, breaker.name, reason)
            return None
        breaker.note(True)
        return answer


def encode(context: Context, texts: Sequence[str]) -> list[NDArray[np.float32] | None]:
    """A vector for each text; none where the encoder fails or is late: words alone still answer."""
    with context.stages("encode"):
        if not texts:
            return []
        dependencies, live = context.dependencies, context.live
        vectors = context.ask(
            dependencies.breakers.encoder,
            "lexical",
            dependencies.timeouts.encode_s,
            lambda timeout_s: dependencies.encoding.encode(live, texts, timeout_s),
        )
        return [None] * len(texts) if vectors is None else list(vectors)


def retrieve(
    context: Context, texts: Sequence[str], vectors: Sequence[NDArray[np.float32] | None], limits: Sequence[int],
    categories: Sequence[Sequence[str]] = (),
) -> list[Hits]:  # fmt: skip
    """Rows for each text: from the store, else from the release's own index, else what is bought most.

    `categories` = those that each text names, for the last rung."""
    live, dependencies = context.live, context.dependencies
    queries = [
        SlotQuery(live.analyzer.query_terms(text), vector, limit)
        for text, vector, limit in zip(texts, vectors, limits, strict=True)
    ]
    with context.stages("retrieve"):
        found: list[Hits] | None = None
        if dependencies.retriever.is_remote and queries:
            found = context.ask(
                dependencies.breakers.vectors,
                "local_index",
                dependencies.timeouts.retrieve_s,
                lambda timeout_s: dependencies.retriever.retrieve(live, queries, timeout_s),
            )
        found = found or _from_files(context, queries, categories)
        share = context.assignment.parameters.dense_share
        return found if share is None else [hits.mixed(share) for hits in found]


def _from_files(context: Context, queries: Sequence[SlotQuery], categories: Sequence[Sequence[str]]) -> list[Hits]:
    live = context.live
    local = InProcessRetriever()
    found: list[Hits] = []
    for position, query in enumerate(queries):
        try:
            if context.is_late():
                raise VectorStoreDownError("no time left")
            found += local.retrieve(live, [query])
        except Exception as error:  # whatever the index raises: the table of the most bought is still there
            reason = str(error) if isinstance(error, VectorStoreDownError) else type(error).__name__
            if reason != "no time left":
                logger.error("the index of release %s fails: %r", live.manifest.release_id, error)
            context.degrade("popular", "index", reason)
            named = categories[position] if position < len(categories) else ()
            found.append(popular_hits(live, query.terms, named, query.limit))
    return found


def hydrate(context: Context, request: BundleRequest | ProductsRequest) -> tuple[Profile | None, ShopperSession | None]:
    """The shopper's profile, and what was done lately, in one read; without the store there is neither, and the answer
    says so. Who has no row is answered in full, and who gave no consent is not looked for.

    What is known about products is in the release: 300 keys of a store took 11 ms, a column takes none."""
    dependencies, user_id = context.dependencies, request.user_id if request.consent else None
    with context.stages("hydrate"):
        if context.live.popularity is None:
            context.degrade("no_features", "statistics", "the release was built without them")
        keys = session_keys(dependencies.pseudonyms, request)
        if user_id is None and not keys:
            return None, None

        def read(_: float) -> tuple[Profile | None, ShopperSession | None]:
            asked = [(SHOPPER_PROFILES_VIEW, [user_id])] if user_id is not None else []
            rows = dependencies.features.read_views([*asked, (SHOPPER_SESSIONS_VIEW, keys)], context.now)
            return _checked(rows[0][0]) if user_id is not None else None, session_of(rows[-1], context.now)

        found = context.ask(dependencies.breakers.features, "no_profile", dependencies.timeouts.features_s, read)
        return found or (None, None)


def _checked(row: Profile | None) -> Profile | None:
    return None if row is None else msgspec.structs.asdict(msgspec.convert(row, Shopper))
