"""create_app(dependencies): the HTTP service, composed once per process."""

import importlib.util
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
from litestar import Litestar, Router
from litestar.config.app import AppConfig
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler

from online import (
    routes,
    routes_changes,
    routes_events,
    routes_requests,
    routes_rules,
    routes_storefront,
    routes_suggestions,
    routes_swap,
    routes_users,
    web_files,
)
from online.admission import Admission, AdmissionMiddleware
from online.answer_cache import AnswerCache
from online.answers import KeptBundles
from online.dependency_watch import DependencyWatch
from online.doors import LOCAL, OPEN, DoorMiddleware
from online.erasing import ErasuresWatch
from online.event_intake import EventIntake
from online.experiments import Experiments
from online.exploring import Explorer
from online.gather import Dependencies
from online.keys.watch import KeysWatch
from online.live import ReleaseWatch
from online.live_changes import ChangesWatch
from online.live_rules import RulesWatch
from online.log import Log
from online.openapi import document_problems
from online.operator import routes as routes_operator
from online.operator.desk import Desk
from online.problems import EXCEPTION_HANDLERS
from online.rate_limits import Rate
from online.recording import Recorder
from online.request_store import RequestStore
from online.request_worker import RequestWorker
from online.routes_requests import Streams
from online.routes_storefront import Shop
from online.spool import SpooledLog

MAX_BODY = 64 * 1024
STORE_THREADS = 2
UI_PATH = "/schema-ui"
"""Swagger UI comes from an installed package: the page works without internet, and no other site learns of it."""


def _ui_folder() -> Path:
    spec = importlib.util.find_spec("swagger_ui")  # found, never imported: only its static files are wanted
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "static"


def _handlers(shop: Shop, pictures: Path | None) -> list[ControllerRouterHandler]:
    """All routes and folders of files that this service has."""
    handlers: list[ControllerRouterHandler] = [
        *routes.HANDLERS, *routes_rules.HANDLERS, *routes_changes.HANDLERS, *routes_swap.HANDLERS,
        *routes_requests.HANDLERS, *routes_events.HANDLERS, *routes_users.HANDLERS, *routes_suggestions.HANDLERS,
        *routes_operator.HANDLERS, *web_files.HANDLERS, *(routes_storefront.HANDLERS if shop else ()),
    ]  # fmt: skip
    handlers.append(
        create_static_files_router(path=UI_PATH, directories=[_ui_folder()], include_in_schema=False, opt=OPEN)
    )
    if pictures is not None and pictures.is_dir():
        handlers.append(create_static_files_router(path="/sample", directories=[pictures], opt=OPEN))
    return handlers


def _openapi() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Setwise",
        version="1",
        description="Prompt in, shoppable sets out. Money is in minor units; shipping is never part of a budget.",
        openapi_router=Router("/schema", route_handlers=[], opt=LOCAL, include_in_schema=False),
        render_plugins=[
            SwaggerRenderPlugin(
                js_url=f"{UI_PATH}/swagger-ui-bundle.js",
                css_url=f"{UI_PATH}/swagger-ui.css",
                standalone_preset_js_url=f"{UI_PATH}/swagger-ui-standalone-preset.js",
                favicon='<link rel="icon" href="data:,">',
            )
        ],
    )


class Requests(msgspec.Struct, frozen=True):
    """What asynchronous requests need: where they go, where they are kept, and who answers them in this process."""

    log: Log
    store: RequestStore
    streams: Streams
    workers: list[RequestWorker]


def create_app(
    dependencies: Dependencies,
    watch: ReleaseWatch,
    rules: RulesWatch,
    changes: ChangesWatch,
    kept: KeptBundles,
    requests: Requests,
    doors: DoorMiddleware,
    keys: KeysWatch,
    rate: Rate,
    events: EventIntake,
    recorder: Recorder,
    spooled: SpooledLog,
    erasures: ErasuresWatch,
    experiments: Experiments,
    desk: Desk,
    *,
    threads: int = 2,
    deadline_s: float | None = None,
    longest_wait_s: float | None = None,
    answers: AnswerCache | None = None,
    explore_share: float = 0.0,
    cors_origins: Sequence[str] = (),
    pictures: Path | None = None,
    shop: Shop = "",
    on_stop: Callable[[], None] = lambda: None,
) -> Litestar:
    """The application; watches and writers start with it, threads and stores end with it."""
    # A store of rules or bundles that hangs takes none of the threads that answer.
    pool, stores = ThreadPoolExecutor(threads, "answer"), ThreadPoolExecutor(STORE_THREADS, "store")
    shared = answers.shared if answers else None
    probes = DependencyWatch(
        [
            *dependencies.probes(lambda: watch.live),
            (kept.breaker, kept.probe),
            *([(shared.breaker, shared.probe)] if shared else []),
        ]
    )

    def start_workers() -> None:
        for worker in requests.workers:
            worker.start()

    def stop() -> None:
        for worker in requests.workers:
            worker.end()
        for worker in requests.workers:
            worker.stop()
        watch.stop()
        probes.stop()
        pool.shutdown(wait=True)
        stores.shutdown(wait=True)
        if answers is not None:
            answers.close()
        rules.stop()
        experiments.stop()
        changes.stop()
        erasures.stop()
        kept.stop()
        recorder.stop()
        spooled.stop()
        requests.store.close()
        events.close()
        desk.close()
        keys.stop()
        dependencies.close()
        on_stop()

    config = AppConfig(
        route_handlers=_handlers(shop, pictures),
        exception_handlers=EXCEPTION_HANDLERS,
        middleware=[doors, AdmissionMiddleware()],
        cors_config=CORSConfig(allow_origins=list(cors_origins)) if cors_origins else None,
        request_max_body_size=MAX_BODY,
        state=State(
            {
                "dependencies": dependencies,
                "watch": watch,
                "pool": pool,
                "stores": stores,
                "rules": rules,
                "changes": changes,
                "kept": kept,
                "log": requests.log,
                "events": events,
                "erasures": erasures,
                "recorder": recorder,
                "request_store": requests.store,
                "streams": requests.streams,
                "probes": probes,
                "deadline_s": deadline_s,
                "answers": answers,
                "explorer": Explorer(explore_share),
                "experiments": experiments,
                "known_keys": keys,
                "shop": shop,
                "desk": desk,
                "admission": Admission(threads, longest_wait_s),
            }
        ),
        on_startup=[
            keys.start,
            watch.start,
            rules.start,
            experiments.start,
            changes.start,
            kept.start,
            spooled.start,
            erasures.start,
            recorder.start,
            probes.start,
            start_workers,
        ],
        on_shutdown=[requests.store.stop_waiting, stop, rate.close],
        openapi_config=_openapi(),
    )
    app = Litestar.from_config(config)
    document_problems(app)
    return app
