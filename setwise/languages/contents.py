"""What holds what, from a small table: wine and beer are out where alcohol is."""

from functools import lru_cache
from pathlib import Path

TABLE = Path(__file__).with_name("contents.txt")


@lru_cache(maxsize=1)
def _table() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        names, _, held = line.partition(":")
        if held and not line.startswith("#"):
            found |= dict.fromkeys(names.split(), tuple(held.split()))
    return found


def what_holds(name: str) -> tuple[str, ...]:
    """Words for things that hold what is named, in all languages; none where the table does not know it."""
    return _table().get(name.lower(), ())
