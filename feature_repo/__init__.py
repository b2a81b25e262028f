"""Which features does Feast keep? Whoever imports this package finds Feast imported, in three seconds instead of ten."""

import sys
from typing import Any

import typeguard


def _import_feast() -> None:
    """Feast's classes ask typeguard to recompile each of their methods, a development aid of 6 s of CPU, and Feast loads
    torch, 4 s, for the one column type that holds tensors."""
    typechecked, is_torch_there = typeguard.typechecked, "torch" in sys.modules
    if not is_torch_there:
        sys.modules["torch"] = None  # type: ignore[assignment]
    typeguard.typechecked = _as_it_is  # type: ignore[assignment]
    try:
        import feast  # noqa: F401
    finally:
        typeguard.typechecked = typechecked
        if not is_torch_there:
            del sys.modules["torch"]


def _as_it_is(target: Any = None, **_: Any) -> Any:
    return target if target is not None else _as_it_is


_import_feast()
