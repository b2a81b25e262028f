"""Which features does Feast keep? Importing this package imports Feast, in three seconds instead of ten."""

import os
import sys
from typing import Any

import typeguard

_METRICS = "PROMETHEUS_MULTIPROC_DIR"


def _import_feast() -> None:
    """Feast's classes ask typeguard to recompile each of their methods, a development aid of 6 s of CPU; torch, 4 s, is
    loaded for the one column type that holds tensors. And it names a folder for the metrics of a server of its own in
    the environment, where the processes that are started from here would count into it."""
    typechecked, is_torch_there = typeguard.typechecked, "torch" in sys.modules
    metrics_folder = os.environ.get(_METRICS)
    if not is_torch_there:
        sys.modules["torch"] = None  # type: ignore[assignment]
    typeguard.typechecked = _as_it_is  # type: ignore[assignment]
    try:
        import feast  # noqa: F401
    finally:
        typeguard.typechecked = typechecked
        if metrics_folder is None:
            os.environ.pop(_METRICS, None)
        if not is_torch_there:
            del sys.modules["torch"]


def _as_it_is(target: Any = None, **_: Any) -> Any:
    return target if target is not None else _as_it_is


_import_feast()
