"""The release that is live, as what a new one is compared with."""

from pathlib import Path

import msgspec

from setwise.names import ReleaseId
from setwise.release import Manifest, ReleaseError, Releases
from setwise.snapshot import Snapshot


def live_one(releases: Releases, candidate: ReleaseId | None = None) -> tuple[Manifest, Path] | tuple[None, None]:
    """Manifest and folder; of the one before it where the candidate is live already. Nothing before the first release,
    and where it can no longer be read: also one that an older version wrote."""
    live = releases.current_id()
    try:
        if live is not None and live == candidate:
            live = releases.manifest(live).parent
        return releases.fetch(live) if live else (None, None)
    except (ReleaseError, OSError, msgspec.MsgspecError):
        return None, None


def live_snapshot(releases: Releases) -> Snapshot | None:
    """Its products."""
    _, folder = live_one(releases)
    try:
        return Snapshot(folder / "snapshot") if folder else None
    except (OSError, msgspec.MsgspecError):
        return None
