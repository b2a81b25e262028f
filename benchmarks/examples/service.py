"""The service of a built shop, in this process and over its HTTP routes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from litestar.testing import TestClient

from online.keys import Scope, make_key
from online.keys.store import build_keys_store
from online.service import build_app
from setwise.settings import Deadlines, Service, Settings


def serve(settings: Settings) -> TestClient:
    """A client of the live release; to be used as a context. Neither a crowded machine nor chance must change its
    answers: it has no deadline and explores nothing, unless the settings name other values than the usual ones."""
    replace, service = msgspec.structs.replace, settings.service
    if settings.deadlines == Deadlines():
        settings = replace(settings, deadlines=Deadlines(ms=0))
    if service.explore_share == Service().explore_share:
        settings = replace(settings, service=replace(service, explore_share=0.0))
    client = TestClient(build_app(settings))
    client.headers["Authorization"] = f"Bearer {new_key(settings, 'operator', 'admin')}"
    return client


def new_key(settings: Settings, name: str, *scopes: Scope, days: float | None = None) -> str:
    """An API key of this shop, as `python -m online.keys create` makes one."""
    store, now = build_keys_store(settings), datetime.now(UTC)
    key, text = make_key(name, scopes, now, now + timedelta(days=days) if days is not None else None)
    store.put(key)
    store.close()
    return text


def serve_folder(data_dir: Path) -> TestClient:
    """The same for a data folder, on the embedded defaults."""
    return serve(Settings.from_env({"SETWISE_DATA_DIR": str(data_dir)}))
