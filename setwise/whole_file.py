"""How does a file change so that a reader sees the old one or the new one, and nothing between?"""

import os
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Replaces the file, or makes it; its folder too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(data)
    temporary.replace(path)
