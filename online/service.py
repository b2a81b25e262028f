"""The service that the settings describe, put together: the one composition root."""

from pathlib import Path

from litestar import Litestar

from online.answer_cache import AnswerCache
from online.answers import KeptBundles
from online.app import create_app
from online.breaker import Breaker
from online.bundle_store import build_bundle_store
from online.gather import Breakers, Dependencies, TimeOuts
from online.hydration import build_reader
from online.live import ReleaseWatch
from online.live_changes import ChangesWatch
from online.live_rules import build_rules_watch
from online.log import build_log
from online.retrieval import build_retriever
from online.shared_answers import build_shared_answers
from setwise.release import Releases
from setwise.settings import Settings


def build_app(settings: Settings) -> Litestar:
    """The application of one process; it connects to nothing before it starts."""
    data_dir = Path(settings.storage.data_dir).absolute()
    watch = ReleaseWatch(Releases(settings.storage.releases, data_dir / "release-cache"))
    log = build_log(settings)
    return create_app(
        build_dependencies(settings),
        watch,
        build_rules_watch(settings, watch.is_known),
        ChangesWatch(log, watch),
        KeptBundles(build_bundle_store(settings)),
        threads=settings.service.threads,
        deadline_s=settings.deadlines.ms / 1000 or None,
        longest_wait_s=settings.service.queue_ms / 1000 if settings.deadlines.ms else None,
        answers=AnswerCache(
            settings.caching.ttl_s,
            settings.caching.max_mb * 1024 * 1024,
            settings.catalogue.allow_preorder,
            build_shared_answers(settings),
        ),
        pictures=data_dir / "sample" / "pictures",
        on_stop=log.close,
    )


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
