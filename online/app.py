"""create_app(dependencies): the HTTP service, composed once per process."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from litestar import Litestar
from litestar.config.app import AppConfig
from litestar.datastructures import State
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.static_files import create_static_files_router
from litestar.types import ControllerRouterHandler

from online import routes
from online.live import ReleaseWatch
from online.pipeline import Dependencies
from online.problems import EXCEPTION_HANDLERS

MAX_BODY = 64 * 1024


def create_app(
    dependencies: Dependencies,
    watch: ReleaseWatch,
    *,
    threads: int = 2,
    pictures: Path | None = None,
    on_stop: Callable[[], None] = lambda: None,
) -> Litestar:
    """The application; the watch starts with it, threads and stores end with it."""
    pool = ThreadPoolExecutor(threads, "answer")

    def stop() -> None:
        watch.stop()
        pool.shutdown(wait=True)
        dependencies.retriever.close()
        dependencies.features.close()
        on_stop()

    handlers: list[ControllerRouterHandler] = list(routes.HANDLERS)
    if pictures is not None and pictures.is_dir():
        handlers.append(create_static_files_router(path="/sample", directories=[pictures]))
    config = AppConfig(
        route_handlers=handlers,
        exception_handlers=EXCEPTION_HANDLERS,
        request_max_body_size=MAX_BODY,
        state=State({"dependencies": dependencies, "watch": watch, "pool": pool}),
        on_startup=[watch.start],
        on_shutdown=[stop],
        openapi_config=OpenAPIConfig(
            title="Setwise",
            version="1",
            description="Prompt in, shoppable sets out. Money is in minor units; shipping is never part of a budget.",
            path="/schema",
            render_plugins=[SwaggerRenderPlugin()],
        ),
    )
    return Litestar.from_config(config)
