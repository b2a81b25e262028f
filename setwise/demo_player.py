"""How are the demo's shoppers told to go faster or to pause, and how does one see what they do? By two small files."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from setwise.whole_file import write_whole

SWITCH_FILE, PLAYED_FILE = "demo/switch.json", "demo/played.json"
"""Below the data folder: the first is written by the service, the second by the player."""
ALIVE_S = 10.0


class Switch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many shoppers visit in a minute, and whether none does for now."""

    per_minute: Annotated[int, Meta(ge=1, le=600)] = 150
    is_paused: bool = False


class Played(msgspec.Struct, frozen=True):
    """What the player did since it was started."""

    at: datetime
    visits: int = 0
    orders: int = 0
    sold_out: int = 0
    """Products whose stock the shoppers bought up."""
    last_prompt: str = ""
    problem: str = ""


_encode = msgspec.json.Encoder().encode


def write_switch(data_dir: Path, switch: Switch) -> None:
    """For the player to find within half a second."""
    write_whole(data_dir / SWITCH_FILE, _encode(switch))


def read_switch(data_dir: Path) -> Switch:
    """As it was set last; the usual pace before that."""
    try:
        return msgspec.json.decode((data_dir / SWITCH_FILE).read_bytes(), type=Switch)
    except (FileNotFoundError, msgspec.MsgspecError):
        return Switch()


def write_played(data_dir: Path, played: Played) -> None:
    """For the service to show."""
    write_whole(data_dir / PLAYED_FILE, _encode(played))


def read_played(data_dir: Path) -> Played | None:
    """None where no player runs: it writes every second."""
    try:
        played = msgspec.json.decode((data_dir / PLAYED_FILE).read_bytes(), type=Played)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
    return played if (datetime.now(UTC) - played.at).total_seconds() < ALIVE_S else None
