"""The service that the settings describe, put together: the composition root of service and worker."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from litestar import Litestar

from online.answer_cache import AnswerCache
from online.answers import KeptBundles
from online.app import Requests, create_app
from online.breaker import Breaker
from online.bundle_store import build_bundle_store
from online.doors import DoorMiddleware, SecurityHeaders
from online.erasing import ErasuresWatch
from online.event_intake import EventIntake
from online.experiments import Experiments
from online.flags_watch import FlagsWatch
from online.gather import Breakers, Dependencies, TimeOuts
from online.hydration import build_reader
from online.keys.store import build_keys_store
from online.keys.watch import KeysWatch
from online.live import ReleaseWatch
from online.live_changes import ChangesWatch
from online.live_rules import RulesWatch, build_rules_watch
from online.log import Log, build_log
from online.observing import observe_app
from online.operator.desk import build_desk
from online.process_watch import ProcessWatch
from online.rate_limits import build_rate
from online.recording import Recorder
from online.request_store import RequestStore, build_request_store
from online.request_worker import RequestWorker
from online.retrieval import build_retriever
from online.routes_requests import Streams
from online.seen_events import build_seen_events
from online.shared_answers import build_shared_answers
from online.spool import SpooledLog
from setwise.events.secret import event_secret
from setwise.names import SPOOL_FILE
from setwise.overrides import Overrides
from setwise.pseudonyms import Pseudonyms
from setwise.release import Releases
from setwise.request_ids import RequestIds
from setwise.settings import Deadlines, Settings, listed

PATIENCE = 10
"""How much longer than a shopper an asynchronous request waits for each store."""


def build_app(settings: Settings) -> Litestar:
    """The application of one process; it connects to nothing before it starts."""
    parts = _build_parts(settings)
    keys, rate = KeysWatch(build_keys_store(settings)), build_rate(settings)
    spooled = SpooledLog(parts.log, _data_dir(settings) / SPOOL_FILE, settings.events.spool_mb * 1024 * 1024)
    erasures = ErasuresWatch(parts.log, parts.pseudonyms, parts.kept, spooled, settings.requests.ttl_s)
    workers = [_build_request_worker(settings, parts, erasures) for _ in range(settings.requests.threads)]
    app = create_app(
        _known_by(parts, build_dependencies(settings)),
        parts.watch,
        parts.rules,
        parts.changes,
        parts.kept,
        Requests(parts.log, parts.store, Streams(settings.requests.streams), workers),
        threads=settings.service.threads,
        deadline_s=settings.deadlines.ms / 1000 or None,
        longest_wait_s=settings.service.queue_ms / 1000 if settings.deadlines.ms else None,
        answers=AnswerCache(
            settings.caching.ttl_s,
            settings.caching.max_mb * 1024 * 1024,
            settings.catalogue.allow_preorder,
            build_shared_answers(settings),
            request_ids=parts.request_ids,
        ),
        explore_share=settings.service.explore_share,
        pictures=_data_dir(settings) / "sample" / "pictures",
        shop=("own" if settings.catalogue.feed else "sample") if settings.service.storefront else "",
        doors=DoorMiddleware(settings.doors, keys, rate),
        keys=keys,
        rate=rate,
        recorder=Recorder(spooled, parts.pseudonyms, features_share=settings.events.features_share),
        spooled=spooled,
        erasures=erasures,
        experiments=parts.experiments,
        desk=build_desk(settings),
        events=EventIntake(
            spooled, build_seen_events(settings), parts.pseudonyms, parts.request_ids, settings.events.flood_per_min
        ),
        cors_origins=listed(settings.doors.cors_origins),
        on_stop=parts.log.close,
    )
    app.asgi_handler = SecurityHeaders(app.asgi_handler, settings.doors)
    observe_app(app, settings.seeing)
    return app


class WorkerProcess(msgspec.Struct, frozen=True):
    """A worker with what has to run beside it."""

    worker: RequestWorker
    around: Sequence[
        ReleaseWatch | RulesWatch | Experiments | ChangesWatch | KeptBundles | ErasuresWatch | ProcessWatch
    ]
    closes: list[Callable[[], None]]

    def run(self) -> None:
        """Returns when the worker was told to end."""
        for one in self.around:
            one.start()
        self.worker.run()
        for one in self.around:
            one.stop()
        for close in self.closes:
            close()


def build_worker(settings: Settings) -> WorkerProcess:
    """A process that only answers asynchronous requests."""
    parts = _build_parts(settings)
    erasures = ErasuresWatch(parts.log, parts.pseudonyms, parts.kept, None, settings.requests.ttl_s)
    worker = _build_request_worker(settings, parts, erasures)
    process = ProcessWatch(parts.watch, worker.dependencies.features, settings.seeing.cpu_hour_price)
    around = (parts.watch, parts.rules, parts.experiments, parts.changes, parts.kept, erasures, process)
    return WorkerProcess(worker, around, [parts.log.close, parts.store.close])


class _Parts(msgspec.Struct, frozen=True):
    """What a service and a worker have in common."""

    log: Log
    store: RequestStore
    watch: ReleaseWatch
    rules: RulesWatch
    changes: ChangesWatch
    kept: KeptBundles
    pseudonyms: Pseudonyms
    request_ids: RequestIds
    experiments: Experiments


def _data_dir(settings: Settings) -> Path:
    return Path(settings.storage.data_dir).absolute()


def _build_parts(settings: Settings) -> _Parts:
    watch = ReleaseWatch(Releases(settings.storage.releases, _data_dir(settings) / "release-cache"))
    log, secret = build_log(settings), event_secret(settings.events.secret, _data_dir(settings))
    request_ids, flags = RequestIds(secret), settings.flags.file
    return _Parts(
        log,
        build_request_store(settings),
        watch,
        build_rules_watch(settings, watch.is_known),
        ChangesWatch(log, watch),
        KeptBundles(build_bundle_store(settings)),
        Pseudonyms(secret),
        request_ids,
        Experiments(FlagsWatch(Path(flags).absolute() if flags else None), Overrides(secret), request_ids),
    )


def _known_by(parts: _Parts, dependencies: Dependencies) -> Dependencies:
    """With the names that the shop's secret gives to requests and people."""
    return msgspec.structs.replace(dependencies, request_ids=parts.request_ids, pseudonyms=parts.pseudonyms)


def _build_request_worker(settings: Settings, parts: _Parts, erasures: ErasuresWatch) -> RequestWorker:
    # Nobody waits at the other end: a store that is slow is better than an answer without it.
    limits = settings.deadlines
    patient = Deadlines(
        limits.ms, limits.encode_ms * PATIENCE, limits.retrieve_ms * PATIENCE, limits.features_ms * PATIENCE
    )
    dependencies = _known_by(parts, build_dependencies(msgspec.structs.replace(settings, deadlines=patient)))
    requests = settings.requests
    return RequestWorker(
        parts.log, parts.store, parts.watch, dependencies, parts.rules, parts.changes, parts.kept,
        parts.pseudonyms, erasures.erasures, parts.experiments, ttl_s=requests.ttl_s, attempts=requests.attempts,
        explore_share=settings.service.explore_share,
    )  # fmt: skip


def build_dependencies(settings: Settings) -> Dependencies:
    """Encoder, stores and their breakers. Without a deadline stores still have the longest waits that make sense."""
    limits = settings.deadlines
    breakers = Breakers(features=Breaker(settings.features.backend))
    if not limits.ms:
        return Dependencies(
            build_retriever(settings.vectors),
            build_reader(settings),
            settings.catalogue.allow_preorder,
            breakers=breakers,
        )
    timeouts = TimeOuts(limits.encode_ms / 1000, limits.retrieve_ms / 1000, limits.features_ms / 1000)
    return Dependencies(
        build_retriever(settings.vectors, timeouts.retrieve_s),
        build_reader(settings, timeouts.features_s),
        settings.catalogue.allow_preorder,
        timeouts,
        breakers=breakers,
    )
