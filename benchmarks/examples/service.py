"""The service of a built shop, in this process and over its HTTP routes."""

from pathlib import Path

import msgspec
from litestar.testing import TestClient

from online.service import build_app
from setwise.settings import Deadlines, Settings


def serve(settings: Settings) -> TestClient:
    """A client of the live release; to be used as a context. A crowded machine must not change its answers: it has no
    deadline, unless the settings name another than the usual one."""
    usual = settings.deadlines == Deadlines()
    return TestClient(build_app(msgspec.structs.replace(settings, deadlines=Deadlines(ms=0)) if usual else settings))


def serve_folder(data_dir: Path) -> TestClient:
    """The same for a data folder, on the embedded defaults."""
    return serve(Settings.from_env({"SETWISE_DATA_DIR": str(data_dir)}))
