"""The loader in the process of a test, until it has all that the log holds."""

import time

from orchestration.erasing import Eraser
from orchestration.loader import Loader
from orchestration.warehouse.sources import build_source
from orchestration.warehouse.stores import opened_warehouse
from setwise.settings import Settings


def load(settings: Settings, within_s: float = 60) -> None:
    """What `python -m orchestration.loader --once` does: the log into the raw tables, and erasures with it."""
    source, until = build_source(settings), time.monotonic() + within_s
    with opened_warehouse(settings) as warehouse:
        loader = Loader(source, warehouse, Eraser(settings, source, warehouse))
        while loader.turn(1.0) or sum(loader.lag().values()):
            assert time.monotonic() < until
    source.close()
