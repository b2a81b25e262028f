"""The secret that pseudonyms and request ids are made with: the same in every process of a shop."""

import os
import secrets
import time
from pathlib import Path

SECRET_FILE = "events.key"  # noqa: S105 - its name, not what is in it
_WAIT_S = 2.0


def event_secret(said: str, data_dir: Path) -> bytes:
    """What the settings say, else what lies in the data folder; made there, for its owner's eyes, where nothing does.

    Raises OSError where the folder cannot be written."""
    if said:
        return said.encode()
    file = data_dir / SECRET_FILE
    data_dir.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(file)
    with os.fdopen(descriptor, "w") as made:
        made.write(secrets.token_hex(32))
    return _read(file)


def _read(file: Path) -> bytes:
    """Another process may have made the file a moment ago, and not have written it yet."""
    until = time.monotonic() + _WAIT_S
    while not (found := file.read_text().strip()):
        if time.monotonic() > until:
            raise OSError(f"{file.name} in the data folder is empty; remove it, or set SETWISE_EVENTS_SECRET")
        time.sleep(0.01)
    return found.encode()
