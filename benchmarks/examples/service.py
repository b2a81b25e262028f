"""The service of a built shop, in this process and over its HTTP routes."""

from pathlib import Path

from litestar.testing import TestClient

from online.answers import KeptBundles
from online.app import create_app
from online.bundle_store import build_bundle_store
from online.gather import Dependencies
from online.hydration import build_reader
from online.live import ReleaseWatch
from online.live_rules import build_rules_watch
from online.retrieval import build_retriever
from setwise.release import Releases
from setwise.settings import Settings


def serve(settings: Settings) -> TestClient:
    """A client of the live release; to be used as a context."""
    watch = ReleaseWatch(Releases(settings.storage.releases, Path(settings.storage.data_dir) / "release-cache"))
    dependencies = Dependencies(build_retriever(settings.vectors), build_reader(settings))
    rules, kept = build_rules_watch(settings, watch.is_known), KeptBundles(build_bundle_store(settings))
    return TestClient(create_app(dependencies, watch, rules, kept))


def serve_folder(data_dir: Path) -> TestClient:
    """The same for a data folder, on the embedded defaults."""
    return serve(Settings.from_env({"SETWISE_DATA_DIR": str(data_dir)}))
